"""How much a language model's reading of prompts counts beside the mixed model: as much as rows held out speak for."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.recommend.preference_examples import Judged, Prompt

Doubles = NDArray[np.float64]
Runs = Sequence[Sequence[Judged]]
"""The rows of each member."""
Answers = Callable[[Runs, Sequence[Prompt]], Doubles]

WEIGHTS: Final = (0.03, 0.1, 0.3, 1.0)
SCALES: Final = (0.25, 0.5, 0.75, 1.0)
"""Factors of the blended log-odds: a blend that is right in its order may be too sure."""
BEYOND_CHANCE: Final = 3.32
"""Log-likelihood that one more number must bring to be no chance (half of chi-squared's 99% point): a reading that is
sure of itself and wrong costs much, and one that is left out by mistake costs little."""


def halves(runs: Runs, rng: np.random.Generator) -> list[tuple[Runs, Runs]]:
    """Members' rows in two halves by chance, each once to learn from and once to judge by."""
    first = np.zeros(len(runs), dtype=bool)
    first[rng.permutation(len(runs))[: len(runs) // 2]] = True
    one = [run for run, own in zip(runs, first, strict=True) if own]
    other = [run for run, own in zip(runs, first, strict=True) if not own]
    return [(one, other), (other, one)]


def held_out_weight(runs: Runs, mixed: Answers, said: Answers, rng: np.random.Generator) -> float:
    """The weight of a reading, from halves of the members that are each judged by what the other half taught.

    Args:
        runs: the rows of each member.
        mixed: a mixed model that learns from some runs and answers prompts, in log-odds.
        said: the same of the language model.
        rng: parts the members.
    """
    parts = []
    for learned, asked in halves(runs, rng):
        rows = [row for run in asked for row in run]
        if len({row.liked for run in learned for row in run}) < 2:
            return 0.0
        prompts = [row.prompt for row in rows]
        parts.append((mixed(learned, prompts), said(learned, prompts), np.array([row.liked for row in rows])))
    first, second, liked = (np.concatenate(each) for each in zip(*parts, strict=True))
    return weight_of(first, second, liked)


def weight_of(mixed: Doubles, said: Doubles, liked: NDArray[np.bool_]) -> float:
    """The weight of a reading beside the mixed model that makes held-out answers likeliest; 0 where none does surely.

    Args:
        mixed: (rows,) log-odds of a mixed model that has not seen the rows.
        said: (rows,) those of a language model that has not either.
        liked: (rows,) the answers.

    >>> truth = np.array([True, False] * 20)
    >>> weight_of(np.zeros(40), np.where(truth, 2.0, -2.0), truth), weight_of(np.zeros(40), np.ones(40), truth)
    (1.0, 0.0)
    """
    sign = np.where(liked, 1.0, -1.0)

    def likelihood(weight: float) -> float:
        odds = sign * (mixed + weight * said)
        return max(float(-np.logaddexp(0, -scale * odds).sum()) for scale in SCALES)

    found = {weight: likelihood(weight) for weight in WEIGHTS}
    best = max(found, key=lambda weight: found[weight])
    return best if found[best] > likelihood(0.0) + BEYOND_CHANCE else 0.0
