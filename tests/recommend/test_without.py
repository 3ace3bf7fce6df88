"""Reasons in a large catalogue are checked as in a small one, and the quick ways give the slow answers."""

import numpy as np
import pytest
from shops import shop
from word_encoder import WordEncoder

from penchant.data.simulated import SimulatedConfig, simulate
from penchant.recommend import RankerConfig, RecommendConfig, Recommender, RulesConfig, train
from penchant.recommend import recommender as module
from penchant.recommend.opinions import Opinions
from penchant.recommend.person import Person, without_each
from penchant.recommend.rules import seen, seen_items
from penchant.recommend.scale import Scale
from penchant.recommend.without import opinions_of_few
from penchant.training.options import Options
from penchant.vectors import best_places


@pytest.fixture(scope="module")
def served() -> Recommender:
    """A recommender with every source but a sequence, and a ranker, over a bazaar."""
    community = simulate(SimulatedConfig(events=6_000, members=250, items=300, seed=4)).community
    config = RecommendConfig(tuning="none", ranker=RankerConfig(rounds=0, confidence=0.01, least_rows=20))
    return train(community, config, Options(threads=1, progress=False), encoder=WordEncoder())


def test_scores_scales_and_cold_items_of_a_few_are_those_of_all(served: Recommender) -> None:
    community = served.community
    rng = np.random.default_rng(1)
    for member in ("m000003", "m000077"):
        person = Person.member(community, member, served.config.event_weights)
        barred = served._barred(person, ())
        histories = without_each(person.history, person.history.items[:6].tolist())
        shut = np.repeat(barred[None], len(histories), axis=0)
        whole = served._opinions(histories, shut)
        items = np.sort(rng.choice(len(barred), 40, replace=False))
        before = served._opinions(person.history, barred[None])
        few = opinions_of_few(served.sources, histories, barred, items, before)
        assert isinstance(few, Opinions)
        for name, scores in whole.scores.items():
            np.testing.assert_allclose(few.scores[name], scores[:, items], atol=2e-3, err_msg=name)
            np.testing.assert_allclose(few.scales[name].spread, whole.scales[name].spread, rtol=1e-3, err_msg=name)
        np.testing.assert_allclose(few.blend(served.weights), whole.blend(served.weights)[:, items], atol=2e-3)


def test_reasons_are_checked_alike_whatever_the_size_of_the_catalogue(
    served: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [served.community.member_ids.id(row) for row in range(0, 60, 3)]
    slow = [served.recommend(member, 10) for member in members]
    monkeypatch.setattr(module, "FEW_ITEMS", 0)
    quick = [served.recommend(member, 10) for member in members]
    assert [[pick.item_id for pick in one] for one in slow] == [[pick.item_id for pick in one] for one in quick]
    pairs = [
        (a.reason, b.reason) for one, other in zip(slow, quick, strict=True) for a, b in zip(one, other, strict=True)
    ]
    same = sum(a == b for a, b in pairs) / len(pairs)
    assert same > 0.85, f"{same:.2f} of the reasons are the same"


def test_what_is_not_a_reason_is_not_named_in_a_large_catalogue_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW_ITEMS", 0)
    config = RecommendConfig(sources=("popularity", "ease", "als"), tuning="none", ranker=RankerConfig(enabled=False))
    model = train(shop(), config, Options(threads=1, progress=False))
    for member in ("m0", "m1", "m2"):
        for pick in model.recommend(member, 5):
            for piece in pick.evidence:
                if piece.item_id is None:
                    continue
                person = Person.member(model.community, member, config.event_weights)
                row = model.community.item_ids.row(piece.item_id)
                item = model.community.item_ids.row(pick.item_id)
                assert model.score(person.without(row), item) < model.score(person, item)


def test_the_best_of_many_are_the_best_of_all() -> None:
    rng = np.random.default_rng(0)
    for scores in (
        rng.normal(size=10_000),
        np.where(rng.random(10_000) < 0.02, rng.random(10_000), 0.0),
        np.where(rng.random(10_000) < 0.002, rng.random(10_000), 0.0),
        np.zeros(10_000),
        np.where(rng.random(10_000) < 0.9, -np.inf, rng.random(10_000)),
    ):
        found = best_places(scores.astype(np.float32), 100)
        assert len(set(found.tolist())) == 100
        wanted = np.sort(scores.astype(np.float32))[::-1][:100]
        assert np.array_equal(np.sort(scores.astype(np.float32)[found])[::-1], wanted)


def test_a_scale_is_the_mean_and_spread_of_what_may_be_shown() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(3, 2, size=(4, 5_000)).astype(np.float32)
    scores[3] = 7
    shut = rng.random((4, 5_000)) < 0.1
    shut[2] = True
    scale = Scale.of(scores, shut)
    for row in (0, 1):
        assert scale.mean[row, 0] == pytest.approx(scores[row][~shut[row]].mean(), rel=1e-5)
        assert scale.spread[row, 0] == pytest.approx(scores[row][~shut[row]].std(), rel=1e-5)
    assert scale.spread[2, 0] == 0
    assert not scale.speaks[3, 0]
    assert not scale.apply(scores)[3].any()


@pytest.mark.parametrize("repeat", [False, True])
def test_what_one_person_has_seen_is_what_the_table_says(served: Recommender, repeat: bool) -> None:
    rules = RulesConfig(repeat_purchases=repeat)
    count = len(served.community.items)
    table = seen(served.community.events, (len(served.community.members), count), rules)
    for row in range(0, 250, 7):
        member = served.community.member_ids.id(row)
        person = Person.member(served.community, member, served.config.event_weights)
        found = seen_items(person.history.items, person.kinds, rules)
        assert found.tolist() == np.flatnonzero(table[row].toarray()[0]).tolist()
