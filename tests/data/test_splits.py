"""Splits: parts are disjoint and complete, and nothing of the future reaches an earlier part."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.data.splits import Split, last_split, new_items_split, random_split, time_split
from penchant.errors import ConfigError, TooLittleDataError

START = datetime(2026, 1, 1, tzinfo=UTC)
ITEMS = 12
KINDS = ["buy", "view", "show", "return", "search"]


def community_of(rows: list[tuple[int, int, str, int]]) -> Community:
    """Rows of member, item, kind and hours; the row number rides along as the amount, to be recognised by."""
    events = pl.DataFrame(
        {
            "member_id": [f"m{member}" for member, _, _, _ in rows],
            "item_id": [None if kind == "search" else f"p{item}" for _, item, kind, _ in rows],
            "kind": [kind for _, _, kind, _ in rows],
            "at": [START + timedelta(hours=hour) for _, _, _, hour in rows],
            "amount": [float(row) for row in range(len(rows))],
        },
        schema_overrides={"member_id": pl.String, "item_id": pl.String, "kind": pl.String, "amount": pl.Float64}
        | {"at": pl.Datetime("us", "UTC")},
    )
    items = pl.DataFrame({"item_id": [f"p{item}" for item in range(ITEMS)], "title": "Kettle"})
    members = pl.DataFrame({"member_id": [f"m{member}" for member in range(6)]})
    return Community.from_tables(items, events, members)


event_rows = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, ITEMS - 1), st.sampled_from(KINDS), st.integers(0, 15)), max_size=80
)


def parts(split: Split) -> list[pl.DataFrame]:
    return [split.train.events, split.validation.events, split.test.events]


def assert_whole(split: Split, community: Community) -> None:
    numbers = sorted(number for part in parts(split) for number in part["amount"])
    assert numbers == list(range(len(community.events)))
    for part in (split.train, split.validation, split.test):
        assert part.events["at"].is_sorted()
        assert part.members is community.members
        assert part.items is community.items


def pairs(events: pl.DataFrame) -> set[tuple[int, int]]:
    return set(events.drop_nulls("item").select("member", "item").iter_rows())


@given(event_rows, st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_a_random_split_is_whole_and_no_members_item_is_in_two_parts(rows, seed):
    community = community_of(rows)
    split = random_split(community, seed)
    assert_whole(split, community)
    train, validation, test = (pairs(part) for part in parts(split))
    assert len(train) + len(validation) + len(test) == len(train | validation | test)
    assert split.validation.events["item"].null_count() + split.test.events["item"].null_count() == 0


@pytest.mark.parametrize(("count", "held"), [(9, 0), (10, 1), (19, 1), (30, 3)])
def test_a_random_split_holds_out_the_floor_of_a_members_share(count, held):
    items = pl.DataFrame({"item_id": [f"p{n}" for n in range(count)], "title": "Kettle"})
    events = items.select("item_id", member_id=pl.lit("m0"), kind=pl.lit("buy"), at=pl.lit(START))
    split = random_split(Community.from_tables(items, events), seed=3)
    assert [len(part) for part in parts(split)] == [count - 2 * held, held, held]


def test_a_random_split_is_the_same_for_a_seed_and_another_for_another():
    community = community_of([(member, item, "buy", item) for member in range(6) for item in range(ITEMS)])
    first, again, other = (random_split(community, seed, (0.5, 0.25, 0.25)) for seed in (1, 1, 2))
    assert first.test.events.equals(again.test.events)
    assert not first.test.events.equals(other.test.events)
    held = {tuple(member["item"]) for member in first.test.events.partition_by("member")}
    assert len(held) > 1, "members are shuffled independently"


def test_shares_that_do_not_add_up_are_refused():
    with pytest.raises(ConfigError, match=r"must be three and add up to 1; got \[0.8, 0.3, 0.1\]"):
        random_split(community_of([]), 0, (0.8, 0.3, 0.1))


@given(event_rows, st.integers(0, 9), st.booleans())
@settings(deadline=None, max_examples=80)
def test_the_last_split_is_whole_and_nothing_a_member_did_later_is_in_an_earlier_part(rows, seed, unseen):
    community = community_of(rows)
    split = last_split(community, seed, unseen=unseen)
    assert_whole(split, community)
    for member in range(6):
        train, validation, test = (part.filter(pl.col("member") == member) for part in parts(split))
        assert len(validation) > 0 or len(test) == 0
        for earlier, later in ((train, validation), (validation, test)):
            if len(earlier) and len(later):
                assert earlier["at"].max() <= later["at"].min()
        # Of several things in a held-out part exactly one is the question: the rest says nothing good of an item.
        for part in (validation, test):
            likes = part.filter(pl.Series(EventWeights().apply(part).to_numpy() > 0) & pl.col("item").is_not_null())
            if unseen:
                before = pairs(train) if part is validation else pairs(train) | pairs(validation)
                fresh = pairs(likes) - before
                assert len(fresh) <= 1
            elif len(part):
                assert len(likes) == 1


def test_the_last_split_holds_out_the_last_liked_item_and_the_one_before():
    community = community_of(
        [
            (0, 1, "buy", 1),
            (0, 2, "buy", 2),
            (0, 3, "buy", 3),
            (0, 0, "search", 4),
            (0, 4, "buy", 5),
            (0, 4, "return", 6),
        ]
    )
    split = last_split(community, seed=0)
    assert split.train.events["amount"].to_list() == [0, 1]
    assert split.validation.events["amount"].to_list() == [2, 3]
    assert split.test.events["amount"].to_list() == [4, 5]


def test_a_repeat_is_not_held_out_when_only_unseen_items_may_be():
    rows = [(0, 1, "buy", 1), (0, 2, "buy", 2), (0, 3, "buy", 3), (0, 1, "buy", 4)]
    split = last_split(community_of(rows), seed=0, unseen=True)
    assert split.test.events["item"].to_list() == [3, 1]
    assert last_split(community_of(rows), seed=0).test.events["item"].to_list() == [1]


def test_ties_in_time_are_broken_at_random_and_by_the_seed():
    community = community_of([(0, item, "buy", 7) for item in range(ITEMS)])
    held = {last_split(community, seed).test.events["item"][0] for seed in range(30)}
    assert len(held) > 5
    assert last_split(community, 4).test.events.equals(last_split(community, 4).test.events)


def test_members_with_two_events_stay_in_training():
    split = last_split(community_of([(0, 1, "buy", 1), (0, 2, "buy", 2)]), seed=0)
    assert [len(part) for part in parts(split)] == [2, 0, 0]


def test_ratings_below_the_floor_are_not_held_out():
    items = pl.DataFrame({"item_id": list("abcd"), "title": "Film"})
    events = pl.DataFrame(
        {
            "member_id": "m",
            "item_id": list("abcd"),
            "kind": "rate",
            "at": [START + timedelta(days=day) for day in range(4)],
            "amount": [5.0, 4.0, 5.0, 1.0],
        }
    )
    split = last_split(Community.from_tables(items, events), 0, weights=EventWeights(rating_floor=4))
    assert split.test.events["item"].to_list() == [2, 3]


@given(event_rows.filter(lambda rows: len({hour for *_, hour in rows}) >= 3), st.data())
@settings(deadline=None, max_examples=60)
def test_a_time_split_is_whole_and_nothing_in_an_earlier_part_is_later(rows, data):
    community = community_of(rows)
    hours = sorted({hour for *_, hour in rows})
    second = data.draw(st.sampled_from(hours[2:]))
    first = data.draw(st.sampled_from(hours[1 : hours.index(second)]))
    split = time_split(
        community,
        test_from=START + timedelta(hours=second),
        validation_from=START + timedelta(hours=first),
    )
    assert_whole(split, community)
    assert split.train.now < START + timedelta(hours=first) <= split.validation.events["at"][0]
    assert split.validation.now < START + timedelta(hours=second) == split.test.events["at"][0]


def test_a_time_split_by_share_cuts_near_the_share_and_never_through_a_moment():
    community = community_of([(0, 0, "view", row // 4) for row in range(100)])
    split = time_split(community, test_share=0.2, validation_share=0.1)
    assert [len(part) for part in parts(split)] == [68, 12, 20]
    assert split.validation.now < split.test.events["at"][0]


def test_a_time_split_refuses_what_has_no_meaning():
    community = community_of([(0, 0, "view", hour) for hour in range(10)])
    with pytest.raises(ConfigError, match=r"test_share must be above 0 and below 1; got 1.5"):
        time_split(community, test_share=1.5)
    with pytest.raises(ConfigError, match="give test_share or test_from, not both"):
        time_split(community, test_share=0.5, test_from=START)
    with pytest.raises(ConfigError, match="after the test at"):
        time_split(community, test_from=START + timedelta(hours=3), validation_from=START + timedelta(hours=5))
    with pytest.raises(TooLittleDataError, match="leaves test without events"):
        time_split(community, test_from=START + timedelta(days=30))
    with pytest.raises(TooLittleDataError, match="no event is before"):
        time_split(community, test_from=START)
    with pytest.raises(TooLittleDataError, match="without events cannot be split by time"):
        time_split(community_of([]))


@given(
    event_rows.filter(lambda rows: len({item for _, item, kind, _ in rows if kind != "search"}) >= 5), st.integers(0, 9)
)
@settings(deadline=None, max_examples=60)
def test_a_new_items_split_is_whole_and_an_item_is_in_one_part_alone(rows, seed):
    community = community_of(rows)
    split = new_items_split(community, seed, share=0.2)
    assert_whole(split, community)
    train, validation, test = (set(part["item"].drop_nulls()) for part in parts(split))
    assert len(train) + len(validation) + len(test) == len(train | validation | test)
    assert len(validation) == len(test) == int(0.2 * len(train | validation | test))


def test_a_new_items_split_refuses_shares_that_hold_out_nothing_or_too_much():
    community = community_of([(0, item, "buy", item) for item in range(4)])
    with pytest.raises(TooLittleDataError, match="4 items have events; 10% of them is not one"):
        new_items_split(community, 0)
    with pytest.raises(ConfigError, match=r"above 0 and below 0.5; got 0.5"):
        new_items_split(community, 0, share=0.5)


def test_training_and_validation_together_are_what_is_known_at_the_test():
    split = last_split(community_of([(0, item, "buy", item) for item in range(5)]), seed=0)
    assert split.fit.events["item"].to_list() == [0, 1, 2, 3]
    assert np.array_equal(split.fit.member_ids.ids, split.train.member_ids.ids)
