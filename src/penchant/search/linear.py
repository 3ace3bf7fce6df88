"""The small models that a grader is made of: a linear one, and a weight for each grade."""

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp

from penchant.evaluation.classification import evaluate_classes
from penchant.vectors import Floats, Rows

ROUNDS: Final = 3
TRIED: Final = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 1.8, 2.2, 2.7, 3.3, 4.0)
"""What the weight of a grade is multiplied by in a round."""


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear model with a column of weights for each grade."""

    weights: Floats
    """(columns, grades)"""
    bias: Floats
    """(grades,)"""

    def __call__(self, rows: Floats | sp.csr_matrix) -> Floats:
        """(rows, grades) the probability of each grade."""
        logits = np.asarray(rows @ self.weights) + self.bias
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it, for a file of arrays."""
        return {"weights": self.weights, "bias": self.bias}


def fitted(rows: Floats | sp.csr_matrix, truth: Rows, softness: float) -> Linear:
    """Logistic regression on rows with numbered grades.

    >>> model = fitted(np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]), 10.0)
    >>> model(np.array([[-1.5], [1.5]])).argmax(axis=1).tolist()
    [0, 1]
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # Stopped early, it is as good: what it says is weighed by what comes after it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=softness, max_iter=200, tol=1e-3).fit(rows, truth)
    weights, bias = model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)
    if weights.shape[1] == 1:
        # Of two grades the library keeps the second alone.
        weights, bias = np.hstack([-weights / 2, weights / 2]), np.concatenate([-bias / 2, bias / 2])
    return Linear(weights, bias)


def dealt(truth: Rows, folds: int, rng: np.random.Generator) -> Rows:
    """(rows,) a fold for each row, every grade spread evenly over the folds.

    >>> sorted(dealt(np.array([0, 0, 1, 1]), 2, np.random.default_rng(0))[:2].tolist())
    [0, 1]
    """
    fold = np.empty(len(truth), dtype=np.int64)
    for grade in np.unique(truth):
        own = np.flatnonzero(truth == grade)
        fold[own] = rng.permutation(len(own)) % folds
    return fold


def pick_weights(probabilities: Floats, truth: Rows) -> Floats:
    """(grades,) what to multiply each probability by, so that the largest product has the best macro-F1.

    >>> said = np.array([[0.6, 0.4], [0.7, 0.3], [0.8, 0.2], [0.9, 0.1]], dtype=np.float32)
    >>> weights = pick_weights(said, np.array([1, 1, 0, 0]))
    >>> (said * weights).argmax(axis=1).tolist()
    [1, 1, 0, 0]
    """
    names = [str(grade) for grade in range(probabilities.shape[1])]

    def value(weights: Floats) -> float:
        return evaluate_classes(truth, (probabilities * weights).argmax(axis=1), names).macro_f1

    best = np.ones(probabilities.shape[1], dtype=np.float32)
    reached = value(best)
    for _ in range(ROUNDS):
        for grade in range(len(best)):
            for factor in TRIED:
                tried = best.copy()
                tried[grade] *= factor
                if (found := value(tried)) > reached:
                    best, reached = tried, found
    return best
