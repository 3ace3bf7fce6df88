"""Linear models over dense or sparse features with soft targets and weights, all labels at once."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from penchant.vectors import Floats

Loss = Literal["softmax", "sigmoid"]
"""`softmax`: labels shut each other out; `sigmoid`: each stands alone."""
_MEMORY: Final = 8
_MOST_IN_ROWS: Final = 3_000
"""Rows up to which the square matrix of their products is taken in place of the features."""
Features: TypeAlias = "Floats | sp.csr_matrix"


@dataclass(frozen=True, eq=False)
class Linear:
    """A score for each label: features times weights, plus bias."""

    weights: Floats
    """(features, labels)."""
    bias: Floats
    """(labels,)."""

    def scores(self, features: Features) -> Floats:
        """(rows, labels)."""
        return np.asarray(features @ self.weights + self.bias, dtype=np.float32)


def fit_linear(
    features: Features,
    targets: Floats,
    row_weights: Floats | None = None,
    *,
    inverse_penalty: float = 1.0,
    loss: Loss = "softmax",
    iterations: int = 200,
    tolerance: float = 1e-3,
) -> Linear:
    """Minimise the weighted loss plus half the squared weights divided by `inverse_penalty` (bias free), by L-BFGS.

    Args:
        features: (rows, features) dense or sparse.
        targets: (rows, labels) from 0 to 1; with `softmax` rows sum to one and may be soft.
        row_weights: (rows,) how much each row counts; all the same by default.
        inverse_penalty: C, as scikit-learn calls it: larger trusts the rows more.
        loss: what is summed over the rows.
        iterations: at most so many steps.
        tolerance: the search ends where the gradient is so small a part of what it was at first.

    >>> rows = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    >>> fit_linear(rows, rows, inverse_penalty=10).scores(rows).argmax(1).tolist()
    [0, 1]
    """
    weight = np.ones(features.shape[0], dtype=np.float32) if row_weights is None else row_weights.astype(np.float32)
    rows, width = features.shape
    fit = _Fit(targets.astype(np.float32), weight, inverse_penalty, loss, iterations, tolerance)
    if rows >= width or rows > _MOST_IN_ROWS:
        return fit.run(features)
    # Fewer rows than features: the weights are sums of rows, so that as many numbers as there are rows say it all.
    # With the Gram matrix K = LLᵀ, a model over the rows of L has the same scores and the same penalty.
    products: Any = features @ features.T
    gram = (products.toarray() if sp.issparse(products) else products).astype(np.float64)
    gram[np.diag_indices_from(gram)] += 1e-6 * max(float(np.trace(gram)) / rows, 1e-12)
    lower = np.linalg.cholesky(gram)
    found = fit.run(lower.astype(np.float32))
    shares = solve_triangular(lower, found.weights.astype(np.float64), lower=True, trans="T").astype(np.float32)
    return Linear(np.asarray(features.T @ shares, dtype=np.float32), found.bias)


@dataclass(frozen=True, eq=False)
class _Fit:
    """One problem to minimise, whatever its features."""

    targets: Floats
    weights: Floats
    inverse_penalty: float
    loss: Loss
    iterations: int
    tolerance: float

    def run(self, features: Features) -> Linear:
        width, labels = features.shape[1], self.targets.shape[1]
        total = float(self.weights.sum())
        shares = (self.weights / total)[:, None]
        transposed = sp.csr_matrix(features.T) if sp.issparse(features) else features.T
        penalty = 1 / (self.inverse_penalty * total)

        def objective(parameters: Floats) -> tuple[float, Floats]:
            value, slope = _loss(self.loss, features @ parameters[:-1] + parameters[-1], self.targets)
            slope *= shares
            gradient = np.empty_like(parameters)
            gradient[:-1] = transposed @ slope
            gradient[:-1] += penalty * parameters[:-1]
            gradient[-1] = slope.sum(0)
            whole = float(value @ shares[:, 0]) + penalty / 2 * float(np.vdot(parameters[:-1], parameters[:-1]))
            return whole, gradient

        start = np.zeros((width + 1, labels), dtype=np.float32)
        parameters = _minimised(objective, start, self.iterations, self.tolerance)
        return Linear(parameters[:-1], parameters[-1])


def _minimised(
    objective: Callable[[Floats], tuple[float, Floats]], start: Floats, iterations: int, tolerance: float
) -> Floats:
    """L-BFGS (Liu and Nocedal, 1989) in single precision; SciPy's spends most of its time on bounds that are not there.

    Ends where the gradient is `tolerance` times what it was at the start, or a step no longer lowers the value.
    """
    at, (value, slope) = start, objective(start)
    first = float(np.linalg.norm(slope))
    steps: deque[tuple[Floats, Floats, float]] = deque(maxlen=_MEMORY)
    for _ in range(iterations):
        if np.linalg.norm(slope) <= tolerance * first:
            break
        direction = -slope
        shares = []
        for moved, changed, curvature in reversed(steps):
            share = float(np.vdot(moved, direction)) / curvature
            direction = direction - share * changed
            shares.append(share)
        if steps:
            moved, changed, curvature = steps[-1]
            direction = direction * (curvature / float(np.vdot(changed, changed)))
        else:
            direction = direction / max(first, 1e-12)
        for (moved, changed, curvature), share in zip(steps, reversed(shares), strict=True):
            direction = direction + (share - float(np.vdot(changed, direction)) / curvature) * moved
        downhill, length = float(np.vdot(direction, slope)), 1.0
        if downhill >= 0:
            break
        while True:
            ahead = at + length * direction
            new_value, new_slope = objective(ahead)
            if new_value <= value + 1e-4 * length * downhill or length < 1e-4:
                break
            length /= 2
        if new_value >= value:
            break
        moved, changed = ahead - at, new_slope - slope
        curvature = float(np.vdot(moved, changed))
        if curvature > 1e-12:
            steps.append((moved, changed, curvature))
        at, value, slope = ahead, new_value, new_slope
    return at


def _loss(loss: Loss, scores: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """(rows,) the loss of each row, and (rows, labels) its slope by the scores."""
    if loss == "softmax":
        logs = log_softmax(scores)
        return -(targets * logs).sum(1), np.exp(logs) - targets
    value = np.logaddexp(0, scores) - targets * scores
    return value.sum(1), sigmoid(scores) - targets


def log_softmax(scores: Floats) -> Floats:
    """Logarithms of probabilities that sum to one in each row.

    >>> np.exp(log_softmax(np.array([[0.0, 0.0]], dtype=np.float32))).tolist()
    [[0.5, 0.5]]
    """
    shifted = scores - scores.max(1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(1, keepdims=True))
    return shifted.astype(np.float32, copy=False)


def sigmoid(scores: NDArray[Any]) -> NDArray[Any]:
    """1 / (1 + exp(-scores)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * scores))
