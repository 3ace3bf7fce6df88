"""The five tables: what goes in, what is refused, what comes back."""

from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest

from penchant.data.columns import EVENT_KINDS, EVENTS, ITEMS, MEMBERS, TABLES
from penchant.data.community import Community
from penchant.errors import ColumnError, InputError, UnknownIdError

AT = datetime(2026, 1, 5, 10, tzinfo=UTC)


def items(**columns) -> pl.DataFrame:
    return pl.DataFrame({"item_id": ["p1", "p2"], "title": ["Kettle", "Lamp"]} | columns)


def events(*rows, **columns) -> pl.DataFrame:
    rows = rows or (("m2", "p2", "buy", AT), ("m1", "p1", "view", AT - timedelta(days=1)))
    frame = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row")
    return frame.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def test_ids_become_rows_and_events_stand_in_order_of_time():
    shop = Community.from_tables(items(), events())
    assert shop.events["at"].is_sorted()
    assert shop.events["member"].to_list() == [0, 1]
    assert shop.events["item"].to_list() == [0, 1]
    assert shop.events.schema["kind"] == EVENT_KINDS
    assert shop.now == AT
    assert [name for name in shop.events.columns] == ["member", "item", *list(EVENTS)[2:]]  # noqa: C416


def test_every_column_is_there_with_its_type_and_own_columns_come_after():
    shop = Community.from_tables(
        items(colour=["red", None]), events(), pl.DataFrame({"member_id": ["m1", "m2"], "age": [3, 4]})
    )
    assert dict(shop.items.schema) == {**ITEMS, "colour": pl.String()}
    assert dict(shop.members.schema) == {**MEMBERS, "age": pl.Int64()}
    assert shop.labels.columns == list(TABLES["labels"])
    assert repr(shop) == "Community(members=2, items=2, events=2, ties=0, labels=0)"


def test_events_of_other_columns_lose_them():
    assert "device" not in Community.from_tables(items(), events(device=["a", "b"])).events.columns


def test_with_ids_gives_back_what_was_handed_in(small_community):
    again = Community.from_tables(
        small_community.items,
        small_community.with_ids("events"),
        small_community.members,
        small_community.with_ids("ties"),
        small_community.labels,
    )
    assert again.fingerprint() == small_community.fingerprint()


def test_without_a_members_table_events_and_ties_name_them():
    ties = pl.DataFrame({"member_id": ["m3"], "other_id": ["m0"], "kind": ["follow"]})
    shop = Community.from_tables(items(), events(), ties=ties)
    assert shop.members["member_id"].to_list() == ["m0", "m1", "m2", "m3"]
    assert shop.ties.select("member", "other").row(0) == (3, 0)


@pytest.mark.parametrize(
    "at",
    [AT.replace(tzinfo=None), AT.astimezone(timezone(timedelta(hours=8)))],
    ids=["without a zone it is UTC", "a zone is converted"],
)
def test_times_are_utc(at):
    frame = pl.DataFrame({"member_id": ["m1"], "item_id": ["p1"], "kind": ["buy"], "at": [at]})
    assert Community.from_tables(items(), frame).now == AT


def test_a_search_has_a_text_and_no_item():
    rows = (("m1", None, "search", AT), ("m1", "p1", "buy", AT))
    shop = Community.from_tables(items(), events(*rows, text=["warm", None]))
    assert shop.events["item"].to_list() == [None, 0]


FRIENDS = pl.DataFrame({"member_id": ["m1"], "other_id": ["m9"], "kind": ["friend"]})


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"items": items().drop("title")}, ColumnError, "the table items has no column 'title'; it has item_id"),
        ({"events": events().drop("at")}, ColumnError, "the table events has no column 'at'"),
        ({"events": events(("m1", "p1", "hug", AT))}, ColumnError, "the table events cannot take its types"),
        ({"events": events(("m1", "p1", "buy", None))}, InputError, "1 rows of the table events have no at"),
        ({"events": events(("m1", None, "buy", AT))}, InputError, "1 events have no item_id, the first of kind 'buy'"),
        ({"events": events(("m1", "p9", "buy", AT))}, UnknownIdError, "1 rows name a item .*the first 'p9'"),
        ({"members": pl.DataFrame({"member_id": ["m1"]})}, UnknownIdError, "1 rows name a member .*the first 'm2'"),
        ({"items": items(item_id=["p1", "p1"])}, InputError, "item ids must be unique; found twice: 'p1'"),
        ({"items": items(item_id=["p1", None])}, InputError, "1 rows of the table items have no item_id"),
        ({"items": items(price=["cheap", "dear"])}, ColumnError, "the table items cannot take its types"),
        ({"members": pl.DataFrame({"member_id": ["m1", "m2"]}), "ties": FRIENDS}, UnknownIdError, "the first 'm9'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_and_named(change, error, match):
    with pytest.raises(error, match=match):
        Community.from_tables(**({"items": items(), "events": events()} | change))


def test_fingerprints_tell_data_apart_and_nothing_else(small_community):
    shop = Community.from_tables(items(), events())
    assert shop.fingerprint() == Community.from_tables(items(), events().reverse()).fingerprint()
    assert shop.fingerprint("items") != Community.from_tables(items(price=[1, 2]), events()).fingerprint("items")
    assert shop.fingerprint("events") == Community.from_tables(items(price=[1, 2]), events()).fingerprint("events")
    assert shop.fingerprint() != small_community.fingerprint()


def test_fingerprints_do_not_see_how_a_table_lies_in_memory():
    plain = items(price=[1.5, None], tags=[["a", "b"], None], available=[None, None]).with_columns(
        pl.col("available").cast(pl.Boolean),
        code=pl.Series([b"x", None]),
        weight=pl.Series(["1.50", None]).cast(pl.Decimal(9, 2)),
    )
    pieces = pl.concat([plain[:0], plain[:1], plain[1:]], rechunk=False)
    from_more = pl.concat([plain, plain])[2:]
    whole, *others = (Community.from_tables(table, events()).fingerprint() for table in (plain, pieces, from_more))
    assert others == [whole, whole]


@pytest.mark.parametrize(
    ("one", "other"),
    [(["ab", "c"], ["a", "bc"]), (["a", None], ["a", ""]), ([None, "a"], ["a", None]), (["1", "2"], [1, 2])],
)
def test_fingerprints_see_where_cells_begin_and_end(one, other):
    first, second = (Community.from_tables(items(colour=cells), events()).fingerprint() for cells in (one, other))
    assert first != second


def test_other_events_keep_members_items_and_rows(small_community):
    half = small_community.events.filter(pl.col("kind") == "buy")
    other = small_community.with_events(half.reverse())
    assert other.events["at"].is_sorted()
    assert len(other.events) == len(half)
    assert other.items is small_community.items
    assert other.member_ids.row("m3") == small_community.member_ids.row("m3")


def test_texts_of_items_hold_all_that_is_known_in_words():
    shop = Community.from_tables(
        items(categories=[["家电 > 冰箱"], None], tags=[["new", "小"], None], text=["keeps cool", None]), events()
    )
    assert shop.item_texts == ["Kettle. 家电 > 冰箱. new, 小. keeps cool", "Lamp"]
    assert shop.titles == ["Kettle", "Lamp"]


def test_one_member_is_a_row_of_the_table(small_community):
    assert small_community.member("m3")["city"] == "上海"
    with pytest.raises(UnknownIdError, match="no member has the id 'm99'; this community has 24 members"):
        small_community.member("m99")


def test_a_community_without_events_has_no_present():
    assert Community.from_tables(items(), events().clear(), pl.DataFrame({"member_id": ["m"]})).now is None


def test_the_events_of_one_member_are_theirs_in_order_of_time(small_community):
    for row in range(len(small_community.members)):
        own = small_community.events.filter(pl.col("member") == row)
        assert small_community.events_of(row).equals(own)
    fewer = small_community.with_events(small_community.events.head(1))
    assert sum(len(fewer.events_of(row)) for row in range(len(fewer.members))) == 1
