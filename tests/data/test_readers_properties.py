"""Whatever stands in a file: rows in = accepted + rejected, and only our own errors arise."""

import csv
import io
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.data.blocks import TextFile
from penchant.data.delimited import DelimitedFile
from penchant.data.json_lines import JsonLinesFile
from penchant.data.readers import read_community
from penchant.data.records import RecordParser
from penchant.errors import InputError

# Any character that a text file can hold; line ends inside a field come back as line feeds, and are tried on their own.
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)
ROWS = st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8)
HEADER = b"member_id,item_id,kind,at,text\n"
TROUBLE = st.sampled_from([b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\xc4\xe3", b";", b"[", b"{", b"\\"])


def cells(path: Path, *, json_lines: bool = False) -> tuple[list[dict[str, str | None]], list[int], list[int]]:
    """All rows of a file, the lines they stand on, and the lines that could not be taken apart."""
    text = TextFile(path)
    rows, lines, damaged = [], [], []
    for batch in JsonLinesFile(text) if json_lines else DelimitedFile(text, separator=","):
        rows += batch.rows.rows(named=True)
        lines += batch.lines.to_list()
        damaged += batch.damaged["line"].to_list()
    return rows, lines, damaged


def written(content: bytes, folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.write_bytes(content)
    return path


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.sampled_from(["\n", "\r\n"]))
def test_what_pythons_writer_writes_is_read_as_it_was(rows, quoting, ending):
    stream = io.StringIO()
    csv.writer(stream, quoting=quoting, lineterminator=ending).writerows([("a", "b", "c"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        found, lines, damaged = cells(written(stream.getvalue().encode(), folder, "x.csv"))
    assert [tuple(cell or "" for cell in row.values()) for row in found] == rows
    assert damaged == []
    assert lines == sorted(set(lines))


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_records_one_by_one_are_the_records_in_bulk(rows):
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    data = stream.getvalue().encode()
    parser, at, found = RecordParser(",", 3), 0, []
    while at < len(data):
        fields, end = parser.record(data, at)
        found.append(tuple(fields))
        at = end + 1
    assert found == rows


VALUE = st.none() | CELL | st.integers() | st.booleans() | st.lists(CELL)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abc"), VALUE, min_size=1), min_size=1, max_size=6))
def test_json_objects_come_back_as_texts(rows):
    content = "\n".join(json.dumps(row) for row in rows)
    with tempfile.TemporaryDirectory() as folder:
        found, lines, damaged = cells(written(content.encode(), folder, "x.jsonl"), json_lines=True)
    assert [{name: as_json(row.get(name)) for name in beside} for row, beside in zip(rows, found, strict=True)] == found
    assert all(row.keys() <= beside.keys() for row, beside in zip(rows, found, strict=True))
    assert lines == list(range(1, len(rows) + 1))
    assert damaged == []


def as_json(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damage_anywhere_costs_no_more_than_it_touches_and_every_row_is_accounted_for(data, check_accounts):
    count = data.draw(st.integers(1, 30))
    content = bytearray("".join(f'm{row},p{row % 2},buy,2026-01-05,"t, {row}"\n' for row in range(count)), "utf-8")
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(TROUBLE)
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    check_reading({"events.csv": HEADER + bytes(content)}, check_accounts)


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=300) | st.lists(TROUBLE | st.just(HEADER), max_size=30).map(b"".join))
def test_any_bytes_at_all_give_a_community_or_one_of_our_errors(content, check_accounts):
    for name in ("events.csv", "events.jsonl", "events.parquet", "events.csv.gz"):
        check_reading({name: content}, check_accounts)


EVENT = st.fixed_dictionaries(
    {},
    optional={
        "member_id": st.none() | st.integers() | CELL,
        "item_id": st.sampled_from(["p0", "p1", "p9", None, 1.5, [], {}]),
        "kind": st.sampled_from(["buy", "search", "BUY", "hug", None, True]),
        "at": st.sampled_from(["2026-01-05", 1767571200, 1767571200000, "5 Jan 2026", -1, 1e300, float("nan"), {}]),
        "amount": st.none() | st.floats() | CELL,
        "text": st.none() | CELL,
    },
)


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(EVENT, max_size=10))
def test_any_values_at_all_are_accepted_or_rejected(rows, check_accounts):
    content = "\n".join(json.dumps(row) for row in rows)
    check_reading({"events.jsonl": content.encode()}, check_accounts, rows=len(rows))


def check_reading(files: dict[str, bytes], check_accounts: Callable[..., None], rows: int | None = None) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "items.csv").write_text("item_id,title\np0,Kettle\np1,Lamp\n")
        for file, content in files.items():
            (folder / file).write_bytes(content)
        with suppress(InputError):
            reading = read_community(folder, rejected=folder / "r.jsonl")
            rejected = [json.loads(line) for line in (folder / "r.jsonl").read_text(encoding="utf-8").splitlines()]
            check_accounts(reading.summary, rejected)
            events = reading.community.events
            assert reading.summary.tables["events"].accepted == len(events)
            assert rows is None or reading.summary.tables["events"].rows == rows
            assert events.filter(pl.col("item").is_null() & (pl.col("kind") != "search")).is_empty()
            assert (events["amount"].is_finite() | events["amount"].is_null()).all()
