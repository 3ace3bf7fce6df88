"""One door for all inputs: CSV, JSON Lines, Parquet and SQL become a checked community."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from penchant.data.columns import TABLES
from penchant.data.community import Community
from penchant.data.door import Admitted, Door
from penchant.data.mapping import CONFIG_NAME, ReadConfig, UnknownIds
from penchant.data.matching import Plan, resolve
from penchant.data.progress import ReadingProgress
from penchant.data.rejections import REASONS, ReadSummary, Reason, RejectionLog
from penchant.data.sources import NEEDED, Source, find_sources
from penchant.data.sql import is_database_url
from penchant.data.times import TimeReader
from penchant.data.values import as_attribute, as_text
from penchant.errors import ReadError
from penchant.language import Phrase, system_language

_LOG: Final = logging.getLogger("penchant.read")

_HOW_TO_SEE: Final = Phrase(
    "to see each rejected row: penchant.read(…, rejected='rejected.jsonl')",
    "查看每一条被拒绝的行：penchant.read(…, rejected='rejected.jsonl')",
)

Input = Path | str | Mapping[str, Path | str]
"""A folder, a database URL, or a file for each table."""

Columns = ReadConfig | Mapping[str, Any] | Path | str | None
"""How foreign columns map to ours: the `[columns]` of a `penchant.toml` as a mapping, or the path of such a file."""


@dataclass(frozen=True)
class TableRows:
    """Some checked rows of one table, typed, with ids as strings."""

    table: str
    rows: pl.DataFrame


@dataclass(frozen=True)
class Reading:
    """A community, and what became of every row that was read for it."""

    community: Community
    summary: ReadSummary


def read(
    source: Input,
    *,
    columns: Columns = None,
    unknown_ids: UnknownIds | None = None,
    rejected: Path | str | None = None,
) -> Community:
    """Read and check a community; rows that do not pass are counted, named in the log, and left out.

    Args:
        source: a folder with `items` and `events` (and `members`, `ties`, `labels`) as `.csv`, `.jsonl` or `.parquet`
            (the texts also `.gz`), a database URL, or a mapping of tables to files.
        columns: how foreign columns map to ours; the folder's `penchant.toml` if absent.
        unknown_ids: what becomes of rows that name unknown members or items; as the configuration says if absent,
            and there `reject` if nothing is said.
        rejected: a file to write each rejected row to as JSON Lines, with its file, line and reason.

    Raises:
        ReadError: something cannot be read as what it claims to be, is empty, or has no row that passes.
        ColumnError: a needed column is missing, or its times can be read in two ways.
        ConfigError: a setting has no meaning.
        UnknownIdError: an unknown id under the policy `error`.
        StorageError: the rejected rows cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "items.csv").write_text("item_id,title\\np1,Kettle\\n")
    ...     _ = (Path(folder) / "events.csv").write_text("member_id,item_id,kind,at\\nm1,p1,buy,2026-01-05\\n")
    ...     read(folder)
    Community(members=1, items=1, events=1, ties=0, labels=0)
    """
    reading = read_community(source, columns=columns, unknown_ids=unknown_ids, rejected=rejected)
    if reading.summary.rejected:
        lang = system_language()
        _LOG.warning("%s%s", reading.summary.text(lang), "" if rejected else f"\n{_HOW_TO_SEE(lang)}")
    return reading.community


def read_community(
    source: Input,
    *,
    columns: Columns = None,
    unknown_ids: UnknownIds | None = None,
    rejected: Path | str | None = None,
    progress: bool = True,
) -> Reading:
    """As `read`, with the summary of what was found; see there."""
    batches = BatchReader(source, columns=columns, unknown_ids=unknown_ids, rejected=rejected, progress=progress)
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in TABLES}
    for batch in batches:
        parts[batch.table].append(batch.rows)
    tables = {name: pl.concat(frames, how="diagonal_relaxed") for name, frames in parts.items() if frames}
    if "members" not in batches.given:
        # The members are then those that others name, in the order of their ids.
        tables.pop("members", None)
    community = Community.from_tables(**tables)
    return Reading(community, batches.summary)


class BatchReader:
    """Reads and checks an input of any size, batch by batch, in the memory of one; iterate for `TableRows`, once.

    Members and items come whole, before all that names them; events, ties and labels come in parts. Where ids may be
    added, further members and items come before the rows that name them first.

    Args:
        source, columns, unknown_ids, rejected: as for `read`.
        progress: show a bar where it takes more than two seconds.
        clean: changes texts of events, and rejected rows, before they go anywhere.

    Raises:
        As `read` does, some on iteration.
    """

    def __init__(
        self,
        source: Input,
        *,
        columns: Columns = None,
        unknown_ids: UnknownIds | None = None,
        rejected: Path | str | None = None,
        progress: bool = True,
        clean: Callable[[str], str] | None = None,
    ) -> None:
        if columns is None and not isinstance(source, Mapping) and not is_database_url(str(source)):
            beside = Path(source) / CONFIG_NAME
            columns = beside if beside.is_file() else None
        config = ReadConfig.of(columns)
        self.config = config if unknown_ids is None else config.model_copy(update={"unknown_ids": unknown_ids})
        self.sources, ignored = find_sources(source, self.config)
        self.given = {source.table for source in self.sources}
        """The tables that the input has."""
        self.summary = ReadSummary(ignored=ignored)
        """What became of the rows so far."""
        self._rejected = Path(rejected) if rejected is not None else None
        self._progress = progress
        self._clean = clean
        self._unread: dict[tuple[str, str], set[str]] = {}

    def __iter__(self) -> Iterator[TableRows]:
        began = time.monotonic()
        size = sum(source.batches.size for source in self.sources)
        with (
            RejectionLog(self.summary, self._rejected, clean=self._clean) as log,
            ReadingProgress(size, shown=self._progress) as progress,
        ):
            door = Door(self.config, log, self.given)
            for table in TABLES:
                batches = self._table(table, door, progress)
                if table in ("members", "items"):
                    frames = [batch.rows for batch in batches]
                    if frames:
                        yield TableRows(table, _whole(frames, table))
                else:
                    yield from (_cleaned(batch, self._clean) for batch in batches)
                self._refuse_nothing(table)
        self.summary.seconds = time.monotonic() - began

    def _table(self, table: str, door: Door, progress: ReadingProgress) -> Iterator[TableRows]:
        for source in self.sources:
            if source.table != table:
                continue
            done = sum(one.batches.size for one in self.sources[: self.sources.index(source)])
            for admitted in self._admitted(source, door):
                for home, rows in admitted.added.items():
                    yield TableRows(home, rows)
                yield TableRows(table, admitted.rows)
                rows_read = sum(counts.rows for counts in self.summary.tables.values())
                progress.update(done + source.batches.bytes_read, rows_read, source.name)
            if source.text is not None and (note := source.text.note):
                self.summary.encodings[source.name] = note

    def _admitted(self, source: Source, door: Door) -> Iterator[Admitted]:
        times: dict[str, TimeReader] = {}
        columns: dict[str, None] = {}
        plan = None
        for batch in source.batches:
            if plan is None or not columns.keys() >= set(batch.rows.columns):
                columns |= dict.fromkeys(batch.rows.columns)
                # Lines that are all damaged have no columns; the next may.
                if columns or not source.sparse:
                    plan = self._plan(source, list(columns))
            yield door.admit(source.name, batch, plan or Plan(source.table), times)

    def _plan(self, source: Source, columns: list[str]) -> Plan:
        plan = resolve(
            source.table, columns, self.config, file=source.name, sparse=source.sparse, distinct=source.distinct
        )
        # A column of a file that feeds several tables is kept if any of them keeps it.
        self._unread[source.name, source.table] = set(plan.unread)
        unread = [names for (name, _), names in self._unread.items() if name == source.name]
        self.summary.unread[source.name] = [name for name in columns if all(name in names for names in unread)]
        return plan

    def _refuse_nothing(self, table: str) -> None:
        """A table of which nothing is left is a mistake to be told, not an empty community."""
        counts = self.summary.tables[table]
        names = " and ".join(source.name for source in self.sources if source.table == table)
        if table in NEEDED and table in self.given and not counts.rows:
            raise ReadError(f"{names} has no rows; at least one of {table} was wanted")
        if counts.rows and not counts.accepted:
            reasons = "; ".join(
                f"{count:,} × {REASONS[Reason(reason)]('en')} ({counts.examples[reason][0]})"
                for reason, count in counts.rejected.most_common(3)
            )
            see = f". Each is in {self._rejected}" if self._rejected else ""
            raise ReadError(f"none of the {counts.rows:,} rows of {names} can be taken: {reasons}{see}")


def _cleaned(batch: TableRows, clean: Callable[[str], str] | None) -> TableRows:
    """A batch with what members wrote changed by `clean`, where there is anything to change."""
    if clean is None or batch.table != "events" or "text" not in batch.rows.columns:
        return batch
    texts = [None if text is None else clean(text) for text in batch.rows["text"].to_list()]
    return TableRows(batch.table, batch.rows.with_columns(pl.Series("text", texts, dtype=pl.String)))


def _whole(frames: list[pl.DataFrame], table: str) -> pl.DataFrame:
    """One frame, its attributes typed by what all of their cells are."""
    attributes = {name for frame in frames for name in frame.columns} - set(TABLES[table])
    try:
        whole = pl.concat(frames, how="diagonal_relaxed")
    except pl.exceptions.PolarsError:
        # Files that disagree on an attribute's type meet in text.
        texts = [frame.with_columns(as_text(frame[name]) for name in attributes & {*frame.columns}) for frame in frames]
        whole = pl.concat(texts, how="diagonal_relaxed")
    return whole.with_columns(as_attribute(whole[name]) for name in whole.columns if name in attributes)
