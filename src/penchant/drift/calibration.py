"""From odds to how sure one may be: chance levels from quiet windows, and what members' later feedback teaches."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from penchant.errors import InputError, TooLittleDataError
from penchant.evaluation.detection import alarm_threshold

TAIL = 0.05
"""Share of the quiet scores whose excess tells how likely still larger ones are."""
_KEPT = 4_001


@dataclass(frozen=True, eq=False)
class QuietScores:
    """Scores of windows in which nothing had changed.

    >>> quiet = QuietScores.of(np.linspace(0, 1, 1001))
    >>> round(float(quiet.p_values(np.array([0.5]))[0]), 2), bool(quiet.p_values(np.array([2.0]))[0] < 0.001)
    (0.5, True)
    """

    quantiles: NDArray[np.float64]
    """Rising, evenly spread."""
    excess: float
    """Mean height of the largest above the smallest of them."""

    @classmethod
    def of(cls, scores: ArrayLike) -> "QuietScores":
        """The scores' quantiles, and how their tail falls (exponentially, as tails of log odds nearly do).

        Raises:
            TooLittleDataError: there are fewer than twenty.
        """
        known = np.asarray(scores, dtype=np.float64).ravel()
        known = known[np.isfinite(known)]
        if len(known) < 1 / TAIL:
            raise TooLittleDataError(
                f"{len(known)} quiet windows are too few to tell what is usual; give {1 / TAIL:.0f}"
            )
        edge = float(np.quantile(known, 1 - TAIL))
        above = known[known > edge]
        excess = float((above - edge).mean()) if len(above) else 1e-6
        return cls(np.quantile(known, np.linspace(0, 1, min(_KEPT, len(known)))), max(excess, 1e-6))

    def threshold(self, rate: float) -> float:
        """The lowest score above which at most this share of quiet windows lies."""
        return alarm_threshold(self.quantiles, rate)

    def p_values(self, scores: NDArray) -> NDArray[np.float64]:
        """How often a quiet window has a score as large; NaN where there is no score."""
        known = np.isfinite(scores)
        found = np.full(np.shape(scores), np.nan)
        values = np.asarray(scores, dtype=np.float64)[known]
        edge = float(np.quantile(self.quantiles, 1 - TAIL))
        level = 1 - np.searchsorted(self.quantiles, values, side="left") / len(self.quantiles)
        tail = TAIL * np.exp(-np.maximum(values - edge, 0) / self.excess)
        found[known] = np.clip(np.where(values > edge, tail, np.maximum(level, TAIL)), 1e-12, 1)
        return found


@dataclass(frozen=True)
class Calibration:
    """Probability = logistic(offset + slope × log odds), drawn towards leaving the odds as they are.

    >>> Calibration().probability(np.array([0.0])).tolist()
    [0.5]
    """

    offset: float = 0.0
    slope: float = 1.0

    def odds(self, odds: NDArray) -> NDArray[np.float64]:
        """Calibrated log odds."""
        return self.offset + self.slope * np.asarray(odds, dtype=np.float64)

    def probability(self, odds: NDArray) -> NDArray[np.float64]:
        """Calibrated probabilities."""
        return np.asarray(expit(self.odds(odds)), dtype=np.float64)

    def before(self, probability: ArrayLike) -> NDArray[np.float64]:
        """The log odds from which calibrated probabilities came: `probability` undone.

        >>> Calibration(1.0, 2.0).before(Calibration(1.0, 2.0).probability(np.array([0.5]))).round(6).tolist()
        [0.5]
        """
        share = np.clip(np.asarray(probability, dtype=np.float64), 1e-6, 1 - 1e-6)
        return np.asarray((logit(share) - self.offset) / max(self.slope, 0.05), dtype=np.float64)

    def after(self, odds: ArrayLike, confirmed: ArrayLike, *, strength: float = 4.0) -> "Calibration":
        """What feedback teaches: verdicts that later events confirmed or contradicted (Platt, 1999, with a prior).

        Args:
            odds: (verdicts,) log odds of what was said.
            confirmed: (verdicts,) whether it proved right.
            strength: verdicts that the present calibration is worth; more lets feedback change less.

        Raises:
            InputError: the lengths differ.

        >>> bool(Calibration().after([2.0] * 20, [False] * 20).probability(np.array([2.0]))[0] < 0.2)
        True
        """
        told, right = np.asarray(odds, dtype=np.float64), np.asarray(confirmed, dtype=np.float64)
        if told.shape != right.shape or told.ndim != 1:
            raise InputError(f"{told.shape} verdicts and {right.shape} answers; give an answer for each")
        design = np.stack([np.ones(len(told)), told], axis=1)
        start = np.array([self.offset, self.slope])
        weight = start.copy()
        # The offset moves freely, the slope slowly: feedback comes on alarms, whose odds are alike.
        pull = np.diag([strength / 8, strength])
        for _ in range(50):
            probability = expit(design @ weight)
            slope = design.T @ (probability - right) + pull @ (weight - start)
            curve = design.T @ (design * (probability * (1 - probability))[:, None]) + pull
            step = np.linalg.solve(curve, slope)
            weight -= step
            if np.abs(step).max() < 1e-9:
                break
        return Calibration(float(weight[0]), float(max(weight[1], 0.0)))


def blend(first: ArrayLike, second: ArrayLike, yes: ArrayLike, *, strength: float = 1.0) -> tuple[float, float, float]:
    """Weights of two models' log odds, and an offset, by penalised logistic regression.

    >>> rng = np.random.default_rng(0)
    >>> truth = rng.random(500) < 0.5
    >>> good, noise = np.where(truth, 2, -2) + rng.normal(size=500), rng.normal(size=500)
    >>> weights = blend(good, noise, truth)
    >>> weights[1] > 5 * abs(weights[2])
    True
    """
    columns = [np.asarray(part, dtype=np.float64) for part in (first, second)]
    design = np.stack([np.ones(len(columns[0])), *columns], axis=1)
    answer = np.asarray(yes, dtype=np.float64)
    weight = np.zeros(3)
    pull = np.diag([1e-6, strength, strength])
    for _ in range(50):
        probability = expit(design @ weight)
        step = np.linalg.solve(
            design.T @ (design * (probability * (1 - probability))[:, None]) + pull,
            design.T @ (probability - answer) + pull @ weight,
        )
        weight -= step
        if np.abs(step).max() < 1e-9:
            break
    return float(weight[0]), float(weight[1]), float(weight[2])
