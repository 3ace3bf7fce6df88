"""Large catalogues: an answer made from the candidates alone is the answer made from all items."""

import numpy as np
import polars as pl
import pytest
from word_encoder import WordEncoder

from penchant.data.columns import EVENTS
from penchant.data.interactions import Histories
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.data.splits import last_split
from penchant.recommend import RankerConfig, RecommendConfig, Recommender, fit
from penchant.recommend import recommender as module
from penchant.recommend.person import Person
from penchant.training.options import Options
from penchant.vectors import kth_largest

OPTIONS = Options(seed=3, threads=1, progress=False)


@pytest.fixture(scope="module")
def recommender() -> Recommender:
    community = simulate(SimulatedConfig(members=150, items=1_500, events=5_000, seed=3)).community
    config = RecommendConfig(tuning="none", per_source=30, ranker=RankerConfig(rounds=0, fewest=20, trees=20))
    split = last_split(community, 3, unseen=True)
    fitted = fit(split.train, split.validation, config, OPTIONS, encoder=WordEncoder())
    return fitted.recommender.with_ranker(fitted.ranker).on(split.fit)


def _people(recommender: Recommender) -> list[Person]:
    members = recommender.community.member_ids.ids.to_list()[:60]
    return [Person.member(recommender.community, member, recommender.config.event_weights) for member in members]


def test_candidates_and_scores_are_those_of_all_items(recommender: Recommender) -> None:
    for person in _people(recommender)[:30]:
        barred = recommender._barred(person, ())
        near = recommender._nearby.opinions(person.history, barred)
        whole = recommender._opinions(person.history, barred[None])
        assert near.items is not None
        for name, scores in whole.scores.items():
            own = np.where(barred, -np.inf, scores[0])
            nothing = -whole.scales[name].mean[0, 0] / max(whole.scales[name].spread[0, 0], 1e-9)
            # Which of the many take part that a source says nothing of, or the same of, is open.
            best = np.flatnonzero(own > max(kth_largest(own, recommender.config.per_source), nothing))
            assert np.isin(best, near.items).all(), name
        for name in whole.scores:
            assert near.scales[name].mean == pytest.approx(whole.scales[name].mean, abs=1e-5)
            assert near.scales[name].spread == pytest.approx(whole.scales[name].spread, rel=1e-3, abs=1e-6)
            assert near.scores[name][0] == pytest.approx(whole.scores[name][0, near.items], rel=1e-3, abs=2e-3)


def test_lists_are_those_of_all_items(recommender: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    people = _people(recommender)
    whole = [recommender.answer(person, 10) for person in people]
    monkeypatch.setattr(module, "FEW_ITEMS", 100)
    near = [recommender.answer(person, 10) for person in people]
    same = [
        [pick.item_id for pick in one] == [pick.item_id for pick in other]
        for one, other in zip(whole, near, strict=True)
    ]
    assert np.mean(same) >= 0.9
    assert all(len(one) == 10 for one in near)


def test_nobody_is_shown_what_is_barred(recommender: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW_ITEMS", 100)
    for person in _people(recommender)[:20]:
        best = [pick.item_id for pick in recommender.answer(person, 5, reasons=False)]
        after = [pick.item_id for pick in recommender.answer(person, 5, exclude=best, reasons=False)]
        assert len(after) == 5
        assert not set(best) & set(after)


def test_too_few_candidates_are_filled_up_from_all_items(
    recommender: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Somebody without events, for whom everything popular is excluded.
    popular = [pick.item_id for pick in recommender.recommend_for(k=120)]
    monkeypatch.setattr(module, "FEW_ITEMS", 100)
    monkeypatch.setattr(recommender, "config", recommender.config.model_copy(update={"per_source": 12}))
    monkeypatch.delitem(recommender.__dict__, "_nearby", raising=False)
    found = recommender.recommend_for(k=12, exclude=popular)
    del recommender.__dict__["_nearby"]
    assert len(found) == 12
    assert not {pick.item_id for pick in found} & set(popular)


def test_a_history_of_unknown_items_says_nothing_of_new_ones(recommender: Recommender) -> None:
    model = recommender.new_items
    assert model is not None
    assert len(model.rows)
    unknown = next(row for row in range(len(recommender.community.item_ids)) if row not in set(model.known.tolist()))
    assert not model.score(Histories.of_items([[unknown]])).any()
    assert model.score(Histories.of_items([[int(model.known[0])]])).any()


def test_an_empty_history_is_answered(recommender: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW_ITEMS", 100)
    events = pl.DataFrame(schema={name: EVENTS[name] for name in ("item_id", "kind", "at", "amount")})
    assert len(recommender.recommend_for(events=events, k=5)) == 5


def test_new_items_that_are_barred_take_no_places(recommender: Recommender) -> None:
    person = _people(recommender)[0]
    cold = np.flatnonzero(recommender.cold)
    barred = recommender._barred(person, ())
    barred[cold[3:]] = True
    near = recommender._nearby.opinions(person.history, barred)
    whole = recommender._opinions(person.history, barred[None])
    assert near.items is not None
    assert not barred[near.items].any()
    count = recommender.config.per_source
    own = np.where(barred, -np.inf, whole.scores["als"][0])
    assert np.isin(np.flatnonzero(own > kth_largest(own, count)), near.items).all()
