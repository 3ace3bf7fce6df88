"""What a ranker learns from: candidates, and which of them each member chose."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penchant.vectors import Floats, Rows


@dataclass(frozen=True, eq=False)
class Lesson:
    """Candidates of members of whom later events were held out, and which of them each member chose."""

    rows: Floats
    """(entries, features)"""
    blended: Floats
    """(entries,) the score of the blend."""
    chosen: Floats
    """(entries,) one where the member chose the item."""
    lengths: Rows
    """(members,) entries of each, in order."""
    relevant: Rows
    """(members,) how many items each chose, among the candidates or not."""
    members: Rows
    """(members,) their rows, so that none is judged by trees grown on their own choices."""

    @property
    def owners(self) -> Rows:
        """(entries,) the place of each entry's member."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def found(self) -> NDArray[np.bool_]:
        """(members,) whether any candidate was chosen: without, a list has no order to learn."""
        return np.bincount(self.owners, weights=self.chosen, minlength=len(self.lengths)) > 0

    def of(self, which: NDArray[np.bool_]) -> "Lesson":
        """The lesson of some members."""
        entries = np.repeat(which, self.lengths)
        return Lesson(
            self.rows[entries], self.blended[entries], self.chosen[entries],
            self.lengths[which], self.relevant[which], self.members[which],
        )  # fmt: skip

    def ndcg(self, scores: Floats, cutoff: int) -> NDArray[np.float64]:
        """(members,) of the lists that some scores give."""
        owners = self.owners
        order = np.lexsort((-scores, owners))
        starts = np.cumsum(self.lengths) - self.lengths
        place = np.arange(len(scores)) - starts[owners]
        gains = np.where(place < cutoff, self.chosen[order] / np.log2(place + 2), 0)
        best = np.cumsum(1 / np.log2(np.arange(2, cutoff + 2)))[np.minimum(self.relevant, cutoff) - 1]
        return np.bincount(owners, weights=gains, minlength=len(best)) / best
