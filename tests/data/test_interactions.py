"""Events as numbers: weights by kind, decay by age, histories in order of time."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.data.interactions import DAY, Decay, EventWeights, Histories, histories, history_of, seconds

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop() -> Community:
    rows = [
        ("a", "p0", "view", 0), ("a", "p0", "view", 1), ("a", "p1", "buy", 2), ("a", "p1", "return", 3),
        ("c", "p2", "rate", 1, 2.0), ("c", "p2", "show", 5), ("c", None, "search", 4), ("c", "p0", "rate", 0, 5.0),
    ]  # fmt: skip
    events = pl.DataFrame(
        [
            (member, item, kind, START + timedelta(days=day), *(amount or [None]), "t")
            for member, item, kind, day, *amount in rows
        ],
        schema=["member_id", "item_id", "kind", "at", "amount", "text"],
        orient="row",
        infer_schema_length=None,
    )
    items = pl.DataFrame({"item_id": ["p0", "p1", "p2"], "title": ["x", "y", "z"]})
    return Community.from_tables(items, events, pl.DataFrame({"member_id": ["a", "b", "c", "d"]}))


def test_histories_are_each_members_item_events_in_order_of_time(shop):
    all_of_them = histories(shop)
    assert all_of_them.offsets.tolist() == [0, 4, 4, 7, 7]
    assert all_of_them.items.tolist() == [0, 0, 1, 1, 0, 2, 2]
    assert ((all_of_them.at - seconds(START)) / DAY).tolist() == [0, 1, 2, 3, 0, 1, 5]
    np.testing.assert_allclose(all_of_them.weights, [0.3, 0.3, 1, -0.5, 1, 1, 0], rtol=1e-6)
    assert all_of_them.owners.tolist() == [0] * 4 + [2] * 3


def test_histories_of_some_members_come_in_the_order_asked_for(shop):
    some = histories(shop, np.array([2, 1, 0]))
    assert some.offsets.tolist() == [0, 3, 3, 7]
    assert some.items.tolist() == [0, 2, 2, 0, 0, 1, 1]
    again = histories(shop).rows(slice(1, 3))
    assert (len(again), again.items.tolist()) == (2, [0, 2, 2])


def test_the_strongest_event_of_a_pair_counts_and_negative_ones_take_off(shop):
    matrix = histories(shop).matrix(3).toarray()
    np.testing.assert_allclose(matrix, [[0.3, 0.5, 0], [0, 0, 0], [1, 0, 1], [0, 0, 0]], rtol=1e-6)


def test_what_was_only_shown_is_touched_and_weighs_nothing():
    shown = Histories.of_items([[1, 1], []], weight=0.0)
    assert shown.matrix(2).nnz == 0
    assert shown.touched(2).toarray().tolist() == [[0, 1], [0, 0]]


def test_ages_count_from_each_members_own_last_event_or_from_a_given_moment():
    two = Histories.of_items([[0, 1], [2]], at=[[0.0, 2 * DAY], [DAY]])
    decay = Decay(half_life=2)
    np.testing.assert_allclose(two.matrix(3, decay=decay).toarray(), [[0.5, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(two.matrix(3, now=4 * DAY, decay=decay).toarray(), [[0.25, 0.5, 0], [0, 0, 2**-1.5]])


@pytest.mark.parametrize("rows", [[[0, 1], []], [[], [0, 1]], [[], [0, 1], [], []]])
def test_members_without_events_change_nothing_for_others(rows):
    """The last event is the last also where those after it in the batch have none."""
    at = [[0.0, 2 * DAY] if row else [] for row in rows]
    matrix = Histories.of_items(rows, at=at).matrix(2, decay=Decay(half_life=2)).toarray()
    np.testing.assert_allclose(matrix[[bool(row) for row in rows]], [[0.5, 1]])


def test_nobody_has_an_empty_matrix():
    nobody = Histories.of_items([[], []])
    assert nobody.matrix(3, decay=Decay(half_life=1)).shape == (2, 3)
    assert nobody.matrix(3, decay=Decay(half_life=1)).nnz == 0


def test_without_times_events_are_a_second_apart():
    assert Histories.of_items([[5, 6], [7]]).at.tolist() == [0, 1, 0]


def test_ratings_below_the_floor_count_as_nothing(shop):
    matrix = histories(shop, weights=EventWeights(rating_floor=3)).matrix(3).toarray()
    np.testing.assert_allclose(matrix[2], [1, 0, 0])


def test_every_kind_has_a_weight():
    weights = EventWeights()
    assert {kind: weights.of(kind) for kind in EventKind}[EventKind.RETURN] == -0.5
    assert weights.of("search") == 0
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        EventWeights(hug=1)


def test_decay_halves_and_never_grows():
    assert Decay().factor(np.array([0.0, 1e6])).tolist() == [1, 1]
    np.testing.assert_allclose(Decay(half_life=7).factor(np.array([-3.0, 0, 7, 21])), [1, 1, 0.5, 0.125])
    with pytest.raises(ValidationError, match="greater than 0"):
        Decay(half_life=0)


def test_seconds_count_from_1970_in_utc():
    assert seconds(datetime(1970, 1, 2)) == DAY
    assert seconds(datetime(1970, 1, 2, 8, tzinfo=timezone(timedelta(hours=8)))) == DAY


def test_one_history_is_read_from_a_table_as_from_a_community_of_that_member_alone() -> None:
    items = pl.DataFrame({"item_id": ["a", "b", "c"], "title": ["A", "B", "C"]})
    rows = [("b", "buy", 3, None), ("a", "rate", 2, 1.0), ("gone", "buy", 2, None), (None, "search", 1, None)]
    rows += [("a", "rate", 2, 5.0), ("c", "hide", 2, None), ("a", "return", 4, None)]
    table = pl.DataFrame(rows, schema=["item_id", "kind", "day", "amount"], orient="row")
    at = pl.datetime(2026, 1, pl.col("day"), time_zone="UTC", time_unit="us")
    events = table.select(pl.lit("m").alias("member_id"), "item_id", "kind", "amount", at=at)
    weights = EventWeights(rating_floor=3.0)
    known = Community.from_tables(items, events.filter(pl.col("item_id") != "gone"))
    wanted, found = histories(known, weights=weights), history_of(events, known.item_ids, weights=weights)
    for name in ("offsets", "items", "at", "weights"):
        assert getattr(found, name).tolist() == getattr(wanted, name).tolist(), name
        assert getattr(found, name).dtype == getattr(wanted, name).dtype, name
    assert len(history_of(events.clear(), known.item_ids).items) == 0
