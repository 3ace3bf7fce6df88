"""Streaming detectors under one contract: `update` with one value a window, then ask `drift_detected`.

All alarm where their score lies above a threshold, and `calibrated` finds the threshold for a false-alarm rate on
streams in which nothing has changed. Values rise with change, whatever statistic they come from.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from penchant.errors import ConfigError
from penchant.evaluation.detection import alarm_threshold
from penchant.vectors import Floats

NEVER: Final = float("inf")


class StreamingDetector(Protocol):
    """What takes a member's values one window at a time."""

    threshold: float
    score: float
    """How strongly the last value speaks for a change."""

    def update(self, value: float) -> Self:
        """Take the next value."""
        ...

    @property
    def drift_detected(self) -> bool:
        """Whether the last value's score lies above the threshold."""
        ...


class _Scored:
    threshold: float
    score: float

    @property
    def drift_detected(self) -> bool:
        return self.score > self.threshold


class Cusum(_Scored):
    """Cumulative sums (Page, 1954) of how far each value lies above the member's values before it.

    Values are measured in spreads of the earlier ones, which are drawn towards the community's while they are few.

    >>> detector = Cusum(threshold=3.0)
    >>> [detector.update(value).drift_detected for value in (0.1, -0.2, 0.0, 0.1, 4.0, 4.2)]
    [False, False, False, False, True, True]
    """

    def __init__(self, threshold: float = 3.0, *, allowance: float = 0.5, spread: float = 1.0) -> None:
        """Set up.

        Args:
            threshold: of the sum.
            allowance: spreads above the mean that count as nothing.
            spread: of the community's values.
        """
        self.threshold, self.allowance, self.spread = threshold, allowance, spread
        self.score = 0.0
        self._count, self._total, self._squares = 0, 0.0, 0.0

    def update(self, value: float) -> Self:
        if self._count:
            mean = self._total / self._count
            scatter = max(self._squares - self._total * mean, 0.0)
            # As if three values more had the community's spread.
            spread = ((scatter + 3 * self.spread**2) / (self._count + 2)) ** 0.5
            self.score = max(0.0, self.score + (value - mean) / spread - self.allowance)
        if self.score <= self.threshold:
            self._count, self._total, self._squares = self._count + 1, self._total + value, self._squares + value**2
        return self


class BayesianOnline(_Scored):
    """Bayesian online change-point detection (Adams and MacKay, 2007): normal values of unknown mean and variance.

    The score is the log odds that the present run began with one of the last two values.
    """

    def __init__(self, threshold: float = 0.0, *, hazard: float = 0.1, spread: float = 1.0, mean: float = 0.0) -> None:
        """Set up.

        Args:
            threshold: of the log odds.
            hazard: chance that a change begins at any window.
            spread: of the community's values.
            mean: of the community's values.
        """
        self.threshold, self.hazard = threshold, hazard
        self.score = -NEVER
        self._prior = np.array([mean, 0.5, 1.5, 1.5 * spread**2])
        self._runs = np.array([1.0])
        self._facts = self._prior[None]
        self._seen = 0

    def update(self, value: float) -> Self:
        from scipy.special import gammaln

        mean, kappa, alpha, beta = self._facts.T
        scale = beta * (kappa + 1) / (alpha * kappa)
        log_density = (
            gammaln(alpha + 0.5)
            - gammaln(alpha)
            - 0.5 * np.log(2 * np.pi * alpha * scale)
            - (alpha + 0.5) * np.log1p((value - mean) ** 2 / (2 * alpha * scale))
        )
        joint = self._runs * np.exp(log_density)
        grown = joint * (1 - self.hazard)
        self._runs = np.concatenate([[joint.sum() * self.hazard], grown])
        self._runs /= max(self._runs.sum(), 1e-300)
        updated = np.stack(
            [
                (kappa * mean + value) / (kappa + 1),
                kappa + 1,
                alpha + 0.5,
                beta + kappa * (value - mean) ** 2 / (2 * (kappa + 1)),
            ],
            axis=1,
        )
        self._facts = np.concatenate([self._prior[None], updated])
        self._seen += 1
        # A run of length r holds the last r values; the whole past is one run while it is short.
        recent = float(self._runs[1:3].sum()) if self._seen > 2 else 0.0
        self.score = float(np.log(max(recent, 1e-12)) - np.log(max(1 - recent, 1e-12)))
        return self


class River(_Scored):
    """A detector of the package river: its score is the strictest of its settings that still detects a change.

    river's detectors answer yes or no, so one of each setting runs beside the others.
    """

    def __init__(self, make: Callable[[float], Any], settings: Sequence[float], threshold: float = 0.0) -> None:
        """Set up.

        Args:
            make: a detector of a setting.
            settings: the mildest first.
            threshold: how many settings must be passed; a score is their number.
        """
        self.threshold, self.score = threshold, 0.0
        self._detectors = [make(setting) for setting in settings]

    def update(self, value: float) -> Self:
        self.score = 0.0
        for place, detector in enumerate(self._detectors):
            detector.update(value)
            if detector.drift_detected:
                self.score = place + 1.0
        return self


def _adwin() -> River:
    from river.drift import ADWIN

    # Change is looked for at every value: river's default waits for 32.
    return River(
        lambda delta: ADWIN(delta=delta, clock=1, grace_period=2, min_window_length=1),
        (0.999, 0.9, 0.7, 0.5, 0.3, 0.1, 0.03, 0.002),
    )


def _page_hinkley() -> River:
    from river.drift import PageHinkley

    return River(
        lambda limit: PageHinkley(min_instances=2, delta=0.05, threshold=limit, mode="up"),
        (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0),
    )


def _kswin() -> River:
    from river.drift import KSWIN

    return River(lambda alpha: KSWIN(alpha=alpha, window_size=6, stat_size=2, seed=0), (0.9, 0.5, 0.2, 0.05))


DETECTORS: Final[dict[str, Callable[[], StreamingDetector]]] = {
    "CUSUM": Cusum,
    "Bayesian online": BayesianOnline,
    "ADWIN": _adwin,
    "Page-Hinkley": _page_hinkley,
    "KSWIN": _kswin,
}
"""Every detector by name; they take values of spread about one."""


def detector(name: str, threshold: float | None = None) -> StreamingDetector:
    """A detector by name.

    Raises:
        ConfigError: there is no such detector.

    >>> detector("CUSUM", 2.0).threshold
    2.0
    """
    if name not in DETECTORS:
        raise ConfigError(f"no detector is called {name!r}; there are {', '.join(DETECTORS)}")
    made = DETECTORS[name]()
    if threshold is not None:
        made.threshold = threshold
    return made


def detect(name: str, values: Floats) -> NDArray[np.float32]:
    """(streams, windows) a detector's score after each value; NaN where there is no value.

    Args:
        name: the detector.
        values: (streams, windows) of a statistic; brought to a spread of one over all streams.
    """
    known = ~np.isnan(values)
    middle, spread = float(values[known].mean()), float(values[known].std()) or 1.0
    scaled = (values - middle) / spread
    scores = np.full(values.shape, np.nan, dtype=np.float32)
    for row in range(len(values)):
        running = detector(name, NEVER)
        for window in np.flatnonzero(known[row]).tolist():
            scores[row, window] = running.update(float(scaled[row, window])).score
    return scores


def calibrated(name: str, quiet: Floats, rate: float = 0.02) -> float:
    """The threshold at which a detector alarms on at most this share of quiet windows.

    Args:
        name: the detector.
        quiet: (streams, windows) a statistic's values where nothing has changed.
        rate: false alarms a window.
    """
    scores = detect(name, quiet)
    return alarm_threshold(scores[~np.isnan(scores)], rate)
