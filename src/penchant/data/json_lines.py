"""JSON Lines: one object a line, as batches of cells that are all texts."""

import json
from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from penchant.data.batches import DAMAGED, RawBatch
from penchant.data.blocks import Block, TextFile
from penchant.data.rejections import Reason
from penchant.errors import ReadError

_ROWS: Final = 50_000
"""Rows held as Python objects at a time."""

_SHOWN: Final = 2_000
_decode: Final = json.JSONDecoder().decode


class JsonLinesFile:
    """A JSON Lines file; iterate for its batches, whose columns are the keys found in them.

    Args:
        text: the file's blocks of lines.

    Raises:
        ReadError: the file is empty, or is one JSON array.
    """

    def __init__(self, text: TextFile) -> None:
        self.text = text

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.text.size

    @property
    def bytes_read(self) -> int:
        """Bytes read of it so far."""
        return self.text.bytes_read

    def __iter__(self) -> Iterator[RawBatch]:
        begun = False
        for block in self.text:
            # Damaged lines were made into UTF-8 too.
            lines = block.data.decode().split("\n")
            if not begun:
                first = next((line for line in lines if line.strip()), "").lstrip()
                if first.startswith("["):
                    raise ReadError(
                        f"{self.text.path} is a JSON array; one object a line was wanted (jq -c '.[]' makes them)"
                    )
                begun = bool(first)
            for start in range(0, len(lines), _ROWS):
                yield _batch(lines[start : start + _ROWS], block.first_line + start, block)
        if not begun:
            raise ReadError(f"{self.text.path} is empty; one JSON object a line was wanted")


def _batch(lines: list[str], first_line: int, block: Block) -> RawBatch:
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    damage: list[tuple[int, str, str, str]] = []
    for number, line in enumerate(lines, start=first_line):
        row = None
        if number in block.damaged:
            reason, detail = block.damaged[number]
        elif not line or line.isspace():
            # A blank line is no row.
            continue
        else:
            reason = Reason.BAD_JSON
            row, detail = _object(line)
        if row is None:
            damage.append((number, reason.value, detail, line[:_SHOWN]))
        else:
            rows.append(row)
            numbers.append(number)
    # The keys in order of appearance.
    keys: dict[str, None] = {}
    for row in rows:
        if not keys.keys() >= row.keys():
            keys |= dict.fromkeys(row)
    columns = [pl.Series(key, _texts([row.get(key) for row in rows]), dtype=pl.String) for key in keys]
    return RawBatch(
        pl.DataFrame(columns),
        pl.Series(numbers, dtype=pl.Int64),
        pl.DataFrame(damage, schema=DAMAGED, orient="row"),
    )


def _object(line: str) -> tuple[dict[str, Any] | None, str]:
    """The object of one line, or what is wrong with it."""
    try:
        found = _decode(line)
        if "\\u" in line:
            # An escaped half of a character pair is legal JSON and no text.
            json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        return None, f"{error.msg} at character {error.pos + 1}"
    except UnicodeEncodeError:
        return None, "half of a character pair (a lone surrogate)"
    except RecursionError:
        return None, "nested too deeply"
    except ValueError as error:
        return None, str(error)
    if not isinstance(found, dict):
        return None, f"a {type(found).__name__} where an object was wanted"
    if not found:
        return None, "an object without keys"
    return found, ""


def _texts(cells: list[Any]) -> list[str | None]:
    """Cells as texts: JSON's own spelling of all that is not a text."""
    if set(map(type, cells)) <= {str, type(None)}:
        return cells
    return [cell if cell is None or type(cell) is str else _spelt(cell) for cell in cells]


def _spelt(cell: Any) -> str:
    return repr(cell) if type(cell) in (int, float) else json.dumps(cell, ensure_ascii=False)
