"""Whether attributions are true: delete the words that they name, and see whether the probability falls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.errors import ConfigError, InputError, TooLittleDataError
from penchant.evaluation.bootstrap import Interval, statistic_difference
from penchant.interests.attributions import Attribution
from penchant.interests.labeller import Labeller
from penchant.interests.occlusion import without
from penchant.interests.standing import forgetful

_LEAST_FALL: Final = 1e-4
"""A mean fall below this, or a rise, counts as this much, so that a ratio to it is a number."""


@dataclass(frozen=True, eq=False)
class Deletion:
    """How far a label's probability falls without its top words, and without as many random ones."""

    top: NDArray[np.float64]
    """(texts,) fall without the words of the largest shares."""
    random: NDArray[np.float64]
    """(texts,) mean fall without as many words drawn at random."""
    left_out: int
    """Texts of fewer than two words, where there is nothing to choose between."""

    @property
    def ratio(self) -> Interval:
        """Mean fall at the top against the mean fall at random, with a 95% bootstrap interval over texts.

        Raises:
            TooLittleDataError: there are fewer than two texts.
        """
        found = statistic_difference(_ratio, self.top, self.random)
        return Interval(found.value, found.low, found.high)


def deletion(
    labeller: Labeller,
    texts: Sequence[str],
    attributions: Sequence[Attribution],
    share: float = 0.2,
    rng: np.random.Generator | None = None,
    *,
    draws: int = 5,
) -> Deletion:
    """Delete the top share of each text's words by attribution, and as many at random, and ask the labeller again.

    The measure is that of comprehensiveness (DeYoung et al., 2020), against a random ranking. Words and symbols alone
    are deleted, not what stands between them, since to draw commas at random would flatter any attribution.

    Args:
        labeller: whose labels were explained.
        texts: those explained, in the same order.
        attributions: by any method.
        share: of each text's words, at least one.
        rng: of the random words; seed 0 by default.
        draws: times that random words are drawn for each text.

    Raises:
        ConfigError: the share is not between 0 and 1, or there are no draws.
        InputError: the attributions are not those of the texts.
        TooLittleDataError: no text has two words.
    """
    rng, labeller = rng or np.random.default_rng(0), forgetful(labeller)
    if not 0 < share < 1 or draws < 1:
        raise ConfigError(f"a share of {share} in {draws} draws has no meaning; try .2 in 5")
    if [found.text for found in attributions] != list(texts):
        raise InputError("the attributions are of other texts; pass them in the order of the texts they were made of")
    judged = [found for found in attributions if len(found.words) > 1]
    if not judged:
        raise TooLittleDataError(f"none of {len(texts)} texts has two words; there is nothing to choose between")
    # Column 0: the top words; then a column a draw.
    shorter: list[str] = []
    for found in judged:
        count = max(1, round(share * len(found.words)))
        top = np.argsort([-word.share for word in found.words], kind="stable")[:count]
        picks = [top, *(rng.permutation(len(found.words))[:count] for _ in range(draws))]
        shorter += [_left(found, pick) for pick in picks]
    rows = np.array([labeller.taxonomy.row(found.label) for found in judged])
    after = labeller.probabilities(shorter).reshape(len(judged), draws + 1, -1)[np.arange(len(judged)), :, rows]
    falls = np.array([found.probability for found in judged])[:, None] - after.astype(np.float64)
    return Deletion(falls[:, 0], falls[:, 1:].mean(1), len(attributions) - len(judged))


def agreement(ours: Sequence[Attribution], theirs: Sequence[Attribution], *, fewest: int = 3) -> float:
    """Mean over texts of Spearman's rank correlation between two methods' shares of the same words.

    Args:
        ours: by one method.
        theirs: of the same texts and labels by another.
        fewest: words of a text that has ranks worth comparing.

    Raises:
        InputError: the texts, labels or words differ.
        TooLittleDataError: no text has so many words and shares that differ.
    """
    from scipy.stats import spearmanr

    if [_asked(found) for found in ours] != [_asked(found) for found in theirs]:
        raise InputError("two methods are compared on the same texts, labels and units; these differ")
    found = []
    for one, other in zip(ours, theirs, strict=True):
        first, second = ([word.share for word in each.words] for each in (one, other))
        if len(first) >= fewest and len(set(first)) > 1 and len(set(second)) > 1:
            found.append(float(spearmanr(first, second).statistic))
    if not found:
        raise TooLittleDataError(f"none of {len(ours)} texts has {fewest} words with shares that differ")
    return float(np.mean(found))


def _ratio(top: NDArray[np.float64], random: NDArray[np.float64]) -> float:
    return float(top.mean()) / max(float(random.mean()), _LEAST_FALL)


def _left(found: Attribution, pick: NDArray[np.int64]) -> str:
    return without(found.text, [(found.words[place].start, found.words[place].end) for place in np.sort(pick)])


def _asked(found: Attribution) -> tuple[str, str, list[int]]:
    return found.text, found.label, [word.start for word in found.words]
