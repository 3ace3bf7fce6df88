"""How well alarms meet what happened: change points in streams of windows, and many tests at once.

A stream is one member's windows in order. Where a change was planted, it begins at the onset window; a passing blip is
no change. All arrays are (streams, windows) or (streams,); an onset of -1 means that nothing changed.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penchant.errors import ConfigError, InputError, TooLittleDataError
from penchant.evaluation.classification import auc
from penchant.vectors import Rows

HIT_WINDOWS: Final = 2
"""The onset's window and the one after it are where an alarm is right."""


@dataclass(frozen=True)
class StreamMetrics:
    """Alarms judged stream by stream."""

    precision: float
    recall: float
    f1: float
    """Of streams: a hit is an alarm in the hit windows; any alarm before the onset, or in a stream without change, is
    one false alarm of that stream; a changed stream without a hit is a miss."""
    delay: float | None
    """Mean windows from the onset to the first alarm in the hit windows, over the hits; None without a hit."""
    blip_alarms: float | None
    """Share of blip streams with an alarm from the blip's window on; None without such streams."""
    false_alarm_rate: float
    """Alarms per window in which nothing had changed: before the onsets, and in all streams without change."""

    @property
    def windows_between_false_alarms(self) -> float | None:
        """Mean number of windows between false alarms; None where there was none."""
        return 1 / self.false_alarm_rate if self.false_alarm_rate else None


def judge_streams(
    alarms: NDArray[np.bool_], onsets: Rows, *, blips: Rows | None = None, hit_windows: int = HIT_WINDOWS
) -> StreamMetrics:
    """Judge alarms by where the changes were.

    Alarms after the hit windows of a changed stream are late: neither right nor false.

    Args:
        alarms: (streams, windows) true where there was an alarm.
        onsets: (streams,) window in which the change begins; -1 where there is none.
        blips: (streams,) window of a passing blip; -1 where there is none. Such a stream has no onset.
        hit_windows: how many windows from the onset on make a hit.

    Raises:
        InputError: shapes differ, an onset lies outside its stream, or a stream has both onset and blip.
        TooLittleDataError: there is no stream.

    >>> alarms = np.array([[0, 0, 0, 1, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]], dtype=bool)
    >>> found = judge_streams(alarms, onsets=np.array([2, 3, -1]))
    >>> found.precision, found.recall, found.delay, found.false_alarm_rate
    (0.5, 0.5, 1.0, 0.1)
    """
    alarms = np.asarray(alarms, dtype=bool)
    _check(alarms.shape, onsets, blips)
    window = np.arange(alarms.shape[1])
    changed, since = onsets >= 0, window - onsets[:, None]
    in_reach = changed[:, None] & (since >= 0) & (since < hit_windows)
    quiet = ~changed[:, None] | (since < 0)
    hit = (alarms & in_reach).any(axis=1)
    false = (alarms & quiet).any(axis=1)
    hits, misses, falses = int(hit.sum()), int((changed & ~hit).sum()), int(false.sum())
    first = np.where(hit, (alarms & in_reach).argmax(axis=1) - onsets, 0)
    return StreamMetrics(
        precision=hits / (hits + falses) if hits + falses else 0.0,
        recall=hits / (hits + misses) if hits + misses else 0.0,
        f1=2 * hits / (2 * hits + falses + misses) if hits + falses + misses else 1.0,
        delay=float(first[hit].mean()) if hits else None,
        blip_alarms=None if blips is None else _share_alarmed(alarms[blips >= 0], blips[blips >= 0]),
        false_alarm_rate=float(alarms[quiet].mean()) if quiet.any() else 0.0,
    )


def window_auc(
    scores: NDArray[np.floating],
    onsets: Rows,
    *,
    positives: NDArray[np.bool_] | None = None,
    hit_windows: int = HIT_WINDOWS,
) -> float:
    """AUC of window scores: windows from an onset on against all in which nothing had changed.

    Windows after the hit windows are left out: by then the new interest is the ordinary one.

    Args:
        scores: (streams, windows) larger where change is more likely; NaN where a window has no score, and is left out.
        onsets: (streams,) window in which the change begins; -1 where there is none, as in blip streams.
        positives: (streams,) the changed streams to judge, such as those of one severity; all if absent. The windows
            before the onset count for all streams.
        hit_windows: how many windows from the onset on are positive.

    Raises:
        InputError: shapes differ, or an onset lies outside its stream.
        TooLittleDataError: there is no positive or no negative window.

    >>> window_auc(np.array([[0.1, 0.2, 0.9, 0.8], [0.3, 0.1, 0.2, 0.3]]), onsets=np.array([2, -1]))
    1.0
    """
    _check(scores.shape, onsets, None)
    changed, since = onsets[:, None] >= 0, np.arange(scores.shape[1]) - onsets[:, None]
    positive = changed & (since >= 0) & (since < hit_windows)
    negative = ~changed | (since < 0)
    if positives is not None:
        positive &= positives[:, None]
    counted = (positive | negative) & ~np.isnan(scores)
    return auc(positive[counted], scores[counted])


def alarm_threshold(quiet_scores: ArrayLike, rate: float = 0.02) -> float:
    """The lowest score above which at most this share of quiet windows lies; alarm where a score is above it.

    Args:
        quiet_scores: scores of validation windows in which nothing had changed.
        rate: share of false alarms allowed per window.

    Raises:
        ConfigError: the rate is not from 0 to below 1.
        TooLittleDataError: there are no scores.

    >>> alarm_threshold(np.arange(100), rate=0.02)
    97.0
    """
    if not 0 <= rate < 1:
        raise ConfigError(f"a rate of {rate} false alarms a window has no meaning; give a share from 0 to below 1")
    ordered = np.sort(np.asarray(quiet_scores, dtype=np.float64).ravel())[::-1]
    if not len(ordered):
        raise TooLittleDataError("a threshold needs the scores of windows in which nothing changed; got none")
    # A hair's breadth keeps .02 × 100 from becoming one alarm because of rounding.
    return float(ordered[int(rate * len(ordered) + 1e-9)])


def adjusted_p_values(p_values: ArrayLike) -> NDArray[np.float64]:
    """Benjamini–Hochberg adjusted p-values (1995), in the order given.

    Calling all those at or below q discoveries keeps the expected share of false ones among them at most q, where the
    tests are independent or positively dependent.

    Raises:
        InputError: a value is not from 0 to 1.

    >>> adjusted_p_values([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    values = np.asarray(p_values, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise InputError("p-values must be from 0 to 1; leave out tests that could not be made")
    order = np.argsort(values, kind="stable")
    raised = values[order] * len(values) / np.arange(1, len(values) + 1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum.accumulate(raised[::-1])[::-1]
    return np.minimum(adjusted, 1)


def _share_alarmed(alarms: NDArray[np.bool_], since: Rows) -> float | None:
    """The share of streams with an alarm from a window on; None without streams."""
    if not len(since):
        return None
    return float((alarms & (np.arange(alarms.shape[1]) >= since[:, None])).any(axis=1).mean())


def _check(shape: tuple[int, ...], onsets: Rows, blips: Rows | None) -> None:
    if len(shape) != 2 or onsets.shape != shape[:1] or (blips is not None and blips.shape != shape[:1]):
        raise InputError(f"windows of shape {shape} and onsets of shape {onsets.shape}; give an onset per stream")
    if not shape[0]:
        raise TooLittleDataError("there is no stream to judge; give at least one")
    for name, windows in (("onset", onsets), ("blip", blips)):
        if windows is not None and (windows.min() < -1 or windows.max() >= shape[1]):
            raise InputError(f"{name}s go from {windows.min()} to {windows.max()} in streams of {shape[1]} windows")
    if blips is not None and ((onsets >= 0) & (blips >= 0)).any():
        raise InputError("a stream has both an onset and a blip; a blip stream has the onset -1")
