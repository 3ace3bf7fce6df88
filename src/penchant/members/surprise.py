"""How far what a member does now is from what they used to do: hours, categories and values alike.

Each value a member takes on a day is a look. Its surprise is -log of its probability: under what the member did before,
drawn towards what everybody does, or under what everybody does where that is more, since what is new to a member and
common among others is no oddity. Less the surprise that such a past makes one expect; looks of some days add up.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.members.days import Days
from penchant.vectors import Rows, chunks

Shares = NDArray[np.float64]

_MOST: Final = 48
"""Values told apart; rarer ones are one."""
_AT_ONCE: Final = 50_000
_PRIOR: Final = 6.0
"""Looks that the crowd's habits count for beside a member's own."""


@dataclass(frozen=True, eq=False)
class Surprise:
    """One variable's looks, and how surprising each member's recent ones are."""

    statistic: NDArray[np.float64]
    """(days,) excess surprise over the window against its spread; NaN where the past is too short."""
    excess: NDArray[np.float64]
    """(events,) excess surprise of each event's look."""

    @classmethod
    def of(cls, days: Days, values: Rows, *, window: int, past: int) -> "Surprise":
        """Judge a variable.

        Args:
            days: the active days.
            values: (events,) from 0, in the order of `days.events`; -1 where an event has none.
            window: days that are judged together; the past of a look ends so many days before it.
            past: looks below which a member has no past to differ from.
        """
        codes = _commonest(values)
        count = int(codes.max(initial=-1)) + 1
        looks = (
            pl.DataFrame({"member": days.events["member"], "day": days.events["day"], "value": codes})
            .with_row_index("event")
            .filter(pl.col("value") >= 0)
            .unique(["member", "day", "value"], keep="first", maintain_order=True)
            .sort("member", "day", "value")
        )
        statistic, excess = np.full(len(days), np.nan), np.full(len(values), np.nan)
        if not len(looks) or count < 2:
            return cls(statistic, excess)
        member, day, value = (looks[name].to_numpy().astype(np.int64) for name in ("member", "day", "value"))
        counts = np.bincount(value, minlength=count).astype(np.float64)
        crowd: Shares = np.asarray((counts + 0.5) / (len(value) + 0.5 * count), dtype=np.float64)
        found, variance, known = _judged(member, day, value, crowd, window)
        rows = days.rows_of(member, day)
        enough = known >= past
        total = days.summed(rows, np.where(enough, found, 0), window)
        spread = days.summed(rows, np.where(enough, variance, 0), window)
        held = days.summed(rows, enough.astype(np.float64), window)
        # One look more keeps a single odd one from counting as much as many.
        statistic = np.where(held > 0, total / np.sqrt(spread + crowd_variance(crowd)), np.nan)
        by_look = looks.select("member", "day", "value").with_columns(excess=pl.Series(np.where(enough, found, np.nan)))
        of_events = pl.DataFrame({"member": days.events["member"], "day": days.events["day"], "value": codes})
        joined = of_events.join(by_look, on=["member", "day", "value"], how="left", maintain_order="left")
        return cls(statistic, joined["excess"].fill_null(np.nan).to_numpy())


def crowd_variance(crowd: NDArray[np.float64]) -> float:
    """How much the surprise of one look varies where somebody does as everybody does."""
    surprise = -np.log(crowd)
    return float((crowd * surprise**2).sum() - (crowd * surprise).sum() ** 2)


def _judged(
    member: Rows, day: Rows, value: Rows, crowd: NDArray[np.float64], window: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Excess surprise, its variance, and how many looks of the past each look is judged by."""
    count, span = len(crowd), int(day.max()) + 2
    by_value = np.sort((member * count + value) * span + day)
    found, variance, known = (np.empty(len(member)) for _ in range(3))
    every = np.arange(count)
    for part in chunks(len(member), _AT_ONCE):
        who, end = member[part, None], np.maximum(day[part, None] - window + 1, 0)
        keys = (who * count + every) * span
        own = np.searchsorted(by_value, keys + end) - np.searchsorted(by_value, keys)
        total = own.sum(axis=1)
        shares = (own + _PRIOR * crowd) / (total[:, None] + _PRIOR)
        surprise = -np.log(np.maximum(shares, crowd))
        mean = (shares * surprise).sum(axis=1)
        found[part] = surprise[np.arange(len(total)), value[part]] - mean
        variance[part] = (shares * surprise**2).sum(axis=1) - mean**2
        known[part] = total
    return found, variance, known


def _commonest(values: Rows) -> Rows:
    """The values numbered anew, the most frequent first, all rare ones as one."""
    known = values >= 0
    names, codes, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(names))
    found = np.full(len(values), -1, dtype=np.int64)
    found[known] = np.minimum(rank[codes], _MOST - 1)
    return found
