"""The door row by row: what passes, what fails, for which reason, and in which order reasons count."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from penchant.data.batches import RawBatch
from penchant.data.columns import TABLES
from penchant.data.door import LONGEST_ID, Admitted, Door
from penchant.data.mapping import ReadConfig
from penchant.data.matching import resolve
from penchant.data.rejections import ReadSummary, Reason, RejectionLog
from penchant.errors import UnknownIdError

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Doorway:
    """A door with a summary, through which tables go as lists of rows."""

    def __init__(self, given=("members", "items"), **config):
        self.config = ReadConfig(**config)
        self.summary = ReadSummary()
        self.log = RejectionLog(self.summary, None)
        self.rejected: list[dict] = []
        keep = self.log.add
        self.log.add = lambda table, file, rows: (self.rejected.extend(rows.to_dicts()), keep(table, file, rows))[1]
        self.door = Door(self.config, self.log, set(given), now=NOW)

    def admit(self, table: str, *rows: dict) -> Admitted:
        frame = pl.DataFrame(rows, infer_schema_length=None)
        plan = resolve(table, frame.columns, self.config, file="x.csv")
        lines = pl.int_range(2, len(frame) + 2, eager=True)
        return self.door.admit("x.csv", RawBatch(frame, lines), plan, {})

    def reasons(self) -> list[tuple[int, str]]:
        return sorted((row["line"], row["reason"]) for row in self.rejected)


@pytest.fixture
def doorway() -> Doorway:
    doorway = Doorway()
    doorway.admit("members", {"member_id": "m1"}, {"member_id": "m2"})
    doorway.admit("items", {"item_id": "p1", "title": "Kettle"})
    return doorway


def event(**cells):
    return {"member_id": "m1", "item_id": "p1", "kind": "buy", "at": "2026-01-05", "amount": "1", "text": "t"} | cells


def test_rows_come_out_typed_in_the_tables_order(doorway):
    rows = doorway.admit("events", event(duration=None)).rows
    assert dict(rows.schema) == TABLES["events"]
    assert rows.row(0) == ("m1", "p1", "buy", datetime(2026, 1, 5, tzinfo=UTC), 1.0, None, "t")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"member_id": None}, Reason.MISSING_VALUE),
        ({"member_id": "  "}, Reason.MISSING_VALUE),
        ({"member_id": "NULL"}, Reason.MISSING_VALUE),
        ({"member_id": "m9"}, Reason.UNKNOWN_MEMBER),
        ({"member_id": "m" * (LONGEST_ID + 1)}, Reason.BAD_ID),
        ({"member_id": "m\n1"}, Reason.BAD_ID),
        ({"member_id": "m\x851"}, Reason.BAD_ID),
        ({"item_id": "p9"}, Reason.UNKNOWN_ITEM),
        ({"item_id": None}, Reason.MISSING_VALUE),
        ({"kind": "hug"}, Reason.UNKNOWN_KIND),
        ({"kind": "search", "text": None}, Reason.MISSING_VALUE),
        ({"at": "soon"}, Reason.BAD_TIME),
        ({"at": "1969-12-31T23:59:59Z"}, Reason.TIME_OUT_OF_RANGE),
        ({"at": "2027-06-03"}, Reason.TIME_OUT_OF_RANGE),
        ({"amount": "x"}, Reason.BAD_NUMBER),
        ({"amount": "nan"}, Reason.NOT_FINITE),
        ({"text": "a\0b"}, Reason.NUL_BYTE),
    ],
)
def test_an_event_that_does_not_pass_has_its_reason(doorway, cells, reason):
    admitted = doorway.admit("events", event(), event(**cells), event())
    assert len(admitted.rows) == 2
    assert doorway.reasons() == [(3, reason)]


@pytest.mark.parametrize(
    "cells",
    [{"kind": " BUY "}, {"kind": "search", "item_id": None}, {"member_id": " m1 "}, {"amount": "-3"}, {"amount": ""},
     {"at": "1970-01-01"}, {"at": "2027-06-01"}, {"text": "x" * 200_000}],
)  # fmt: skip
def test_an_event_that_passes(doorway, cells):
    assert len(doorway.admit("events", event(**cells)).rows) == 1
    assert doorway.reasons() == []


def test_a_row_with_several_faults_is_counted_once(doorway):
    doorway.admit("events", event(member_id=None, kind="hug", at="soon", amount="x"), event())
    assert doorway.reasons() == [(2, "unknown_kind")]
    assert doorway.summary.tables["events"].rejected.total() == 1


def test_the_log_says_what_was_found_and_keeps_the_row(doorway):
    doorway.admit("events", event(at="x" * 100), event())
    assert doorway.rejected[0]["detail"] == "at " + "x" * 80 + "… (100 characters)"
    assert doorway.rejected[0]["row"]["member_id"] == "m1"


def test_ids_that_stand_twice_are_rejected_within_a_batch_and_across(doorway):
    admitted = doorway.admit("items", *({"item_id": name, "title": "x"} for name in ("p1", "p2", "p2", "p3")))
    assert admitted.rows["item_id"].to_list() == ["p2", "p3"]
    assert doorway.reasons() == [(2, "duplicate_id"), (4, "duplicate_id")]


def test_a_row_that_fails_does_not_take_its_id(doorway):
    rows = ({"item_id": "p2", "title": None}, {"item_id": "p2", "title": "Lamp"})
    assert doorway.admit("items", *rows).rows["title"].to_list() == ["Lamp"]
    assert doorway.reasons() == [(2, "missing_value")]


def test_items_may_be_older_than_events(doorway):
    rows = (
        {"item_id": "p2", "title": "x", "created_at": "1895-12-28"},
        {"item_id": "p3", "title": "x", "created_at": "0999-01-01"},
    )
    assert doorway.admit("items", *rows).rows["item_id"].to_list() == ["p2"]
    assert doorway.reasons() == [(3, "time_out_of_range")]


def test_ties_need_two_known_members(doorway):
    ties = [("m1", "m2"), ("m1", "m1"), ("m1", "m9"), ("m9", "m1"), ("m1", None)]
    doorway.admit("ties", *({"member_id": one, "other_id": other, "kind": "follow"} for one, other in ties))
    assert [reason for _, reason in doorway.reasons()] == [
        "self_tie",
        "unknown_member",
        "unknown_member",
        "missing_value",
    ]


def test_labels_need_a_text_or_an_item_and_a_label(doorway):
    rows = [
        {"text": "a", "labels": "x"},
        {"item_id": "p1", "labels": "x|y"},
        {"labels": "x"},
        {"text": "a", "labels": ""},
        {"text": "a", "labels": " | "},
        {"item_id": "p9", "labels": "x"},
        {"text": "a", "labels": "[[1]]"},
    ]
    assert doorway.admit("labels", *rows).rows["labels"].to_list() == [["x"], ["x", "y"]]
    assert [reason for _, reason in doorway.reasons()] == ["missing_value"] * 3 + ["unknown_item", "bad_list"]


def test_ids_are_added_once_and_only_by_rows_that_pass():
    doorway = Doorway(unknown_ids="add")
    rows = [event(member_id="new", item_id="p7"), event(member_id="new"), event(member_id="never", at="soon")]
    first = doorway.admit("events", *rows)
    assert first.added["members"]["member_id"].to_list() == ["new"]
    assert first.added["items"].select("item_id", "title").rows() == [("p7", "p7"), ("p1", "p1")]
    assert dict(first.added["items"].schema) == TABLES["items"]
    again = doorway.admit("events", event(member_id="new", item_id="p7"))
    assert again.added == {}


def test_members_are_added_by_ties_too_and_even_under_reject_where_there_is_no_table_of_them():
    doorway = Doorway(given=("items",))
    doorway.admit("items", {"item_id": "p1", "title": "x"})
    added = doorway.admit("ties", {"member_id": "a", "other_id": "b", "kind": "friend"}).added
    assert added["members"]["member_id"].to_list() == ["a", "b"]
    doorway.admit("events", event(item_id="p9"), event())
    assert doorway.reasons() == [(2, "unknown_item")]


def test_an_unknown_id_stops_everything_under_the_policy_error():
    doorway = Doorway(unknown_ids="error")
    doorway.admit("members", {"member_id": "m1"})
    doorway.admit("items", {"item_id": "p1", "title": "x"})
    with pytest.raises(UnknownIdError, match=r"x\.csv, line 3, names the item 'p9'.*2 rows around it"):
        doorway.admit("events", event(), event(item_id="p9"), event(item_id="p8"))


def test_times_in_the_near_future_pass_and_are_told(doorway):
    doorway.admit("events", event(at=NOW + timedelta(hours=2)), event(at=NOW + timedelta(days=40)))
    counts = doorway.summary.tables["events"]
    assert (counts.future, counts.last) == (1, "2026-07-11T00:00:00+00:00")
    assert "1 times lie in the future" in doorway.summary.text("en")


def test_the_latest_time_can_be_set():
    doorway = Doorway(given=(), latest=datetime(2026, 1, 1))
    doorway.admit("events", event(at="2025-12-31"), event(at="2026-01-02"))
    assert doorway.reasons() == [(3, "time_out_of_range")]


def test_cells_that_stand_for_no_value_can_be_set():
    doorway = Doorway(given=(), missing=("-",))
    rows = doorway.admit("events", event(amount="-"), event(text="NULL")).rows
    assert rows["amount"].to_list() == [None, 1.0]
    assert rows["text"].to_list() == ["t", "NULL"]


def test_attributes_pass_as_they_are_but_for_what_no_database_holds(doorway):
    cells = [("p2", "a", 1.5), ("p3", "\0", 1.0), ("p4", "NULL", float("nan"))]
    rows = [{"item_id": name, "title": "x", "note": note, "size": size} for name, note, size in cells]
    admitted = doorway.admit("items", *rows).rows
    assert admitted.select("note", "size").rows() == [("a", 1.5), (None, None)]
    assert doorway.reasons() == [(3, "nul_byte")]
