"""One scale for all sources: each source's scores in spreads above its mean, member by member."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penchant.vectors import Floats


@dataclass(frozen=True, eq=False)
class Scale:
    """The mean and spread of one source's scores over the items that each member may be shown.

    >>> scores = np.array([[1.0, 3.0, 9.0], [2.0, 2.0, 2.0]], dtype=np.float32)
    >>> shut = np.array([[False, False, True], [False, False, False]])
    >>> Scale.of(scores, shut).apply(scores).tolist()
    [[-1.0, 1.0, 7.0], [0.0, 0.0, 0.0]]
    """

    mean: Floats
    """(members, 1)"""
    spread: Floats
    """(members, 1) standard deviation; zero where the source says the same of all items."""

    @classmethod
    def of(cls, scores: Floats, shut: NDArray[np.bool_]) -> "Scale":
        """Measure (members, items) scores, leaving out the items that are shut."""
        count = np.maximum((~shut).sum(axis=1, keepdims=True), 1)
        mean = np.where(shut, 0, scores).sum(axis=1, keepdims=True, dtype=np.float64) / count
        square = np.where(shut, 0, (scores - mean) ** 2).sum(axis=1, keepdims=True, dtype=np.float64)
        spread = np.sqrt(square / count)
        # What rounding leaves between equal scores is no opinion.
        spread[spread <= 1e-6 * np.abs(mean)] = 0
        return cls(mean.astype(np.float32), spread.astype(np.float32))

    @property
    def speaks(self) -> NDArray[np.bool_]:
        """(members, 1) whether the source tells items apart at all."""
        return self.spread > 0

    def apply(self, scores: Floats) -> Floats:
        """(members, items) scores in spreads above the mean; zeros where the source does not speak."""
        return np.where(self.speaks, (scores - self.mean) / np.where(self.speaks, self.spread, 1), 0).astype(np.float32)
