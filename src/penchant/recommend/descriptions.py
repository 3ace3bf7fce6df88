"""What items are, as numbers that a linear model can learn from: text, categories, tags, seller, year and price."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from penchant.data.columns import PATH_SEPARATOR
from penchant.vectors import Floats, unit_rows

NAMES: Final = 256
"""Most frequent categories, tags or sellers that are told apart."""
BUMPS: Final = 12
"""Steps into which a number such as the year is softly cut, by how many items lie below it."""
_YEAR: Final = r"\(((?:1[89]|20)\d\d)\)\s*$"
_LISTED: Final = ("categories", "tags", "seller")
_NUMBERED: Final = ("year", "price")


class Descriptions(BaseModel):
    """How items are described: the names worth telling apart, and where numbers are cut.

    It is learned from a catalogue once, so that items which come later are described in the same terms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: dict[str, dict[str, float]] = {}
    """For each kind of name, the names and their weights: rare ones count more."""
    cuts: dict[str, list[float]] = {}
    """For each number, its value at evenly spaced ranks; nothing where all items have the same."""
    with_text: bool = False

    @classmethod
    def of(cls, items: pl.DataFrame, *, with_text: bool) -> "Descriptions":
        """The terms of a catalogue.

        Args:
            items: to be described, with the columns of a community's.
            with_text: whether vectors of their texts are part of it.
        """
        names = {}
        for kind in _LISTED:
            counts = Counter(name for own in _names(items, kind) for name in own)
            kept = sorted(name for name, count in counts.most_common(NAMES) if count > 1)
            names[kind] = {name: float(np.log(len(items) / counts[name])) for name in kept}
        cuts = {}
        for kind in _NUMBERED:
            known = _numbers(items, kind)
            known = np.sort(known[~np.isnan(known)])
            if len(np.unique(known)) > 1:
                cuts[kind] = np.quantile(known, np.linspace(0, 1, 101)).tolist()
        return cls(names=names, cuts=cuts, with_text=with_text)

    def describe(self, items: pl.DataFrame, vectors: Floats | None) -> Floats:
        """(items, width) a description of each item; every kind of thing known is of about unit length.

        Args:
            items: the same, or further ones.
            vectors: (items, width) centred unit vectors of their texts, if those are part of it.
        """
        parts: list[Floats] = []
        if self.with_text:
            assert vectors is not None, "descriptions with text need the vectors"
            parts.append(vectors)
        for kind, weights in self.names.items():
            if weights:
                parts.append(_table(_names(items, kind), weights))
        for kind, cuts in self.cuts.items():
            parts.append(_bumps(_numbers(items, kind), np.asarray(cuts)))
        # One number that all share: how much is liked of anything.
        parts.append(np.full((len(items), 1), 0.7, dtype=np.float32))
        return np.hstack(parts).astype(np.float32)


def _names(items: pl.DataFrame, kind: str) -> list[list[str]]:
    cells = items[kind].to_list()
    if kind == "seller":
        return [[cell] if cell is not None else [] for cell in cells]
    return [_above(cell) if kind == "categories" else list(cell or ()) for cell in cells]


def _above(paths: Sequence[str] | None) -> list[str]:
    """Categories, with all that lie above them."""
    found = set()
    for path in paths or ():
        parts = path.split(PATH_SEPARATOR)
        found |= {PATH_SEPARATOR.join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    return sorted(found)


def _table(names: Sequence[Sequence[str]], weights: dict[str, float]) -> Floats:
    """(items, names) the weight of each name that an item has; rows of unit length."""
    place = {name: column for column, name in enumerate(weights)}
    table = np.zeros((len(names), len(place)), dtype=np.float32)
    for row, own in enumerate(names):
        for name in own:
            if name in place:
                table[row, place[name]] = weights[name]
    return unit_rows(table)


def _numbers(items: pl.DataFrame, kind: str) -> NDArray[np.float64]:
    """(items,) a number of each item; NaN where it is not known."""
    if kind == "price":
        return items["price"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    # The year: of a column of that name, in the title, or when the item came.
    found = pl.col("title").str.extract(_YEAR).cast(pl.Float64)
    if "year" in items.columns and items.schema["year"].is_numeric():
        found = pl.coalesce(pl.col("year").cast(pl.Float64), found)
    created = pl.col("created_at").dt.epoch("s").cast(pl.Float64) / (365.25 * 86_400) + 1970
    return items.select(pl.coalesce(found, created).fill_null(np.nan).alias("year"))["year"].to_numpy()


def _bumps(numbers: NDArray[np.float64], cuts: NDArray[np.float64]) -> Floats:
    """(items, BUMPS) how near each number's rank is to each of evenly spaced ranks; zeros where it is not known."""
    known = ~np.isnan(numbers)
    found = np.zeros((len(numbers), BUMPS), dtype=np.float32)
    low, high = (np.searchsorted(cuts, numbers[known], side) for side in ("left", "right"))
    rank = np.clip((low + high - 1) / (2 * (len(cuts) - 1)), 0, 1)
    found[known] = np.maximum(0, 1 - np.abs(rank[:, None] - np.linspace(0, 1, BUMPS)) * (BUMPS - 1))
    return found
