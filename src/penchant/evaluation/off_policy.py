"""What another policy would have earned, judged from the log of the one that ran.

The mean reward of a log is the value of the policy that wrote it. Weighing each line by how much likelier the other
policy makes the same choice (Horvitz and Thompson, 1952) turns it into the value of that policy, as long as the log
gives each of its choices a chance. Self-normalised weights (Swaminathan and Joachims, 2015) vary less and keep the
estimate within the range of the rewards, at the price of a small bias.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penchant.errors import ConfigError, InputError, TooLittleDataError
from penchant.evaluation.bootstrap import Interval

Values = NDArray[np.float64]


@dataclass(frozen=True)
class OffPolicy(Interval):
    """The value of a policy with its interval, and how much of the log speaks for it."""

    effective: float
    """Lines of the log that the weights are worth, (Σw)² / Σw²: far fewer than there are, and the value is a guess."""
    clipped: int
    """Lines whose weight was cut at the clip; many, and the value is drawn towards that of the policy that ran."""


def ips(
    rewards: ArrayLike,
    logged: ArrayLike,
    target: ArrayLike,
    *,
    clip: float | None = None,
    groups: ArrayLike | None = None,
    confidence: float = 0.95,
) -> OffPolicy:
    """The mean of rewards weighed by inverse propensity; without a clip it is unbiased.

    Args:
        rewards: (lines,) what each choice earned.
        logged: (lines,) the probability with which it was made, above 0.
        target: (lines,) the probability with which the policy judged would have made it.
        clip: the largest weight; a smaller variance for a bias downwards where rewards are positive.
        groups: (lines,) whose line it is, where one member's lines hang together and widen the interval.
        confidence: of the interval, which is normal.

    Raises:
        InputError: lengths differ, a reward is not finite, or a number is no probability.
        TooLittleDataError: there are fewer than two lines or groups.
        ConfigError: the clip or the confidence has no meaning.

    >>> ips([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5], [1, 0, 1, 0]).value
    1.0
    """
    reward, weights, clipped = _weighed(rewards, logged, target, clip)
    value = float((weights * reward).mean())
    return _estimate(value, weights * reward - value, weights, clipped, groups, confidence)


def snips(
    rewards: ArrayLike,
    logged: ArrayLike,
    target: ArrayLike,
    *,
    clip: float | None = None,
    groups: ArrayLike | None = None,
    confidence: float = 0.95,
) -> OffPolicy:
    """The mean of rewards under weights that add up to one: `ips` divided by the mean weight.

    The arguments and errors are those of `ips`; moreover it raises TooLittleDataError where the policy judged would
    never have made any choice of the log. The interval is by the delta method.

    >>> snips([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5], [1, 0, 0, 0]).value
    1.0
    """
    reward, weights, clipped = _weighed(rewards, logged, target, clip)
    mean = float(weights.mean())
    if mean <= 0:
        raise TooLittleDataError(
            f"the policy judged would have made none of the {len(weights)} choices of the log, so the log says nothing "
            "of it; log a policy that explores what it would choose"
        )
    value = float((weights * reward).mean()) / mean
    return _estimate(value, weights * (reward - value) / mean, weights, clipped, groups, confidence)


def _weighed(
    rewards: ArrayLike, logged: ArrayLike, target: ArrayLike, clip: float | None
) -> tuple[Values, Values, int]:
    reward, ran, judged = (np.asarray(values, dtype=np.float64) for values in (rewards, logged, target))
    if not reward.ndim == ran.ndim == judged.ndim == 1 or not len(reward) == len(ran) == len(judged):
        raise InputError(
            f"rewards, logged and target have shapes {reward.shape}, {ran.shape} and {judged.shape}; give each line "
            "of the log one of each"
        )
    if len(reward) < 2:
        raise TooLittleDataError(f"an estimate needs at least 2 lines of a log; got {len(reward)}")
    if not np.isfinite(reward).all():
        raise InputError(f"{np.count_nonzero(~np.isfinite(reward))} rewards are not finite; leave those lines out")
    if not ((ran > 0) & (ran <= 1)).all():
        bad = np.flatnonzero(~((ran > 0) & (ran <= 1)))[0]
        raise InputError(f"the logged propensity of line {bad} is {ran[bad]}; it must be above 0 and at most 1")
    if not ((judged >= 0) & (judged <= 1)).all():
        bad = np.flatnonzero(~((judged >= 0) & (judged <= 1)))[0]
        raise InputError(f"the target probability of line {bad} is {judged[bad]}; it must be from 0 to 1")
    if clip is not None and not clip > 0:
        raise ConfigError(f"a clip of {clip} leaves no weight; give one above 0, such as 20, or None")
    weights = judged / ran
    clipped = 0 if clip is None else int(np.count_nonzero(weights > clip))
    return reward, weights if clip is None else np.minimum(weights, clip), clipped


def _estimate(
    value: float, influence: Values, weights: Values, clipped: int, groups: ArrayLike | None, confidence: float
) -> OffPolicy:
    """The interval from each line's influence on the value, summed over a group's lines where there are groups."""
    if not 0 < confidence < 1:
        raise ConfigError(f"a confidence of {confidence} has no meaning; try .95")
    sums = influence
    if groups is not None:
        names, group = np.unique(np.asarray(groups), return_inverse=True)
        if len(group) != len(influence):
            raise InputError(f"{len(group)} groups for {len(influence)} lines; give each line one")
        if len(names) < 2:
            raise TooLittleDataError(f"an interval over groups needs at least 2 of them; got {len(names)}")
        sums = np.bincount(group.ravel(), influence).astype(np.float64)
    error = float(np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1)) / len(influence))
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * error
    squares = float((weights**2).sum())
    effective = float(weights.sum()) ** 2 / squares if squares > 0 else 0.0
    return OffPolicy(value, value - reach, value + reach, effective, clipped)
