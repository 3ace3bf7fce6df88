"""How odd a statistic is among its peers: a p-value that the oddest of them do not blunt.

Ranks alone would not do: where one member in a hundred behaves oddly, the odd ones are each other's peers, and none
stands out. So ranks count up to the bulk's end, and the tail beyond is extrapolated from quantiles inside it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

_TAIL: Final = 0.1
"""Share of the statistics above the threshold, from which the tail goes on."""
_FEWEST: Final = 50
"""Statistics below which there is no tail to speak of."""
_HEAVIEST: Final = 0.25
"""Tails with more weight than this have no fourth moment; what looks so is a mixture."""


@dataclass(frozen=True)
class Peers:
    """The distribution of a statistic over members and days.

    >>> rng = np.random.default_rng(0)
    >>> peers = Peers.of(rng.exponential(size=100_000))
    >>> bool(0.5 < peers.p_values([np.log(10_000)])[0] * 10_000 < 2)
    True
    """

    ordered: NDArray[np.float64]
    threshold: float
    scale: float
    shape: float

    @classmethod
    def of(cls, statistics: ArrayLike) -> "Peers":
        """Learn the bulk and its tail; statistics that are not finite are left out.

        The tail's shape is Pickands' (1975), the mean of three, from quantiles up to .975, so that a fortieth of the
        statistics may be odd in whatever way.
        """
        values = np.asarray(statistics, dtype=np.float64)
        ordered = np.sort(values[np.isfinite(values)])
        if len(ordered) < _FEWEST:
            return cls(ordered, np.inf, 1.0, 0.0)
        low, middle, high = np.quantile(ordered, [1 - _TAIL, 1 - _TAIL / 2, 1 - _TAIL / 4])
        near, far = middle - low, high - middle
        if near <= 0 or far <= 0:
            # Hardly more than one value: what is above it is as rare as it is there.
            return cls(ordered, np.inf, 1.0, 0.0)
        shape = float(
            np.clip(np.mean([_shape(ordered, share) for share in (_TAIL, 2 * _TAIL, 3 * _TAIL)]), 0, _HEAVIEST)
        )
        # Half of what exceeds the threshold lies below the middle.
        scale = near / np.log(2) if shape < 1e-6 else near * shape / (2**shape - 1)
        return cls(ordered, float(low), float(scale), shape)

    def p_values(self, statistics: ArrayLike) -> NDArray[np.float64]:
        """How likely a peer's statistic is as large, for each; 1 where there is none (NaN)."""
        values = np.asarray(statistics, dtype=np.float64)
        count = len(self.ordered)
        if not count:
            return np.ones(len(values))
        known = np.where(np.isnan(values), -np.inf, values)
        ranked = (1 + count - np.searchsorted(self.ordered, known, side="left")) / (count + 1)
        if not np.isfinite(self.threshold):
            return np.where(np.isnan(values), 1.0, ranked)
        beyond = np.maximum(known - self.threshold, 0) / self.scale
        if self.shape < 1e-6:
            tail = _TAIL * np.exp(-beyond)
        else:
            tail = _TAIL * (1 + self.shape * beyond) ** (-1 / self.shape)
        found = np.where(known > self.threshold, tail, ranked)
        return np.where(np.isnan(values), 1.0, np.clip(found, 1e-300, 1))


def _shape(ordered: NDArray[np.float64], share: float) -> float:
    """Pickands' estimate of how heavy a tail is, from where it begins and where half and a quarter of it begin."""
    low, middle, high = np.quantile(ordered, [1 - share, 1 - share / 2, 1 - share / 4])
    return float(np.log2((high - middle) / (middle - low))) if high > middle > low else 0.0
