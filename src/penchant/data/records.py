"""Where the records of delimited text begin and end, under the quoting rules of RFC 4180 (2005)."""

import re
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

_FEED: Final = 10
_QUOTE: Final = 34
_LONGEST_FIELD: Final = 1000
"""Lines that a quoted field may span before its opening quotation mark is taken for a mistake."""

_FEW_LINES: Final = 3
"""So many lines in a row that look like records are records."""

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Records:
    """Records of a piece of text: `data[starts[i]:ends[i]]`, the ending line feed left out."""

    starts: Positions
    ends: Positions
    fields: Positions
    """How many fields each has; zero where the line is empty."""
    first_lines: Positions
    """Line feeds before each record's start: its line, counted from zero."""
    last_lines: Positions

    def head(self, count: int) -> "Records":
        """The first records alone."""
        parts = (self.starts, self.ends, self.fields, self.first_lines, self.last_lines)
        return Records(*(part[:count] for part in parts))


def sound_records(data: bytes, separator: str, width: int) -> tuple[Records, bool]:
    """The records from the start of `data` up to the first misplaced quotation mark, found in bulk.

    A quotation mark is in place where it opens a field, closes one, or is doubled inside one; but not where the field
    would hold what are plainly further records.

    Args:
        data: whole lines.
        separator: the character between fields.
        width: fields that a record should have.

    Returns:
        The records, and whether a misplaced quotation mark stopped them. Without one, what follows the last record is
        the beginning of a record that goes on beyond `data`.

    >>> records, stopped = sound_records(b'a,"b\\n,c"\\nd,e\\n', ",", 2)
    >>> records.starts.tolist(), records.fields.tolist(), records.first_lines.tolist(), stopped
    ([0, 9], [2, 2], [0, 2], False)
    """
    characters = np.frombuffer(data, dtype=np.uint8)
    feeds = np.flatnonzero(characters == _FEED)
    marks = np.flatnonzero(characters == ord(separator))
    quotes = np.flatnonzero(characters == _QUOTE)
    ends, misplaced = feeds, None
    if len(quotes):
        misplaced = _first_misplaced(characters, quotes, separator)
        # A line feed or separator after an odd number of quotation marks is inside a field.
        ends = feeds[np.searchsorted(quotes, feeds) % 2 == 0]
        marks = marks[np.searchsorted(quotes, marks) % 2 == 0]
        if misplaced is not None:
            ends = ends[ends < misplaced]
    starts = np.concatenate([[0], ends[:-1] + 1])[: len(ends)].astype(np.int64)
    before = np.searchsorted(marks, ends)
    fields = np.diff(before, prepend=0) + 1
    fields[starts == ends] = 0
    last_lines = np.searchsorted(feeds, ends)
    first_lines = np.concatenate([[0], last_lines[:-1] + 1])[: len(ends)]
    found = Records(starts, ends, fields, first_lines, last_lines)
    for long in np.flatnonzero(last_lines - first_lines > _FEW_LINES):
        if holds_records(data[starts[long] : ends[long]], separator, width):
            return found.head(int(long)), True
    return found, misplaced is not None


def holds_records(text: bytes, separator: str, width: int) -> bool:
    """Whether a record over several lines has swallowed others, for want of a closing quotation mark.

    All of its inner lines that hold no quotation mark then have the fields of a record; a text that somebody wrote
    seldom does that even three times in a row.
    """
    inner = [line for line in text.split(b"\n")[1:-1] if b'"' not in line]
    return len(inner) >= _FEW_LINES and width > 1 and all(line.count(separator.encode()) == width - 1 for line in inner)


def _first_misplaced(characters: NDArray[np.uint8], quotes: Positions, separator: str) -> int | None:
    around = np.array([_FEED, _QUOTE, ord(separator)], dtype=np.uint8)
    opening, closing = quotes[0::2], quotes[1::2]
    bad_opening = opening[~np.isin(characters[opening - 1], around) & (opening > 0)]
    bad_closing = closing[~np.isin(characters[np.minimum(closing + 1, len(characters) - 1)], around)]
    wrong = [int(bad[0]) for bad in (bad_opening, bad_closing) if len(bad)]
    return min(wrong) if wrong else None


class RecordParser:
    """Takes single records apart, for text where quotation marks are misplaced.

    >>> parser = RecordParser(",", width=3)
    >>> parser.fields('m1, "a, b" ,5" pipe'), parser.fields('m1,"a'), parser.fields('m1,"a"b,c')
    (['m1', 'a, b', '5" pipe'], 'open', 'misplaced')
    """

    def __init__(self, separator: str, width: int) -> None:
        self.width = width
        space = "[ \t]*" if separator != "\t" else " *"
        end = f"(?:{re.escape(separator)}|$)"
        self._opening = re.compile(f'{space}"')
        self._quoted = re.compile(rf'{space}"([^"]*(?:""[^"]*)*)"{space}{end}')
        self._closed = re.compile(rf'{space}"[^"]*(?:""[^"]*)*"(?!")')
        self._plain = re.compile(rf"([^{re.escape(separator)}]*){end}")
        self._separator = separator

    def fields(self, text: str) -> list[str] | Literal["open", "misplaced"]:
        """The fields of one record; `open` where a quoted field goes on beyond the text."""
        fields = []
        at = 0
        while True:
            if self._opening.match(text, at):
                match = self._quoted.match(text, at)
                if match is None:
                    return "misplaced" if self._closed.match(text, at) else "open"
                fields.append(match[1].replace('""', '"'))
            else:
                match = self._plain.match(text, at)
                assert match is not None
                fields.append(match[1])
            at = match.end()
            if at == len(text) and not (match[0].endswith(self._separator)):
                return fields

    def record(self, data: bytes, at: int) -> tuple[list[str] | Literal["open", "misplaced"], int]:
        """The record that begins at a place in whole lines, and where it ends.

        A quoted field may go on for some lines, if in the end there are as many fields as there should be. Where that
        leads nowhere the record is the first line alone, and `misplaced`; `open` says that the text ends too early.
        """
        end = first_end = data.index(b"\n", at)
        fields = self.fields(data[at:end].decode())
        if fields != "open":
            return fields, end
        for _ in range(_LONGEST_FIELD):
            start = end + 1
            end = data.find(b"\n", start)
            if end < 0:
                return "open", first_end
            # Only a line with an odd number of quotation marks can close what is open.
            if data.count(b'"', start, end) % 2:
                fields = self.fields(data[at:end].decode())
                if isinstance(fields, list) and len(fields) == self.width:
                    if holds_records(data[at:end], self._separator, self.width):
                        break
                    return fields, end
                if fields != "open":
                    break
        return "misplaced", first_end
