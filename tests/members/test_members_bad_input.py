"""Odd communities: segments and value say what they can of them, and one slip does not spoil the rest."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.members.moments import present
from penchant.members.profiling import profiles
from penchant.members.recipe import Members, MembersConfig, train
from penchant.members.segments import SegmentConfig
from penchant.members.value import ValueConfig, outcome

START = datetime(2025, 1, 1, tzinfo=UTC)
SMALL = MembersConfig(segments=SegmentConfig(least=2, most=3, resamples=2), value=ValueConfig(trees=20, models=1))


@pytest.fixture(scope="module")
def events() -> pl.DataFrame:
    """Purchases of 50 members over 400 days."""
    rng = np.random.default_rng(0)
    rows = [
        (f"m{member}", f"p{rng.integers(9)}", "buy", START + timedelta(days=rng.uniform(0, 400)), rng.uniform(5, 50))
        for member in range(50)
        for _ in range(3 + member % 12)
    ]
    return pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at", "amount"], orient="row")


def shop(events: pl.DataFrame, members: pl.DataFrame | None = None) -> Community:
    items = pl.DataFrame({"item_id": [f"p{row}" for row in range(9)], "title": [f"thing {row}" for row in range(9)]})
    return Community.from_tables(items, events, members)


def trained(events: pl.DataFrame) -> Members:
    return train(shop(events), SMALL)


def test_a_date_of_the_next_century_makes_nobody_look_gone(events: pl.DataFrame) -> None:
    slip = events.head(1).with_columns(pl.lit(datetime(2999, 1, 1, tzinfo=UTC)).alias("at"))
    last = events["at"].max()
    made = trained(pl.concat([events, slip], how="vertical_relaxed"))
    assert made.profiles.at == last
    assert made.profiles.future == 1
    assert made.profiles.column("recency_days").max() < 401
    plain = trained(events)
    assert made.worth is not None
    assert plain.worth is not None
    np.testing.assert_array_equal(made.worth.returns, plain.worth.returns)
    np.testing.assert_array_equal(made.segments.of_member, plain.segments.of_member)


def test_where_all_lies_ahead_the_last_event_is_now(events: pl.DataFrame) -> None:
    ahead = events.with_columns(pl.col("at") + pl.duration(days=400_000))
    assert present(shop(ahead)) == ahead["at"].max()
    assert present(shop(events.head(0))) is None


def test_money_means_the_same_in_what_is_seen_and_what_is_foreseen() -> None:
    rows = [("a", "buy", -10.0), ("a", "buy", 15.0), ("b", "buy", 1e300), ("c", "buy", 20.0), ("c", "return", 50.0)]
    odd = pl.DataFrame(rows, schema=["member_id", "kind", "amount"], orient="row")
    community = shop(odd.with_columns(pl.lit("p1").alias("item_id"), pl.lit(START).alias("at")))
    returned, spent = outcome(community.events, 3)
    assert returned.tolist() == [True, True, True]
    assert spent.tolist() == [5, 0, 0]
    assert profiles(community).column("spend").tolist() == [5, 0, -30]


@pytest.mark.parametrize(
    "amount",
    [
        pytest.param(-pl.col("amount"), id="negative"),
        pytest.param(pl.lit(None, dtype=pl.Float64), id="missing"),
        pytest.param(pl.lit(0.0), id="zero"),
        pytest.param(pl.lit(1e300), id="absurd"),
    ],
)
def test_without_money_purchases_still_tell_who_comes_back(events: pl.DataFrame, amount: pl.Expr) -> None:
    worth = trained(events.with_columns(amount.alias("amount"))).worth
    assert worth is not None
    assert np.isfinite(worth.returns).all()
    assert (worth.spend == 0).all()
    assert worth.returns.std() > 0.01


def test_refunds_larger_than_all_purchases_leave_nothing_to_expect(events: pl.DataFrame) -> None:
    back = events.with_columns(pl.lit(EventKind.RETURN.value).alias("kind"), pl.col("amount") * 5)
    made = trained(pl.concat([events, back]))
    assert made.worth is not None
    assert (made.profiles.column("spend") < 0).all()
    assert (made.worth.spend == 0).all()
    assert np.isfinite(made.worth.returns).all()


def test_members_without_events_are_foreseen_nothing_and_belong_nowhere(events: pl.DataFrame) -> None:
    members = pl.DataFrame({"member_id": [f"m{row}" for row in range(60)]})
    made = train(shop(events, members), SMALL)
    assert made.worth is not None
    assert np.isnan(made.worth.returns[50:]).all()
    assert made.segments["m59"] is None
    assert made.worth.why("m59") == ()
    assert set(made.worth.rfm.cells[50:]) == {""}


def test_one_segment_is_an_answer(events: pl.DataFrame) -> None:
    made = train(shop(events), SMALL.model_copy(update={"segments": SegmentConfig(count=1)}))
    (only,) = made.segments
    assert only.share == 1
    assert only.name.en
    assert only.name.zh


@pytest.mark.parametrize("rows", [0, 1])
def test_a_community_of_hardly_any_events_says_what_is_wanted(events: pl.DataFrame, rows: int) -> None:
    made = trained(events.head(rows))
    assert made.segments.reason is not None
    assert "30 of them are wanted" in made.segments.reason.en
    assert made.worth is None
    assert made.too_little


def test_what_members_are_worth_goes_by_the_communitys_own_clock() -> None:
    assert MembersConfig.model_validate({"profile": {"utc_offset_hours": 8}}).valued.profile.utc_offset_hours == 8
    own = {"profile": {"utc_offset_hours": 8}, "value": {"profile": {"utc_offset_hours": -5}}}
    assert MembersConfig.model_validate(own).valued.profile.utc_offset_hours == -5
