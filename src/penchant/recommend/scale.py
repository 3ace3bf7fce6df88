"""One scale for all sources: each source's scores in spreads above its mean, member by member."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penchant.vectors import Floats, Rows


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
        return cls.less(scores, [np.flatnonzero(barred) for barred in shut])

    @classmethod
    def less(cls, scores: Floats, shut: Sequence[Rows]) -> "Scale":
        """As `of`, from the columns that are shut in each row: found once where several sources are measured."""
        mean, spread = np.zeros((len(scores), 1)), np.zeros((len(scores), 1))
        for row, (own, barred) in enumerate(zip(scores, shut, strict=True)):
            # What is shut is little, so the whole is summed up and that taken off again.
            off = own[barred]
            count = max(len(own) - len(off), 1)
            about = (own.sum() - off.sum()) / np.float32(count)
            # Away from a mean that is near enough, single precision does for the rest.
            wide, off = own - about, off - about
            rest = (float(wide.sum()) - float(off.sum())) / count
            mean[row] = about + rest
            spread[row] = np.sqrt(max((float(wide @ wide) - float(off @ off)) / count - rest**2, 0.0))
        spread[_is_rounding(mean, spread)] = 0
        return cls(mean.astype(np.float32), spread.astype(np.float32))

    @classmethod
    def of_sums(cls, sums: NDArray[np.float64], squares: NDArray[np.float64], count: int) -> "Scale":
        """From (members,) sums of scores and of their squares over so many items; those that are zero may be left out.

        >>> Scale.of_sums(np.array([4.0]), np.array([10.0]), 2).mean.tolist()
        [[2.0]]
        """
        mean = sums / max(count, 1)
        spread = np.sqrt(np.maximum(squares / max(count, 1) - mean**2, 0))
        spread[_is_rounding(mean, spread)] = 0
        return cls(mean[:, None].astype(np.float32), spread[:, None].astype(np.float32))

    @property
    def speaks(self) -> NDArray[np.bool_]:
        """(members, 1) whether the source tells items apart at all."""
        return self.spread > 0

    def apply(self, scores: Floats) -> Floats:
        """(members, items) scores in spreads above the mean; zeros where the source does not speak."""
        speaks = self.speaks
        scaled = np.subtract(scores, self.mean, dtype=np.float32)
        scaled /= np.where(speaks, self.spread, np.float32(np.inf))
        return scaled


def _is_rounding(mean: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.bool_]:
    """What rounding leaves between equal scores is no opinion."""
    return spread <= 1e-6 * np.abs(mean)
