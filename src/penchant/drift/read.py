"""One member's windows as a judge reads them: what may be read, its statistics, and the odds of its events."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penchant.data.drift import TooLittle
from penchant.data.interactions import Histories
from penchant.drift.doubts import DoubtConfig, few, readable
from penchant.drift.learning import Learned
from penchant.drift.likeness import Cube
from penchant.drift.windows import WindowConfig, window_grid
from penchant.vectors import Rows


@dataclass(frozen=True, eq=False)
class Cut:
    """One member's last windows."""

    items: Rows
    """All events that may be read."""
    at: NDArray[np.float64]
    """Their times."""
    windows: NDArray[np.int32]
    """(windows, events)."""
    times: NDArray[np.float64]
    """(windows, events)."""


@dataclass(frozen=True, eq=False)
class Read(Cut):
    """One member's last windows with what the judge knows of them."""

    table: Cube
    """(1, windows, statistics)."""
    foreign: Mapping[int, Cube]
    """By lag, (1, windows, events) odds that an event is not the member's."""

    def last(self, learned: Learned, question: str) -> float:
        """Log odds of yes at the last window."""
        return float(learned.odds(self.table[:, -1:], question)[0, 0])


def cut_member(
    learned: Learned, seen: Histories, row: int, windows: WindowConfig, doubts: DoubtConfig, most: int
) -> Cut | TooLittle:
    """The windows that may be read of a member, or why none may.

    Args:
        learned: views and trees.
        seen: histories, in the order in which the events came.
        row: whose of them.
        windows: how it is cut.
        doubts: what is too little.
        most: windows that are read.
    """
    entries = slice(seen.offsets[row], seen.offsets[row + 1])
    liked = seen.weights[entries] > 0
    items, at = seen.items[entries][liked], seen.at[entries][liked]
    view = readable(at, items, learned.views.known, windows.events, doubts)
    if view.doubt is not None:
        return view.doubt
    items, at = items[view.begin :], at[view.begin :]
    cut, times = window_grid(items, at, windows)
    cut, times = cut[-most:], times[-most:]
    if len(cut) < doubts.windows:
        return few(len(items), len(cut), doubts)
    return Cut(items, at, cut, times)


def read_member(
    learned: Learned, seen: Histories, windows: WindowConfig, doubts: DoubtConfig, most: int
) -> Read | TooLittle:
    """What may be read of the one member of a history, as `cut_member` takes it, or why nothing may."""
    cut = cut_member(learned, seen, 0, windows, doubts, most)
    if isinstance(cut, TooLittle):
        return cut
    table, foreign, _ = learned.table(cut.windows[None])
    return Read(cut.items, cut.at, cut.windows, cut.times, table, foreign)
