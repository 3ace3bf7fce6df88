"""What a judge says beyond one verdict: of all windows of one member, and of the last window of many."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penchant.vectors import Rows


@dataclass(frozen=True, eq=False)
class Timeline:
    """One member's windows and what is said of each."""

    items: NDArray[np.int32]
    """(windows, events)."""
    at: NDArray[np.float64]
    """(windows, events) seconds since 1970."""
    scores: NDArray[np.float32]
    """(windows,) log odds by which alarms are given; NaN where there is too little before."""
    near: NDArray[np.float32]
    """(windows,) log odds that a change has begun within the last two windows."""
    threshold: float
    topics: NDArray[np.float32]
    """(windows, topics) what share of each window is about what."""
    topic_names: tuple[str, ...]

    @property
    def alarms(self) -> NDArray[np.bool_]:
        """(windows,) where the score lies above the threshold."""
        return np.nan_to_num(self.scores, nan=-np.inf) > self.threshold


@dataclass(frozen=True, eq=False)
class Scan:
    """What is said of the last window of many members."""

    members: Rows
    scores: NDArray[np.float32]
    """(members,) NaN where there is too little to tell."""
    probabilities: NDArray[np.float64]
    p_values: NDArray[np.float64]
    alarms: NDArray[np.bool_]
    """Within the budget of false discoveries over all of these members."""
