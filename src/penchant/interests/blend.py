"""Several opinions on the same texts as one: weighted sums of their logits, the weights learned on held-out texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.interests.linear import log_softmax, sigmoid
from penchant.vectors import Floats

_FEWEST_FOR_BIAS: Final = 5


@dataclass(frozen=True)
class Blend:
    """How much each source of evidence counts, and whether the labels shut each other out."""

    weights: Mapping[str, float]
    exclusive: bool
    bias: tuple[float, ...] = ()
    """Added to each label's logit; empty for none."""

    def logits(self, opinions: Mapping[str, Floats]) -> Floats:
        """(texts, labels) weighted sum of the opinions, each (texts, labels) logits."""
        summed = sum(self.weights[name] * opinions[name] for name in self.weights)
        return np.asarray(summed + np.asarray(self.bias or 0.0), dtype=np.float32)

    def probabilities(self, opinions: Mapping[str, Floats]) -> Floats:
        """(texts, labels) from 0 to 1; rows sum to one where labels shut each other out.

        >>> said = {"names": np.log(np.array([[0.8, 0.2]], dtype=np.float32))}
        >>> Blend({"names": 1.0}, exclusive=True).probabilities(said).round(3).tolist()
        [[0.800000011920929, 0.20000000298023224]]
        """
        return activated(self.logits(opinions), self.exclusive)


def activated(logits: Floats, exclusive: bool) -> Floats:
    """Probabilities of logits: softmax where labels shut each other out, else each label's sigmoid."""
    return np.exp(log_softmax(logits)) if exclusive else sigmoid(logits).astype(np.float32)


def fit_blend(
    opinions: Mapping[str, Floats],
    targets: Floats,
    prior: Mapping[str, float],
    *,
    exclusive: bool,
    strength: float = 20.0,
) -> Blend:
    """Weights, none negative, that make held-out answers likeliest, drawn towards a prior as a few texts would.

    Stacked generalisation (Wolpert, 1992) with one weight a source, so that a few dozen texts can teach it. Where each
    label has texts enough, a bias for each label is learned too.

    Args:
        opinions: by source, (texts, labels) logits for texts the sources have not learned from.
        targets: (texts, labels) the right answers, 0 to 1.
        prior: by source, the weight to believe in before any evidence.
        exclusive: whether labels shut each other out.
        strength: texts of evidence that the prior is worth.
    """
    from scipy.optimize import minimize

    names = list(opinions)
    stacked = np.stack([opinions[name] for name in names]).astype(np.float64)
    centre = np.array([prior[name] for name in names])
    rows, labels = targets.shape
    # A bias a label wants a few texts of each before it says more than chance does.
    biased = bool(rows) and bool(targets.sum(0).min() >= _FEWEST_FOR_BIAS)

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, bias = flat[: len(names)], flat[len(names) :]
        logits = np.tensordot(weights, stacked, 1) + (bias if biased else 0)
        if exclusive:
            logs = logits - logits.max(1, keepdims=True)
            logs -= np.log(np.exp(logs).sum(1, keepdims=True))
            value, slope = -(targets * logs).sum(), np.exp(logs) - targets
        else:
            value, slope = (np.logaddexp(0, logits) - targets * logits).sum(), sigmoid(logits) - targets
        gradient = np.concatenate([np.einsum("rl,prl->p", slope, stacked), slope.sum(0) if biased else []])
        gradient[: len(names)] += strength * (weights - centre)
        gradient[len(names) :] += bias
        value += strength / 2 * np.square(weights - centre).sum() + np.square(bias).sum() / 2
        return float(value), gradient

    start = np.concatenate([centre, np.zeros(labels if biased else 0)])
    bounds: Sequence[tuple[float | None, float | None]] = [(0, None)] * len(names) + [(None, None)] * (
        len(start) - len(names)
    )
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = {name: float(weight) for name, weight in zip(names, found, strict=False)}
    return Blend(weights, exclusive, tuple(map(float, found[len(names) :])))
