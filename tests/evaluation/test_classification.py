"""Classes and probabilities, against scikit-learn's definitions and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from penchant.errors import InputError, TooLittleDataError
from penchant.evaluation.classification import auc, brier, calibration, evaluate_classes, hierarchy_violations

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(1, 40), st.integers(1, 6))
@settings(max_examples=80, deadline=None)
def test_figures_of_one_label_a_row_equal_scikit_learns(seed, rows, classes):
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(0, classes, (2, rows))
    found = evaluate_classes(truth, predicted, [f"class {number}" for number in range(classes)])
    assert found.accuracy == pytest.approx(sk.accuracy_score(truth, predicted))
    assert found.micro_f1 == pytest.approx(found.accuracy)
    assert found.macro_f1 == pytest.approx(sk.f1_score(truth, predicted, average="macro", zero_division=0))
    table = sk.precision_recall_fscore_support(truth, predicted, labels=np.arange(classes), zero_division=0)
    ours = [(row.precision, row.recall, row.f1, row.support) for row in found.per_class]
    assert np.array(ours) == pytest.approx(np.array(table).T)


@given(SEEDS)
@settings(max_examples=50, deadline=None)
def test_figures_of_several_labels_a_row_equal_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    truth, predicted = rng.random((2, 30, 4)) < 0.4
    truth[:4] |= np.eye(4, dtype=bool)
    found = evaluate_classes(truth, predicted, ["a", "b", "c", "d"])
    assert found.accuracy == pytest.approx(sk.accuracy_score(truth, predicted))
    for average in ("macro", "micro"):
        expected = sk.f1_score(truth, predicted, average=average, zero_division=0)
        assert getattr(found, f"{average}_f1") == pytest.approx(expected)


def test_a_class_that_never_occurs_does_not_lower_the_macro_f1():
    found = evaluate_classes([0, 1], [0, 1], ["tea", "coffee", "cocoa"])
    assert found.macro_f1 == 1
    assert [row.support for row in found.per_class] == [1, 1, 0]


@given(SEEDS, st.integers(2, 60), st.integers(2, 10))
@settings(max_examples=80, deadline=None)
def test_auc_equals_scikit_learns_with_ties(seed, rows, levels):
    rng = np.random.default_rng(seed)
    truth = rng.random(rows) < 0.5
    truth[:2] = [True, False]
    scores = rng.integers(0, levels, rows) / levels
    assert auc(truth, scores) == pytest.approx(sk.roc_auc_score(truth, scores))


def test_calibration_by_hand():
    confidence = [0.55, 0.6, 0.95, 0.95, 1.0, 0.0]
    correct = [True, False, True, True, False, False]
    found = calibration(correct, confidence, bins=10)
    # Bins: (.5, .6] holds two, (.9, 1] three, [0, .1] one.
    assert found.rows.tolist() == [1, 2, 3]
    assert found.confidence == pytest.approx([0, 0.575, 2.9 / 3])
    assert found.share_true == pytest.approx([0, 0.5, 2 / 3])
    assert found.ece == pytest.approx((2 * 0.075 + 3 * (0.9 / 3)) / 6)
    assert found.bins == 10


def test_true_probabilities_are_calibrated_and_boasted_ones_are_not():
    rng = np.random.default_rng(0)
    probability = rng.random(20_000)
    came_true = rng.random(20_000) < probability
    assert calibration(came_true, probability).ece < 0.02
    boasted = np.clip(0.5 + 2 * (probability - 0.5), 0, 1)
    assert calibration(came_true, boasted).ece > 0.1


def test_brier_equals_scikit_learns_and_sums_over_classes():
    rng = np.random.default_rng(1)
    truth, probability = rng.random(50) < 0.3, rng.random(50)
    assert brier(truth, probability) == pytest.approx(sk.brier_score_loss(truth, probability))
    both = np.stack([1 - probability, probability], axis=1)
    assert brier(truth.astype(int), both) == pytest.approx(2 * brier(truth, probability))


def test_a_child_above_its_parent_is_a_violation():
    paths = ["服饰", "服饰 > 连衣裙", "服饰 > 连衣裙 > 碎花", "家电 > 冰箱"]
    kept = np.array([[0.9, 0.6, 0.6, 1.0]])
    assert hierarchy_violations(paths, kept) == 0
    broken = np.array([[0.5, 0.6, 0.7, 1.0], [0.9, 0.1, 0.2, 0.0]])
    assert hierarchy_violations(paths, broken) == 3
    assert hierarchy_violations(paths, broken, tolerance=0.15) == 0


def test_a_child_predicted_without_its_parent_is_a_violation():
    paths = ["home", "home > kitchen"]
    assert hierarchy_violations(paths, np.array([[False, True], [True, True], [True, False]])) == 1


def test_where_the_parent_is_not_listed_the_next_ancestor_counts():
    assert hierarchy_violations(["home", "home > kitchen > kettles"], np.array([[0.2, 0.3]])) == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: evaluate_classes([0, 1], [0], ["a", "b"]), InputError, "truth has 2 rows and the predictions 1"),
        (lambda: evaluate_classes([0, 2], [0, 1], ["a", "b"]), InputError, "classes go from 0 to 2, but there are 2"),
        (lambda: evaluate_classes([], [], ["a"]), TooLittleDataError, "no rows to judge"),
        (lambda: auc([True, True], [0.1, 0.2]), TooLittleDataError, "got 2 and 0"),
        (lambda: auc([True, False], [np.nan, 0.2]), InputError, "1 of 2 scores are NaN"),
        (lambda: auc([True, False], [0.2]), InputError, "give one of each a row"),
        (lambda: calibration([True], [1.5]), InputError, "they must be from 0 to 1"),
        (lambda: calibration([], []), TooLittleDataError, "no rows to judge"),
        (lambda: brier([0, 1], [[0.5, 0.5], [np.nan, 1]]), InputError, "they must be from 0 to 1"),
        (lambda: hierarchy_violations(["a", "b"], np.ones((2, 3))), InputError, "2 labels for values of shape"),
    ],
)
def test_what_cannot_be_judged_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
