"""Wishes in recommendations: what is asked for is met, shown, and told where it cannot be."""

import polars as pl
import pytest
from shops import shop
from word_encoder import WordEncoder

from penchant.data.community import Community
from penchant.recommend import Recommender, train
from penchant.text.wishes import Wishes
from penchant.training.options import Options


@pytest.fixture(scope="module")
def community() -> Community:
    """The shop with prices: the number of an item, times ten."""
    plain = shop()
    priced = plain.items.with_columns(
        pl.col("item_id").str.extract(r"(\d+)").cast(pl.Float64).mul(10).alias("price"),
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("red")).otherwise(pl.lit("blue")).alias("text"),
    )
    return Community.from_tables(priced, plain.with_ids("events"), plain.members)


@pytest.fixture(scope="module")
def model(community: Community) -> Recommender:
    return train(community, options=Options(progress=False), encoder=WordEncoder())


def rows(model: Recommender, ranking) -> pl.DataFrame:  # type: ignore[no-untyped-def]
    return model.community.items[[model.community.item_ids.row(pick.item_id) for pick in ranking]]


def test_a_list_meets_what_was_asked_for_and_says_so(model: Recommender) -> None:
    before = model.recommend("m0", 5)
    wishes = model.wish("under 60, not red", shown=before)
    asked = model.recommend("m0", 5, wishes=wishes)
    assert (rows(model, before)["price"] > 60).any()
    assert (rows(model, asked)["price"] <= 60).all()
    assert (rows(model, asked)["text"] == "blue").all()
    assert asked.strategy.endswith("; wishes: price at most 60; not in red")


def test_chinese_sentences_do_the_same_and_compare_with_what_was_shown(model: Recommender) -> None:
    before = model.recommend("m0", 5, lang="zh")
    wishes = model.wish("再便宜一点，不要红色", shown=before)
    asked = model.recommend("m0", 5, lang="zh", wishes=wishes)
    assert rows(model, asked)["price"].max() <= 0.9 * rows(model, before)["price"].median() + 1e-6
    assert (rows(model, asked)["text"] == "blue").all()
    assert "要求：价格不超过" in asked.strategy


def test_a_phrase_moves_what_is_close_to_it_up_and_is_the_reason(model: Recommender) -> None:
    wishes = model.wish("something with flowers")
    assert wishes.phrase == "flowers"
    asked = model.recommend("m0", 3, wishes=wishes)
    assert any("dress" in pick.title for pick in asked)
    assert not any("dress" in pick.title for pick in model.recommend("m0", 3))
    assert any("flowers" in pick.reason for pick in asked)


def test_like_the_second_moves_its_likes_up(model: Recommender) -> None:
    shown = model.recommend_for(["dress-1", "kitchen-1"], k=30)
    kitchen = next(place for place, pick in enumerate(shown, start=1) if pick.item_id.startswith("kitchen"))
    wishes = model.wish(f"more like number {kitchen}", shown=shown)
    liked = model.recommend_for(["dress-1", "kitchen-1"], k=6, wishes=wishes)
    kitchens = [sum(pick.item_id.startswith("kitchen") for pick in ranking) for ranking in (shown.picks[:6], liked)]
    assert kitchens[1] > kitchens[0]


def test_what_nothing_meets_is_told_with_the_wish_to_blame(model: Recommender) -> None:
    nothing = model.recommend("m0", 5, wishes=model.wish("under 1000, over 5000"))
    assert not nothing.picks
    cheap = model.recommend("m0", 5, wishes=model.wish("a dress between 1 and 5"))
    assert cheap.strategy.startswith("nothing: none of the ")
    assert "some would without “price from 1 to 5”" in cheap.strategy


def test_wishes_taken_back_leave_the_list_as_it_was(model: Recommender) -> None:
    wishes = model.wish("under 60")
    back = model.wish("never mind the price", wishes)
    assert back == Wishes(turns=2)
    assert model.recommend("m0", 5, wishes=back) == model.recommend("m0", 5)


def test_strangers_wish_too_and_newer_events_keep_the_wishes_read(model: Recommender, community: Community) -> None:
    wishes = model.on(community).wish("kitchen, under 60")
    assert wishes.meant("en") == "of the category “kitchen”; price at most 60"
    picks = model.on(community).recommend_for(k=4, wishes=wishes)
    assert {pick.item_id.partition("-")[0] for pick in picks} == {"kitchen"}
