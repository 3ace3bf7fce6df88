"""How sure a figure is: percentile intervals by resampling members, and paired differences.

Two systems are compared on the same members: the resampled thing is each member's difference, so what makes a member
hard for both does not widen the interval. Method: Efron and Tibshirani, An Introduction to the Bootstrap (1993).
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penchant.errors import ConfigError, InputError, TooLittleDataError

CELLS_AT_ONCE: Final = 4_000_000
"""Resampled values held in memory at one time."""


@dataclass(frozen=True)
class Interval:
    """A figure and the bounds that hold the stated share of its resampled values."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference(Interval):
    """How far one system is above another on the same members.

    `p_value` is two-sided and agrees with the interval: it is below .05 where a 95% interval leaves zero out.
    """

    p_value: float


def interval(values: ArrayLike, *, confidence: float = 0.95, draws: int = 2000, seed: int = 0) -> Interval:
    """The mean of one value per member, with a percentile interval.

    Args:
        values: (members,) finite.
        confidence: share of the resampled means between the bounds.
        draws: how many resamples.
        seed: the same seed gives the same bounds.

    Raises:
        InputError: a value is not finite.
        TooLittleDataError: there are fewer than two values.
        ConfigError: the confidence is not between 0 and 1, or there are no draws.

    >>> interval([0.0, 1.0] * 50)
    Interval(value=0.5, low=0.4, high=0.6)
    """
    sample = _checked(values, confidence, draws)
    means = _resampled_means(sample, draws, seed)
    return Interval(float(sample.mean()), *_bounds(means, confidence))


def paired_difference(
    ours: ArrayLike, theirs: ArrayLike, *, confidence: float = 0.95, draws: int = 2000, seed: int = 0
) -> Difference:
    """How far the mean of `ours` is above that of `theirs`, both of the same members in the same order.

    The p-value is twice the share of resampled differences on the other side of zero, or on it, one more draw counted
    on either side (Davison and Hinkley, 1997), so it is never zero.

    Args:
        ours: (members,) finite.
        theirs: (members,) finite.
        confidence: share of the resampled differences between the bounds.
        draws: how many resamples.
        seed: the same seed gives the same bounds.

    Raises:
        InputError: the lengths differ, or a value is not finite.
        TooLittleDataError: there are fewer than two members.
        ConfigError: the confidence is not between 0 and 1, or there are no draws.

    >>> better = paired_difference([0.5, 0.7, 0.9, 0.6], [0.4, 0.6, 0.7, 0.5])
    >>> round(better.value, 3), better.low > 0, better.p_value < 0.01
    (0.125, True, True)
    """
    first, second = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if first.shape != second.shape:
        raise InputError(
            f"{first.shape} values against {second.shape}; a paired difference needs the same members in both"
        )
    sample = _checked(first - second, confidence, draws)
    means = _resampled_means(sample, draws, seed)
    return Difference(float(sample.mean()), *_bounds(means, confidence), _p_value(means))


def statistic_difference(
    statistic: Callable[..., float],
    *arrays: NDArray[Any],
    groups: NDArray[Any] | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Difference:
    """An interval for any statistic of whole samples that is zero where nothing is to be seen, such as AUC minus AUC.

    Args:
        statistic: takes the arrays, resampled together by row, and gives a number.
        arrays: all with the same number of rows.
        groups: (rows,) the member each row belongs to, where members have several rows: then members are resampled
            with all their rows, because rows of one member are not independent.
        confidence: share of the resampled statistics between the bounds.
        draws: how many resamples; one that the statistic cannot judge, because it raises TooLittleDataError (one class
            alone, in AUC) or is not finite, is drawn again.
        seed: the same seed gives the same bounds.

    Raises:
        InputError: the arrays differ in length, or the statistic is not finite on the whole sample.
        TooLittleDataError: there are fewer than two rows or groups, or hardly any resample has a finite statistic.

    >>> spend, guess = np.arange(40.0), np.arange(40.0) + 3
    >>> statistic_difference(lambda a, b: float(np.median(b) - np.median(a)), spend, guess).low
    3.0
    """
    rows = len(arrays[0])
    if any(len(array) != rows for array in (*arrays, *([] if groups is None else [groups]))):
        raise InputError(f"arrays of lengths {[len(array) for array in arrays]}; all need a value for the same rows")
    whole = float(statistic(*arrays))
    _checked(np.array([whole, whole]), confidence, draws)
    rng = np.random.default_rng(seed)
    units = [np.array([row]) for row in range(rows)] if groups is None else _rows_of_groups(groups)
    if len(units) < 2:
        raise TooLittleDataError(f"{len(units)} members cannot be resampled; at least 2 are needed")
    found: list[float] = []
    for _ in range(2 * draws):
        picked = rng.integers(len(units), size=len(units))
        chosen = picked if groups is None else np.concatenate([units[unit] for unit in picked])
        with suppress(TooLittleDataError):
            value = float(statistic(*(array[chosen] for array in arrays)))
            if np.isfinite(value):
                found.append(value)
        if len(found) == draws:
            break
    else:
        raise TooLittleDataError(f"only {len(found)} of {2 * draws} resamples could be judged; more members are needed")
    values = np.array(found)
    return Difference(whole, *_bounds(values, confidence), _p_value(values))


def _checked(values: ArrayLike, confidence: float, draws: int) -> NDArray[np.float64]:
    sample = np.asarray(values, dtype=np.float64)
    if not 0 < confidence < 1 or draws < 1:
        raise ConfigError(f"a confidence of {confidence} from {draws} draws has no meaning; try .95 from 2,000")
    if sample.ndim != 1 or len(sample) < 2:
        raise TooLittleDataError(f"an interval needs at least 2 values in a row; got the shape {sample.shape}")
    if not np.isfinite(sample).all():
        strange = np.count_nonzero(~np.isfinite(sample))
        raise InputError(f"{strange} of {len(sample)} values are not finite; leave them out")
    return sample


def _resampled_means(sample: NDArray[np.float64], draws: int, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    at_once = max(1, CELLS_AT_ONCE // len(sample))
    parts = []
    for start in range(0, draws, at_once):
        rows = rng.integers(len(sample), size=(min(at_once, draws - start), len(sample)))
        parts.append(sample[rows].mean(axis=1))
    return np.concatenate(parts)


def _bounds(resampled: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


def _p_value(resampled: NDArray[np.float64]) -> float:
    sides = min(np.count_nonzero(resampled <= 0), np.count_nonzero(resampled >= 0))
    return float(min(1.0, 2 * (sides + 1) / (len(resampled) + 1)))


def _rows_of_groups(groups: NDArray[Any]) -> list[NDArray[np.int64]]:
    _, group = np.unique(groups, return_inverse=True)
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
