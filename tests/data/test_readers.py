"""Folders, files and formats; damage has a file of its own."""

import gzip
import io
import json
import logging
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from penchant.data.columns import ITEMS
from penchant.data.folder import write_folder
from penchant.data.readers import BatchReader, read, read_community
from penchant.errors import ColumnError, ConfigError, ReadError, StorageError, UnknownIdError

HEADER = "member_id,item_id,kind,at\n"
JSON_EVENT = '{"member_id":"m1","item_id":"p1","kind":"buy","at":"2026-01-05T10:00:00Z"}\n'


def parquet(frame: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


EVENT_FILES = {
    "events.csv": (HEADER + "m1,p1,buy,2026-01-05T10:00:00Z\n").encode(),
    "events.tsv": (HEADER + "m1,p1,buy,2026-01-05T10:00:00Z\n").replace(",", "\t").encode(),
    "events.csv.gz": gzip.compress((HEADER + "m1,p1,buy,2026-01-05T10:00:00Z\n").encode()),
    "events.jsonl": JSON_EVENT.encode(),
    "events.ndjson": JSON_EVENT.encode(),
    "events.json": JSON_EVENT.encode(),
    "events.jsonl.gz": gzip.compress(JSON_EVENT.encode()),
    "events.parquet": parquet(
        pl.DataFrame({"member_id": ["m1"], "item_id": ["p1"], "kind": ["buy"], "at": [datetime(2026, 1, 5, 10)]})
    ),
}


@pytest.mark.parametrize("name", EVENT_FILES)
def test_every_format_gives_the_same_event(read_files, name):
    got = read_files({name: EVENT_FILES[name]})
    assert got.community.with_ids("events").row(0)[:4] == ("m1", "p1", "buy", datetime(2026, 1, 5, 10, tzinfo=UTC))
    assert got.rejected == []


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_community_that_was_written_reads_back_the_same(small_community, tmp_path, form):
    write_folder(small_community, tmp_path, form=form)
    back = read(tmp_path)
    for name, table in small_community.tables().items():
        found = getattr(back, name)
        if form == "csv" and name == "members":
            # CSV has no dates of its own; attributes that are not numbers stay texts.
            found = found.with_columns(pl.col("born").str.to_date())
        assert found.equals(table), name


def test_all_five_tables_with_their_types_and_the_users_own_columns(read_files):
    got = read_files(
        {
            "members.csv": "member_id,joined_at,consent,age,postcode\nm1,2020-01-01,yes,31,00123\nm2,,否,,00456\n",
            "items.jsonl": '{"item_id":"p1","title":"冰箱","categories":["家电>冰箱"],"tags":["新品"],"price":1999,'
            '"available":true,"weight":1.5}\n{"item_id":"p2","title":"Lamp","brand":{"name":"Lux"}}\n',
            "events.csv": "member_id,item_id,kind,at,amount,text\nm1,p1,rate,2026-01-05,4.5,\n"
            "m2,,search,2026-01-06,,灯\n",
            "ties.csv": "member_id,other_id,kind\nm1,m2,follow\n",
            "labels.jsonl": '{"text":"好看","labels":"服饰 > 连衣裙"}\n{"item_id":"p1","labels":["家电"]}\n',
        }
    )
    assert got.column("consent", "members") == [True, False]
    assert got.column("age", "members") == [31, None]
    assert got.column("postcode", "members") == ["00123", "00456"]
    assert got.column("categories", "items") == [["家电 > 冰箱"], None]
    assert got.column("weight", "items") == [1.5, None]
    assert json.loads(got.column("brand", "items")[1]) == {"name": "Lux"}
    assert got.column("amount") == [4.5, None]
    assert got.column("item_id") == ["p1", None]
    assert got.column("other_id", "ties") == ["m2"]
    assert got.column("labels", "labels") == [["服饰 > 连衣裙"], ["家电"]]


def test_a_folder_of_parts_is_one_table(read_files):
    got = read_files({"events/1.csv": HEADER + "m1,p1,buy,2026-01-05\n", "events/2.jsonl": JSON_EVENT})
    assert len(got.community.events) == 2


def test_files_of_other_names_are_read_where_the_configuration_names_them(read_files):
    got = read_files(
        {
            "things.csv": "item_id,title\np1,Kettle\n",
            "log-1.csv": HEADER + "m1,p1,buy,2026-01-05\n",
            "log-2.csv": HEADER + "m2,p1,buy,2026-01-05\n",
            "penchant.toml": '[tables]\nitems = "things.csv"\nevents = "log-*.csv"\n',
        }
    )
    assert got.column("member_id", "members") == ["m1", "m2"]


def test_files_can_be_named_one_by_one(tmp_path):
    (tmp_path / "a.csv").write_text("item_id,title\np1,Kettle\n")
    (tmp_path / "b.csv").write_text(HEADER + "m1,p1,buy,2026-01-05\n")
    assert repr(read({"items": tmp_path / "a.csv", "events": tmp_path / "b.csv"})).startswith("Community(members=1,")
    with pytest.raises(ConfigError, match="there is no table 'thing'"):
        read({"thing": tmp_path / "a.csv"})


UNREADABLE = {
    "another name": (
        {"event.csv": HEADER, "events.csv": None},
        r'has no events; it has event.csv, items.csv.*\n.*\nevents = "event.csv"',
    ),
    "no tables": (
        {"notes.txt": "hello", "items.csv": None, "events.csv": None},
        "has no items and no events; it has notes.txt",
    ),
    "two files": ({"events.csv": HEADER, "events.jsonl": "{}"}, "has events.csv and events.jsonl; keep one"),
    "empty csv": ({"events.csv": ""}, "events.csv is empty"),
    "blank csv": ({"events.csv": "\n \n"}, "events.csv is empty"),
    "blank jsonl": ({"events.jsonl": "\n"}, "events.jsonl is empty"),
    "header only": ({"events.csv": HEADER}, "events.csv has no rows; at least one of events was wanted"),
    "json array": ({"events.json": "[{}]"}, "is a JSON array; one object a line was wanted"),
    "text as parquet": ({"events.parquet": "PAR1 no"}, "events.parquet is not a Parquet file"),
    "empty parquet": ({"events.parquet": b""}, "events.parquet is not a Parquet file"),
    "cut parquet": ({"events.parquet": EVENT_FILES["events.parquet"][:-60]}, "events.parquet is not a Parquet file"),
    "parquet as text": (
        {"events.csv": EVENT_FILES["events.parquet"]},
        "is a Parquet file; give it the suffix",
    ),
    "workbook": ({"events.csv": b"PK\x03\x04..."}, "a ZIP archive or an Excel workbook"),
    "text as gz": ({"events.csv.gz": HEADER}, "is named .gz but is not compressed"),
    "cut gz": ({"events.csv.gz": gzip.compress(HEADER.encode() * 99)[:-9]}, "ends in the middle of its compression"),
    "all rejected": (
        {"events.csv": HEADER + "m1,p9,buy,2026-01-05\n"},
        "none of the 1 rows of events.csv can be taken: 1 × the item is not in the items table",
    ),
    "source not there": (
        {"penchant.toml": '[tables]\nevents = "orders.csv"', "items.csv": "item_id,title\np1,K\n"},
        "has no file 'orders.csv', which penchant.toml names",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_at_all_is_an_error_that_says_what_was_found(read_files, case):
    files, match = UNREADABLE[case]
    with pytest.raises(ReadError, match=match):
        read_files(files)


def test_a_header_that_names_a_column_twice_is_an_error(read_files):
    with pytest.raises(ColumnError, match="two columns named 'kind'"):
        read_files({"events.csv": "member_id,item_id,kind,kind,at\n"})


def test_a_configuration_that_is_no_toml_is_an_error(read_files):
    with pytest.raises(ConfigError, match=r"penchant\.toml cannot be read as TOML"):
        read_files({"penchant.toml": "[read"})


def test_a_source_that_is_not_there_or_is_a_file(tmp_path):
    with pytest.raises(ReadError, match="there is no folder"):
        read(tmp_path / "nowhere")
    (tmp_path / "events.csv").write_text(HEADER)
    with pytest.raises(ReadError, match="is a file; a folder with items and events was wanted"):
        read(tmp_path / "events.csv")
    with pytest.raises(ReadError, match="on the network; download it"):
        read("https://example.org/shop")


def test_missing_columns_are_listed_with_what_may_be_meant(read_files):
    events = {"events.csv": "CustomerID,sku,behavior_type,ts\n1,p1,buy,1700000000\n"}
    with pytest.raises(ColumnError) as caught:
        read_files(events)
    message = str(caught.value)
    assert "no column 'member_id' and no column 'item_id' and no column 'kind' and no column 'at'" in message
    assert "it has 'CustomerID', 'sku', 'behavior_type', 'ts'" in message
    # What the message proposes works as it stands.
    proposal = message[message.index("[columns.events]") :]
    got = read_files(events | {"penchant.toml": proposal})
    assert got.community.with_ids("events").row(0)[:3] == ("1", "p1", "buy")


def test_events_without_a_kind_may_all_be_of_one(read_files):
    with pytest.raises(ColumnError, match=r'kind = "view"  # the same for all rows'):
        read_files({"events.csv": "member_id,item_id,at\nm1,p1,2026-01-05\n"})
    got = read_files({"events.csv": "member_id,item_id,at\nm1,p1,2026-01-05\n"}, columns={"events": {"kind": "buy"}})
    assert got.column("kind") == ["buy"]


def test_unknown_ids_are_rejected_added_or_refused(read_files):
    files = {
        "members.csv": "member_id,age\nm1,30\nm2,40\n",
        "events.csv": HEADER + "m1,p1,buy,2026-01-05\nm9,p9,buy,2026-01-06\nm2,p9,buy,2026-01-06\nm8,p1,buy,soon\n",
        "ties.csv": "member_id,other_id,kind\nm1,m2,friend\nm1,m7,follow\n",
    }
    rejected = read_files(files)
    assert rejected.reasons() == [(3, "unknown_member"), (4, "unknown_item"), (5, "bad_time")]
    assert rejected.reasons("ties") == [(3, "unknown_member")]
    added = read_files(files, unknown_ids="add")
    # m8 is named by a rejected row alone, and a row that is not taken adds nobody.
    assert added.column("member_id", "members") == ["m1", "m2", "m9", "m7"]
    assert added.column("age", "members") == [30, 40, None, None]
    assert added.community.items.filter(item_id="p9")["title"].to_list() == ["p9"]
    assert (added.summary.tables["members"].added, added.summary.tables["items"].added) == (2, 1)
    assert added.reasons() == [(5, "bad_time")]
    with pytest.raises(UnknownIdError, match=r"events\.csv, line 3, names the member 'm9'"):
        read_files(files, unknown_ids="error")
    in_toml = read_files(
        files | {"items.csv": "item_id,title\np1,K\n", "penchant.toml": '[read]\nunknown_ids = "add"\n'}
    )
    assert in_toml.reasons() == [(5, "bad_time")]


def test_without_a_members_table_the_members_are_those_that_events_and_ties_name(read_files):
    events = HEADER + "b,p1,buy,2026-01-05\na,p1,buy,2026-01-05\n"
    got = read_files({"events.csv": events, "ties.csv": "member_id,other_id,kind\nc,a,follow\n"})
    assert got.column("member_id", "members") == ["a", "b", "c"]


def test_the_first_of_two_rows_with_one_id_counts_across_files(read_files):
    first = "item_id,title\np1,Kettle\np1,Pot\n"
    second = "item_id,title,colour\np1,Pan\np2,Lamp,red\n p2 ,x,y\n"
    got = read_files({"items/1.csv": first, "items/2.csv": second})
    assert got.column("title", "items") == ["Kettle", "Lamp"]
    assert got.column("colour", "items") == [None, "red"]
    assert sorted((row["file"], row["line"], row["reason"]) for row in got.rejected) == [
        ("items/1.csv", 3, "duplicate_id"),
        ("items/2.csv", 2, "field_count"),
        ("items/2.csv", 4, "duplicate_id"),
    ]


def test_files_that_disagree_on_the_type_of_an_attribute_meet_in_text(read_files):
    frame = pl.DataFrame({"item_id": ["p1"], "title": ["K"], "size": [[1, 2]]})
    got = read_files({"items/1.parquet": parquet(frame), "items/2.csv": "item_id,title,size\np2,Lamp,7\n"})
    assert got.column("size", "items") == ["[1,2]", "7"]


def test_typed_columns_of_parquet_are_taken_as_they_are_and_checked(read_files):
    frame = pl.DataFrame(
        {
            "member_id": [17, 18, 19, 20],
            "item_id": pl.Series(["p1", "p1", "p2", "p9"], dtype=pl.Categorical),
            "kind": ["buy"] * 4,
            "at": [date(2026, 1, 5)] * 4,
            "amount": [1.0, float("nan"), None, 2.0],
        }
    )
    got = read_files({"events.parquet": parquet(frame)})
    assert got.column("member_id") == ["17", "19"]
    assert got.reasons() == [(2, "not_finite"), (4, "unknown_item")]
    assert got.rejected[0]["row"] == {
        "member_id": "18",
        "item_id": "p1",
        "kind": "buy",
        "at": "2026-01-05",
        "amount": "NaN",
    }


def test_keys_of_json_may_come_and_go(read_files, monkeypatch):
    # A batch of its own for every line.
    monkeypatch.setattr("penchant.data.json_lines._ROWS", 1)
    lines = [
        "not json",
        '{"member_id":"m1","item_id":"p1","kind":"buy","at":"2026-01-05"}',
        '{"amount":2.5,"at":1767571200,"kind":"buy","item_id":"p1","member_id":7}',
        '{"item_id":"p1","kind":"buy","at":"2026-01-05"}',
    ]
    got = read_files({"events.jsonl": "\n".join(lines)})
    assert got.column("amount") == [None, 2.5]
    assert got.column("member_id") == ["m1", "7"]
    assert got.reasons() == [(1, "bad_json"), (4, "missing_value")]


def test_columns_and_files_that_are_not_kept_are_named(read_files):
    got = read_files(
        {"events.csv": HEADER.replace("\n", ",device\n") + "m1,p1,buy,2026-01-05,phone\n", "notes.txt": "x"}
    )
    assert got.summary.unread["events.csv"] == ["device"]
    assert got.summary.ignored == ["notes.txt"]
    assert "events.csv: columns not kept: device" in got.summary.text("en")
    assert "未读取的文件：notes.txt" in got.summary.text("zh")


def test_the_nameless_index_column_of_a_spreadsheet_is_passed_over(read_files):
    got = read_files({"items.csv": ",item_id,title\n0,p1,Kettle\n1,p2,Lamp\n"})
    assert got.community.items.columns == list(ITEMS)


def test_a_file_without_a_header_is_mapped_by_number(read_files):
    got = read_files(
        {
            "items.csv": "item_id,title\np1,Kettle\n",
            "UserBehavior.csv": "1,p1,pv,1700000000\n2,p1,cart,1700000001\n",
            "penchant.toml": '[tables]\nevents = {source = "UserBehavior.csv", header = false}\n[columns.events]\n'
            'member_id = "1"\nitem_id = "2"\nkind = {column = "3", values = {pv = "view"}}\n'
            'at = {column = "4", unit = "s"}\n',
        }
    )
    assert got.column("kind") == ["view", "cart"]


ORDERS = (
    "invoice,customer,sku,name,price,when\n1,c1,s1,,1.5,2026-01-05\n1,c1,s1,Kettle,1.5,2026-01-05\n2,c2,s1,KETTLE,9,2026-01-06\n"
    "2,,s2,Lamp,3,2026-01-06\n3,c1,s3,,3,2026-01-07\n3,c1,s2,,x,2026-01-07\n"
)
ORDERS_TOML = """
[tables]
items = "orders.csv"
events = "orders.csv"
[columns.items]
item_id = "sku"
title = "name"
price = "price"
[columns.events]
member_id = "customer"
item_id = "sku"
kind = "buy"
at = "when"
"""


@pytest.mark.parametrize("block_bytes", [30, 10_000])
def test_one_log_of_orders_gives_both_its_items_and_its_events(read_files, monkeypatch, block_bytes):
    monkeypatch.setattr("penchant.data.blocks.BLOCK_BYTES", block_bytes)
    got = read_files({"orders.csv": ORDERS, "penchant.toml": ORDERS_TOML})
    # The first row of an id that passes is taken, and only the columns that are mapped.
    assert got.community.items.select("item_id", "title", "price").rows() == [
        ("s1", "Kettle", 1.5),
        ("s2", "Lamp", 3.0),
    ]
    assert got.community.items.columns == list(ITEMS)
    items = got.summary.tables["items"]
    assert (items.rows + items.repeated, items.accepted) == (6, 2)
    assert "more repeat their ids" in got.summary.text("en")
    assert (6, "missing_value") in got.reasons("items")
    assert all(reason == "missing_value" for _, reason in got.reasons("items"))
    assert got.reasons("events") == [(5, "missing_value"), (6, "unknown_item")]
    assert got.summary.unread["orders.csv"] == ["invoice"]


def test_whether_ids_may_repeat_can_be_said(read_files):
    items = "item_id,title,colour\np1,Kettle,red\np1,Kettle,blue\n"
    toml = '[tables]\nitems = {source = "things.csv", distinct = true}\nevents = "events.csv"\n'
    events = HEADER + "m1,p1,buy,2026-01-05\n"
    got = read_files({"things.csv": items, "events.csv": events, "penchant.toml": toml})
    assert (got.summary.tables["items"].rows, got.summary.tables["items"].repeated) == (1, 1)
    orders = ORDERS_TOML.replace('items = "orders.csv"', 'items = {source = "orders.csv", distinct = false}')
    got = read_files({"orders.csv": ORDERS, "penchant.toml": orders})
    assert [reason for _, reason in got.reasons("items")].count("duplicate_id") == 1


def test_reading_says_in_the_log_what_it_rejected(tmp_path, caplog):
    (tmp_path / "items.csv").write_text("item_id,title\np1,Kettle\n")
    (tmp_path / "events.csv").write_text(HEADER + "m1,p1,buy,2026-01-05\nm1,p1,buy,soon\n")
    with caplog.at_level(logging.WARNING, "penchant.read"):
        read(tmp_path)
    assert "2 rows read, 1 accepted, 1 rejected" in caplog.text
    assert "events.csv, line 3: at soon" in caplog.text
    caplog.clear()
    (tmp_path / "events.csv").write_text(HEADER + "m1,p1,buy,2026-01-05\n")
    read(tmp_path)
    assert caplog.text == ""


def test_rejected_rows_that_cannot_be_written_are_a_storage_error(read_files, tmp_path):
    read_files()
    with pytest.raises(StorageError, match="cannot write"):
        # A file stands where the folder would have to be.
        read_community(tmp_path / "shop", rejected=tmp_path / "shop" / "items.csv" / "rejected.jsonl")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_a_storage_error(read_files, tmp_path):
    read_files({"events.csv": HEADER + "m1,p1,buy,2026-01-05\n" + "m1,p1,buy,soon\n" * 100})
    with pytest.raises(StorageError, match="the disk is full"):
        read_community(tmp_path / "shop", rejected="/dev/full")


def test_batches_come_in_order_and_hold_all_rows(tmp_path, small_community):
    write_folder(small_community, tmp_path)
    batches = BatchReader(tmp_path)
    parts: dict[str, list[pl.DataFrame]] = {}
    for batch in batches:
        parts.setdefault(batch.table, []).append(batch.rows)
    assert list(parts) == ["members", "items", "events", "ties", "labels"]
    whole = {name: pl.concat(frames) for name, frames in parts.items()}
    assert whole["events"].equals(small_community.with_ids("events"))
    assert batches.summary.tables["events"].accepted == len(small_community.events)
