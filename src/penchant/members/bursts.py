"""Far more events in a day than a member ever makes, and than anybody does."""

import numpy as np
from numpy.typing import NDArray

from penchant.members.days import Days


def burst_statistics(days: Days, *, weight: float = 5.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far a day's events are above the member's own past, and above what peers make in a day.

    Both on the scale of square roots, on which counts vary alike however large they are. A member's past is the mean of
    their earlier active days, drawn towards everybody's, since a member who has been here for a day has no past yet.

    Args:
        days: the active days.
        weight: active days that everybody's mean counts for.
    """
    roots = np.sqrt(days.table["count"].to_numpy().astype(np.float64))
    if not len(roots):
        return roots, roots
    typical = float(np.median(roots))
    each, every = np.arange(len(roots)), int(days.day.max()) + 1
    before = days.summed(each, roots, every) - roots
    earlier = days.summed(each, np.ones(len(roots)), every) - 1
    own = (before + weight * typical) / (earlier + weight)
    return roots - own, roots
