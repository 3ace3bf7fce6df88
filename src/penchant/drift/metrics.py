"""Any detector judged on planted streams: what it finds, how soon, and how often it cries wolf."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.drift.injection import Streams
from penchant.errors import InputError, TooLittleDataError
from penchant.evaluation.detection import alarm_threshold, judge_streams, window_auc

RATE: Final = 0.02
"""False alarms a window that a threshold allows."""
MONTH: Final = 30 * 86_400.0

Detector = Callable[[Streams], NDArray[np.floating]]
"""Gives every window of every stream a score, larger where change is likelier; NaN where it says nothing. It may read
`items` and `at`, and at each window only what lies at or before it."""


@dataclass(frozen=True)
class Judged:
    """A detector's figures on streams."""

    metrics: dict[str, float]
    """`auc@SEVERITY` of abrupt changes, `auc`, `f1`, `precision`, `recall`, `delay` (windows), `blip_alarms`,
    `false_alarms` (a window), `false_alarms_a_month` (a member's), `months_between_false_alarms`."""
    alarms: NDArray[np.bool_]
    """(streams, windows)."""
    threshold: float


def threshold_of(scores: NDArray[np.floating], streams: Streams, rate: float = RATE) -> float:
    """The lowest threshold that gives at most this share of false alarms in the streams' quiet windows."""
    quiet = streams.quiet & ~np.isnan(scores)
    return alarm_threshold(scores[quiet], rate)


def judge_detector(
    scores: NDArray[np.floating],
    streams: Streams,
    threshold: float,
    *,
    alarm_scores: NDArray[np.floating] | None = None,
) -> Judged:
    """Judge the scores of a detector on streams; its threshold comes from other streams.

    Args:
        scores: (streams, windows) by which windows are put into order.
        streams: what was planted.
        threshold: alarm where a score lies above it.
        alarm_scores: (streams, windows) by which alarms are given, where a detector waits for a second window to
            confirm; the scores themselves if absent.

    Raises:
        InputError: the scores are not one for each window.
    """
    if scores.shape != streams.quiet.shape:
        raise InputError(
            f"scores of shape {scores.shape} for windows of shape {streams.quiet.shape}; give one for each"
        )
    alarming = scores if alarm_scores is None else alarm_scores
    alarms = np.where(np.isnan(alarming), -np.inf, alarming) > threshold
    found = judge_streams(alarms, streams.onsets, blips=streams.blips)
    metrics: dict[str, float] = {}
    for severity in np.unique(streams.severities[streams.kinds == "abrupt"]).tolist():
        chosen = (streams.severities == severity) & (streams.kinds == "abrupt")
        metrics[f"auc@{severity}"] = window_auc(scores, streams.onsets, positives=chosen)
    metrics["auc"] = window_auc(scores, streams.onsets)
    metrics |= {"f1": found.f1, "precision": found.precision, "recall": found.recall}
    if found.delay is not None:
        metrics["delay"] = found.delay
    if found.blip_alarms is not None:
        metrics["blip_alarms"] = found.blip_alarms
    metrics["false_alarms"] = found.false_alarm_rate
    false = int((alarms & streams.quiet).sum())
    months = float(np.diff(streams.at.max(axis=2), axis=1, prepend=streams.at[:, 0, :1])[streams.quiet].sum()) / MONTH
    if months > 0:
        metrics["false_alarms_a_month"] = false / months
        if false:
            metrics["months_between_false_alarms"] = months / false
    return Judged(metrics, alarms, threshold)


def benchmark_detector(detector: Detector, validation: Streams, test: Streams, *, rate: float = RATE) -> Judged:
    """A detector of one's own under the protocol: its threshold from validation streams, its figures from test ones.

    >>> from penchant.data.interactions import Histories
    >>> from penchant.drift.injection import InjectionConfig, inject
    >>> rows = np.random.default_rng(0).integers(9, size=(30, 100))
    >>> taste = Histories.of_items((rows + 9 * (np.arange(30) % 10)[:, None]).tolist())
    >>> planted = [inject(taste, np.arange(half, half + 15), InjectionConfig(), seed=half) for half in (0, 15)]
    >>> def new_items(streams):
    ...     return np.array([[np.mean(~np.isin(one[w], one[:w])) if w else np.nan for w in range(len(one))]
    ...                      for one in streams.items])
    >>> benchmark_detector(new_items, *planted).metrics["auc@1.0"] > 0.8
    True
    """
    found = detector(validation)
    return judge_detector(detector(test), test, threshold_of(found, validation, rate))


def dummies(streams: Streams, *, seed: int = 0) -> dict[str, dict[str, float]]:
    """What knows nothing reaches: alarms always, never, and by chance at the allowed rate."""
    shape = streams.quiet.shape
    chance = np.random.default_rng(seed).random(shape)
    found = {}
    for name, scores, threshold in (
        ("alarm always", np.ones(shape), 0.0),
        ("alarm never", np.zeros(shape), 0.0),
        ("alarm by chance", chance, 1 - RATE),
    ):
        found[name] = judge_detector(scores, streams, threshold).metrics
    return found


def member_f1(alarms: NDArray[np.bool_], streams: Streams) -> NDArray[np.float64]:
    """(streams, 3) hits, false alarms and misses of each stream, for resampling."""
    if not len(streams):
        raise TooLittleDataError("there is no stream to judge; give at least one")
    hit = (alarms & streams.near).any(axis=1)
    false = (alarms & streams.quiet).any(axis=1)
    return np.stack([hit, false, (streams.onsets >= 0) & ~hit], axis=1).astype(np.float64)


def f1_of(counts: NDArray[np.float64]) -> float:
    """F1 of added-up hits, false alarms and misses."""
    hits, false, misses = counts.sum(axis=0)
    return float(2 * hits / max(2 * hits + false + misses, 1))
