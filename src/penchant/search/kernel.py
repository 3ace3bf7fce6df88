"""Grades from the place of two vectors together: what is near a graded pair has a grade like it."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from penchant.search.linear import Linear, fitted
from penchant.vectors import Floats, Rows, chunks

_AT_ONCE = 4_096


@dataclass(frozen=True, eq=False)
class Kernel:
    """A linear model over the nearness of a row to some anchors, after Nyström (Williams and Seeger, 2001)."""

    anchors: Floats
    """(anchors, width) rows that were graded."""
    mixing: Floats
    """(anchors, anchors) makes nearnesses to anchors that are near each other count once."""
    reach: float
    linear: Linear

    @classmethod
    def fit(
        cls, rows: Floats, truth: Rows, *, anchors: int, reach: float, softness: float, rng: np.random.Generator
    ) -> Self:
        """Draw anchors from the rows and learn from the nearness to them.

        Args:
            rows: (rows, width)
            truth: (rows,) numbered grades.
            anchors: how many, at most.
            reach: how fast nearness falls with the squared distance.
            softness: how far the linear model may follow its rows.
            rng: draws the anchors.

        >>> rows = np.array([[0.0], [0.1], [1.0], [1.1], [2.0], [2.1]], dtype=np.float32)
        >>> truth = np.array([0, 0, 1, 1, 0, 0])
        >>> model = Kernel.fit(rows, truth, anchors=6, reach=5.0, softness=100.0, rng=np.random.default_rng(0))
        >>> model(rows).argmax(axis=1).tolist()
        [0, 0, 1, 1, 0, 0]
        """
        chosen = rows[rng.permutation(len(rows))[:anchors]]
        left, values, right = np.linalg.svd(_nearness(chosen, chosen, reach))
        mixing = ((left / np.sqrt(np.maximum(values, 1e-12))) @ right).astype(np.float32)
        return cls(chosen, mixing, reach, fitted(_features(rows, chosen, mixing, reach), truth, softness))

    def __call__(self, rows: Floats) -> Floats:
        """(rows, grades) the probability of each grade."""
        return self.linear(self._features(rows))

    def _features(self, rows: Floats) -> Floats:
        parts = [
            _nearness(rows[part], self.anchors, self.reach) @ self.mixing.T for part in chunks(len(rows), _AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.anchors)), dtype=np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it, for a file of arrays."""
        return {
            "anchors": self.anchors, "mixing": self.mixing, "weights": self.linear.weights, "bias": self.linear.bias,
        }  # fmt: skip


def _features(rows: Floats, anchors: Floats, mixing: Floats, reach: float) -> Floats:
    """(rows, anchors) columns that a linear model can add up."""
    parts = [_nearness(rows[part], anchors, reach) @ mixing.T for part in chunks(len(rows), _AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros((0, len(anchors)), dtype=np.float32)


def _nearness(rows: Floats, anchors: Floats, reach: float) -> Floats:
    """(rows, anchors) 1 where they are equal, falling to 0."""
    squared = (rows**2).sum(axis=1)[:, None] + (anchors**2).sum(axis=1) - 2 * rows @ anchors.T
    return np.exp(-reach * np.maximum(squared, 0)).astype(np.float32)
