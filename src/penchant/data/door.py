"""The door: every row that comes in is checked here, and what does not pass is counted with its reason."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

from penchant.data.batches import RawBatch
from penchant.data.columns import REQUIRED, TABLES, EventKind
from penchant.data.failures import Failures, described
from penchant.data.mapping import ColumnSource, ReadConfig
from penchant.data.matching import Plan
from penchant.data.rejections import Reason, RejectionLog
from penchant.data.times import TimeReader
from penchant.data.values import as_boolean, as_list, as_number, as_text
from penchant.errors import UnknownIdError

LONGEST_ID: Final = 512
"""Bytes; longer ids are rejected, since a database's index could not hold a few of them side by side."""

_EARLIEST: Final = {"items": datetime(1000, 1, 1, tzinfo=UTC)}
_EARLIEST_EVENT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ID_COLUMNS: Final = {
    "member_id": ("members", Reason.UNKNOWN_MEMBER),
    "other_id": ("members", Reason.UNKNOWN_MEMBER),
    "item_id": ("items", Reason.UNKNOWN_ITEM),
}
_NOUN: Final = {"members": "member", "items": "item"}
_PATHS: Final = ("categories", "labels")


@dataclass(frozen=True)
class Admitted:
    """What passed, typed, with ids as strings; and the ids that had to be added for it."""

    rows: pl.DataFrame
    added: dict[str, pl.DataFrame] = field(default_factory=dict)
    """New rows of `members` and `items`, where these may be added."""


class Door:
    """Checks batches of rows, table after table: members and items first, then what names them.

    Args:
        config: policies and conventions of the input.
        log: where rejected rows are written and counted.
        given: the tables that are read; where `members` is not among them, the members are those that others name.
        now: the present, from which "too far in the future" counts.
    """

    def __init__(self, config: ReadConfig, log: RejectionLog, given: set[str], now: datetime | None = None) -> None:
        self.config = config
        self.log = log
        self._given = given
        self._now = now or datetime.now(UTC)
        latest = config.latest or self._now + timedelta(days=366)
        self._latest = latest if latest.tzinfo else latest.replace(tzinfo=UTC)
        self._known = {name: pl.Series(name, [], dtype=pl.String) for name in ("members", "items")}

    def admit(self, file: str, batch: RawBatch, plan: Plan, times: dict[str, TimeReader]) -> Admitted:
        """Check one batch; what fails is logged.

        Args:
            file: what to call the file in the log.
            batch: rows and damaged rows.
            plan: which columns are ours.
            times: a reader per column of times, kept for the whole file so that what its first rows settle holds.

        Raises:
            UnknownIdError: the policy is `error` and a row names an unknown member or item.
            ColumnError: the times of a column can be read in two ways.
        """
        # In one piece: polars 2.1 panics where it formats a column of texts that begins with an empty piece.
        batch = replace(batch, rows=batch.rows.rechunk())
        self.log.add(plan.table, file, batch.damaged)
        failures = Failures(len(batch.rows))
        typed = self._typed(file, batch.rows, plan, times, failures)
        _check_presence(plan.table, typed, failures)
        if plan.distinct:
            self._pass_over_repeats(plan.table, typed, failures)
        added = self._check_ids(plan.table, file, typed, batch.lines, failures)
        if not failures.passing.all():
            if failures.failing.any():
                self.log.add(plan.table, file, failures.table(batch))
            typed = typed.filter(pl.Series(failures.passing))
        self._note_future(plan.table, typed)
        counts = self.log.summary.tables[plan.table]
        counts.rows += len(batch.rows) + len(batch.damaged) - failures.repeated
        counts.repeated += failures.repeated
        counts.accepted += len(typed)
        return Admitted(typed, added)

    def _typed(
        self, file: str, rows: pl.DataFrame, plan: Plan, times: dict[str, TimeReader], failures: Failures
    ) -> pl.DataFrame:
        """Every column of the table, cast from the cells that the plan names for it."""
        columns = []
        for ours, dtype in TABLES[plan.table].items():
            source = plan.sources.get(ours)
            cells = self._cells(rows, source)
            if source is None:
                columns.append(cells.cast(dtype).alias(ours))
                continue
            if isinstance(dtype, pl.Datetime) and ours not in times:
                times[ours] = TimeReader(file, ours, source, zone=self.config.time_zone)
            columns.append(self._cast(plan.table, ours, dtype, cells, source, times, failures).alias(ours))
        for name in (name for name in plan.attributes if name in rows.columns):
            columns.append(_attribute(self._present(rows[name]), name, failures))
        return pl.DataFrame(columns)

    def _cells(self, rows: pl.DataFrame, source: ColumnSource | None) -> pl.Series:
        if source is None or (source.value is None and source.column not in rows.columns):
            return pl.Series([None], dtype=pl.String).new_from_index(0, len(rows))
        if source.value is not None:
            return pl.Series([str(source.value)]).new_from_index(0, len(rows))
        assert source.column is not None
        cells = self._present(rows[source.column])
        return as_text(cells).replace(source.values) if source.values else cells

    def _present(self, cells: pl.Series) -> pl.Series:
        """Texts trimmed, and those that stand for no value turned into null."""
        if cells.dtype != pl.String:
            return cells
        trimmed = cells.str.strip_chars()
        absent = trimmed.is_in(pl.Series(self.config.missing, dtype=pl.String).implode())
        return trimmed.set(absent, None) if absent.any() else trimmed

    def _cast(
        self,
        table: str,
        ours: str,
        dtype: pl.DataType,
        cells: pl.Series,
        source: ColumnSource,
        times: dict[str, TimeReader],
        failures: Failures,
    ) -> pl.Series:
        """Cells as our type; rows whose cell is not of it fail."""
        present = cells.is_not_null()
        found = described(ours, cells)
        if isinstance(dtype, pl.Datetime):
            moments = times[ours](cells)
            failures.mark(moments.is_null() & present, Reason.BAD_TIME, found)
            earliest = _EARLIEST.get(table, _EARLIEST_EVENT)
            failures.mark((moments < earliest) | (moments > self._latest), Reason.TIME_OUT_OF_RANGE, found)
            return moments
        if dtype == pl.Float64:
            numbers = as_number(cells)
            failures.mark(numbers.is_null() & present, Reason.BAD_NUMBER, found)
            failures.mark(~numbers.is_finite(), Reason.NOT_FINITE, found)
            return numbers
        if dtype == pl.Boolean:
            truths = as_boolean(cells)
            failures.mark(truths.is_null() & present, Reason.BAD_BOOLEAN, found)
            return truths
        if isinstance(dtype, pl.List):
            lists = as_list(cells, separator=source.separator, levels=source.levels if ours in _PATHS else None)
            failures.mark(lists.is_null() & present, Reason.BAD_LIST, found)
            return lists
        texts = as_text(cells)
        if isinstance(dtype, pl.Enum):
            kinds = texts.str.to_lowercase().cast(dtype, strict=False)
            failures.mark(kinds.is_null() & present, Reason.UNKNOWN_KIND, found)
            return kinds
        if ours in _ID_COLUMNS:
            bad = (texts.str.len_bytes() > LONGEST_ID) | texts.str.contains(r"\p{Cc}")
            failures.mark(bad, Reason.BAD_ID, found)
        else:
            failures.mark(texts.str.contains("\x00", literal=True), Reason.NUL_BYTE, ours)
        return texts

    def _pass_over_repeats(self, table: str, typed: pl.DataFrame, failures: Failures) -> None:
        """Of the rows of one id the first that passes is taken; the others say nothing new."""
        ids = typed[f"{_NOUN[table]}_id"]
        passing = ids.set(pl.Series(~failures.passing), None)
        known = ids.is_in(self._known[table].implode())
        first = passing.is_not_null() & passing.is_first_distinct() & ~known
        taken = ids.filter(first.fill_null(False))
        failures.pass_over((known | (ids.is_in(taken.implode()) & ~first)).fill_null(False).to_numpy())

    def _check_ids(
        self, table: str, file: str, typed: pl.DataFrame, lines: pl.Series, failures: Failures
    ) -> dict[str, pl.DataFrame]:
        """Ids that stand twice in a table of their own, or that others name and no table has."""
        if table in self._known:
            name = f"{_NOUN[table]}_id"
            ids = typed[name].set(pl.Series(~failures.passing), None)
            again = ids.is_not_null() & (~ids.is_first_distinct() | ids.is_in(self._known[table].implode()))
            failures.mark(again, Reason.DUPLICATE_ID, described(name, ids))
            self._know(table, ids.filter(pl.Series(failures.passing)))
            return {}
        unknown: dict[str, list[pl.Series]] = {"members": [], "items": []}
        for name, (home, reason) in _ID_COLUMNS.items():
            if name not in typed.columns:
                continue
            ids = typed[name]
            missing = ids.is_not_null() & ~ids.is_in(self._known[home].implode())
            if home in self._given and self.config.unknown_ids == "reject":
                failures.mark(missing, reason, described(name, ids))
            elif missing.any():
                self._refuse_unknown(home, file, ids, lines, missing & pl.Series(failures.passing))
                unknown[home].append(ids.set(~missing, None))
        return {home: self._add(home, found, failures) for home, found in unknown.items() if found}

    def _refuse_unknown(self, home: str, file: str, ids: pl.Series, lines: pl.Series, missing: pl.Series) -> None:
        if home in self._given and self.config.unknown_ids == "error" and missing.any():
            row = int(missing.arg_true()[0])
            raise UnknownIdError(
                f"{file}, line {lines[row]}, names the {_NOUN[home]} {ids[row]!r}, which is not in the {home} table; "
                f"{int(missing.sum())} rows around it do likewise. Add them there, or set unknown_ids to "
                '"reject" or "add"'
            )

    def _add(self, home: str, found: list[pl.Series], failures: Failures) -> pl.DataFrame:
        """New rows of `home` for the ids that passing rows name; an item's title is its id until one is known."""
        passing = pl.Series(failures.passing)
        ids = pl.concat([one.alias("id").filter(passing) for one in found]).drop_nulls().unique(maintain_order=True)
        self._know(home, ids)
        self.log.summary.tables[home].added += len(ids)
        rows = {f"{_NOUN[home]}_id": ids} | ({"title": ids} if home == "items" else {})
        empty = pl.DataFrame(schema=TABLES[home])
        return pl.concat([empty, pl.DataFrame(rows)], how="diagonal")

    def _know(self, table: str, ids: pl.Series) -> None:
        self._known[table] = pl.concat([self._known[table], ids.alias(table)])

    def _note_future(self, table: str, typed: pl.DataFrame) -> None:
        """An hour of clock error is no news; a day is."""
        if "at" not in typed.columns:
            return
        future = typed["at"].filter(typed["at"] > self._now + timedelta(days=1))
        if len(future):
            counts = self.log.summary.tables[table]
            counts.future += len(future)
            counts.last = max(counts.last, future.max().isoformat())  # type: ignore[union-attr]


def _check_presence(table: str, typed: pl.DataFrame, failures: Failures) -> None:
    for name in REQUIRED[table]:
        empty = typed[name].list.len() == 0 if isinstance(typed[name].dtype, pl.List) else typed[name].is_null()
        failures.mark(empty | typed[name].is_null(), Reason.MISSING_VALUE, f"no {name}")
    if table == "events":
        search = (typed["kind"] == EventKind.SEARCH.value).fill_null(False)
        failures.mark(typed["item_id"].is_null() & ~search, Reason.MISSING_VALUE, "no item_id, and not a search")
        failures.mark(typed["text"].is_null() & search, Reason.MISSING_VALUE, "no text, and a search")
    if table == "ties":
        failures.mark(
            typed["member_id"] == typed["other_id"], Reason.SELF_TIE, described("member_id", typed["member_id"])
        )
    if table == "labels":
        neither = typed["text"].is_null() & typed["item_id"].is_null()
        failures.mark(neither, Reason.MISSING_VALUE, "neither text nor item_id")


def _attribute(cells: pl.Series, name: str, failures: Failures) -> pl.Series:
    """A column of the user's own; its type is settled later, when all of its cells are there."""
    if cells.dtype == pl.String:
        failures.mark(cells.str.contains("\x00", literal=True), Reason.NUL_BYTE, name)
    return cells.fill_nan(None) if cells.dtype.is_float() else cells
