"""The statistics of many windows at once: as by hand, blind to what comes later, and the same however padded."""

import numpy as np
import pytest
import scipy.sparse as sp
from planted_tastes import tastes

from penchant.data.interactions import histories
from penchant.drift.boosting import Trees, TreesConfig
from penchant.drift.events import compare, event_names
from penchant.drift.likeness import likeness
from penchant.drift.statistics import divergence, likelihood_ratio, window_statistics
from penchant.drift.views import ItemViews, fit_views, touched_by
from penchant.drift.windows import NOTHING
from penchant.errors import InputError, NotFittedError, TooLittleDataError
from penchant.training.options import Options

RNG = np.random.default_rng(2)
STREAMS = RNG.integers(90, size=(6, 5, 4)).astype(np.int32)
ODDS = {lag: RNG.normal(size=STREAMS.shape).astype(np.float32) for lag in (0, 1)}


@pytest.fixture(scope="module")
def views() -> ItemViews:
    community = tastes(members=30)
    seen = histories(community)
    return fit_views(community, touched_by(seen.items, seen.owners, np.arange(30), len(community.items)))


def told(items: np.ndarray, views: ItemViews, odds=ODDS, surprise=None) -> dict[str, np.ndarray]:
    table, names = window_statistics(compare(items, views), views, odds, surprise)
    return {name: table[..., place] for place, name in enumerate(names)}


def test_likeness_is_the_sum_and_the_best_over_pairs_without_the_event_itself():
    vectors = RNG.normal(size=(90, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = likeness(STREAMS, vectors)
    stream = STREAMS[1]
    products = vectors[stream[3, 2]] @ vectors[stream[1]].T
    assert found.sums[1, 3, 2, 1] == pytest.approx(products.sum(), abs=1e-5)
    assert found.best[1, 3, 2, 1] == pytest.approx(products.max(), abs=1e-5)
    others = np.delete(stream[3], 2)
    assert found.sums[1, 3, 2, 3] == pytest.approx((vectors[stream[3, 2]] @ vectors[others].T).sum(), abs=1e-5)


def test_the_measures_are_those_by_hand(views):
    found = told(STREAMS, views)
    vectors = views.vectors["behaviour"]
    past, now = vectors[STREAMS[2, :3].ravel()], vectors[STREAMS[2, 3]]
    between = (now @ past.T).mean()
    inside = (past @ past.T)[~np.eye(12, dtype=bool)].mean()
    own = (now @ now.T)[~np.eye(4, dtype=bool)].mean()
    assert found["behaviour/excess/now"][2, 3] == pytest.approx(between - inside, abs=1e-5)
    assert found["behaviour/mmd/now"][2, 3] == pytest.approx(own + inside - 2 * between, abs=1e-5)
    cosine = now.mean(axis=0) @ past.mean(axis=0)
    cosine /= np.linalg.norm(now.mean(axis=0)) * np.linalg.norm(past.mean(axis=0))
    known = np.all(np.linalg.norm(np.concatenate([past, now]), axis=1) > 0.5)
    assert not known or found["behaviour/cosine/now"][2, 3] == pytest.approx(cosine, abs=1e-3)
    both = vectors[STREAMS[2, 2:4].ravel()] @ vectors[STREAMS[2, :2].ravel()].T
    earlier = vectors[STREAMS[2, :2].ravel()]
    inside = (earlier @ earlier.T)[~np.eye(8, dtype=bool)].mean()
    assert found["behaviour/excess/both|earlier"][2, 3] == pytest.approx(both.mean() - inside, abs=1e-5)


def test_topic_measures_are_those_of_counts(views):
    found = told(STREAMS, views)
    past, now = views.topics[STREAMS[0, :2].ravel()].sum(axis=0), views.topics[STREAMS[0, 2]].sum(axis=0)
    assert found["topics js/now"][0, 2] == pytest.approx(float(divergence(past, now)), abs=1e-5)
    even = np.full(3, 1 / 3)
    # One Polya urn by hand: the chance of a, a, then b against two urns.
    weight = 10.0
    one = [(weight / 3 + n) / (weight + n) for n in (0, 1)]
    joint = np.log(one[0] * one[1] * (weight / 3) / (weight + 2))
    apart = np.log(one[0] * one[1]) + np.log(1 / 3)
    assert likelihood_ratio(np.array([2.0, 0, 0]), np.array([0, 1.0, 0]), even) == pytest.approx(
        apart - joint, abs=1e-5
    )


def test_no_statistic_reads_what_comes_later(views):
    surprise = RNG.normal(size=STREAMS.shape).astype(np.float32)
    later = STREAMS.copy()
    later[:, 4] = RNG.integers(90, size=later[:, 4].shape)
    changed = {lag: odds.copy() for lag, odds in ODDS.items()}
    for odds in changed.values():
        odds[:, 4] += 3
    moved = surprise.copy()
    moved[:, 4] += 3
    before, after = told(STREAMS, views, ODDS, surprise), told(later, views, changed, moved)
    for name, values in before.items():
        np.testing.assert_array_equal(values[:, :4], after[name][:, :4], err_msg=name)


@pytest.mark.parametrize("wider", [0, 2])
def test_empty_windows_in_front_change_nothing(views, wider):
    padded = np.full((6, 7, 4 + wider), NOTHING, dtype=np.int32)
    padded[:, 2:, :4] = STREAMS
    odds = {lag: np.zeros(padded.shape, np.float32) for lag in ODDS}
    for lag, values in ODDS.items():
        odds[lag][:, 2:, :4] = values
    level = RNG.normal(size=STREAMS.shape).astype(np.float32)
    padded_level = np.zeros(padded.shape, np.float32)
    padded_level[:, 2:, :4] = level
    plain, wide = told(STREAMS, views, ODDS, level), told(padded, views, odds, padded_level)
    # A share of a window, as its upper half, is one of the width that the judge learned with.
    for name in plain if not wider else ("behaviour/excess/now", "topics js/now", "odds/mean/now", "odds/glr/now"):
        np.testing.assert_allclose(plain[name][:, 2:], wide[name][:, 4:], atol=1e-4, err_msg=name)


def test_surprise_adds_its_columns(views):
    with_it = told(STREAMS, views, ODDS, np.ones(STREAMS.shape, np.float32))
    assert set(with_it) - set(told(STREAMS, views)) == {
        "surprise/against past", "surprise/past", "surprise/last against past",
    }  # fmt: skip


def test_events_are_told_by_numbers_that_have_names(views):
    found = compare(STREAMS, views)
    assert found.events[0].shape == (*STREAMS.shape, len(event_names(views)))
    assert np.isnan(found.events[0][:, 0]).all()
    assert np.isnan(found.events[1][:, 1]).all()
    column = event_names(views).index("known/before")
    assert found.events[0][0, 3, 1, column] == np.sum(STREAMS[0, :3] == STREAMS[0, 3, 1])


def test_views_put_items_of_one_taste_together_and_want_a_column_for_each(views):
    vectors = views.vectors["behaviour"]
    kind = np.arange(90) // 15
    like = vectors @ vectors.T
    same = kind[:, None] == kind
    assert like[same].mean() > 0.5 > 0.1 > like[~same].mean()
    assert len(views.topic_names) == 6
    with pytest.raises(InputError, match="a column for each"):
        fit_views(tastes(members=6), sp.csr_matrix((6, 5), dtype=np.float32))


def test_trees_answer_in_odds_and_say_what_they_lack():
    rows = RNG.normal(size=(800, 3)).astype(np.float32)
    yes = rows[:, 1] + 0.3 * RNG.normal(size=800) > 1
    trees = Trees(TreesConfig(trees=40)).fit(rows, yes, ("a", "b", "c"), Options(threads=1))
    assert trees.odds(rows)[yes].mean() > 1 > 0 > trees.odds(rows)[~yes].mean()
    assert next(iter(trees.importance())) == "b"
    again = Trees.of_state(trees.state())
    np.testing.assert_array_equal(again.odds(rows), trees.odds(rows))
    shallow = Trees(TreesConfig(trees=1)).fit(rows, yes, ("a", "b", "c"), Options(threads=1))
    assert np.abs(shallow.odds(rows)).max() < np.abs(trees.odds(rows)).max()
    with pytest.raises(TooLittleDataError, match="either"):
        Trees().fit(rows, np.zeros(800, bool), ("a", "b", "c"), Options())
    with pytest.raises(NotFittedError):
        Trees().odds(rows)
