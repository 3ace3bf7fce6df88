"""Weights and ranker: they find which source to believe, and the ranker serves only where it is better."""

import numpy as np
import pytest
import scipy.sparse as sp
from planted_circles import circles

from penchant.social.blend import pick_weights
from penchant.social.config import BlendConfig, RankerConfig
from penchant.social.features import FACTS, Facts, direction, feature_names, table
from penchant.social.graph import Graph, GraphConfig
from penchant.social.linear import AlsSettings, EaseSettings, TaggedAls, TaggedEase
from penchant.social.opinions import Candidates, in_spreads
from penchant.social.people import People
from penchant.social.ranker import Ranker
from penchant.social.texts import TextVectors
from penchant.social.tuning import searched
from penchant.training.options import Options

MEMBERS, ITEMS = 400, 60
OPTIONS = Options(threads=1, progress=False)


def drawn(
    truth: np.ndarray, sources: dict[str, np.ndarray], rng: np.random.Generator
) -> tuple[Candidates, sp.csr_matrix]:
    """Candidates of all items, and two items of each member chosen by what is true of them."""
    odds = np.exp(2 * truth)
    odds /= odds.sum(axis=1, keepdims=True)
    chosen = np.stack([rng.choice(ITEMS, 2, replace=False, p=row) for row in odds])
    rows = np.repeat(np.arange(len(truth)), 2)
    relevant = sp.csr_matrix((np.ones(len(rows)), (rows, chosen.ravel())), shape=truth.shape)
    opinions = {name: in_spreads(scores.astype(np.float32)) for name, scores in sources.items()}
    return Candidates.of(opinions, np.zeros(truth.shape, dtype=bool), ITEMS), relevant


def test_the_source_that_is_right_gets_the_weight():
    rng = np.random.default_rng(0)
    truth, noise = rng.normal(size=(2, MEMBERS, ITEMS))
    candidates, relevant = drawn(truth, {"noise": noise, "right": truth}, rng)
    weights = pick_weights(candidates, relevant, BlendConfig(), rng)
    assert weights["right"] > 0.85
    assert sum(weights.values()) == pytest.approx(1)


def test_two_half_right_sources_share_it_and_a_strong_pull_makes_them_equal():
    rng = np.random.default_rng(1)
    truth, first, second = rng.normal(size=(3, MEMBERS, ITEMS))
    candidates, relevant = drawn(truth, {"one": truth + first, "other": truth + 1.5 * second}, rng)
    weights = pick_weights(candidates, relevant, BlendConfig(), rng)
    assert 0.15 < weights["other"] < weights["one"] < 0.85
    drawn_together = pick_weights(candidates, relevant, BlendConfig(pull=50.0, tried=1, averaged=1), rng)
    assert abs(drawn_together["one"] - drawn_together["other"]) < abs(weights["one"] - weights["other"])


def test_without_anything_held_out_weights_are_equal():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(4, ITEMS))
    candidates, _ = drawn(truth, {"one": truth, "other": -truth}, rng)
    nothing = sp.csr_matrix((4, ITEMS))
    assert pick_weights(candidates, nothing, BlendConfig(), rng) == {"one": 0.5, "other": 0.5}


def test_a_ranker_serves_where_it_sees_what_the_blend_cannot_and_not_elsewhere(tmp_path):
    rng = np.random.default_rng(3)
    truth, noise = rng.normal(size=(2, MEMBERS, ITEMS))
    right_here = np.arange(MEMBERS) % 2 == 0
    one = np.where(right_here[:, None], truth, noise)
    other = np.where(right_here[:, None], noise, truth)
    candidates, relevant = drawn(truth, {"one": one, "other": other}, rng)
    blend = candidates.scores.mean(axis=1)
    fact = right_here[candidates.owners].astype(np.float32)
    names = ("blend", "one", "other", FACTS[-1])
    rows = np.column_stack([blend, candidates.scores, fact]).astype(np.float32)
    config = RankerConfig(trees=60)
    ranker, verdict = Ranker.learn(rows, candidates, relevant, names, config, OPTIONS)
    assert verdict.used
    assert ranker is not None
    assert verdict.ranked > verdict.blend + 0.05  # type: ignore[operator]
    assert verdict.told().startswith("the ranker orders the candidates")
    kept = ranker.save(tmp_path)
    assert np.array_equal(Ranker.load(tmp_path, kept).correct(rows), ranker.correct(rows))
    blind, plain = Ranker.learn(rows[:, :1], candidates, relevant, names[:1], config, OPTIONS)
    assert not plain.used
    _, few = Ranker.learn(rows, candidates, relevant, names, RankerConfig(fewest=1000), OPTIONS)
    assert few.told() == "no ranker: 400 members have held-out events, 1000 are needed"
    off = Ranker.learn(rows, candidates, relevant, names, RankerConfig(enabled=False), OPTIONS)
    assert off[0] is None
    assert blind is None or plain.ranked <= plain.blend + 0.01  # type: ignore[operator]


def test_nothing_that_speaks_for_an_item_may_count_against_it():
    names = feature_names(("ease", "friends"))
    assert {name: direction(name) for name in names} == {
        "blend": 1, "ease": 1, "friends": 1, "place by ease": -1, "place by friends": -1,
        "friends who like it": 1, "members who like it": 0, "tags": 0, "tags in common": 0, "own events": 0,
    }  # fmt: skip


def test_features_are_what_their_names_say():
    graph = Graph.of(circles(private=(5,)), GraphConfig(half_life_days=None))
    people = People.members(graph, np.array([1, 9]), TextVectors.none(graph).said)
    scores = {"ease": TaggedEase.fit(graph, EaseSettings(regularization=5), OPTIONS).score(people)}
    found = {name: in_spreads(one) for name, one in scores.items()}
    candidates = Candidates.of(found, (people.events > 0).toarray(), 8)
    rows = table(candidates, {"ease": 2.0}, people, Facts.of(graph))
    column = {name: rows[:, place] for place, name in enumerate(feature_names(("ease",)))}
    assert column["blend"] == pytest.approx(2 * column["ease"])
    first = candidates.owners == 0
    assert np.sort(np.expm1(column["place by ease"][first])) == pytest.approx(np.arange(first.sum()), abs=1e-4)
    best = int(np.flatnonzero(first)[column["ease"][first].argmax()])
    assert column["place by ease"][best] == 0
    friends = [friend for friend in graph.friends(1) if friend != 5]
    liking = sum(graph.events[friend, int(candidates.items[best])] > 0 for friend in friends)
    assert column["friends who like it"][best] == liking
    assert np.expm1(column["own events"]) == pytest.approx(np.diff(people.events.indptr)[candidates.owners], rel=1e-5)
    same = candidates.items % 4 == 1
    assert (column["tags in common"] > 0.9).tolist() == same.tolist()


def test_tags_as_rows_lead_ease_and_als_to_items_that_nobody_likes():
    community = circles(likes=4)
    cold = community.with_events(community.events.filter(community.events["item"] >= 8))
    graph = Graph.of(cold, GraphConfig(half_life_days=None))
    people = People.members(graph, np.arange(80), TextVectors.none(graph).said)
    own = np.arange(8)[None] % 4 == np.arange(80)[:, None] % 4
    for fit in (
        lambda weight: TaggedEase.fit(graph, EaseSettings(regularization=5, tag_weight=weight), OPTIONS),
        lambda weight: TaggedAls.fit(graph, AlsSettings(factors=8, regularization=1, tag_weight=weight), OPTIONS),
    ):
        told, mute = fit(1.0).score(people)[:, :8], fit(0.0).score(people)[:, :8]
        assert told[own].mean() > told[~own].mean() + told.std()
        assert not mute.any()


def test_a_search_keeps_the_best_of_each_field_and_fits_once_without_a_judge():
    fitted: list[EaseSettings] = []

    def fit(settings: EaseSettings) -> EaseSettings:
        fitted.append(settings)
        return settings

    grid = {"regularization": (10.0, 50.0), "tag_weight": (0.0, 2.0)}
    found = searched(EaseSettings(), grid, fit, lambda one: -abs(one.regularization - 50) + one.tag_weight)
    assert (found.settings.regularization, found.settings.tag_weight, found.found) == (50, 2, 2)
    assert len(fitted) == 5
    fitted.clear()
    assert np.isnan(searched(EaseSettings(), grid, fit, None).found)
    assert len(fitted) == 1
