"""One person's list while it is made: what may still be shown, and which places are taken."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.recommend.arrangement import Slot
from penchant.recommend.caps import Counted
from penchant.vectors import Floats, Rows, kth_largest, top_k

_HEAD: Final = 1_000
"""Best items that are looked through first; a catalogue is searched whole only where these do not suffice."""


class Draft:
    """Scores with boosts and buries, the items still free, and the places taken so far."""

    def __init__(
        self, scores: Floats, barred: NDArray[np.bool_], lifts: Floats, counted: Counted, k: int, tie_rank: Rows
    ) -> None:
        self.scores = scores
        self.shown = ~barred
        """(items,) True where the person may be shown an item, in the list already or not."""
        self.free = ~barred
        """(items,) the same, less what the list holds."""
        self.counted = counted
        self.k = k
        self.taken: dict[int, Slot] = {}
        """Place, counted from 0, to what stands there."""
        self._tie_rank = tie_rank
        self.lifted = scores if not lifts.any() else (scores + lifts * self._spread()).astype(np.float32)
        """(items,) the scores with what boosts add and buries take off."""
        self._head = _best_rows(self.lifted, self.shown, _HEAD)

    @property
    def open(self) -> NDArray[np.bool_]:
        """(items,) True where an item is free and no cap stands against it."""
        return self.free & self.counted.open

    @property
    def held(self) -> Rows:
        """Items that the list holds."""
        return np.array([slot.item for slot in self.taken.values()], dtype=np.int64)

    @property
    def empty_places(self) -> list[int]:
        """Places that nothing stands at, counted from 0."""
        return [place for place in range(self.k) if place not in self.taken]

    def best(self, allowed: NDArray[np.bool_], count: int) -> Rows:
        """The best of the allowed items, by score with boosts and buries, best first."""
        rows = self._head[allowed[self._head]]
        if len(rows) < count:
            rows = np.flatnonzero(allowed)
        return self._sorted(self.lifted, rows, count)

    def plain(self) -> set[int]:
        """What the list would hold by score alone, without any rule but what may be shown."""
        rows = self._head if self.lifted is self.scores else _best_rows(self.scores, self.shown, self.k)
        return set(self._sorted(self.scores, rows, self.k).tolist())

    def take(self, slot: Slot, place: int) -> None:
        """Let an item stand at a place, counted from 0."""
        self.taken[place] = slot
        self.free[slot.item] = False
        self.counted.take(slot.item)

    def _spread(self) -> float:
        """The standard deviation of the person's scores; 1 where all are equal, so that a boost still acts."""
        mine = self.scores[self.shown]
        return (float(mine.std()) if len(mine) else 0.0) or 1.0

    def _sorted(self, scores: Floats, rows: Rows, count: int) -> Rows:
        picked = top_k(scores[rows][None], count, tie_rank=self._tie_rank[rows])[0]
        return rows[picked[picked >= 0]]


def _best_rows(scores: Floats, allowed: NDArray[np.bool_], count: int) -> Rows:
    """The rows of the so many best allowed items and of all that equal the last of them, in no order."""
    if count >= len(scores):
        return np.flatnonzero(allowed)
    values = np.where(allowed, scores, -np.inf)
    bound = kth_largest(values, count)
    if np.isneginf(bound):
        # Fewer are scored at all than are looked for.
        return np.flatnonzero(~np.isneginf(values))
    return np.flatnonzero((values >= bound) & allowed)
