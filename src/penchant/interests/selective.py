"""When to say "unsure": the confidence above which answers keep to a stated risk, with a guarantee."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

_STARTS: Final = 4
_STEPS: Final = 40


@dataclass(frozen=True)
class SelectiveRule:
    """Answer where the confidence reaches the threshold; below it, say "unsure"."""

    threshold: float | None
    """None: no threshold keeps to the risk on the texts seen, so nothing is answered."""
    risk: float
    """The share of wrong answers that is allowed among those given."""
    bound: float
    """What the share of wrong answers stays below, with the certainty asked for; 1 where nothing is answered."""
    coverage: float
    """The share of the texts seen that is answered."""

    def sure(self, confidence: ArrayLike) -> NDArray[np.bool_]:
        """(texts,) true where there is an answer."""
        stated = np.asarray(confidence)
        return stated >= self.threshold if self.threshold is not None else np.zeros(stated.shape, dtype=bool)


def fit_selective(
    confidence: ArrayLike, correct: ArrayLike, *, risk: float = 0.1, certainty: float = 0.9
) -> SelectiveRule:
    """The lowest threshold whose risk, bounded from held-out answers, is at most the one allowed.

    Selection with guaranteed risk (Geifman and El-Yaniv, 2017) by fixed-sequence testing (Angelopoulos et al., 2021):
    going down from the surest texts, the exact binomial upper bound on the error of those answered (Clopper and
    Pearson, 1934) is tested at each threshold, and the walk ends at the first that fails. Four walks begin at
    different depths, each with a quarter of the allowed chance of failing, so that an early mistake does not end all.

    Args:
        confidence: (texts,) of held-out answers.
        correct: (texts,) whether each was right.
        risk: share of wrong answers allowed.
        certainty: chance with which the bound is to hold.

    >>> rule = fit_selective(np.linspace(0, 1, 200), np.linspace(0, 1, 200) > 0.5, risk=0.1)
    >>> 0.4 < rule.threshold < 0.55, rule.bound <= 0.1
    (True, True)
    >>> fit_selective([0.9], [True]).threshold is None
    True
    """
    from scipy.stats import beta

    stated, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=bool)
    order = np.argsort(-stated, kind="stable")
    ranked, wrong = stated[order], np.cumsum(~right[order])
    allowed = (1 - certainty) / _STARTS
    # Fewer answers than this could not pass though all were right.
    fewest = int(np.ceil(np.log(allowed) / np.log(1 - risk)))
    best: tuple[int, float] = (0, 1.0)
    if len(ranked) >= fewest:
        steps = np.unique(np.geomspace(fewest, len(ranked), _STEPS).astype(int))
        for start in range(_STARTS):
            for count in steps[start * len(steps) // _STARTS :]:
                # Texts of equal confidence are answered together or not at all.
                answered = int(np.searchsorted(-ranked, -ranked[count - 1], side="right"))
                errors = int(wrong[answered - 1])
                bound = 1.0 if errors == answered else float(beta.ppf(1 - allowed, errors + 1, answered - errors))
                if bound > risk:
                    break
                best = max(best, (answered, bound))
    answered, bound = best
    threshold = float(ranked[answered - 1]) if answered else None
    return SelectiveRule(threshold, risk, bound, answered / len(ranked) if len(ranked) else 0.0)
