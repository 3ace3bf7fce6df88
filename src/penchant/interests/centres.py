"""How near a text's spelling lies to what the texts of each class have in common."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp

from penchant.interests.linear import log_softmax
from penchant.interests.rows import TextRows
from penchant.vectors import Floats

_SHARPNESS: Final = 30.0
"""Turns cosines of n-grams into logits."""
_NAME_SHARE: Final = 0.5
"""How much a class's name and description count against the mean of its texts."""


@dataclass(frozen=True, eq=False)
class Centres:
    """Cosines to the mean of each class's n-grams (Rocchio, 1971).

    A linear model asks what tells a class from the others, and with a few texts each that is often an accident; the
    mean asks what a class's texts share. With many classes of a few texts each the two err in different places.
    """

    means: Floats
    """(classes, n-grams) of unit length."""

    @property
    def weights(self) -> Floats:
        """(n-grams, classes) of the scores, which are linear before they are made to sum to one."""
        return _SHARPNESS * self.means.T

    def logits(self, rows: TextRows) -> Floats:
        """(texts, classes)."""
        assert rows.words is not None
        return log_softmax(np.asarray(rows.words @ self.weights, dtype=np.float32))


def fit_centres(words: sp.csr_matrix, targets: Floats, weights: Floats, name_words: sp.csr_matrix | None) -> Centres:
    """The means of the texts of classes that shut each other out, their names among them.

    Args:
        words: (texts, n-grams).
        targets: (texts, classes) 0 to 1.
        weights: (texts,) how much each counts.
        name_words: (classes, n-grams) of the names; None leaves them out.
    """
    shares = targets * weights[:, None]
    shares = shares / np.maximum(shares.sum(0), 1e-9)
    means = np.asarray((words.T @ shares).T, dtype=np.float32)
    if name_words is not None:
        means += _NAME_SHARE * name_words.toarray()
    # A class without a text or a name is near nothing.
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return Centres((means / np.maximum(lengths, 1e-9)).astype(np.float32))
