"""What a classifier of members says, and how good it was on members held out."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from penchant.evaluation.classification import ClassFigures, ClassificationMetrics, auc
from penchant.vectors import Floats, Rows


@dataclass(frozen=True, eq=False)
class Predictions:
    """Probabilities of classes, a row for each member or text asked about."""

    classes: tuple[str, ...]
    probabilities: Floats
    """(rows, classes)."""
    possible: np.ndarray
    """(rows, classes) true for the classes that cannot be ruled out: the true one is among them as often as stated."""

    @property
    def labels(self) -> list[str]:
        """The likeliest class of each row."""
        return [self.classes[code] for code in self.probabilities.argmax(axis=1)]

    @property
    def unsure(self) -> np.ndarray:
        """(rows,) whether more than one class, or none, is left."""
        return np.asarray(self.possible.sum(axis=1) != 1)


@dataclass(frozen=True)
class AttributeReport:
    """How good a classifier is, on members held out in turn."""

    attribute: str
    members: int
    """Members whose class was known."""
    metrics: ClassificationMetrics
    """Precision, recall and F1 by class."""
    auc: float
    """Of one class against the others, the mean over classes."""
    without_language_model: float
    """The same where no text is read."""
    coverage: float
    """How often the true class was among those named."""
    unsure: float
    """Share of members of whom more than one class, or none, is left."""
    comment_accuracy: float
    """Where a single text is all that is known."""
    weights: dict[str, float]
    """Of the sources in the blend."""
    left_out: tuple[str, ...]
    """Values too rare to be learned."""


def mean_auc(codes: Rows, probabilities: Floats) -> float:
    """AUC of each class against the others, the mean over classes; of two classes, that of the second."""
    if probabilities.shape[1] == 2:
        return auc(codes == 1, probabilities[:, 1])
    return float(np.mean([auc(codes == code, probabilities[:, code]) for code in np.unique(codes)]))


def report_from(saved: dict[str, Any] | None) -> AttributeReport | None:
    """A report that was saved as plain mappings; None where none was."""
    if saved is None:
        return None
    per_class = tuple(ClassFigures(**row) for row in saved["metrics"]["per_class"])
    metrics = ClassificationMetrics(**{**saved["metrics"], "per_class": per_class})
    return AttributeReport(**{**saved, "metrics": metrics, "left_out": tuple(saved["left_out"])})
