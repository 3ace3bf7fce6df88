"""The community's drift: planted gains and losses are found, seasons and steady shares are not mistaken for them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from penchant.data.community import Community
from penchant.drift.movement import FleetConfig, fleet, retrain_signal
from penchant.errors import InputError

START = datetime(2024, 1, 1, tzinfo=UTC)
TOPICS = ("books", "camping", "garden", "kitchen")


def community(weeks: int, shares_in: object, *, members: int = 300, seed: int = 0, per_member: int = 4) -> Community:
    """Members who each week look at items of four subjects, in the shares that `shares_in(week)` gives."""
    rng = np.random.default_rng(seed)
    rows = []
    for week in range(weeks):
        shares = np.asarray(shares_in(week))  # type: ignore[operator]
        for member in range(members):
            # A member's own taste: around the community's, so that members are not coins of one bag.
            own = rng.dirichlet(8 * shares)
            for topic in rng.choice(4, per_member, p=own).tolist():
                at = START + timedelta(days=7 * week, seconds=int(rng.integers(7 * 86_400)))
                rows.append((f"m{member}", f"{TOPICS[topic]}{rng.integers(5)}", "view", at))
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row")
    names = [f"{topic}{number}" for topic in TOPICS for number in range(5)]
    items = pl.DataFrame(
        {"item_id": names, "title": names, "categories": [[f"{name[:-1]} > {name}"] for name in names]}
    )
    return Community.from_tables(items, events)


def steady(week: int) -> list[float]:
    return [0.4, 0.2, 0.2, 0.2]


def moving(week: int) -> list[float]:
    return steady(week) if week < 12 else [0.25, 0.35, 0.2, 0.2]


def seasonal(week: int) -> list[float]:
    return [0.3, 0.4, 0.15, 0.15] if week % 52 in (24, 25, 26, 27) else steady(week)


def test_what_gains_and_what_loses_is_found() -> None:
    view = fleet(community(14, moving))
    assert [trend.topic for trend in view.of("gaining")] == ["camping"]
    assert [trend.topic for trend in view.of("losing")] == ["books"]
    camping = view.of("gaining")[0]
    assert camping.now - camping.before == pytest.approx(0.15, abs=0.03)
    assert not camping.seasonal


@pytest.mark.parametrize("seed", range(4))
def test_a_steady_community_gains_and_loses_nothing(seed: int) -> None:
    view = fleet(community(14, steady, seed=seed, members=120))
    assert len(view.of("steady")) == 4


def test_events_of_one_machine_are_no_trend() -> None:
    plain = community(14, steady, members=120)
    at = [START + timedelta(days=13 * 7 - 1, seconds=second) for second in range(4_000)]
    flood = pl.DataFrame({"member_id": "m0", "item_id": "garden1", "kind": "view", "at": at})
    flooded = Community.from_tables(
        plain.items,
        pl.concat(
            [
                plain.events.select(
                    plain.member_ids.decode(plain.events["member"]).alias("member_id"),
                    plain.item_ids.decode(plain.events["item"]).alias("item_id"),
                    pl.col("kind").cast(pl.String),
                    "at",
                ),
                flood.with_columns(pl.col("at").cast(plain.events.schema["at"])),
            ]
        ),
    )
    naive = flooded.events.join(flooded.items.with_row_index("item"), on="item")
    counted = naive.filter(pl.col("at") >= START + timedelta(days=84))["title"].str.starts_with("garden").mean()
    assert isinstance(counted, float)
    assert counted > 0.5
    assert len(fleet(flooded).of("steady")) == 4


def test_last_years_pattern_is_seasonal_and_a_new_one_is_not() -> None:
    config = FleetConfig(days=7)
    view = fleet(community(52 + 27, seasonal, members=120), config)
    (camping,) = view.of("gaining")
    assert (camping.topic, camping.seasonal) == ("camping", True)
    new = fleet(community(52 + 27, lambda week: seasonal(week) if week > 52 else steady(week), members=120), config)
    assert [trend.seasonal for trend in new.of("gaining")] == [False]


def test_the_period_of_a_jump_alarms_and_quiet_ones_hardly_do() -> None:
    view = fleet(community(30, lambda week: steady(week) if week < 26 else [0.1, 0.5, 0.2, 0.2], members=150))
    assert any(alarm >= START + timedelta(days=25 * 7) for alarm in view.alarms)
    assert sum(alarm < START + timedelta(days=25 * 7) for alarm in view.alarms) <= 2


def test_models_are_to_be_made_again_where_members_have_moved_on_and_not_else() -> None:
    built = START + timedelta(days=12 * 7 - 1)
    moved = retrain_signal(
        fleet(community(16, lambda week: [0.1, 0.5, 0.2, 0.2] if week >= 12 else steady(week))), built
    )
    assert moved.due
    assert "camping" in moved.told()
    still = retrain_signal(fleet(community(16, steady)), built)
    assert not still.due
    assert still.moved < 0.1
    assert retrain_signal(fleet(community(10, steady)), built).told("zh") == "自构建以来没有行为。"


def test_a_smaller_allowed_distance_signals_sooner() -> None:
    view = fleet(community(16, moving))
    built = START + timedelta(days=12 * 7 - 1)
    assert not retrain_signal(view, built, FleetConfig(retrain_distance=0.3)).due
    assert retrain_signal(view, built, FleetConfig(retrain_distance=0.05)).due


def test_too_few_periods_are_said_so() -> None:
    view = fleet(community(4, steady, members=30))
    assert view.trends == ()
    assert view.note() == "too little to tell: 4 periods of 7 days have events, 10 are wanted"


def test_items_without_categories_need_topics() -> None:
    items = pl.DataFrame({"item_id": ["a"], "title": ["a"]})
    events = pl.DataFrame({"member_id": ["m"], "item_id": ["a"], "kind": ["view"], "at": [START]})
    with pytest.raises(InputError, match="no item has a category"):
        fleet(Community.from_tables(items, events))


def test_a_community_without_events_and_one_moment_for_all_do_no_harm() -> None:
    items = pl.DataFrame({"item_id": ["a"], "title": ["a"], "categories": [["x"]]})
    nothing = pl.DataFrame(
        schema={"member_id": pl.String, "item_id": pl.String, "kind": pl.String, "at": pl.Datetime("us", "UTC")}
    )
    assert fleet(Community.from_tables(items, nothing)).starts == ()
    events = pl.DataFrame({"member_id": ["m"] * 50, "item_id": ["a"] * 50, "kind": ["view"] * 50, "at": [START] * 50})
    assert fleet(Community.from_tables(items, events)).note() is not None
