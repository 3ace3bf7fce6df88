"""How good predicted classes and probabilities are: F1, AUC, calibration, and whether a hierarchy is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penchant.data.columns import PATH_SEPARATOR
from penchant.errors import InputError, TooLittleDataError

BINS: Final = 15
"""Bins of the calibration error, as in Guo et al. (2017)."""


@dataclass(frozen=True)
class ClassFigures:
    """One class: of those predicted so, the share that is (precision); of those that are, the share found (recall)."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    """How many rows truly have the class."""


@dataclass(frozen=True)
class ClassificationMetrics:
    """Whole-sample figures and a row per class."""

    accuracy: float
    """Share of rows predicted exactly right; with several labels a row, all of them right."""
    macro_f1: float
    """Mean F1 over the classes that occur, in truth or prediction."""
    micro_f1: float
    """F1 of all decisions pooled; equal to the accuracy where every row has one label."""
    per_class: tuple[ClassFigures, ...]


def evaluate_classes(truth: ArrayLike, predicted: ArrayLike, names: Sequence[str]) -> ClassificationMetrics:
    """Compare predicted with true classes.

    A class with nothing predicted has precision 0, and F1 0 unless it does not occur at all.

    Args:
        truth: (rows,) class numbers, or (rows, classes) true where a row has the label (several labels a row).
        predicted: of the same shape.
        names: of the classes, by number.

    Raises:
        InputError: shapes differ, or a number has no name.
        TooLittleDataError: there are no rows.

    >>> found = evaluate_classes([0, 0, 1, 1], [0, 1, 1, 1], ["phone", "fruit"])
    >>> found.accuracy, round(found.macro_f1, 3), found.per_class[0].recall
    (0.75, 0.733, 0.5)
    """
    wanted, given = _memberships(truth, len(names)), _memberships(predicted, len(names))
    if wanted.shape != given.shape:
        raise InputError(f"truth has {len(wanted)} rows and the predictions {len(given)}; give one for each")
    if not len(wanted):
        raise TooLittleDataError("there are no rows to judge; give at least one")
    hits = (wanted & given).sum(axis=0)
    supports, guesses = wanted.sum(axis=0), given.sum(axis=0)
    precision, recall = hits / np.maximum(guesses, 1), hits / np.maximum(supports, 1)
    f1 = 2 * hits / np.maximum(supports + guesses, 1)
    occurs = supports + guesses > 0
    return ClassificationMetrics(
        accuracy=float((wanted == given).all(axis=1).mean()),
        macro_f1=float(f1[occurs].mean()) if occurs.any() else 1.0,
        micro_f1=float(2 * hits.sum() / (supports.sum() + guesses.sum())) if occurs.any() else 1.0,
        per_class=tuple(
            ClassFigures(name, float(precision[row]), float(recall[row]), float(f1[row]), int(supports[row]))
            for row, name in enumerate(names)
        ),
    )


def auc(truth: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a true row scores above a false one, a tie counting half.

    Args:
        truth: (rows,) true or false.
        scores: (rows,) larger where the row is more likely true.

    Raises:
        InputError: lengths differ, or a score is NaN.
        TooLittleDataError: all rows are true, or all false.

    >>> auc([True, False, True, False], [0.9, 0.1, 0.4, 0.4])
    0.875
    """
    from scipy.stats import rankdata

    positive, values = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    if positive.shape != values.shape or positive.ndim != 1:
        raise InputError(f"truth has the shape {positive.shape} and the scores {values.shape}; give one of each a row")
    if np.isnan(values).any():
        raise InputError(f"{np.count_nonzero(np.isnan(values))} of {len(values)} scores are NaN; leave those rows out")
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        raise TooLittleDataError(f"AUC needs both true and false rows; got {positives} and {negatives}")
    above = rankdata(values)[positive].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


@dataclass(frozen=True, eq=False)
class Calibration:
    """How far stated confidence and truth lie apart, bin by bin: the calibration curve. Empty bins are left out."""

    ece: float
    """Expected calibration error: the mean distance of confidence and share true, weighted by rows."""
    bins: int
    """Equal slices of the confidence from 0 to 1 that were asked for."""
    confidence: NDArray[np.float64]
    """(bins that hold rows,) mean confidence."""
    share_true: NDArray[np.float64]
    """(bins that hold rows,) how often it was right."""
    rows: NDArray[np.int64]
    """(bins that hold rows,) rows in each."""


def calibration(correct: ArrayLike, confidence: ArrayLike, *, bins: int = BINS) -> Calibration:
    """Expected calibration error over equal-width bins, and its curve (Guo et al., 2017).

    For a classifier, `confidence` is the largest probability of each row and `correct` whether that class is the true
    one; for a probability of one thing, the probability and whether the thing came true.

    Args:
        correct: (rows,) true or false.
        confidence: (rows,) from 0 to 1.
        bins: slices of equal width; a bin holds its upper edge.

    Raises:
        InputError: lengths differ, or a confidence is not from 0 to 1.
        TooLittleDataError: there are no rows.

    >>> round(calibration([True, True, True, False], [0.9, 0.9, 0.9, 0.9], bins=10).ece, 3)
    0.15
    """
    right, stated = _probabilities(correct, confidence)
    place = np.clip(np.ceil(stated * bins).astype(np.int64) - 1, 0, bins - 1)
    rows = np.bincount(place, minlength=bins)
    held = rows > 0
    mean_confidence = np.bincount(place, stated, minlength=bins)[held] / rows[held]
    share_true = np.bincount(place, right.astype(np.float64), minlength=bins)[held] / rows[held]
    ece = float((rows[held] * np.abs(mean_confidence - share_true)).sum() / len(stated))
    return Calibration(ece, bins, mean_confidence, share_true, rows[held].astype(np.int64))


def brier(truth: ArrayLike, probability: ArrayLike) -> float:
    """Mean squared distance between probability and truth (Brier, 1950); 0 is best.

    Args:
        truth: (rows,) true or false with one probability a row; (rows,) class numbers with one per class.
        probability: (rows,) of being true, where the score is from 0 to 1; or (rows, classes), where the squares are
            summed over the classes, as Brier did, and the score is from 0 to 2.

    Raises:
        InputError: lengths differ, or a probability is not from 0 to 1.
        TooLittleDataError: there are no rows.

    >>> brier([True, False], [0.5, 1.0]), brier([1, 0], [[0.5, 0.5], [1.0, 0.0]])
    (0.625, 0.25)
    """
    given = np.asarray(probability, dtype=np.float64)
    if given.ndim == 1:
        outcome, stated = _probabilities(truth, given)
        return float(np.mean((stated - outcome) ** 2))
    wanted = _memberships(truth, given.shape[1])
    _probabilities(wanted.ravel(), given.ravel())
    return float(((given - wanted) ** 2).sum(axis=1).mean())


def hierarchy_violations(paths: Sequence[str], given: NDArray[Any], *, tolerance: float = 1e-6) -> int:
    """How often a label is given more than the label it stands under.

    Whoever likes "服饰 > 连衣裙" likes "服饰", so no child may be likelier than its nearest listed ancestor, and no
    child may be predicted without it.

    Args:
        paths: of the labels, levels apart by " > ".
        given: (rows, labels) probabilities, or true where predicted.
        tolerance: by how much a child may be above from rounding.

    Returns:
        The number of cells (row, child) above their ancestor's.

    Raises:
        InputError: there are not as many columns as paths.

    >>> hierarchy_violations(["家电", "家电 > 冰箱"], np.array([[0.7, 0.6], [0.2, 0.5]]))
    1
    """
    values = np.asarray(given, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(paths):
        raise InputError(f"{len(paths)} labels for values of shape {values.shape}; give a column per label")
    column = {path: place for place, path in enumerate(paths)}
    violations = 0
    for path, child in column.items():
        levels = path.split(PATH_SEPARATOR)
        above = (PATH_SEPARATOR.join(levels[:depth]) for depth in range(len(levels) - 1, 0, -1))
        ancestor = next((column[listed] for listed in above if listed in column), None)
        if ancestor is not None:
            violations += int(np.count_nonzero(values[:, child] > values[:, ancestor] + tolerance))
    return violations


def _memberships(classes: ArrayLike, class_count: int) -> NDArray[np.bool_]:
    """(rows, classes) true where a row has a class."""
    given = np.asarray(classes)
    if given.ndim == 2:
        if given.shape[1] != class_count:
            raise InputError(f"{given.shape[1]} columns of labels for {class_count} names; give a column per name")
        return given.astype(bool)
    if given.size and (given.min() < 0 or given.max() >= class_count):
        raise InputError(f"classes go from {given.min()} to {given.max()}, but there are {class_count} names")
    members = np.zeros((len(given), class_count), dtype=bool)
    members[np.arange(len(given)), given.astype(np.int64)] = True
    return members


def _probabilities(truth: ArrayLike, probability: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    outcome, stated = np.asarray(truth, dtype=bool), np.asarray(probability, dtype=np.float64)
    if outcome.shape != stated.shape:
        raise InputError(f"{outcome.shape} outcomes for {stated.shape} probabilities; give one of each a row")
    if not len(stated):
        raise TooLittleDataError("there are no rows to judge; give at least one")
    if not ((stated >= 0) & (stated <= 1)).all():
        raise InputError(f"probabilities go from {stated.min()} to {stated.max()}; they must be from 0 to 1")
    return outcome, stated
