"""Probabilities that mean what they say: temperature, Platt's sigmoid or isotonic regression, on held-out answers."""

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from penchant.interests.blend import activated
from penchant.interests.linear import sigmoid
from penchant.vectors import Floats

Kind = Literal["none", "temperature", "platt", "isotonic"]
_SMALLEST: Final = 1e-6
_KNOTS: Final = 64
_FEWEST: Final = {"platt": 10, "isotonic": 50}
"""Texts of each label, and texts without it, that a curve of its own wants; with fewer it keeps its probability."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Maps logits to calibrated probabilities, label by label."""

    kind: Kind
    exclusive: bool
    temperature: float = 1.0
    curves: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2, _KNOTS)))
    """(labels, 2, knots) of each label's curve: probabilities before, and after; none for the first two kinds."""

    def probabilities(self, logits: Floats) -> Floats:
        """(texts, labels) from 0 to 1; rows sum to one where labels shut each other out."""
        plain = activated(logits / self.temperature, self.exclusive)
        if not len(self.curves):
            return plain
        mapped = np.empty_like(plain)
        for label, (before, after) in enumerate(self.curves):
            mapped[:, label] = np.interp(plain[:, label], before, after)
        if self.exclusive:
            mapped /= np.maximum(mapped.sum(1, keepdims=True), _SMALLEST)
        return mapped


def fit_calibration(
    logits: Floats, targets: Floats, *, exclusive: bool, kind: Kind | Literal["auto"] = "auto", seed: int = 0
) -> Calibration:
    """Fit on held-out logits; `auto` takes the kind that gives unseen halves of them the larger likelihood.

    Temperature scaling (Guo et al., 2017) divides all logits by one number; Platt's sigmoid (Platt, 1999) and isotonic
    regression (Zadrozny and Elkan, 2002) draw a curve for each label, after which the labels of a text that shut each
    other out are scaled to one.

    Args:
        logits: (texts, labels) for texts that nothing was fitted on.
        targets: (texts, labels) the right answers, 0 to 1.
        exclusive: whether labels shut each other out.
        kind: of calibration.
        seed: of the halves that `auto` compares on.

    >>> logits = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 0.0]], dtype=np.float32)
    >>> targets = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=np.float32)
    >>> fit_calibration(logits, targets, exclusive=True, kind="temperature").probabilities(logits)[0].round(2).tolist()
    [0.75, 0.25]
    """
    if kind != "auto":
        return _fitted(logits, targets, exclusive, kind)
    if len(logits) < 20:
        return _fitted(logits, targets, exclusive, "temperature" if len(logits) else "none")
    half = np.random.default_rng(seed).permutation(len(logits)) % 2 == 0
    losses: dict[Kind, float] = {}
    for candidate in ("none", "temperature", "platt", "isotonic"):
        losses[candidate] = sum(
            _loss(_fitted(logits[one], targets[one], exclusive, candidate), logits[~one], targets[~one])
            for one in (half, ~half)
        )
    return _fitted(logits, targets, exclusive, min(losses, key=lambda candidate: losses[candidate]))


def _fitted(logits: Floats, targets: Floats, exclusive: bool, kind: Kind) -> Calibration:
    if kind == "none":
        return Calibration("none", exclusive)
    if kind == "temperature":
        return Calibration("temperature", exclusive, _temperature(logits, targets, exclusive))
    plain = activated(logits, exclusive).astype(np.float64)
    curves = np.tile(np.linspace(0, 1, _KNOTS), (plain.shape[1], 2, 1))
    for label in range(plain.shape[1]):
        present = targets[:, label].sum()
        if min(present, len(targets) - present) >= _FEWEST[kind]:
            curves[label] = (_platt if kind == "platt" else _isotonic)(plain[:, label], targets[:, label])
    return Calibration(kind, exclusive, curves=curves)


def _temperature(logits: Floats, targets: Floats, exclusive: bool) -> float:
    from scipy.optimize import minimize_scalar

    def loss(logarithm: float) -> float:
        return _loss(Calibration("temperature", exclusive, float(np.exp(logarithm))), logits, targets)

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _platt(probability: NDArray[np.float64], target: Floats) -> NDArray[np.float64]:
    from penchant.interests.linear import fit_linear

    clipped = np.clip(probability, _SMALLEST, 1 - _SMALLEST)
    odds = np.log(clipped / (1 - clipped)).astype(np.float32)[:, None]
    line = fit_linear(odds, target.astype(np.float32)[:, None], inverse_penalty=1e3, loss="sigmoid")
    # Knots even in log odds, where the curve is smooth.
    places = np.linspace(-np.log(1 / _SMALLEST), np.log(1 / _SMALLEST), _KNOTS)
    after = sigmoid(places * max(float(line.weights[0, 0]), 0.0) + float(line.bias[0]))
    return np.stack([sigmoid(places), after])


def _isotonic(probability: NDArray[np.float64], target: Floats) -> NDArray[np.float64]:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(probability, target)
    # Knots at the texts' own quantiles, so that a curve is finest where most texts lie.
    places = np.quantile(probability, np.linspace(0, 1, _KNOTS))
    return np.stack([places, fitted.predict(places)])


def _loss(calibration: Calibration, logits: Floats, targets: Floats) -> float:
    said = np.clip(calibration.probabilities(logits).astype(np.float64), _SMALLEST, 1 - _SMALLEST)
    if calibration.exclusive:
        return float(-(targets * np.log(said)).sum())
    return float(-(targets * np.log(said) + (1 - targets) * np.log(1 - said)).sum())
