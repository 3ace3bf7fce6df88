import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from shops import PER_KIND, START, frame, shop, with_more
from word_encoder import WordEncoder

from penchant.data.community import Community
from penchant.data.interactions import histories
from penchant.data.verdicts import Ranking
from penchant.errors import ArtifactError, ConfigError, NotFittedError, UnknownIdError
from penchant.recommend import RecommendConfig, Recommender, RulesConfig, train
from penchant.recommend.person import Person
from penchant.training.options import Options

# m1 likes camping. "new" has no events, "looker" has only been shown things, "fan" likes what nobody else has touched.
SHOP = with_more(
    shop(),
    [("looker", f"dress-{number}", "show", START) for number in range(4)]
    + [("fan", "kitchen-11", "buy", START + timedelta(days=9))],
)
SHOP = Community.from_tables(
    SHOP.items,
    SHOP.with_ids("events"),
    pl.concat([SHOP.members.select("member_id"), pl.DataFrame({"member_id": ["new"]})]),
)
SMALL = RecommendConfig(
    settings={
        "als": {"factors": 4, "regularization": 1.0, "iterations": 5},
        "ease": {"regularization": 5.0},
        "text": {"neighbours": 11},
    },
    tuning="none",
)


@pytest.fixture(scope="module")
def model() -> Recommender:
    return train(SHOP, SMALL, Options(), encoder=WordEncoder())


def changed(model: Recommender, **settings: object) -> Recommender:
    """The same fitted sources and weights under other settings."""
    config = model.config.model_copy(update=settings)
    return Recommender(model.community, model.sources, model.weights, config, cold=model.cold)


def ids(ranking: Ranking) -> list[str]:
    return [pick.item_id for pick in ranking]


def kinds(ranking: Ranking) -> set[str]:
    return {item_id.split("-")[0] for item_id in ids(ranking)}


def bought(member_id: str) -> set[str]:
    return set(SHOP.with_ids("events").filter(pl.col("member_id") == member_id)["item_id"])


def test_a_member_is_shown_the_rest_of_what_they_like(model: Recommender) -> None:
    for member, kind in (("m0", "kitchen"), ("m1", "camping"), ("m2", "dress")):
        top = model.recommend(member, 3)
        assert kinds(top) == {kind}
        assert not set(ids(top)) & bought(member)
        assert top.strategy.startswith("blend of behaviour and text: 8 events, the last on 2026-01-08")
        scores = [pick.score for pick in top]
        assert scores == sorted(scores, reverse=True)


def test_a_new_item_that_nobody_has_touched_is_reached_by_its_text(model: Recommender) -> None:
    assert "camping-11" in ids(model.recommend("m1", 4))
    blind = train(SHOP, SMALL, Options())
    assert "camping-11" not in ids(blind.recommend("m1", 4))
    assert ids(blind.recommend("m1", 1000)).index("camping-11") > 5


def test_trust_in_new_items_moves_them_up(model: Recommender) -> None:
    places = [
        ids(changed(model, new_item_trust=trust).recommend("m1", 100)).index("camping-11") for trust in (0.0, 1.0)
    ]
    assert places[1] < places[0]


def test_k_beyond_the_catalogue_gives_all_that_is_left_once(model: Recommender) -> None:
    everything = ids(model.recommend("m1", 10_000))
    assert len(everything) == len(set(everything)) == len(SHOP.items) - len(bought("m1"))
    with pytest.raises(ConfigError, match="k is 0"):
        model.recommend("m1", 0)


def test_a_member_without_events_gets_what_is_popular_and_is_told_so(model: Recommender) -> None:
    ranking = model.recommend("new", 5)
    likers = model._teller.popularity.likers
    assert ranking.strategy == "popular: this member has no events yet"
    assert model.recommend("new", 5, lang="zh").strategy == "热门：该会员还没有任何行为"
    counts = [int(likers[SHOP.item_ids.row(item_id)]) for item_id in ids(ranking)]
    assert counts == sorted(likers, reverse=True)[:5]
    assert ranking[0].reason == f"Popular: {counts[0]} members like it."
    assert ids(ranking) == ids(model.recommend_for(k=5))


def test_the_strategy_tells_a_visitor_from_a_member_and_from_one_whose_events_say_nothing(model: Recommender) -> None:
    assert model.recommend_for().strategy == "popular: nothing is known of this visitor yet"
    assert model.recommend("looker").strategy == "popular: none of this member's 4 events tells what they like"


def test_a_member_whose_only_item_nobody_else_knows_is_served_by_its_text() -> None:
    alone = train(
        SHOP.with_events(SHOP.events.filter(pl.col("member") != SHOP.member_ids.row("fan"))),
        SMALL,
        Options(),
        encoder=WordEncoder(),
    ).on(SHOP)
    ranking = alone.recommend("fan", 4)
    assert kinds(ranking) == {"kitchen"}
    assert ranking.strategy.startswith("text: nobody else has tried what this member likes")


def test_a_few_items_are_enough_for_a_stranger(model: Recommender) -> None:
    ranking = model.recommend_for(["dress-3", "dress-5"], k=4)
    assert kinds(ranking) == {"dress"}
    assert not {"dress-3", "dress-5"} & set(ids(ranking))
    assert ranking.member_id is None


def test_a_stranger_with_a_members_events_is_answered_as_the_member(model: Recommender) -> None:
    events = SHOP.with_ids("events").filter(pl.col("member_id") == "m1").select("item_id", "kind", "at", "amount")
    ours, theirs = model.recommend("m1", 8), model.recommend_for(events=events, k=8)
    assert ids(ours) == ids(theirs)
    assert [pick.score for pick in ours] == pytest.approx([pick.score for pick in theirs], rel=1e-5)


def test_a_strangers_words_find_items_and_are_the_reason(model: Recommender) -> None:
    ranking = model.recommend_for(text="pan for the kitchen, cast iron", k=4)
    assert kinds(ranking) == {"kitchen"}
    assert ranking.strategy == "words: items close to what was written"
    assert ranking[0].reason == "Its description is close to what you wrote: “pan for the kitchen, cast iron”."
    assert model.recommend_for(text="pan", lang="zh")[0].reason == "内容与你写的“pan”相近。"
    assert ranking[0].evidence[0].text == "pan for the kitchen, cast iron"


def test_words_pull_a_members_list_towards_what_they_ask_for_as_far_as_their_weight(model: Recommender) -> None:
    def share(words_weight: float) -> float:
        ranking = changed(model, words_weight=words_weight).recommend("m1", 6, text="summer dress with flowers")
        return float(np.mean([item_id.startswith("dress") for item_id in ids(ranking)]))

    assert share(0.0) < share(5.0)
    both = model.recommend("m1", 6, text="summer dress with flowers")
    assert both.strategy.startswith("words, and blend of behaviour and text")


def test_words_need_an_encoder() -> None:
    blind = train(SHOP, SMALL, Options())
    with pytest.raises(NotFittedError, match="trained without an encoder"):
        blind.recommend_for(text="pan")
    assert blind.recommend("m1").strategy.startswith("behaviour: 8 events")


def test_hidden_unavailable_blocked_and_excluded_items_are_never_shown(model: Recommender) -> None:
    wanted = ids(model.recommend("m1", 4))
    hiding = model.on(with_more(SHOP, [("m1", wanted[0], "hide", START + timedelta(days=30))]))
    assert wanted[0] not in ids(hiding.recommend("m1", 1000))
    assert wanted[0] in ids(hiding.recommend("m4", 1000)) or wanted[0] in bought("m4")

    sold_out = SHOP.items.with_columns(available=pl.col("item_id") != wanted[1])
    assert wanted[1] not in ids(model.on(_with_items(sold_out)).recommend("m1", 1000))
    assert wanted[1] not in ids(model.on(_with_items(sold_out)).similar(wanted[0], 1000))

    blocked = changed(model, rules=RulesConfig(blocked=frozenset({wanted[2]})))
    for ranking in (blocked.recommend("m1", 1000), blocked.recommend_for(k=1000), blocked.similar(wanted[0], 1000)):
        assert wanted[2] not in ids(ranking)
    assert wanted[3] not in ids(model.recommend("m1", 1000, exclude=[wanted[3]]))
    with pytest.raises(UnknownIdError, match="no item has the id 'gone'"):
        model.recommend("m1", exclude=["gone"])


def _with_items(items: pl.DataFrame) -> Community:
    return Community.from_tables(items, SHOP.with_ids("events"), SHOP.members)


def test_bought_items_return_only_where_purchases_repeat(model: Recommender) -> None:
    events = SHOP.with_ids("events").filter(pl.col("member_id") == "m1")
    purchases = set(events.filter(pl.col("kind") == "buy")["item_id"])
    again = changed(model, rules=RulesConfig(repeat_purchases=True))
    assert not purchases & set(ids(model.recommend("m1", 1000)))
    assert purchases <= set(ids(again.recommend("m1", 1000)))
    assert not (bought("m1") - purchases) & set(ids(again.recommend("m1", 1000))), "what was saved stays seen"


def test_when_nothing_is_left_the_answer_is_empty_and_says_why(model: Recommender) -> None:
    nothing = changed(model, rules=RulesConfig(blocked=frozenset(SHOP.item_ids.ids))).recommend("m1")
    assert len(nothing) == 0
    assert nothing.strategy == f"nothing: all {3 * PER_KIND} items are seen, hidden, unavailable or blocked"


def test_a_new_event_changes_the_next_answer_without_a_fit(model: Recommender) -> None:
    assert kinds(model.recommend("m1", 3)) == {"camping"}
    rows = [("m1", f"dress-{number}", "buy", START + timedelta(days=50, hours=number)) for number in range(6)]
    later = model.on(with_more(SHOP, rows))
    assert "dress" in kinds(later.recommend("m1", 3))
    assert kinds(model.recommend("m1", 3)) == {"camping"}


def test_an_unknown_member_or_item_is_called_one(model: Recommender) -> None:
    with pytest.raises(UnknownIdError, match="no member has the id 'ghost'"):
        model.recommend("ghost")
    with pytest.raises(UnknownIdError, match="no item has the id 'ghost'"):
        model.similar("ghost")


def test_similar_items_are_of_one_kind_by_text_and_by_members(model: Recommender) -> None:
    blind = train(SHOP, SMALL, Options())
    for system, strategy, reason in (
        (model, "text: items with a close description", "内容与“cast iron pan no 2”相近。"),
        (
            blind,
            "behaviour: items that the same members like",
            "喜欢“cast iron pan no 2”的会员也喜欢它。",
        ),
    ):
        ranking = system.similar("kitchen-2", 5)
        assert kinds(ranking) == {"kitchen"}
        assert "kitchen-2" not in ids(ranking)
        assert ranking.strategy == strategy
        told = system.similar("kitchen-2", 5, lang="zh")[0]
        assert told.reason == reason
        assert told.evidence[0].source == ("text" if system is model else "neighbours")


def test_an_item_without_neighbours_has_none() -> None:
    blind = train(SHOP, SMALL, Options())
    ranking = blind.similar("camping-11")
    assert (len(ranking), ranking.strategy) == (0, "nothing: no item is near this one")


def outing() -> Community:
    """Members buy a tent and, an hour later, a lamp; months apart some of them buy a pan, and others a kettle alone."""
    names = ["tent", "lamp", "pan", "kettle", "gone"]
    items = pl.DataFrame({"item_id": names, "title": names, "available": [True, True, True, True, False]})
    rows = []
    for member in range(30):
        at = START + timedelta(days=member)
        rows += [(f"m{member}", "tent", "buy", at), (f"m{member}", "kettle", "show", at + timedelta(hours=2))]
        rows += [(f"m{member}", "lamp", "buy", at + timedelta(hours=1))] if member < 12 else []
        rows += [(f"m{member}", "gone", "buy", at + timedelta(hours=1))] if member < 20 else []
        rows += [(f"m{member}", "pan", "buy", at + timedelta(days=90))] if member < 15 else []
        rows += [(f"other{member}", "kettle", "buy", at)]
    return Community.from_tables(items, frame(rows))


def test_what_is_chosen_close_in_time_goes_with_an_item_and_the_reason_counts_who_did() -> None:
    camp = outing()
    by_days = {"closeness": {"half_life_days": 5}}
    config = RecommendConfig(sources=("popularity", "cooccurrence"), settings={"cooccurrence": by_days}, tuning="none")
    model = train(camp, config, Options())
    ranking = model.goes_with("tent", 5)
    assert ids(ranking) == ["lamp", "pan"], "kettles were shown and not bought, and what is gone is not offered"
    assert ranking[0].reason == "Liked by 12 of the 30 members who like “tent”."
    assert model.goes_with("tent", 5, lang="zh")[0].reason == "喜欢“tent”的 30 位会员中，有 12 位也喜欢它。"
    assert [(piece.item_id, piece.source) for piece in ranking[0].evidence] == [("tent", "cooccurrence")]
    assert ranking.strategy == "behaviour: items that the same members like close in time"
    assert ids(model.goes_with("tent", 1)) == ["lamp"]
    alone = model.goes_with("kettle")
    assert (len(alone), alone.strategy) == (0, "nothing: no member likes another item close in time to this one")


def test_what_nobody_likes_together_any_more_does_not_go_together() -> None:
    camp = outing()
    model = train(camp, RecommendConfig(sources=("popularity", "cooccurrence"), tuning="none"), Options())
    tents = camp.with_ids("events").filter((pl.col("item_id") != "pan") | (pl.col("member_id") == "m3"))
    fewer = model.on(Community.from_tables(camp.items, tents))
    assert {pick.item_id: pick.reason for pick in fewer.goes_with("pan")} == {
        "tent": "Liked by the one member who likes “pan”.",
        "lamp": "Liked by the one member who likes “pan”.",
    }


def test_what_goes_with_an_item_needs_its_source() -> None:
    model = train(outing(), RecommendConfig(sources=("popularity",)), Options())
    with pytest.raises(ConfigError, match="told by the source cooccurrence, and this recommender has only popularity"):
        model.goes_with("tent")


def test_rows_are_ranked_for_many_as_for_one(model: Recommender) -> None:
    members = [SHOP.member_ids.row(member) for member in ("m0", "m1", "m2", "new")]
    batch = histories(SHOP, np.array(members), weights=model.config.event_weights)
    seen = batch.touched(len(SHOP.items))
    ranked = model.rank(batch, seen, 5)
    for place, member in enumerate(("m0", "m1", "m2", "new")):
        assert [SHOP.item_ids.id(int(row)) for row in ranked[place]] == ids(model.recommend(member, 5))


def test_a_loaded_recommender_gives_identical_answers(model: Recommender, tmp_path: Path) -> None:
    model.save(tmp_path / "recommend")
    loaded = Recommender.load(tmp_path / "recommend", SHOP, encoder=WordEncoder())
    questions: list[Callable[[Recommender], Ranking]] = [
        lambda system: system.recommend("m1", 8),
        lambda system: system.recommend("new", 8, lang="zh"),
        lambda system: system.recommend_for(["dress-1"], text="tent", k=8),
        lambda system: system.similar("kitchen-1", 8),
    ]
    for ask in questions:
        assert ask(loaded) == ask(model)
    assert loaded.config == model.config


def test_a_recommender_saved_for_other_items_is_refused(model: Recommender, tmp_path: Path) -> None:
    model.save(tmp_path)
    with pytest.raises(ArtifactError, match="trained on other items"):
        Recommender.load(
            tmp_path,
            shop(seed=1)
            .with_events(shop().events.clear())
            .__class__.from_tables(pl.DataFrame({"item_id": ["x"], "title": ["X"]}), frame([])),
        )
    with pytest.raises(ArtifactError, match="train again"):
        model.on(Community.from_tables(SHOP.items.reverse(), SHOP.with_ids("events"), SHOP.members))


def test_a_recommender_saved_by_another_version_is_refused(model: Recommender, tmp_path: Path) -> None:
    model.save(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["meta"]["config"]["blend"]["random_points"] = 400
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match=r"does not have \(blend.random_points\); build again"):
        Recommender.load(tmp_path, SHOP)


def test_sources_and_weights_must_name_the_same(model: Recommender) -> None:
    with pytest.raises(ConfigError, match="must name the same"):
        Recommender(SHOP, model.sources, {"ease": 1.0}, model.config, cold=model.cold)


def test_with_weights_keeps_only_the_sources_named(model: Recommender) -> None:
    only = model.with_weights({"popularity": 1.0})
    assert only.recommend("m1", 3).strategy.startswith("popular")
    assert list(only.sources) == ["popularity"]


def test_an_item_named_as_the_reason_lowers_the_score_when_it_is_gone(model: Recommender) -> None:
    named = lowered = 0
    for member in SHOP.members["member_id"]:
        person = Person.member(SHOP, member, model.config.event_weights)
        for pick in model.recommend(member, 5):
            row = SHOP.item_ids.row(pick.item_id)
            assert model.score(person, row) == pytest.approx(pick.score, rel=1e-4)
            for piece in pick.evidence:
                if piece.item_id is not None:
                    named += 1
                    assert piece.item_id in bought(member)
                    assert f"“{piece.title}”" in pick.reason
                    without = person.without(SHOP.item_ids.row(piece.item_id))
                    lowered += model.score(without, row) < pick.score
    assert named > 200
    assert lowered / named >= 0.97


def test_the_score_without_an_item_is_the_one_that_a_person_without_it_is_given(model: Recommender) -> None:
    events = SHOP.with_ids("events").filter(pl.col("member_id") == "m1").select("item_id", "kind", "at", "amount")
    gone = events["item_id"][3]
    without = Person.member(SHOP, "m1", model.config.event_weights).without(SHOP.item_ids.row(gone))
    for pick in model.recommend_for(events=events.filter(pl.col("item_id") != gone), k=5):
        assert model.score(without, SHOP.item_ids.row(pick.item_id)) == pytest.approx(pick.score, rel=1e-4)


def test_unchecked_reasons_name_some_items_without_which_the_score_is_higher(model: Recommender) -> None:
    config = model.config.model_copy(update={"checked_reasons": False})
    strict = changed(model, checked_reasons=True)
    loose = Recommender(SHOP, model.sources, model.weights, config, cold=model.cold)
    evidence = [
        [[piece.item_id for piece in pick.evidence] for pick in system.recommend(member, 10)]
        for system in (strict, loose)
        for member in ("m0", "m1", "m2", "m3", "m4", "m5")
    ]
    assert evidence[:6] != evidence[6:]


def test_ten_thousand_events_in_a_minute_are_answered_within_a_second(model: Recommender) -> None:
    at = START + timedelta(days=40)
    rows = [("m1", f"camping-{step % 9}", "view", at + timedelta(milliseconds=6 * step)) for step in range(10_000)]
    busy = model.on(with_more(SHOP, rows))
    busy.recommend("m2", 3)
    start = time.perf_counter()
    ranking = busy.recommend("m1", 2)
    assert time.perf_counter() - start < 1.0
    assert kinds(ranking) == {"camping"}


def test_all_events_on_one_item_are_one_reason(model: Recommender) -> None:
    rows = [("m1", "dress-4", "play", START + timedelta(days=40, hours=step)) for step in range(30)]
    ranking = model.recommend_for(events=frame(rows).drop("member_id"), k=4)
    assert kinds(ranking) == {"dress"}
    assert "dress-4" not in ids(ranking)
    assert {pick.reason for pick in ranking} <= {
        "Because you often played “summer dress with flowers no 4”.",
        "Its description is close to “summer dress with flowers no 4”, which you played.",
    }
