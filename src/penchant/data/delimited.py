"""CSV and its kin: records taken apart in bulk where they are sound, one by one where they are damaged."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.data.batches import DAMAGED, RawBatch
from penchant.data.blocks import LONGEST_LINE, Block, TextFile
from penchant.data.records import Positions, RecordParser, Records, sound_records
from penchant.data.rejections import Reason
from penchant.errors import ColumnError, ReadError

_SEPARATORS: Final = ",\t;|"
_CAREFUL: Final = 64
"""Records read one by one after a misplaced quotation mark, before bulk reading is tried again; doubled each time."""

_SHOWN: Final = 2_000
"""Characters of a damaged record that the log keeps."""


class DelimitedFile:
    """A delimited file as batches of cells that are all texts; iterate for them, once.

    Args:
        text: the file's blocks of lines.
        separator: between fields; told from the first line if absent.
        header: false where the first line is data already; the columns are then named "1", "2", …

    Raises:
        ReadError: the file is empty, or its first line cannot be read.
        ColumnError: the header names a column twice.
    """

    def __init__(self, text: TextFile, *, separator: str | None = None, header: bool = True) -> None:
        self.text = text
        self.separator = separator
        self.header = header
        self._names: list[str] = []

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.text.size

    @property
    def bytes_read(self) -> int:
        """Bytes read of it so far."""
        return self.text.bytes_read

    def __iter__(self) -> Iterator[RawBatch]:
        carry, line = b"", 1
        damaged: dict[int, tuple[Reason, str]] = {}
        for block in self.text:
            if not self._names:
                block = self._begin(block)
                line = block.first_line
                if not self._names:
                    continue
            damaged |= block.damaged
            data = carry + block.data
            piece = self._take_apart(data, line, damaged, final=False)
            yield piece.batch(self._names)
            carry = data[piece.at :]
            line += data.count(b"\n", 0, piece.at)
            damaged = {number: why for number, why in damaged.items() if number >= line}
        if not self._names:
            raise ReadError(f"{self.text.path} is empty; a header and rows were wanted")
        if carry:
            yield self._take_apart(carry, line, damaged, final=True).batch(self._names)

    def _begin(self, block: Block) -> Block:
        """Settles separator and columns by the first line that is not blank, and leaves the rows."""
        at, line = 0, block.first_line
        while at < len(block.data) and not self._names:
            end = block.data.index(b"\n", at)
            text = block.data[at:end].decode().strip()
            if text and line in block.damaged:
                raise ReadError(f"{self.text.path}: the first line cannot be read: {block.damaged[line][1]}")
            if text.lower().startswith("sep=") and len(text) == 5:
                # Excel writes this, for itself.
                self.separator = self.separator or text[4]
            elif text:
                self._settle(block.data[at:end].decode())
                if not self.header:
                    break
            at, line = end + 1, line + 1
        return Block(block.data[at:], line, block.damaged)

    def _settle(self, first: str) -> None:
        if self.separator is None:
            unquoted = "".join(first.split('"')[0::2])
            self.separator = max(_SEPARATORS, key=unquoted.count)
        fields = RecordParser(self.separator, 0).fields(first)
        names = [name.strip() for name in (fields if isinstance(fields, list) else first.split(self.separator))]
        if not self.header:
            names = [str(number) for number in range(1, len(names) + 1)]
        twice = sorted({name for name in names if name and names.count(name) > 1})
        if twice:
            raise ColumnError(
                f"{self.text.path} has two columns named {' and two named '.join(map(repr, twice))}; "
                "rename or remove one of them"
            )
        self._names = names
        self._parser = RecordParser(self.separator, len(names))

    def _take_apart(
        self, data: bytes, first_line: int, damaged: dict[int, tuple[Reason, str]], *, final: bool
    ) -> "_Piece":
        """The records that end in `data`; those after a misplaced quotation mark are read one by one for a while."""
        assert self.separator is not None
        piece = _Piece(data, first_line, damaged)
        careful = _CAREFUL
        while piece.at < len(data):
            records, stopped = sound_records(data[piece.at :] if piece.at else data, self.separator, len(self._names))
            sound = piece.add_sound(records, self._names, self.separator)
            unfinished = len(data) - piece.at
            if sound and not stopped and not final and unfinished <= LONGEST_LINE:
                break
            if not piece.add_carefully(careful if sound else len(data), self._parser, final=final):
                break
            careful *= 2
        return piece


@dataclass
class _Piece:
    """What has been taken from one piece of text so far."""

    data: bytes
    first_line: int
    damaged: dict[int, tuple[Reason, str]]
    at: int = 0
    """Where the first record begins that has not been taken."""
    line: int = 0
    """Line feeds before it."""
    frames: list[pl.DataFrame] = field(default_factory=list)
    lines: list[Positions] = field(default_factory=list)
    damage: list[tuple[int, str, str, str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    row_lines: list[int] = field(default_factory=list)

    def add_sound(self, records: Records, names: list[str], separator: str) -> bool:
        """Take records found in bulk; false, and nothing taken, where the parser sees other records than we do."""
        if not len(records.ends):
            return True
        whole = self.data[self.at : self.at + int(records.ends[-1]) + 1]
        good = (records.fields == len(names)) & ~self._damaged_records(records)
        starts, ends = records.starts, records.ends
        if good.all():
            text = whole
        else:
            kept = np.repeat(good, ends - starts + 1)
            text = np.frombuffer(whole, dtype=np.uint8)[kept].tobytes()
        frame = _parsed(text, names, separator, int(good.sum()))
        if frame is None:
            return False
        self._flush(names)
        self.frames.append(frame)
        self.lines.append(records.first_lines[good] + self.line + self.first_line)
        for index in np.flatnonzero(~good):
            start, end = self.at + int(starts[index]), self.at + int(ends[index])
            lines = (int(records.first_lines[index]) + self.line, int(records.last_lines[index]) + self.line)
            self._reject(self.data[start:end], lines, int(records.fields[index]), len(names))
        self.at += int(ends[-1]) + 1
        self.line += int(records.last_lines[-1]) + 1
        return True

    def add_carefully(self, most: int, parser: RecordParser, *, final: bool) -> bool:
        """Take some records one by one; false where the next may go on beyond the text."""
        for _ in range(most):
            if self.at >= len(self.data):
                break
            fields, end = parser.record(self.data, self.at)
            if fields == "open":
                if not final and len(self.data) - self.at <= LONGEST_LINE:
                    return False
                fields = "misplaced"
            text = self.data[self.at : end]
            lines = (self.line, self.line + text.count(b"\n"))
            if isinstance(fields, list) and len(fields) == parser.width and text and not self._damage_in(*lines):
                self.rows.append(fields)
                self.row_lines.append(lines[0] + self.first_line)
            else:
                self._reject(text, lines, len(fields) if isinstance(fields, list) else -1, parser.width)
            self.at = end + 1
            self.line = lines[1] + 1
        return True

    def batch(self, names: list[str]) -> RawBatch:
        """All that was taken, without the columns that have no name."""
        self._flush(names)
        empty = pl.DataFrame(schema=dict.fromkeys(_unique(names), pl.String))
        rows = pl.concat([empty, *self.frames]).select(pl.col(name) for name in names if name)
        lines = pl.Series(np.concatenate([np.array([], dtype=np.int64), *self.lines]), dtype=pl.Int64)
        return RawBatch(rows, lines, pl.DataFrame(self.damage, schema=DAMAGED, orient="row"))

    def _flush(self, names: list[str]) -> None:
        if self.rows:
            schema = dict.fromkeys(_unique(names), pl.String)
            self.frames.append(pl.DataFrame(self.rows, schema=schema, orient="row"))
            self.lines.append(np.array(self.row_lines, dtype=np.int64))
            self.rows, self.row_lines = [], []

    def _damaged_records(self, records: Records) -> NDArray[np.bool_]:
        if not self.damaged:
            return np.zeros(len(records.ends), dtype=bool)
        lines = np.array(sorted(self.damaged)) - self.first_line - self.line
        return np.searchsorted(lines, records.first_lines) < np.searchsorted(lines, records.last_lines, side="right")

    def _damage_in(self, first: int, last: int) -> tuple[Reason, str] | None:
        if not self.damaged:
            return None
        numbers = range(first + self.first_line, last + self.first_line + 1)
        return next((self.damaged[number] for number in numbers if number in self.damaged), None)

    def _reject(self, text: bytes, lines: tuple[int, int], fields: int, width: int) -> None:
        damage = self._damage_in(*lines)
        if not text.strip() and damage is None:
            # A blank line is no row.
            return
        if damage is not None:
            reason, detail = damage
        elif fields < 0:
            reason, detail = Reason.UNCLOSED_QUOTE, "a quotation mark that is not closed, or closed too early"
        else:
            reason, detail = Reason.FIELD_COUNT, f"{fields} fields; the header has {width}"
        shown = text[: _SHOWN * 4].decode(errors="replace")[:_SHOWN]
        self.damage.append((lines[0] + self.first_line, reason.value, detail, shown))


def _unique(names: list[str]) -> list[str]:
    return [name or f"\0{place}" for place, name in enumerate(names)]


def _parsed(text: bytes, names: list[str], separator: str, expected: int) -> pl.DataFrame | None:
    """Cells of records that all have one field per name; None if the parser finds another number of records."""
    schema = dict.fromkeys(_unique(names), pl.String)
    if not expected:
        return pl.DataFrame(schema=schema)
    try:
        frame = pl.read_csv(io.BytesIO(text), has_header=False, separator=separator, schema=schema)
    except pl.exceptions.PolarsError:
        return None
    return frame if len(frame) == expected else None
