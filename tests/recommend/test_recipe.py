import logging
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError
from shops import START, frame, shop, with_more
from word_encoder import WordEncoder

from penchant.collaborative import Popularity, Recency
from penchant.data.community import Community
from penchant.data.interactions import EventWeights, histories
from penchant.data.splits import Split, last_split, random_split, time_split
from penchant.errors import ConfigError, TooLittleDataError
from penchant.recommend import RecommendConfig, Recommender, RulesConfig, evaluate, fit, train
from penchant.recommend.blend import BlendConfig
from penchant.recommend.candidates import Candidates
from penchant.recommend.evaluating import judged_by
from penchant.recommend.recipe import reweighed
from penchant.recommend.setup import Setup
from penchant.training.options import Options

SHOP = shop(members=90)
SMALL = RecommendConfig(
    settings={"als": {"factors": 4, "regularization": 1.0, "iterations": 5}, "ease": {"regularization": 5.0}},
    tuning="none",
    blend=BlendConfig(averaged=10),
)


def test_ours_beats_popularity_where_members_like_one_kind_of_thing() -> None:
    split = last_split(SHOP, seed=0)
    fitted = fit(split.train, split.validation, SMALL, Options(), encoder=WordEncoder())
    ours = evaluate(fitted.recommender, split).metrics.means["ndcg@10"]
    popular = evaluate(fitted.recommender.with_weights({"popularity": 1.0}), split).metrics.means["ndcg@10"]
    assert ours > 1.5 * popular
    assert sum(fitted.recommender.weights.values()) == pytest.approx(1)


def test_nothing_of_the_test_part_is_seen_when_fitting() -> None:
    split = last_split(SHOP, seed=0)
    other = Split(split.train, split.validation, split.test.with_events(split.test.events.clear()))
    first = fit(split.train, split.validation, SMALL, Options()).recommender
    second = fit(other.train, other.validation, SMALL, Options()).recommender
    batch = histories(split.train)
    nothing = batch.touched(len(SHOP.items)) * 0
    np.testing.assert_array_equal(first.rank(batch, nothing, 10), second.rank(batch, nothing, 10))
    assert first.weights == second.weights


def test_the_same_seed_trains_the_same_and_another_seed_does_not() -> None:
    first, again, other = (train(SHOP, SMALL, Options(seed=seed)) for seed in (1, 1, 2))
    assert first.recommend("m1", 10) == again.recommend("m1", 10)
    assert first.weights == again.weights
    assert first.weights != other.weights


def test_items_of_training_and_validation_are_not_asked_for_again_and_not_counted_as_missed() -> None:
    # m0 does the same things with the same item in every part; only the new item of the test can be found.
    rows = [("m0", "x", "play", START), ("m0", "y", "play", START + timedelta(days=1))]
    rows += [("m0", "x", "play", START + timedelta(days=2)), ("m0", "z", "play", START + timedelta(days=2))]
    ids = ["x", "y", "z"]
    whole = Community.from_tables(pl.DataFrame({"item_id": ids, "title": ids}), frame(rows))
    parts = [whole.with_events(whole.events.filter(pl.col("at") == START + timedelta(days=day))) for day in range(3)]
    split = Split(*parts)
    judged = judged_by(split.fit, split.test, RecommendConfig())
    assert judged.relevant.toarray().tolist() == [[0, 0, 1]]
    assert judged.shut.toarray().tolist() == [[1, 1, 0]]
    again = RecommendConfig(rules=RulesConfig(seen_kinds=frozenset()))
    assert judged_by(split.fit, split.test, again).relevant.toarray().tolist() == [[1, 0, 1]]
    closed = RecommendConfig(rules=RulesConfig(blocked=frozenset({"z"})))
    assert judged_by(split.fit, split.test, closed).relevant.nnz == 0


def test_disliked_and_merely_shown_items_are_not_relevant() -> None:
    rows = [("m0", item, kind, START) for item, kind in (("x", "buy"), ("y", "hide"), ("z", "show"))]
    ids = ["x", "y", "z"]
    after = Community.from_tables(pl.DataFrame({"item_id": ids, "title": ids}), frame(rows))
    before = after.with_events(after.events.clear())
    assert judged_by(before, after, RecommendConfig()).relevant.toarray().tolist() == [[1, 0, 0]]
    loves_shows = RecommendConfig(event_weights=EventWeights(show=1.0, buy=0.0))
    assert judged_by(before, after, loves_shows).relevant.toarray().tolist() == [[0, 0, 1]]


def test_no_more_members_are_judged_than_asked_for() -> None:
    split = last_split(SHOP, seed=0)
    config = RecommendConfig(tuning_members=25)
    judged = judged_by(split.train, split.validation, config, rng=Options().rng())
    assert len(judged.members) == len(judged.batch) == judged.relevant.shape[0] == 25
    everyone = judged_by(split.train, split.validation, config)
    assert len(everyone.members) > 25
    place = everyone.members.tolist().index(int(judged.members[7]))
    assert (judged.relevant[7] != everyone.relevant[place]).nnz == 0


def test_the_histories_answered_can_be_other_than_what_is_known() -> None:
    split = random_split(shop(members=90, events=10), seed=0)
    model = fit(split.train, split.validation, SMALL, Options()).recommender
    short, long = evaluate(model, split, histories_of=split.train), evaluate(model, split)
    assert (short.ranked != long.ranked).any()
    assert short.members.tolist() == long.members.tolist()


def test_a_useless_source_is_left_with_little_weight_and_can_be_left_out() -> None:
    split = last_split(SHOP, seed=0)
    fitted = fit(split.train, split.validation, SMALL, Options(), encoder=WordEncoder())
    without = reweighed(fitted, "text", Options())
    assert "text" not in without.sources
    assert sum(without.weights.values()) == pytest.approx(1)
    assert fitted.recommender.weights["popularity"] < 0.3


@pytest.mark.parametrize("validation", ["last", "random", "time"])
def test_each_way_of_holding_out_trains_and_they_differ(validation: str) -> None:
    model = train(SHOP, SMALL.model_copy(update={"validation": validation}), Options())
    assert model.recommend("m1", 3)[0].item_id.startswith("camping")
    if validation != "last":
        assert model.weights != train(SHOP, SMALL, Options()).weights


def test_tuning_finds_that_only_the_last_event_counts_where_that_is_so() -> None:
    # Members walk through the items in a circle: what comes next depends on the last event alone.
    rows = [
        (f"m{member}", f"p{(member * 3 + step) % 20:02}", "play", START + timedelta(days=step))
        for member in range(60)
        for step in range(10)
    ]
    ids = [f"p{item:02}" for item in range(20)]
    circle = Community.from_tables(pl.DataFrame({"item_id": ids, "title": ids}), frame(rows))
    settings = {"cooccurrence": {"recency": {}}}
    split = last_split(circle, seed=0)
    for tuning in ("recency", "full"):
        config = SMALL.model_copy(
            update={"sources": ("popularity", "cooccurrence"), "settings": settings, "tuning": tuning}
        )
        found = fit(split.train, split.validation, config, Options()).tuned["cooccurrence"]
        assert found.config.recency.fades  # type: ignore[attr-defined]
        assert (len(found.trials) > 6) == (tuning == "full")
    untuned = config.model_copy(update={"tuning": "none"})
    assert fit(split.train, split.validation, untuned, Options()).tuned["cooccurrence"].config.recency == Recency()  # type: ignore[attr-defined]


def test_what_was_found_before_is_taken_over_without_another_search() -> None:
    split = last_split(SHOP, seed=0)
    config = SMALL.model_copy(update={"tuning": "recency"})
    found = fit(split.train, split.validation, config, Options()).setup
    model = train(SHOP, config, Options(), setup=Setup.model_validate_json(found.model_dump_json()))
    assert model.weights == found.weights
    assert {name: source.config.as_meta() for name, source in model.sources.items()} == found.settings
    totals = Popularity().fit(SHOP, Options()).totals
    np.testing.assert_array_equal(model.sources["popularity"].totals, totals, "fitted on all events")


def test_a_setup_of_other_sources_is_refused() -> None:
    found = Setup(settings={"popularity": {}}, weights={"popularity": 1.0})
    with pytest.raises(ConfigError, match=r"the setup is of the sources popularity, and .* blends popularity, ease"):
        train(SHOP, SMALL, Options(), setup=found)


def test_a_community_too_small_to_hold_out_from_is_served_with_equal_weights(caplog: pytest.LogCaptureFixture) -> None:
    tiny = shop(members=6)
    with caplog.at_level(logging.WARNING):
        model = train(tiny, SMALL, Options(), encoder=WordEncoder())
    assert "too few members have events to hold out" in caplog.text
    assert set(model.weights.values()) == {1 / 7}
    assert model.recommend("m1", 2)[0].item_id.startswith("camping")


def test_a_community_in_which_nobody_likes_anything_is_too_little() -> None:
    shown = SHOP.with_events(SHOP.events.clear())
    with pytest.raises(TooLittleDataError):
        train(shown, SMALL, Options())


def test_event_weights_reach_every_source() -> None:
    views = with_more(
        SHOP, [(f"m{member}", f"dress-{member % 11}", "view", START + timedelta(days=20)) for member in range(90)]
    )
    blind = train(views, SMALL.model_copy(update={"event_weights": EventWeights(view=0.0)}), Options())
    seeing = train(views, SMALL.model_copy(update={"event_weights": EventWeights(view=1.0)}), Options())
    for name in blind.sources:
        assert blind.sources[name].config.event_weights.view == 0  # type: ignore[attr-defined]
    assert [pick.item_id for pick in blind.recommend("m1", 8)] != [pick.item_id for pick in seeing.recommend("m1", 8)]


def test_the_split_by_time_is_judged_too() -> None:
    split = time_split(SHOP)
    model = fit(split.train, split.validation, SMALL, Options()).recommender
    assert 0 < evaluate(model, split).metrics.means["ndcg@10"] <= 1


def test_settings_without_meaning_are_told_with_their_source() -> None:
    with pytest.raises(ConfigError, match="settings of the source als have no meaning"):
        RecommendConfig(settings={"als": {"factors": -1}}).start("als")
    with pytest.raises(ValidationError, match="popularity answers members without a history"):
        RecommendConfig(sources=("ease",))
    with pytest.raises(ValidationError, match="named twice"):
        RecommendConfig(sources=("popularity", "ease", "ease"))


def test_fewer_sources_are_fitted_where_fewer_are_named() -> None:
    model = train(SHOP, SMALL.model_copy(update={"sources": ("popularity", "ease")}), Options(), encoder=WordEncoder())
    assert list(model.sources) == ["popularity", "ease"]


def test_candidates_hold_every_sources_score_and_more_are_gathered_when_asked() -> None:
    model = train(SHOP, SMALL, Options(), encoder=WordEncoder())
    batch = histories(SHOP, np.array([0, 1, 2]))
    seen = batch.touched(len(SHOP.items))

    def candidates(count: int) -> Candidates:
        config = model.config.model_copy(update={"per_source": count})
        return Recommender(SHOP, model.sources, model.weights, config, cold=model.cold).candidates(batch, seen)

    few, many = candidates(2), candidates(10)
    assert few.sources == tuple(model.sources)
    assert few.scores.shape == (len(few.items), 7)
    assert len(few.items) < len(many.items)


def test_low_ratings_are_no_likes_unless_all_are_asked_for() -> None:
    ids = [f"p{item}" for item in range(6)]
    rows = [(f"m{member}", item, "rate", START) for member in range(40) for item in ids]
    amounts = [0.5 if item == "p0" else 2.5 if item == "p1" else 5.0 for _, item, _, _ in rows]
    rated = frame(rows).with_columns(amount=pl.Series(amounts))
    community = Community.from_tables(pl.DataFrame({"item_id": ids, "title": ids}), rated)
    assert RecommendConfig().on(community).event_weights.rating_floor == 2.75
    model = train(community, SMALL, Options())
    likers = dict(zip(ids, model.sources["popularity"].likers.tolist(), strict=True))  # type: ignore[attr-defined]
    assert (likers["p0"], likers["p1"], likers["p2"]) == (0, 0, 40)
    assert not model.recommend("m1", 10).picks, "what was rated low has still been seen"
    every = train(community, SMALL.model_copy(update={"liked_ratings": "all"}), Options())
    assert every.sources["popularity"].likers.tolist() == [40] * 6  # type: ignore[attr-defined]
    own = RecommendConfig(event_weights=EventWeights(rating_floor=1.0))
    assert own.on(community) == own
    assert RecommendConfig().on(SHOP) == RecommendConfig()


def test_where_purchases_repeat_what_a_member_comes_back_to_is_foreseen() -> None:
    # Everyone buys their own bread every week, and one other thing.
    ids = [f"bread{member}" for member in range(30)] + [f"p{item}" for item in range(10)]
    rows = [
        (f"m{member}", item, "buy", START + timedelta(days=7 * week))
        for member in range(30)
        for week in range(6)
        for item in (f"bread{member}", f"p{(member + week) % 10}")
    ]
    shop_of_bread = Community.from_tables(pl.DataFrame({"item_id": ids, "title": ids}), frame(rows))
    config = SMALL.model_copy(update={"rules": RulesConfig(repeat_purchases=True)})
    model = train(shop_of_bread, config, Options())
    assert "again" in model.sources
    first = model.recommend("m4", 3)[0]
    assert first.item_id == "bread4"
    assert first.reason == "Because you often bought “bread4”."
    assert "again" not in train(shop_of_bread, SMALL, Options()).sources
