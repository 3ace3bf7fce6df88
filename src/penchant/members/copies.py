"""Near-duplicate reviews by many members at once: rings of bought praise or blame."""

import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import poisson

from penchant.members.days import Days
from penchant.vectors import Rows

_HASHES: Final = 24
_BAND: Final = 3
"""Equal hashes in a row that make two texts neighbours: texts alike by .6 meet in one of eight bands with p .86."""
_SHINGLE: Final = 3
_SHORTEST: Final = 8
"""Characters; shorter texts are alike by chance."""
_CROWDED: Final = 400
"""Reviews of one template beyond which it is nobody's ring."""


@dataclass(frozen=True, eq=False)
class Copies:
    """Which texts are copies of others' on the same item or seller."""

    statistic: NDArray[np.float64]
    """(days,) -log p of so many members writing alike within the window; NaN where nobody else did."""
    groups: dict[int, Rows]
    """By event (its place in `days.events`): places of the other members' copies in its window."""

    @classmethod
    def of(cls, days: Days, *, window: int, alike: float, members: int) -> "Copies":
        """Find copies.

        How many are to be expected is what the same wording makes outside of the window, since templates ("好评") are
        everywhere at all times, and a ring is at once.

        Args:
            days: the active days.
            window: days before and after in which members write at once.
            alike: share of common shingles (Jaccard) from which two texts are copies.
            members: others who must have written alike.
        """
        texts = days.events.with_row_index("place").filter(
            (pl.col("text").str.len_chars() >= _SHORTEST) & (pl.col("kind").cast(pl.String) != "search")
        )
        statistic = np.full(len(days), np.nan)
        groups: dict[int, Rows] = {}
        if len(texts) < members + 1:
            return cls(statistic, groups)
        place, member, day = (texts[name].to_numpy().astype(np.int64) for name in ("place", "member", "day"))
        subject = _subjects(days, texts)
        span = max(int(day.max() - day.min()) + 1, 1)
        shingles = [_shingles(text) for text in texts["text"].to_list()]
        near = _neighbours(shingles)
        rows = days.rows_of(member, day)
        for row in range(len(texts)):
            copies = np.array([other for other in near[row] if _jaccard(shingles[row], shingles[other]) >= alike])
            if not len(copies) or len(copies) > _CROWDED:
                continue
            others = copies[member[copies] != member[row]]
            at_once = others[(np.abs(day[others] - day[row]) <= window) & (subject[others] == subject[row])]
            if len(np.unique(member[at_once])) < members:
                continue
            elsewhere = len(others) - len(at_once)
            expected = (elsewhere + 0.5) * min(1.0, (2 * window + 1) / span)
            found = -poisson.logsf(len(np.unique(member[at_once])) - 1, expected)
            statistic[rows[row]] = np.nanmax([statistic[rows[row]], found])
            groups[int(place[row])] = place[at_once]
        return cls(statistic, groups)


def _subjects(days: Days, texts: pl.DataFrame) -> Rows:
    """The seller of each text's item where it is known, else the item."""
    items = texts["item"].cast(pl.Int64)
    sellers = days.community.items["seller"].cast(pl.Categorical).to_physical().cast(pl.Int64)
    seller = sellers.gather(items)
    return (
        pl.select(pl.when(seller.is_not_null()).then(-1 - seller).otherwise(items).fill_null(0)).to_series().to_numpy()
    )


def _shingles(text: str) -> frozenset[int]:
    folded = "".join(text.casefold().split())
    return frozenset(
        zlib.crc32(folded[at : at + _SHINGLE].encode("utf-8", "surrogatepass"))
        for at in range(len(folded) - _SHINGLE + 1)
    )


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / max(1, len(one | other))


def _neighbours(shingles: list[frozenset[int]]) -> list[set[int]]:
    """For each text those that meet it in a band of minimal hashes (Broder, 1997)."""
    rng = np.random.default_rng(0)
    factors = rng.integers(1, 2**31, _HASHES, dtype=np.int64) | 1
    shifts = rng.integers(0, 2**31, _HASHES, dtype=np.int64)
    prime = (1 << 61) - 1
    near: list[set[int]] = [set() for _ in shingles]
    signatures = np.zeros((len(shingles), _HASHES), dtype=np.int64)
    for row, held in enumerate(shingles):
        values = np.fromiter(held or {0}, dtype=np.uint64, count=max(1, len(held)))
        mixed = (values[:, None] * factors.astype(np.uint64) + shifts.astype(np.uint64)) % np.uint64(prime)
        signatures[row] = mixed.min(axis=0).astype(np.int64)
    for band in range(0, _HASHES, _BAND):
        buckets: dict[bytes, list[int]] = {}
        for row in range(len(shingles)):
            buckets.setdefault(signatures[row, band : band + _BAND].tobytes(), []).append(row)
        for bucket in buckets.values():
            if 1 < len(bucket) <= _CROWDED:
                for row in bucket:
                    near[row].update(bucket)
    for row, found in enumerate(near):
        found.discard(row)
    return near
