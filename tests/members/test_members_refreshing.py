"""Profiles that go on from where they were equal those made anew, whatever came, came late, was corrected or went."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from penchant.data.community import Community
from penchant.data.interactions import with_felt
from penchant.members.leanings import Writings
from penchant.members.profiles import Profiles
from penchant.members.profiling import ProfileConfig, profiles
from penchant.members.refreshing import profile_of, refreshed

START = datetime(2025, 1, 1, tzinfo=UTC)
MEMBERS = [f"m{row}" for row in range(12)]
ITEMS = pl.DataFrame(
    {
        "item_id": [f"p{row}" for row in range(9)],
        "title": [f"thing {row}" for row in range(9)],
        "categories": [[f"C{row % 3} > x"] for row in range(9)],
        "price": [float(row) for row in range(9)],
        "seller": ["s1", None, "s2"] * 3,
        "created_at": [START + timedelta(days=20 * row) for row in range(9)],
    }
)
VECTORS = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
WRITINGS = Writings(("well",), np.ones((1, 4), dtype=np.float32))


def drawn(rng: np.random.Generator, count: int, latest: float, whose: list[str]) -> pl.DataFrame:
    """Events of some members up to a day; refunds larger than purchases, and absurd sums, among them."""
    kinds = ["view", "view", "buy", "buy", "return", "rate", "review", "search"]
    rows = []
    for _ in range(count):
        kind = str(rng.choice(kinds))
        amount = {"buy": 10.0, "return": 90.0, "rate": 4.0, "review": 2.0}.get(kind)
        if amount is not None and rng.random() < 0.1:
            amount = [-30.0, 1e15][int(rng.integers(2))] if kind == "buy" else amount
        rows.append(
            {
                "member_id": str(rng.choice(whose)),
                "item_id": None if kind == "search" else f"p{rng.integers(9)}",
                "kind": kind,
                # Some to the second, so that windows end exactly on an event.
                "at": START + timedelta(days=float(rng.uniform(0, latest)) if rng.random() < 0.5 else int(latest)),
                "amount": amount,
                "text": "well" if kind in ("review", "search") else None,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"amount": pl.Float64, "text": pl.String, "item_id": pl.String})


def shop(events: pl.DataFrame, members: list[str], *, felt: bool) -> Community:
    community = Community.from_tables(ITEMS, events, pl.DataFrame({"member_id": members}))
    feelings = np.where(community.events["kind"].cast(pl.String) == "review", -0.5, np.nan).astype(np.float32)
    return with_felt(community, feelings) if felt else community


def assert_same(found: Profiles, whole: Profiles) -> None:
    assert (found.members, found.names, found.at, found.future) == (
        whole.members, whole.names, whole.at, whole.future,
    )  # fmt: skip
    np.testing.assert_array_equal(found.dates, whole.dates)
    np.testing.assert_array_equal(found.values, whole.values)
    if whole.text is not None:
        np.testing.assert_allclose(found.text, whole.text, atol=1e-6)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(6))
def test_going_on_equals_a_fresh_start(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, felt = (VECTORS if seed % 2 else None), seed % 3 == 0
    members = MEMBERS[:8]
    # Every kind from the start: one that is new has a test of its own.
    events = pl.concat([drawn(rng, 150, 100, members), drawn(np.random.default_rng(1), 60, 50, ["m0"])])
    community = shop(events, members, felt=felt)
    said = WRITINGS if seed % 2 else None
    made = profiles(community, item_vectors=vectors, writings=said)
    for latest in (130.0, 130.0, 310.0):
        come = drawn(rng, 12, latest, [*members[:3], *MEMBERS[8:]])
        members = [*MEMBERS[8:], *members[: 8 if len(members) == 8 else len(members)]]
        members = list(dict.fromkeys(members))
        went = events.with_row_index("row").filter(pl.col("member_id") == "m1").tail(3)
        events = pl.concat([events.with_row_index("row").filter(~pl.col("row").is_in(went["row"])).drop("row"), come])
        community = shop(events, members, felt=felt)
        changed = [*come["member_id"].unique().to_list(), "m1"]
        made = refreshed(made, community, changed, item_vectors=vectors, writings=said)
        whole = profiles(community, item_vectors=vectors, writings=said, shares=made.shares)
        assert_same(made, whole)


def test_nobody_but_the_changed_and_those_whose_windows_pass_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    old = drawn(rng, 80, 40, MEMBERS[:6]).filter(pl.col("at") < START + timedelta(days=30))
    community = shop(old, MEMBERS, felt=False)
    made = profiles(community, at=START + timedelta(days=300))
    come = drawn(rng, 1, 299, ["m7"]).with_columns(pl.lit("view").alias("kind"), pl.lit("p1").alias("item_id"))
    now = shop(pl.concat([old, come]), MEMBERS, felt=False)
    asked: list[int] = []

    def watched(community: Community, *args: object, **more: object) -> Profiles:
        asked.append(len(community.members))
        return profiles(community, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("penchant.members.refreshing.profiles", watched)
    late = START + timedelta(days=302)
    found = refreshed(made, now, ["m7"], at=late)
    assert asked == [1]
    assert_same(found, profiles(now, at=late, shares=made.shares))
    assert found["m0"]["recency_days"] == pytest.approx(made["m0"]["recency_days"] + 2)  # type: ignore[operator]


@pytest.mark.parametrize("what", ["items", "settings", "kind", "feelings"])
def test_where_the_ground_moves_all_are_described(what: str) -> None:
    events = drawn(np.random.default_rng(2), 60, 80, MEMBERS)
    community = shop(events, MEMBERS, felt=False)
    made = profiles(community)
    config = ProfileConfig(utc_offset_hours=8) if what == "settings" else None
    if what == "items":
        dearer = community.items.with_columns(pl.col("price").reverse())
        community = replace(community, items=dearer)
    elif what == "kind":
        more = pl.DataFrame({"member_id": ["m0"], "item_id": ["p0"], "kind": ["cart"], "at": [START]})
        community = shop(pl.concat([events, more], how="diagonal"), MEMBERS, felt=False)
    elif what == "feelings":
        community = shop(events, MEMBERS, felt=True)
    found = refreshed(made, community, [], config)
    assert_same(found, profiles(community, config, shares=made.shares))


def test_a_member_who_moved_to_another_clock_is_described_anew() -> None:
    events = drawn(np.random.default_rng(4), 120, 80, MEMBERS)
    config = ProfileConfig(offset_column="hours")

    def living(hours: list[float | None]) -> Community:
        community = shop(events, MEMBERS, felt=False)
        return replace(community, members=community.members.with_columns(pl.Series("hours", hours, dtype=pl.Float64)))

    home: list[float | None] = [float(number % 3) for number in range(len(MEMBERS))]
    made = profiles(living(home), config)
    moved = living([-9.5, None, *home[2:]])
    found = refreshed(made, moved, [], config)
    assert_same(found, profiles(moved, config, shares=made.shares))
    assert found["m0"] != made["m0"]
    assert_same(refreshed(found, living(home), [], config), made)
    before_clocks_were_kept = replace(made, clocks=None)
    assert_same(refreshed(before_clocks_were_kept, moved, [], config), found)


def test_an_empty_community_and_one_that_was_empty() -> None:
    nothing = shop(drawn(np.random.default_rng(0), 1, 9, MEMBERS).head(0), MEMBERS, felt=False)
    some = shop(drawn(np.random.default_rng(0), 30, 9, MEMBERS), MEMBERS, felt=False)
    assert refreshed(profiles(some), nothing, []).at is None
    assert refreshed(profiles(nothing), some, ["m0"])["m0"]["events"] == profiles(some)["m0"]["events"]


def test_one_members_profile_is_the_row_that_a_whole_run_gives_them() -> None:
    events = drawn(np.random.default_rng(3), 200, 90, MEMBERS)
    whole = shop(events, MEMBERS, felt=False)
    made = profiles(whole, item_vectors=VECTORS)
    history = events.filter(pl.col("member_id") == "m4")
    one = profile_of(made, ITEMS, "m4", history, item_vectors=VECTORS)
    np.testing.assert_array_equal(one.values[0], made.values[made.members.index("m4")])
    assert one.text is not None
    assert made.text is not None
    np.testing.assert_allclose(one.text[0], made.text[made.members.index("m4")], atol=1e-6)
    stranger = history.with_columns(pl.lit("new").alias("member_id"))
    np.testing.assert_array_equal(profile_of(made, ITEMS, "new", stranger).values[0], one.values[0])


def test_ones_own_clock_goes_with_them() -> None:
    events = pl.DataFrame({"member_id": ["m"], "item_id": ["p0"], "kind": ["view"], "at": [START]})
    members = pl.DataFrame({"member_id": ["m"], "zone": [0.0]})
    config = ProfileConfig(offset_column="zone", utc_offset_hours=3)
    made = profiles(Community.from_tables(ITEMS, events, members), config)
    mine = events.with_columns(pl.lit("n").alias("member_id"))
    assert profile_of(made, ITEMS, "n", mine, config, about={"zone": 8})["n"]["hour:08"] == 1
    assert profile_of(made, ITEMS, "n", mine, config)["n"]["hour:03"] == 1
