"""Far more events in a day than a member ever makes, and than anybody does."""

import numpy as np
from numpy.typing import NDArray

from penchant.members.days import Days


def burst_statistics(days: Days, *, weight: float = 5.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far a day's events are above the member's own past, and above what peers make in a day; log scale.

    A member's past is the geometric mean of their earlier active days, drawn towards everybody's, since a member who has
    been here for a day has no past yet.

    Args:
        days: the active days.
        weight: active days that everybody's mean counts for.
    """
    logs = np.log1p(days.table["count"].to_numpy().astype(np.float64))
    if not len(logs):
        return logs, logs
    typical = float(np.median(logs))
    before = days.summed(logs, int(days.day.max()) + 1) - logs
    earlier = days.summed(np.ones(len(logs)), int(days.day.max()) + 1) - 1
    own = (before + weight * typical) / (earlier + weight)
    return logs - own, logs
