"""Segments from build to build: which new group is which old one, and who went from where to where."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from penchant.data.segments import NOBODY, Segments
from penchant.data.vocabulary import Vocabulary

SAME: Final = 0.3
"""Members that two groups have in common, of all that either has, from which they are one and the same segment."""


def matched(
    groups: NDArray[np.int32], ids: Vocabulary, before: Segments | None, *, first: int = 0
) -> NDArray[np.int32]:
    """(groups,) the number of each group: that of the old segment it shares most with, or the next that nobody has had.

    Groups and segments are paired so that the pairs' Jaccard indices add up to the most (Kuhn, 1955).

    Args:
        groups: (members,) groups from 0, `NOBODY` for none.
        ids: of the members.
        before: the segments of the last build.
        first: no new number is smaller; those below may have been of segments that are gone.
    """
    count = int(groups.max(initial=-1)) + 1
    numbers = np.full(count, NOBODY, dtype=np.int32)
    following = first
    if before is not None and len(before):
        old = _of(ids, before)
        names = np.array([segment.number for segment in before])
        following = max(following, before.next_number, int(names.max()) + 1)
        shared = np.zeros((count, len(names)))
        for row in range(count):
            mine = groups == row
            for column, name in enumerate(names):
                theirs = old == name
                shared[row, column] = (mine & theirs).sum() / max((mine | theirs).sum(), 1)
        for row, column in zip(*linear_sum_assignment(-shared), strict=True):
            if shared[row, column] >= SAME:
                numbers[row] = names[column]
    fresh = np.flatnonzero(numbers == NOBODY)
    numbers[fresh] = np.arange(following, following + len(fresh))
    return numbers


def flows(of_member: NDArray[np.int32], ids: Vocabulary, before: Segments | None) -> tuple[tuple[int, int, int], ...]:
    """From which old segment to which new one, and how many members, the largest first; none without an old build."""
    if before is None:
        return ()
    pairs, counts = np.unique(np.stack([_of(ids, before), of_member]), axis=1, return_counts=True)
    found = [(int(old), int(new), int(count)) for (old, new), count in zip(pairs.T, counts, strict=True)]
    return tuple(sorted(found, key=lambda flow: (-flow[2], flow)))


def _of(ids: Vocabulary, before: Segments) -> NDArray[np.int32]:
    """(members,) the old segment of each, `NOBODY` for those who were in none or not there."""
    rows = [before.member_ids.row_or_none(member) for member in ids.ids]
    return np.array([NOBODY if row is None else before.of_member[row] for row in rows], dtype=np.int32)
