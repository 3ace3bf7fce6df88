"""Rows that were not taken: why, where they stand, and how many of each; and the summary of a reading."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import polars as pl

from penchant.artifacts import storage_errors
from penchant.data.columns import TABLES
from penchant.language import Lang, Phrase

_EXAMPLES: Final = 3
_LONGEST_CELL: Final = 2_000
_LINE_ENDS: Final = {character.encode(): f"\\u{ord(character):04x}".encode() for character in "\x85\u2028\u2029"}
"""Characters that some take for the end of a line, as JSON also spells them."""


class Reason(StrEnum):
    """Why a row was rejected."""

    ENCODING = "encoding"
    NUL_BYTE = "nul_byte"
    TOO_LONG = "too_long"
    UNCLOSED_QUOTE = "unclosed_quote"
    FIELD_COUNT = "field_count"
    BAD_JSON = "bad_json"
    MISSING_VALUE = "missing_value"
    BAD_TIME = "bad_time"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    BAD_NUMBER = "bad_number"
    NOT_FINITE = "not_finite"
    BAD_BOOLEAN = "bad_boolean"
    BAD_LIST = "bad_list"
    BAD_ID = "bad_id"
    UNKNOWN_KIND = "unknown_kind"
    SELF_TIE = "self_tie"
    DUPLICATE_ID = "duplicate_id"
    UNKNOWN_MEMBER = "unknown_member"
    UNKNOWN_ITEM = "unknown_item"


REASONS: Final[dict[Reason, Phrase]] = {
    Reason.ENCODING: Phrase("the bytes are not text in a known encoding", "字节不是已知编码的文本"),
    Reason.NUL_BYTE: Phrase("a NUL byte stands in the row", "行内含有 NUL 字节"),
    Reason.TOO_LONG: Phrase("the row is too long", "行过长"),
    Reason.UNCLOSED_QUOTE: Phrase("a quotation mark is opened or closed in the wrong place", "引号未闭合或位置有误"),
    Reason.FIELD_COUNT: Phrase("the row has more or fewer fields than the header", "字段数与表头不符"),
    Reason.BAD_JSON: Phrase("the line is not a JSON object", "该行不是 JSON 对象"),
    Reason.MISSING_VALUE: Phrase("a value that is needed is missing", "缺少必需的值"),
    Reason.BAD_TIME: Phrase("the time cannot be understood", "无法识别时间"),
    Reason.TIME_OUT_OF_RANGE: Phrase("the time lies out of range", "时间超出合理范围"),
    Reason.BAD_NUMBER: Phrase("not a number where one is wanted", "应为数字却不是"),
    Reason.NOT_FINITE: Phrase("the number is not finite", "数值为 NaN 或无穷大"),
    Reason.BAD_BOOLEAN: Phrase("neither yes nor no where one of them is wanted", "应为是或否却都不是"),
    Reason.BAD_LIST: Phrase("the list cannot be understood", "无法识别列表"),
    Reason.BAD_ID: Phrase("the id is too long or holds control characters", "标识过长或含控制字符"),
    Reason.UNKNOWN_KIND: Phrase("the kind is none of ours", "类型不在已知范围内"),
    Reason.SELF_TIE: Phrase("a member is tied to themselves", "会员与自己建立了关系"),
    Reason.DUPLICATE_ID: Phrase("the id was there already", "标识重复"),
    Reason.UNKNOWN_MEMBER: Phrase("the member is not in the members table", "会员不在会员表中"),
    Reason.UNKNOWN_ITEM: Phrase("the item is not in the items table", "物品不在物品表中"),
}
_TABLE: Final = {
    "members": Phrase("members", "会员"),
    "items": Phrase("items", "物品"),
    "events": Phrase("events", "事件"),
    "ties": Phrase("ties", "关系"),
    "labels": Phrase("labels", "标签"),
}
_LINE: Final = Phrase(
    "{table}: {rows:,} rows read, {accepted:,} accepted, {rejected:,} rejected",
    "{table}：读取 {rows:,} 行，接受 {accepted:,} 行，拒绝 {rejected:,} 行",
)
_REPEATED: Final = Phrase(", {repeated:,} more repeat their ids", "，另有 {repeated:,} 行重复其标识")
_ADDED: Final = Phrase(", {added:,} added because others name them", "，另因被引用而补入 {added:,} 个")
_UNREAD: Final = Phrase("{file}: columns not kept: {columns}", "{file}：未采用的列：{columns}")
_ENCODING_NOTE: Final = Phrase("{file}: read as {encoding}", "{file}：按 {encoding} 编码读取")
_IGNORED: Final = Phrase("files not read: {files}", "未读取的文件：{files}")
_FUTURE: Final = Phrase(
    "{count:,} times lie in the future, the last {last}: check the column's format and unit",
    "{count:,} 个时间在未来，最晚为 {last}：请检查该列的格式和单位",
)
_SEE: Final = Phrase(
    "each rejected row, with its file, line and reason: {path}", "每一条被拒绝的行及其文件、行号和原因见：{path}"
)


@dataclass
class TableSummary:
    """What became of the rows of one table: `rows == accepted + sum(rejected.values())`, always."""

    rows: int = 0
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """Rows by reason."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """The first few cases of each reason, in words."""
    repeated: int = 0
    """Further rows that only repeat ids, where a table is read from a log: passed over, and not among `rows`."""
    added: int = 0
    """Ids that were in no row of this table and were added because other tables name them."""
    future: int = 0
    """Accepted times later than tomorrow."""
    last: str = ""
    """The latest of them."""


@dataclass
class ReadSummary:
    """What a reading found, table by table."""

    tables: dict[str, TableSummary] = field(default_factory=lambda: {name: TableSummary() for name in TABLES})
    unread: dict[str, list[str]] = field(default_factory=dict)
    """Columns not kept, by file."""
    encodings: dict[str, str] = field(default_factory=dict)
    """Encoding by file, where it is not plain UTF-8."""
    ignored: list[str] = field(default_factory=list)
    """Files in the folder that are no table."""
    rejected_path: Path | None = None
    seconds: float = 0.0

    @property
    def rejected(self) -> int:
        """Rows rejected in all tables."""
        return sum(table.rejected.total() for table in self.tables.values())

    def text(self, lang: Lang = "en") -> str:
        """The summary for a person, a line per table, reason and note."""
        return "\n".join(self._lines(lang))

    def as_json(self) -> dict[str, Any]:
        """The summary as JSON can hold it."""
        return {
            "tables": {
                name: {
                    "rows": table.rows,
                    "accepted": table.accepted,
                    "rejected": dict(table.rejected),
                    "repeated": table.repeated,
                    "added": table.added,
                }
                for name, table in self.tables.items()
            },
            "unread": self.unread,
            "encodings": self.encodings,
            "ignored": self.ignored,
            "rejected_path": str(self.rejected_path) if self.rejected_path else None,
            "seconds": self.seconds,
        }

    def _lines(self, lang: Lang) -> Iterator[str]:
        for name, table in self.tables.items():
            if not table.rows and not table.added:
                continue
            rejected = table.rejected.total()
            line = _LINE(lang, table=_TABLE[name](lang), rows=table.rows, accepted=table.accepted, rejected=rejected)
            line += _REPEATED(lang, repeated=table.repeated) if table.repeated else ""
            yield line + (_ADDED(lang, added=table.added) if table.added else "")
            for reason, count in table.rejected.most_common():
                example = table.examples.get(reason, [""])[0]
                yield f"  {count:,} × {REASONS[Reason(reason)](lang)}" + (f" ({example})" if example else "")
            if table.future:
                yield "  " + _FUTURE(lang, count=table.future, last=table.last)
        for file, columns in self.unread.items():
            if columns:
                yield _UNREAD(lang, file=file, columns=", ".join(columns))
        for file, encoding in self.encodings.items():
            yield _ENCODING_NOTE(lang, file=file, encoding=encoding)
        if self.ignored:
            yield _IGNORED(lang, files=", ".join(self.ignored))
        if self.rejected and self.rejected_path:
            yield _SEE(lang, path=self.rejected_path)


class RejectionLog:
    """Writes rejected rows as JSON Lines and counts them in the summary.

    Each line holds `table`, `file`, `line` (from 1; of a Parquet file or a database the row), `reason`, `detail` and
    `row`: the cells as they were found, or the text of the line where it could not be taken apart.

    Args:
        summary: where to count.
        path: the file to write; the rows are counted but written nowhere if absent.
        clean: changes what the rows hold before it is told or written.

    Raises:
        StorageError: the file cannot be written.
    """

    def __init__(self, summary: ReadSummary, path: Path | None, *, clean: Callable[[str], str] | None = None) -> None:
        self.summary = summary
        self.path = path
        self._clean = clean
        self._stream: IO[bytes] | None = None

    def __enter__(self) -> Self:
        if self.path is not None:
            self.summary.rejected_path = self.path
            with storage_errors(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._stream = self.path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            with self._writing():
                self._stream.close()

    def add(self, table: str, file: str, rejected: pl.DataFrame) -> None:
        """Count and write rows of the columns `line`, `reason`, `detail` and, last, `row` (a struct or a text)."""
        if not len(rejected):
            return
        counts = self.summary.tables[table]
        for reason, count in rejected["reason"].value_counts().iter_rows():
            counts.rejected[reason] += count
            examples = counts.examples.setdefault(reason, [])
            if len(examples) < _EXAMPLES:
                first = rejected.filter(pl.col("reason") == reason).head(_EXAMPLES - len(examples))
                examples += [
                    f"{file}, line {line}: {self._clean(detail) if self._clean and detail else detail}"
                    for line, detail in first.select("line", "detail").iter_rows()
                ]
        if self._stream is not None:
            record = rejected.select(
                pl.lit(table).alias("table"), pl.lit(file).alias("file"), "line", "reason", "detail", "row"
            )
            # Through memory, so that a full disk shows as what it is and not as an error of the writer's own.
            written = io.BytesIO()
            record.write_ndjson(written)
            content = written.getvalue()
            if self._clean is not None:
                # Line by line, since what a recogniser takes out never reaches over the end of one.
                content = b"".join(
                    self._clean(line.decode()).encode() + b"\n" for line in content.splitlines() if line.strip()
                )
            for character, escaped in _LINE_ENDS.items():
                content = content.replace(character, escaped)
            with self._writing():
                self._stream.write(content)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        assert self.path is not None
        with storage_errors(self.path):
            yield


def shortened(cell: pl.Expr, most: int = _LONGEST_CELL) -> pl.Expr:
    """A text that fits into a log: a very long one loses its tail, and says so."""
    long = cell.str.len_chars() > most
    cut = pl.format("{}… ({} characters)", cell.str.head(most), cell.str.len_chars())
    return pl.when(long).then(cut).otherwise(cell)
