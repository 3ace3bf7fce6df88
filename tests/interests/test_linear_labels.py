"""The linear fit reaches the optimum that scikit-learn reaches, by either road, with weights and soft targets."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from penchant.interests.linear import fit_linear


def problem(rows: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((rows, width)).astype(np.float32) / np.sqrt(width)
    labels = (features[:, :3] * 5 + rng.standard_normal((rows, 3))).argmax(1)
    return features, labels


@pytest.mark.parametrize(("rows", "width"), [(300, 20), (60, 200)], ids=["more rows", "more features"])
@pytest.mark.parametrize("sparse", [False, True])
def test_softmax_is_multinomial_logistic_regression(rows: int, width: int, sparse: bool) -> None:
    features, labels = problem(rows, width)
    theirs = LogisticRegression(C=5, tol=1e-8, max_iter=5000).fit(features, labels)
    given = sp.csr_matrix(features) if sparse else features
    ours = fit_linear(given, np.eye(3, dtype=np.float32)[labels], inverse_penalty=5, tolerance=1e-5, iterations=2000)
    scores = ours.scores(given)
    scores -= scores.mean(1, keepdims=True)
    np.testing.assert_allclose(scores, theirs.decision_function(features), atol=0.03)


def test_a_row_that_weighs_two_counts_as_two_rows() -> None:
    features, labels = problem(40, 5)
    targets = np.eye(3, dtype=np.float32)[labels]
    weights = np.where(np.arange(40) < 10, 2, 1).astype(np.float32)
    weighed = fit_linear(features, targets, weights, tolerance=1e-5)
    repeated = fit_linear(np.vstack([features, features[:10]]), np.vstack([targets, targets[:10]]), tolerance=1e-5)
    np.testing.assert_allclose(weighed.scores(features), repeated.scores(features), atol=0.01)


def test_soft_targets_give_soft_answers() -> None:
    features = np.ones((2, 1), dtype=np.float32)
    fitted = fit_linear(features, np.array([[0.8, 0.2]] * 2, dtype=np.float32), inverse_penalty=1e4)
    scores = fitted.scores(features)[0]
    assert 1 / (1 + np.exp(scores[1] - scores[0])) == pytest.approx(0.8, abs=0.01)


def test_features_that_are_all_zero_give_the_shares_of_the_labels() -> None:
    fitted = fit_linear(sp.csr_matrix((4, 9), dtype=np.float32), np.eye(2, dtype=np.float32)[[0, 0, 0, 1]])
    scores = fitted.scores(sp.csr_matrix((1, 9), dtype=np.float32))[0]
    assert np.exp(scores[0] - scores[1]) == pytest.approx(3, abs=0.05)
