"""Ranking metrics against slow, obvious definitions of the same, and against scikit-learn's NDCG."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.errors import ConfigError, InputError, TooLittleDataError
from penchant.evaluation.ranking import coverage, diversity, evaluate_rankings, novelty


@st.composite
def rankings(draw):
    """Lists with gaps (-1), graded gains and members without anything relevant; at least one member has something."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    members, items = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    length = draw(st.integers(1, items))
    ranked = np.stack([rng.permutation(items)[:length] for _ in range(members)])
    ranked[rng.random(ranked.shape) < 0.15] = -1
    gains = rng.integers(0, 3, (members, items)) * (rng.random((members, items)) < draw(st.floats(0, 1)))
    gains[rng.integers(members), rng.integers(items)] = 1
    return ranked, gains.astype(float), draw(st.integers(1, length))


def slow_metrics(row, gain, k):
    """The metrics of one list, written as the definitions are."""
    shown = row[:k].tolist()
    relevant = {item for item in range(len(gain)) if gain[item] > 0}
    hits = [item in relevant for item in shown]
    dcg = sum(gain[item] / math.log2(place + 2) for place, item in enumerate(shown) if item in relevant)
    best = sum(value / math.log2(place + 2) for place, value in enumerate(sorted(gain, reverse=True)[:k]))
    precisions = [sum(hits[: place + 1]) / (place + 1) for place, hit in enumerate(hits) if hit]
    return {
        f"ndcg@{k}": dcg / best,
        f"recall@{k}": sum(hits) / len(relevant),
        f"hit@{k}": float(any(hits)),
        f"precision@{k}": sum(hits) / k,
        f"map@{k}": sum(precisions) / min(k, len(relevant)),
        f"mrr@{k}": 1 / (hits.index(True) + 1) if any(hits) else 0.0,
    }


@given(rankings())
@settings(max_examples=200, deadline=None)
def test_every_metric_equals_its_slow_definition(case):
    ranked, gains, k = case
    metrics = evaluate_rankings(ranked, sp.csr_matrix(gains), k)
    judged = [row for row in range(len(ranked)) if gains[row].any()]
    assert metrics.judged.tolist() == judged
    assert metrics.left_out == len(ranked) - len(judged)
    for place, row in enumerate(judged):
        expected = slow_metrics(ranked[row], gains[row], k)
        found = {name: metrics.per_member[name][place] for name in expected}
        assert found == pytest.approx(expected)
    assert metrics.means[f"recall@{k}"] == pytest.approx(metrics.per_member[f"recall@{k}"].mean())


@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(1, 30))
@settings(max_examples=50, deadline=None)
def test_ndcg_equals_scikit_learns(seed, items, k):
    from sklearn.metrics import ndcg_score

    rng = np.random.default_rng(seed)
    k = min(k, items)
    gains = rng.integers(0, 4, (5, items)).astype(float)
    gains[:, 0] = 1
    scores = np.stack([rng.permutation(items) for _ in range(5)]).astype(float)
    ranked = np.argsort(-scores, axis=1)
    ours = evaluate_rankings(ranked, sp.csr_matrix(gains), k).means[f"ndcg@{k}"]
    assert ours == pytest.approx(ndcg_score(gains, scores, k=k))


def test_several_cuts_at_once_equal_each_alone():
    rng = np.random.default_rng(0)
    ranked = np.stack([rng.permutation(40) for _ in range(20)])
    relevant = sp.csr_matrix((rng.random((20, 40)) < 0.2).astype(float))
    together = evaluate_rankings(ranked, relevant, [20, 5]).means
    assert {"ndcg@5", "map@20", "mrr"} <= set(together)
    for k in (5, 20):
        alone = evaluate_rankings(ranked, relevant, k).means
        assert {name: together[name] for name in alone} == pytest.approx(alone)


def test_the_best_list_scores_one_and_the_worst_zero():
    relevant = sp.csr_matrix(np.array([[1.0, 1.0, 0.0, 0.0]]))
    best = evaluate_rankings(np.array([[1, 0]]), relevant, 2).means
    assert set(best.values()) == {1.0}
    worst = evaluate_rankings(np.array([[2, 3]]), relevant, 2).means
    assert set(worst.values()) == {0.0}


def test_cells_stored_as_zero_are_not_relevant():
    relevant = sp.csr_matrix(([0.0, 1.0], ([0, 0], [0, 1])), shape=(1, 3))
    assert evaluate_rankings(np.array([[0, 1]]), relevant, 2).means["recall@2"] == 1
    assert evaluate_rankings(np.array([[0, 1]]), relevant, 1).means["hit@1"] == 0
    assert relevant.nnz == 2, "the caller's matrix must not change"


def test_a_catalogue_smaller_than_k_is_judged_over_all_of_it():
    means = evaluate_rankings(np.array([[1, 0]]), sp.csr_matrix(np.array([[1.0, 0.0]])), 10).means
    assert means["recall@10"] == 1
    assert means["precision@10"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("ranked", "k", "error", "message"),
    [
        ([[0, 0, 1]], 2, InputError, "1 lists hold an item twice, first that in row 0"),
        ([[0, 7, 1]], 2, InputError, "lists hold item rows from 0 to 7"),
        ([[0, 1], [1, 0]], 2, InputError, r"shape \(2, 2\) and the relevant items \(1, 4\)"),
        ([[0, 1]], 3, ConfigError, "at 3 were asked of lists of 2 items from a catalogue of 4"),
        ([[0, 1]], 0, ConfigError, "every cut must be at least 1"),
    ],
)
def test_lists_that_make_no_sense_are_refused(ranked, k, error, message):
    with pytest.raises(error, match=message):
        evaluate_rankings(np.array(ranked), sp.csr_matrix(np.array([[1.0, 0, 0, 0]])), k)


@pytest.mark.parametrize("gain", [-1.0, np.nan, np.inf])
def test_gains_that_are_no_gain_are_refused(gain):
    with pytest.raises(InputError, match="negative or not finite"):
        evaluate_rankings(np.array([[0, 1]]), sp.csr_matrix(np.array([[gain, 1.0]])), 1)


def test_judging_nobody_is_refused():
    with pytest.raises(TooLittleDataError, match="none of 2 members has a relevant item"):
        evaluate_rankings(np.array([[0], [1]]), sp.csr_matrix((2, 2)), 1)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_diversity_equals_the_mean_over_all_pairs(seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(10, 4)).astype(np.float32)
    features[3] = 0
    ranked = np.stack([rng.permutation(10)[:5] for _ in range(4)])
    ranked[0, 3:] = -1
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-30)
    for row, value in zip(ranked, diversity(ranked, features), strict=True):
        shown = [item for item in row if item >= 0]
        pairs = [1 - unit[a] @ unit[b] for place, a in enumerate(shown) for b in shown[:place]]
        assert value == pytest.approx(np.mean(pairs), abs=1e-5)


def test_diversity_of_categories_is_the_same_sparse_and_dense():
    categories = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=np.float32)
    ranked = np.array([[0, 1, 2]])
    expected = np.mean([1 - 1 / math.sqrt(2), 1, 1])
    assert diversity(ranked, categories) == pytest.approx([expected])
    assert diversity(ranked, sp.csr_matrix(categories)) == pytest.approx([expected])


def test_rare_items_are_more_novel_and_gaps_do_not_count():
    popularity = np.array([100, 10, 0])
    bits = novelty(np.array([[0, -1], [0, 2], [-1, -1]]), popularity, member_count=100)
    assert bits[0] == 0
    assert bits[1] == pytest.approx(math.log2(101) / 2)
    assert np.isnan(bits[2])


def test_coverage_counts_each_item_once():
    assert coverage(np.array([[0, 1, -1], [1, 0, 2]]), 6) == 0.5
