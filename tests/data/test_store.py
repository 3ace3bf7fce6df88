import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from penchant.data.appending import Batch
from penchant.data.community import Community
from penchant.data.store import Appended, Store
from penchant.errors import ColumnError, ConfigError, InputError, StorageError, UnknownIdError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(member_id: str, item_id: str | None, kind: str = "view", at: datetime = NOON, **more: object) -> pl.DataFrame:
    return pl.DataFrame([{"member_id": member_id, "item_id": item_id, "kind": kind, "at": at} | more])


@pytest.fixture
def store(store_url: str, small_community: Community):
    with Store(store_url) as store:
        store.write(small_community)
        yield store


# -- whole communities --


def test_a_community_reads_back_equal(store: Store, small_community: Community) -> None:
    back = store.read()
    for name, table in small_community.tables().items():
        assert back.tables()[name].equals(table), name
    assert back.fingerprint() == small_community.fingerprint()


def test_a_store_opened_again_holds_the_same(store: Store, store_url: str, small_community: Community) -> None:
    store.close()
    with Store(store_url) as again:
        assert again.read().fingerprint() == small_community.fingerprint()


def test_an_empty_store_reads_as_an_empty_community(store_url: str) -> None:
    with Store(store_url) as store:
        empty = store.read()
        assert store.counts() == {"members": 0, "items": 0, "events": 0, "ties": 0, "labels": 0}
    nothing = Community.from_tables(
        pl.DataFrame(schema={"item_id": pl.String, "title": pl.String}),
        pl.DataFrame(schema={"member_id": pl.String, "item_id": pl.String, "kind": pl.String, "at": pl.Datetime}),
    )
    assert empty.fingerprint() == nothing.fingerprint()


def test_writing_replaces_what_was_there(store: Store, small_community: Community) -> None:
    fewer = small_community.with_events(small_community.events.head(5))
    store.write(fewer)
    assert store.read().fingerprint() == fewer.fingerprint()


def test_own_columns_of_every_type_come_back(store_url: str) -> None:
    own = pl.DataFrame(
        {
            "whole": pl.Series([1, None, -(2**62)], dtype=pl.Int64),
            "small": pl.Series([1, 2, None], dtype=pl.UInt8),
            "real": [0.1, float("nan"), float("-inf")],
            "narrow": pl.Series([0.1, None, 3e38], dtype=pl.Float32),
            "truth": [True, False, None],
            "words": ['é "quoted" \\ 😀\n', "", None],
            "day": [date(1999, 12, 31), None, date(2026, 1, 1)],
            "moment": [NOON, None, NOON + timedelta(microseconds=1)],
            "lasted": [timedelta(microseconds=12345), None, timedelta(days=-3)],
            "parts": [["a", None], [], None],
            "nested": [{"x": 1, "y": "z"}, {"x": None, "y": None}, {"x": 3, "y": ""}],
            "choice": pl.Series(["s", "m", None], dtype=pl.Enum(["s", "m"])),
            "money": pl.Series([Decimal("1.25"), None, Decimal("-3.10")], dtype=pl.Decimal(12, 2)),
            "bytes": [b"\x00\xff", None, b""],
        }
    )
    items = pl.DataFrame({"item_id": ["a", "b", "c"], "title": ["A", "B", "C"]}).hstack(own)
    community = Community.from_tables(items, event("m", "a"))
    with Store(store_url) as store:
        store.write(community)
        back = store.read()
    assert back.items.schema == community.items.schema
    assert back.items.equals(community.items)
    assert back.fingerprint() == community.fingerprint()


def test_a_column_that_json_cannot_carry_is_refused(store_url: str) -> None:
    items = pl.DataFrame({"item_id": ["a"], "title": ["A"], "sizes": [[1.0, float("nan")]]})
    with Store(store_url) as store, pytest.raises(ColumnError, match=r"'sizes' of items .* does not survive JSON"):
        store.write(Community.from_tables(items, event("m", "a")))


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(texts, moments, st.none() | st.floats(allow_nan=False), st.none() | texts), max_size=8),
    titles=st.dictionaries(texts, texts, min_size=1, max_size=5),
)
def test_any_text_time_and_number_come_back(store_url: str, rows: list, titles: dict[str, str]) -> None:
    items = pl.DataFrame({"item_id": list(titles), "title": list(titles.values()), "note": list(titles.values())})
    first = next(iter(titles))
    # Adding zero makes minus zero plain zero: SQLite keeps small whole numbers as integers, which have one zero.
    events = [
        (who, first, "view", at, None if amount is None else amount + 0.0, said) for who, at, amount, said in rows
    ]
    names = ["member_id", "item_id", "kind", "at", "amount", "text"]
    types = [pl.String, pl.String, pl.String, pl.Datetime("us", "UTC"), pl.Float64, pl.String]
    community = Community.from_tables(
        items, pl.DataFrame(events, schema=dict(zip(names, types, strict=True)), orient="row")
    )
    with Store(store_url) as store:
        store.write(community)
        assert store.read().fingerprint() == community.fingerprint()


def test_a_load_in_parts_equals_a_load_of_the_whole(store_url: str, small_community: Community) -> None:
    tables = small_community.tables() | {name: small_community.with_ids(name) for name in ("events", "ties")}
    with Store(store_url) as store:
        counted = store.load((name, part) for name, table in tables.items() for part in table.iter_slices(7))
        assert counted == {name: len(table) for name, table in tables.items()}
        assert store.read().fingerprint() == small_community.fingerprint()


def test_a_load_can_add_the_members_that_are_named(store_url: str) -> None:
    items = pl.DataFrame({"item_id": ["a"], "title": ["A"]})
    ties = pl.DataFrame({"member_id": ["m2"], "other_id": ["m3"], "kind": ["friend"]})
    parts = [("items", items), ("events", event("m1", "a")), ("ties", ties), ("events", event("m2", "a"))]
    with Store(store_url) as store:
        store.load(parts, unknown_members="add")
        assert store.read().members["member_id"].to_list() == ["m1", "m2", "m3"]


def test_members_and_items_may_come_late_but_before_what_names_them(store_url: str) -> None:
    def item(item_id: str) -> tuple[str, pl.DataFrame]:
        return "items", pl.DataFrame({"item_id": [item_id], "title": ["A"]})

    def member(member_id: str) -> tuple[str, pl.DataFrame]:
        return "members", pl.DataFrame({"member_id": [member_id]})

    parts = [
        item("a"),
        member("m1"),
        ("events", event("m1", "a")),
        item("b"),
        member("m2"),
        ("events", event("m2", "b")),
    ]
    with Store(store_url) as store:
        store.load(parts)
        assert store.history("m2")["item_id"].to_list() == ["b"]
        with pytest.raises(UnknownIdError, match="the first 'm2'"):
            store.load([item("a"), ("events", event("m2", "a")), member("m2")])


def test_a_load_that_fails_leaves_what_was_there(store: Store, small_community: Community) -> None:
    items = ("items", pl.DataFrame({"item_id": ["a"], "title": ["A"]}))
    members = ("members", pl.DataFrame({"member_id": ["m1"]}))
    with pytest.raises(UnknownIdError, match="1 rows name an unknown item, the first 'b'"):
        store.load([members, items, ("events", event("m1", "a")), ("events", event("m1", "b"))])
    assert store.read().fingerprint() == small_community.fingerprint()
    with pytest.raises(InputError, match="an id stands twice"):
        store.load([items, items])
    with pytest.raises(ConfigError, match="no table is called 'people'"):
        store.load([("people", items[1])])
    assert store.read().fingerprint() == small_community.fingerprint()


def test_indexes_stand_after_a_load(store: Store, small_community: Community) -> None:
    catalogue = "sqlite_master WHERE type = 'index'" if store.database.is_sqlite else "pg_indexes"
    column = "name" if store.database.is_sqlite else "indexname"
    with store.database.reading() as connection:
        names = set(connection.scalars(text(f"SELECT {column} FROM {catalogue}")))
    assert {"events_of_member", "events_of_item", "events_in_time", "events_once"} <= names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": ["a\0b"]}, "the column text of events holds a NUL character"),
        ({"amount": [float("nan")]}, "the column amount of events holds NaN"),
        ({"member_id": ["m" * 1025]}, "an id in the column member_id of members has 1025 bytes; at most 1024"),
    ],
)
def test_values_that_no_database_keeps_are_refused(store_url: str, change: dict, message: str) -> None:
    items = pl.DataFrame({"item_id": ["a"], "title": ["A"]})
    community = Community.from_tables(
        items, event("m", "a").with_columns(**{k: pl.Series(v) for k, v in change.items()})
    )
    with Store(store_url) as store, pytest.raises(InputError, match=message):
        store.write(community)


# -- tenants --


def test_tenants_do_not_see_each_other(store: Store, store_url: str, small_community: Community) -> None:
    with Store(store_url, tenant="other") as other:
        assert other.counts()["members"] == 0
        other.upsert_items(pl.DataFrame({"item_id": ["p1"], "title": ["Theirs"]}))
        other.upsert_members(pl.DataFrame({"member_id": ["m1"]}))
        assert other.append_events(event("m1", "p1"), key="k") == Appended(1, 0)
        assert store.append_events(event("m1", "p1"), key="k") == Appended(1, 0)
        assert other.forget("m2") == 0
        assert other.delete_items(["p2"]) == 0
        other.write(other.read())
        assert other.counts() == {"members": 1, "items": 1, "events": 1, "ties": 0, "labels": 0}
        with pytest.raises(UnknownIdError, match="no member has the id 'm3'; the store has 1 members"):
            other.history("m3")
    assert store.read().items.equals(small_community.items)
    assert len(store.history("m1")) == len(small_community.with_ids("events").filter(member_id="m1")) + 1


# -- events --


def test_events_append_in_batches(store: Store, small_community: Community) -> None:
    batch = pl.concat([event("m1", "p1"), event("m2", "p2", "buy", amount=3.5).select(pl.exclude("amount"))])
    assert store.append_events(batch) == Appended(2, 0)
    assert store.append_events(batch) == Appended(2, 0)
    assert store.counts()["events"] == len(small_community.events) + 4
    assert len(store.read().events) == len(small_community.events) + 4


def test_a_retried_batch_counts_once(store: Store) -> None:
    batch = pl.concat([event("m1", "p1"), event("m1", "p2")])
    before = store.counts()["events"]
    assert store.append_events(batch, key="r1") == Appended(2, 0)
    assert store.append_events(batch, key="r1") == Appended(0, 2)
    assert store.append_events(batch, key="r2") == Appended(2, 0)
    assert store.counts()["events"] == before + 4


def test_event_keys_within_and_across_batches_count_once(store: Store) -> None:
    batch = pl.concat([event("m1", "p1")] * 3).with_columns(event_key=pl.Series(["a", "b", "a"]))
    assert store.append_events(batch) == Appended(2, 1)
    later = pl.concat([event("m2", "p1")] * 3).with_columns(event_key=pl.Series(["b", "c", None]))
    assert store.append_events(later) == Appended(2, 1)


def test_a_batch_with_one_bad_event_adds_none(store: Store) -> None:
    before = store.counts()["events"]
    with pytest.raises(UnknownIdError, match="1 rows name an unknown member, the first 'ghost'"):
        store.append_events(pl.concat([event("m1", "p1"), event("ghost", "p1")]))
    with pytest.raises(InputError, match="1 events have no item_id, the first of kind 'buy'"):
        store.append_events(pl.concat([event("m1", "p1"), event("m1", None, "buy")], how="vertical_relaxed"))
    assert store.counts()["events"] == before


def test_an_unknown_member_can_be_added_with_their_first_event(store: Store) -> None:
    assert store.append_events(event("new", "p1"), unknown_members="add") == Appended(1, 0)
    assert store.member("new")["member_id"] == "new"
    assert store.read().member_ids.row("new") == 24


def test_late_events_are_read_in_order_of_time(store: Store, small_community: Community) -> None:
    early = event("m0", "p1", at=datetime(2020, 1, 1, tzinfo=UTC))
    store.append_events(early)
    assert store.read().events["at"].is_sorted()
    assert store.history("m0")["at"][0] == early["at"][0]


def test_an_append_larger_than_one_statement(store: Store, small_community: Community) -> None:
    many = pl.concat([event("x", "p1")] * 12_000).with_columns(
        member_id=pl.format("x{}", pl.int_range(12_000)), event_key=pl.format("k{}", pl.int_range(12_000))
    )
    assert store.append_events(many, unknown_members="add") == Appended(12_000, 0)
    assert store.append_events(many) == Appended(0, 12_000)


def test_labels_are_added_to_those_that_are_there(store: Store, store_url: str, small_community: Community) -> None:
    fresh = pl.DataFrame({"text": ["帐篷", None], "item_id": [None, "p3"], "labels": [["露营"], ["厨房", "锅"]]})
    store.append_labels(fresh)
    store.append_labels(fresh.head(1))
    with Store(store_url) as again:
        labels = again.read().labels
    assert labels["labels"].to_list() == [
        *small_community.labels["labels"].to_list(),
        ["露营"],
        ["厨房", "锅"],
        ["露营"],
    ]
    assert labels["item_id"].to_list()[-3:] == [None, "p3", None]
    with pytest.raises(InputError, match="have no labels"):
        store.append_labels(fresh.with_columns(pl.lit(None, dtype=pl.List(pl.String)).alias("labels")))


def test_writers_at_once_lose_nothing(store: Store, store_url: str) -> None:
    before = store.counts()["events"]
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with Store(store_url) as mine:
                for turn in range(10):
                    mine.append_events(event(f"{name}-{turn % 2}", "p1"), key=f"{name}{turn}", unknown_members="add")
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(f"t{n % 3}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    # Two writers each send every batch, under the same key: it counts once.
    assert store.counts()["events"] == before + 30


def test_a_reader_sees_one_state_while_another_writes(store: Store, store_url: str) -> None:
    from sqlalchemy import func, select

    from penchant.data import schema

    counting = select(func.count()).select_from(schema.events)
    with store.database.reading() as connection, Store(store_url) as writer:
        before = connection.scalar(counting)
        writer.append_events(event("m1", "p1"))
        assert connection.scalar(counting) == before
    assert store.counts()["events"] == before + 1


# -- changes --


def test_upsert_changes_what_is_handed_in_and_keeps_the_rest(store: Store, small_community: Community) -> None:
    change = pl.DataFrame({"item_id": ["p3", "new"], "title": ["Renamed", "Fresh"], "price": [1.0, 2.0]})
    store.upsert_items(change)
    old = dict(zip(small_community.items.columns, small_community.items.row(3), strict=True))
    assert store.item("p3") == old | {"title": "Renamed", "price": 1.0}
    assert store.item("new")["weight_g"] is None
    items = store.read().items
    assert items["item_id"].to_list() == [*small_community.items["item_id"], "new"]


def test_upsert_brings_new_own_columns(store: Store) -> None:
    store.upsert_members(pl.DataFrame({"member_id": ["m1"], "vip": [True]}))
    assert store.member("m1")["vip"] is True
    assert store.member("m1")["city"] == "Leeds"
    assert store.member("m2")["vip"] is None


def test_upsert_refuses_an_own_column_of_another_type(store: Store) -> None:
    with pytest.raises(ColumnError, match="'weight_g' of items holds Int64 in the store, and String was handed in"):
        store.upsert_items(pl.DataFrame({"item_id": ["p1"], "weight_g": ["heavy"]}))


def test_a_new_item_needs_its_title(store: Store) -> None:
    with pytest.raises(InputError, match="1 rows of the table items have no title"):
        store.upsert_items(pl.DataFrame({"item_id": ["p1", "new"], "price": [1.0, 1.0]}))
    with pytest.raises(ColumnError, match="the table items has no column 'title'"):
        store.upsert_items(pl.DataFrame({"item_id": ["new"], "price": [1.0]}))


def test_upsert_refuses_an_id_twice(store: Store) -> None:
    for identifier in ("p1", "new"):
        with pytest.raises(InputError, match=f"ids must be unique; found twice: '{identifier}'"):
            store.upsert_items(pl.DataFrame({"item_id": [identifier] * 2, "title": ["A", "B"]}))


def test_deleted_items_take_their_events_along(store: Store, small_community: Community) -> None:
    gone = small_community.with_ids("events").filter(item_id="p1")
    assert len(gone) > 0
    assert store.delete_items(["p1", "nothing"]) == 1
    back = store.read()
    assert "p1" not in back.item_ids
    assert len(back.events) == len(small_community.events) - len(gone)
    assert back.with_ids("events").equals(small_community.with_ids("events").filter(pl.col("item_id").ne_missing("p1")))


def test_ties_are_added_changed_and_taken_out(store: Store, small_community: Community) -> None:
    ties = pl.DataFrame(
        {
            "member_id": ["m0", "m5", "m5"],
            "other_id": ["m3", "m6", "m6"],
            "kind": ["friend", "block", "block"],
            "at": [NOON] * 3,
        }
    )
    store.upsert_ties(ties)
    assert store.counts()["ties"] == len(small_community.ties) + 1
    assert store.ties_of("m0").filter(other_id="m3")["at"][0] == NOON
    assert store.delete_ties(ties) == 2
    assert store.counts()["ties"] == len(small_community.ties) - 1
    with pytest.raises(UnknownIdError, match="3 rows name an unknown member, the first 'ghost'"):
        store.upsert_ties(ties.with_columns(other_id=pl.lit("ghost")))


# -- one member --


def test_a_member_reads_with_their_own_columns(store: Store, small_community: Community) -> None:
    assert store.member("m4") == small_community.member("m4")
    with pytest.raises(UnknownIdError, match="no member has the id 'ghost'; the store has 24 members"):
        store.member("ghost")


def test_a_history_is_the_members_events_in_order(store: Store, small_community: Community) -> None:
    expected = small_community.with_ids("events").filter(member_id="m4")
    assert store.history("m4").equals(expected)
    assert store.history("m4", limit=3).equals(expected.tail(3))
    since = expected["at"][4]
    assert store.history("m4", since=since).equals(expected.filter(pl.col("at") >= since))


def test_ties_of_a_member_go_both_ways(store: Store, small_community: Community) -> None:
    expected = small_community.with_ids("ties").filter((pl.col("member_id") == "m4") | (pl.col("other_id") == "m4"))
    assert len(expected) == 2
    assert store.ties_of("m4").equals(expected)


def test_forgetting_takes_all_of_a_member(store: Store, small_community: Community) -> None:
    store.put_verdicts("0001", "drift", pl.DataFrame({"member_id": ["m4", "m5"], "verdict": ['{"a":1}', "{}"]}))
    assert store.forget("m4", "ghost") == 1
    back = store.read()
    assert "m4" not in back.member_ids
    assert len(back.events) == len(small_community.with_ids("events").filter(pl.col("member_id") != "m4"))
    assert len(back.ties) == len(small_community.ties) - 2
    assert store.verdicts("0001", "drift")["member_id"].to_list() == ["m5"]
    with pytest.raises(UnknownIdError):
        store.history("m4")


def test_forgetting_leaves_no_byte_in_sqlite(tmp_path: Path, small_community: Community) -> None:
    secret = "secret-member-7f3a"
    path = tmp_path / "store.db"
    with Store(path) as store:
        store.write(small_community)
        for turn in range(200):
            batch = event(secret, "p1", "review", text=f"{secret} wrote {turn}")
            store.append_events(batch, key=f"{secret}/{turn}", unknown_members="add")
        store.put_verdicts("0001", "drift", pl.DataFrame({"member_id": [secret], "verdict": [f'{{"of": "{secret}"}}']}))
        store.close()
        assert secret.encode() in path.read_bytes()
        store.forget(secret)
        held = {file.name: file.read_bytes().count(secret.encode()) for file in tmp_path.iterdir()}
    assert set(held.values()) == {0}, held


# -- verdicts --


def test_verdicts_are_kept_by_build_and_system(store: Store) -> None:
    def of(verdict: str) -> pl.DataFrame:
        return pl.DataFrame({"member_id": ["m1", "m2"], "verdict": [verdict] * 2})

    store.put_verdicts("0001", "drift", of('{"drifted": true}'))
    store.put_verdicts("0001", "interests", of('{"兴趣": "露营"}'))
    store.put_verdicts("0002", "drift", of("{}"))
    store.put_verdicts("0002", "drift", of('{"drifted": false}').head(1))
    assert store.verdicts("0001", "drift").equals(of('{"drifted": true}'))
    assert store.verdicts("0002", "drift").rows() == [("m1", '{"drifted": false}')]
    assert store.verdicts_of("m1").rows() == [
        ("0001", "drift", '{"drifted": true}'),
        ("0001", "interests", '{"兴趣": "露营"}'),
        ("0002", "drift", '{"drifted": false}'),
    ]
    assert store.drop_verdicts("0001") == 4
    assert store.verdicts_of("m2").is_empty()
    with pytest.raises(UnknownIdError, match="the first 'ghost'"):
        store.put_verdicts("0002", "drift", pl.DataFrame({"member_id": ["ghost"], "verdict": ["{}"]}))


# -- what can go wrong --


@pytest.mark.parametrize(("version", "advice"), [(0, "read the data into a new store"), (99, "upgrade Penchant")])
def test_a_store_of_another_schema_is_refused(store: Store, store_url: str, version: int, advice: str) -> None:
    with store.database.writing() as connection:
        connection.execute(text(f"UPDATE schema_version SET version = {version}"))
    with pytest.raises(StorageError, match=f"has tables of version {version}, and .* works with version 1: {advice}"):
        Store(store_url)


def test_a_database_out_of_reach_is_told_without_its_password() -> None:
    with pytest.raises(StorageError, match="out of reach") as caught:
        Store("postgresql://penchant:hunter2@127.0.0.1:1/shop")
    assert "hunter2" not in str(caught.value)


def test_a_database_that_does_not_exist(postgres_server: str) -> None:
    with pytest.raises(StorageError, match='database "nowhere" does not exist'):
        Store(postgres_server.replace("/postgres?", "/nowhere?"))


def test_a_user_without_permission_is_told_so(postgres_server: str, postgres_url: str) -> None:
    import psycopg

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE ROLE visitor LOGIN")
        try:
            with pytest.raises(StorageError, match="has no permission; grant it CREATE"):
                Store(postgres_server.replace("postgres:@", "visitor:@"))
        finally:
            connection.execute("DROP ROLE visitor")


@pytest.mark.parametrize("url", ["mysql://host/name", "oracle://host/name"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"a store cannot stand in '.*'; SQLite and PostgreSQL can"):
        Store(url)


def test_a_url_that_is_none_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigError, match="cannot be read as a URL") as caught:
        Store("post gres://user:hunter2@")
    assert "hunter2" not in str(caught.value)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such folder"):
        Store(tmp_path / "nowhere" / "store.db")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"no database at all, " * 500)
    with pytest.raises(StorageError, match="the file is no SQLite database"):
        Store(path)


def test_a_damaged_file_is_told(tmp_path: Path, small_community: Community) -> None:
    path = tmp_path / "store.db"
    with Store(path) as store:
        store.write(small_community)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StorageError, match="the file is damaged"), Store(path) as store:
        store.read()


def test_a_full_disk_leaves_the_store_as_it_was(tmp_path: Path, small_community: Community) -> None:
    with Store(tmp_path / "store.db") as store:
        store.write(small_community)
        with store.database.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.rollback()
            # The pool has one connection, so the limit holds for what comes.
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}")
        with pytest.raises(StorageError, match="the disk is full; free some space"):
            store.append_events(pl.concat([event("m1", "p1", text="x" * 50)] * 5_000))
        assert store.read().fingerprint() == small_community.fingerprint()


def test_a_real_full_disk_leaves_the_store_as_it_was(tiny_disk: Path, small_community: Community) -> None:
    with Store(tiny_disk / "store.db") as store:
        store.write(small_community)
        with pytest.raises(StorageError, match="the disk is full; free some space"):
            store.append_events(pl.concat([event("m1", "p1", text="x" * 50)] * 50_000))
        assert store.append_events(event("m1", "p1")) == Appended(1, 0)
        assert store.counts()["events"] == len(small_community.events) + 1


def test_forgetting_says_when_a_reader_keeps_the_log(tmp_path: Path, small_community: Community) -> None:
    with Store(tmp_path / "store.db") as store, Store(tmp_path / "store.db") as reader:
        store.write(small_community)
        with store.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 100")
            connection.rollback()
        with reader.database.reading() as connection:
            connection.execute(text("SELECT 1 FROM members")).all()
            with pytest.raises(StorageError, match="still in its log, because others are reading; delete it once more"):
                store.forget("m1")
        assert store.forget("m1") == 0


def in_another_process(code: str, *arguments: object, **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,  # type: ignore[call-overload]
    )


def test_a_file_that_may_not_grow_leaves_the_store_as_it_was(tmp_path: Path, small_community: Community) -> None:
    path = tmp_path / "store.db"
    with Store(path) as store:
        store.write(small_community)
    outcome = in_another_process(
        """
        import resource, sys
        from pathlib import Path
        import polars as pl
        from penchant.data.store import Store
        from penchant.errors import StorageError
        path = Path(sys.argv[1])
        store = Store(path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20_000,) * 2)
        row = {"member_id": "m1", "item_id": "p1", "kind": "view", "at": "2026-01-01T00:00:00", "text": "x" * 50}
        batch = pl.concat([pl.DataFrame([row]).with_columns(pl.col("at").str.to_datetime())] * 20_000)
        try:
            store.append_events(batch)
        except StorageError as error:
            print(error)
        """,
        path,
    )
    assert "cannot be used: the disk refused; it may be full" in outcome.stdout, outcome.stderr
    with Store(path) as store:
        assert store.read().fingerprint() == small_community.fingerprint()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file permissions work otherwise here")
def test_a_file_without_write_permission(tmp_path: Path, small_community: Community) -> None:
    path = tmp_path / "store.db"
    with Store(path) as store:
        store.write(small_community)
    code = """
        import sys
        from penchant.data.store import Store
        from penchant.errors import StorageError
        import polars as pl
        import os
        Store("sqlite://")
        if os.geteuid() == 0:
            os.setuid(65534)
        try:
            Store(sys.argv[1]).upsert_members(pl.DataFrame({"member_id": ["x"]}))
        except StorageError as error:
            print(error)
        """
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        outcome = in_another_process(code, path)
    finally:
        tmp_path.chmod(0o755)
    assert "no permission" in outcome.stdout, outcome.stderr + outcome.stdout


def test_acknowledged_events_survive_kill_9(store: Store, store_url: str) -> None:
    before = store.counts()["events"]
    code = """
        import sys
        import polars as pl
        from penchant.data.store import Store
        store = Store(sys.argv[1])
        row = {"member_id": "m1", "item_id": "p1", "kind": "view", "at": "2026-01-01T00:00:00"}
        batch = pl.DataFrame([row] * 3).with_columns(pl.col("at").str.to_datetime())
        for turn in range(100_000):
            store.append_events(batch, key=str(turn))
            print(turn, flush=True)
        """
    command = [sys.executable, "-c", textwrap.dedent(code), store_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = -1
        while acknowledged < 20:
            acknowledged = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        acknowledged = int([acknowledged, *writer.stdout.read().split()][-1])
    time.sleep(0.2)
    held = store.counts()["events"] - before
    # The batch in flight when the process died may have arrived, whole; none that was acknowledged is lost.
    assert held in (3 * (acknowledged + 1), 3 * (acknowledged + 2))


# -- batches that are written together --


def test_batches_written_together_are_judged_one_by_one(store: Store, small_community: Community) -> None:
    before = store.counts()["events"]
    named = event("m1", "p1").with_columns(event_key=pl.lit("e-1"))
    written = store.append_batches(
        [
            Batch(pl.concat([event("m1", "p1"), event("new", "p2")]), key="a"),
            Batch(pl.concat([event("m1", "nothing"), event("m2", None, "search"), event("m3", "no")]), key="b"),
            Batch(named),
            Batch(named),
            Batch(event("m4", "p1")),
        ]
    )
    assert [(one.added, one.repeated, one.unknown) for one in written] == [
        (2, 0, {}),
        (1, 0, {0: "nothing", 2: "no"}),
        (1, 0, {}),
        (0, 1, {}),
        (1, 0, {}),
    ]
    again = store.append_batches([Batch(pl.concat([event("m1", "p1"), event("new", "p2")]), key="a"), Batch(named)])
    assert [(one.added, one.repeated) for one in again] == [(0, 2), (0, 1)]
    assert store.counts()["events"] == before + 5
    assert len(store.history("new")) == 1
    assert store.append_events(event("m1", "p1"), key="a") == Appended(0, 1), "one batch alone has the same keys"


def test_a_batch_that_cannot_be_kept_takes_those_beside_it_along(store: Store) -> None:
    before = store.counts()
    bad = event("m1", "p1").with_columns(text=pl.lit("a\x00b"))
    with pytest.raises(InputError, match="NUL"):
        store.append_batches([Batch(event("m2", "p1")), Batch(bad)])
    assert store.counts() == before
