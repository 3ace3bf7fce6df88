"""What a build says of itself: what is judged, and what the recommender served may take over."""

import sys
from pathlib import Path

import polars as pl

from penchant.data.splits import last_split
from penchant.quality import measure
from penchant.recommend import RecommendConfig
from penchant.training.options import Options

# The shops with planted answers are kept with the recommender's tests.
sys.path.append(str(Path(__file__).parent / "recommend"))

from shops import shop, with_more

SHOP = shop(members=90)
CONFIG = RecommendConfig(sources=("popularity", "ease", "next"), settings={"ease": {"regularization": 5.0}})


def test_the_setup_was_found_without_the_events_judged() -> None:
    last = last_split(SHOP, 0, unseen=True).test.with_ids("events").select("member_id", "item_id", "kind", "at")
    rest = SHOP.with_events(
        SHOP.events.join(last_split(SHOP, 0, unseen=True).test.events, on=["member", "at"], how="anti")
    )
    # Where everybody's last event is with one and the same item, the figures must change and the settings must not.
    rows = [(member, "kitchen-11", "buy", at) for member, at in last.select("member_id", "at").iter_rows()]
    first, second = measure(SHOP, CONFIG, Options()), measure(with_more(rest, rows), CONFIG, Options())
    assert first.setup is not None
    assert first.setup == second.setup
    assert first.systems["penchant"]["ndcg@10"] != second.systems["penchant"]["ndcg@10"]


def test_low_ratings_are_neither_judged_nor_held_out() -> None:
    # Everybody's last event is a rating of one star, which says nothing of what they like.
    last = SHOP.with_ids("events").group_by("member_id").agg(pl.col("at").max())
    rows = [
        (member, "dress-11", "rate", at)
        for member, at in last.select("member_id", pl.col("at") + pl.duration(days=1)).iter_rows()
    ]
    rated = with_more(SHOP, rows)
    stars = pl.when(pl.col("kind") == "rate").then(1.0).otherwise(pl.col("amount"))
    amounts = rated.with_events(rated.events.with_columns(stars.alias("amount")))
    measured = measure(amounts, CONFIG, Options())
    assert measured.events == measured.members == 90


def test_few_members_hand_no_setup_on() -> None:
    few = measure(shop(members=12), CONFIG, Options())
    assert few.members >= 2
    assert few.setup is None
