"""Databases: SQLite, whose cells may be of any type, and PostgreSQL, whose columns are typed."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from penchant.data.mapping import ReadConfig
from penchant.data.readers import read, read_community
from penchant.errors import ColumnError, MissingExtraError, ReadError


@pytest.fixture
def shop_url(tmp_path: Path) -> str:
    """A shop as its own SQLite has it: other names, kinds as numbers, cells of mixed types."""
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """
            create table Items (item_id integer, title text, price);
            insert into Items values (1, 'Kettle', '￥1,999'), (2, 'Lamp', 5), (3, null, 1);
            create table orders (uid, sku integer, what integer, placed);
            insert into orders values ('a', 1, 1, 1700000000), (7, 2, 2, '2026-01-05'), ('a', 9, 1, 1700000000),
                                      ('b', 1, 1, x'ff00'), ('b', 2, 2, 1700000001.5);
            """
        )
    connection.close()
    return f"sqlite:///{path}"


ITEM = "00000000-0000-0000-0000-000000000001"
MAPPING = ReadConfig.from_document(
    {
        "tables": {"events": "orders"},
        "columns": {
            "events": {
                "member_id": "uid",
                "item_id": "sku",
                "kind": {"column": "what", "values": {"1": "buy", "2": "view"}},
                "at": "placed",
            }
        },
    }
)


def test_a_shop_with_its_own_names_and_mixed_cells(shop_url, tmp_path):
    reading = read_community(shop_url, columns=MAPPING, rejected=tmp_path / "r.jsonl")
    events = reading.community.with_ids("events")
    assert events["member_id"].to_list() == ["a", "b", "7"]
    assert events["kind"].to_list() == ["buy", "view", "view"]
    assert events["at"][1] == datetime(2023, 11, 14, 22, 13, 21, 500_000, tzinfo=UTC)
    assert reading.community.items["price"].to_list() == [1999.0, 5.0]
    rejected = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [(row["table"], row["file"], row["line"], row["reason"]) for row in rejected] == [
        ("items", "Items", 3, "missing_value"),
        ("events", "orders", 3, "unknown_item"),
        ("events", "orders", 4, "bad_time"),
    ]


def test_a_query_may_stand_in_for_a_table(shop_url):
    query = (
        "select uid as member_id, sku as item_id, 'buy' as kind, '2026-01-05 10:00:00' as at from orders where sku = 2"
    )
    shop = read(shop_url, columns=ReadConfig.from_document({"tables": {"events": query}}))
    assert sorted(shop.with_ids("events")["member_id"]) == ["7", "b"]
    assert shop.now == datetime(2026, 1, 5, 10, tzinfo=UTC)


def test_many_rows_come_in_batches(shop_url, monkeypatch):
    monkeypatch.setattr("penchant.data.sql._ROWS", 2)
    reading = read_community(shop_url, columns=MAPPING)
    assert reading.summary.tables["events"].rows == 5
    assert len(reading.community.events) == 3


def test_what_is_not_there_is_said(shop_url, tmp_path):
    with pytest.raises(ReadError, match="the database has no events; it has Items, orders"):
        read(shop_url)
    with pytest.raises(ColumnError, match=r"orders has no column 'member_id'.*it has 'uid', 'sku', 'what', 'placed'"):
        read(shop_url, columns=ReadConfig.from_document({"tables": {"events": "orders"}}))
    with pytest.raises(ReadError, match="cannot read 'nothing': no such table"):
        read(shop_url, columns=ReadConfig.from_document({"tables": {"events": "nothing"}}))
    with pytest.raises(ReadError, match="there is no database file"):
        read(f"sqlite:///{tmp_path}/absent.db")
    assert not (tmp_path / "absent.db").exists()
    (tmp_path / "text.db").write_text("no database " * 100)
    with pytest.raises(ReadError, match="file is not a database"):
        read(f"sqlite:///{tmp_path}/text.db")


def test_an_address_that_cannot_be_reached_hides_its_password():
    with pytest.raises(ReadError, match="does not answer") as caught:
        read("postgresql://me:secret@127.0.0.1:9/shop")
    assert "secret" not in str(caught.value)


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'penchant\[postgres\]'"):
        read("postgresql://me@127.0.0.1:9/shop")
    with pytest.raises(ReadError, match="cannot be understood"):
        read("nosuch://me@127.0.0.1:9/shop")


@pytest.fixture
def typed_url(postgres_server: str) -> Iterator[str]:
    """A schema of its own in PostgreSQL, with columns of its types."""
    import psycopg

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("create schema sales")
        connection.execute(
            "create table sales.events (member_id bigint, item_id uuid, kind text, at timestamptz, amount numeric)"
        )
        connection.execute("create table sales.items (item_id uuid, title text, tags text[], extra jsonb, added date)")
        item = "00000000-0000-0000-0000-000000000001"
        connection.execute(
            "insert into sales.items values (%s, 'Kettle', '{new,steel}', '{\"a\": 1}', '2020-02-03')", [item]
        )
        connection.execute("insert into sales.events values (7, %s, 'buy', '2026-01-05 10:00:00+08', 12.50)", [ITEM])
        connection.execute("insert into sales.events values (8, %s, 'buy', '2026-01-05 10:00:00+08', 'NaN')", [ITEM])
        yield postgres_server
        connection.execute("drop schema sales cascade")


def test_postgresql_with_a_schema_and_typed_columns(typed_url):
    tables = {"events": "sales.events", "items": "sales.items"}
    reading = read_community(typed_url, columns=ReadConfig.from_document({"tables": tables}))
    events = reading.community.with_ids("events")
    assert events.row(0)[:5] == (
        "7",
        "00000000-0000-0000-0000-000000000001",
        "buy",
        datetime(2026, 1, 5, 2, tzinfo=UTC),
        12.5,
    )
    assert dict(reading.summary.tables["events"].rejected) == {"not_finite": 1}
    item = reading.community.items.row(0, named=True)
    assert item["tags"] == ["new", "steel"]
    assert json.loads(item["extra"]) == {"a": 1}
