"""How odd a statistic is among its peers: a p-value that the oddest of them do not blunt.

Ranks alone would not do: where one member in a hundred behaves oddly, the odd ones are each other's peers, and none
stands out. So ranks count up to the bulk's end, and the tail beyond is extrapolated from quantiles inside it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penchant.vectors import Rows

_TAIL: Final = 0.1
"""Share of the statistics above the threshold, from which the tail goes on."""
_FEWEST: Final = 50
"""Statistics below which there is no tail to speak of."""
_LIGHT: Final = 1e-6
"""Shapes below this are those of an exponential tail."""
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
    above: NDArray[np.float64]
    """The share of peers that are as large as each of the ordered ones, or larger."""
    threshold: float
    scale: float
    shape: float

    @classmethod
    def of(cls, statistics: ArrayLike, member: Rows | None = None) -> "Peers":
        """Learn the bulk and its tail; statistics that are not finite are left out.

        The tail's shape is Pickands' (1975), the mean of three, from quantiles up to .975, so that a fortieth of the
        peers may be odd in whatever way.

        Args:
            statistics: of members' days.
            member: whose each is: members then count alike, so that one who is odd on many days is still one.
        """
        values = np.asarray(statistics, dtype=np.float64)
        known = np.isfinite(values)
        values = values[known]
        order = np.argsort(values, kind="stable")
        weights = np.ones(len(values))
        if member is not None:
            _, owner, days = np.unique(member[known], return_inverse=True, return_counts=True)
            weights = 1 / days[owner]
        ordered, weights = values[order], weights[order]
        above = np.cumsum(weights[::-1])[::-1] / max(weights.sum(), 1e-9)
        bulk = cls(ordered, above, np.inf, 1.0, 0.0)
        if len(ordered) < _FEWEST:
            return bulk
        low, middle = (bulk._value_at(share) for share in (_TAIL, _TAIL / 2))
        if middle <= low:
            # Hardly more than one value: what is above it is as rare as it is there.
            return bulk
        shape = float(np.clip(np.mean([bulk._shape(share) for share in (_TAIL, 2 * _TAIL, 3 * _TAIL)]), 0, _HEAVIEST))
        # Half of what exceeds the threshold lies below the middle.
        near = middle - low
        scale = near / np.log(2) if shape < _LIGHT else near * shape / (2**shape - 1)
        return cls(ordered, above, float(low), float(scale), shape)

    def p_values(self, statistics: ArrayLike) -> NDArray[np.float64]:
        """How likely a peer's statistic is as large, for each; 1 where there is none (NaN)."""
        values = np.asarray(statistics, dtype=np.float64)
        count = len(self.ordered)
        if not count:
            return np.ones(len(values))
        known = np.where(np.isnan(values), -np.inf, values)
        place = np.searchsorted(self.ordered, known, side="left")
        # One more at least as large, whoever asks, so that nothing is impossible.
        found = (1 + count * np.append(self.above, 0.0)[place]) / (count + 1)
        if np.isfinite(self.threshold):
            beyond = np.maximum(known - self.threshold, 0) / self.scale
            light = self.shape < _LIGHT
            tail = _TAIL * (np.exp(-beyond) if light else (1 + self.shape * beyond) ** (-1 / self.shape))
            found = np.where(known > self.threshold, tail, found)
        return np.where(np.isnan(values), 1.0, np.clip(found, 1e-300, 1))

    def _value_at(self, share: float) -> float:
        """What a share of the peers is above."""
        return float(np.interp(-share, -self.above, self.ordered))

    def _shape(self, share: float) -> float:
        """Pickands' estimate of how heavy the tail is: from where it, half of it and a quarter of it begin."""
        low, middle, high = (self._value_at(one) for one in (share, share / 2, share / 4))
        return float(np.log2((high - middle) / (middle - low))) if high > middle > low else 0.0
