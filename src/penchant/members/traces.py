"""Where something of a member lies in a workspace: a search of all values and bytes, the proof of forgetting."""

import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from penchant.artifacts import storage_errors
from penchant.members.needles import Needles

TABLE_FILES: Final = (".parquet", ".arrow")
_OWN: Final = ("penchant.toml", ".yaml", ".yml")
_READ: Final = 1 << 24


class Trace(NamedTuple):
    """One place where something of a member was found."""

    path: Path
    """From the workspace's folder."""
    place: str
    """A table and column, a line, or `bytes`."""
    value: Any
    """What stands there, as far as it can be shown."""


def files_of(folder: Path) -> list[Path]:
    """Every file of a workspace, the deepest first, locks left out."""
    found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and path.name != ".lock"]
    return sorted(found, key=lambda path: (-len(path.parts), str(path)))


def traces(folder: Path, needles: Needles) -> Iterator[Trace]:
    """Everything of a member that lies in a folder: in values where a format is known, and in the bytes of all files.

    Parquet and gzip are taken apart, since compression hides what they hold; SQLite is asked for its rows, and its file
    and write-ahead log are searched as bytes, since a deleted row leaves them there.
    """
    for path in files_of(folder):
        with storage_errors(path):
            yield from (Trace(path.relative_to(folder), place, value) for place, value in _in_file(path, needles))


def _in_file(path: Path, needles: Needles) -> Iterator[tuple[str, Any]]:
    if path.suffix in TABLE_FILES:
        yield from _in_table(read_table(path), needles)
        return
    if path.suffix == ".gz":
        with gzip.open(path) as stream:
            if needles.is_in_bytes(stream.read()):
                yield "bytes", None
        return
    if path.suffix == ".json":
        value = _json(path.read_text("utf-8", "replace"))
        if value is not None:
            if needles.any_in(value):
                yield "json", next(_values(value, needles))
            return
    if path.suffix in (".jsonl", ".log"):
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), start=1):
            if line_tells(line, needles):
                yield f"line {number}", line
        return
    if path.suffix == ".db":
        yield from _in_database(path, needles)
    if _has_bytes(path, needles):
        yield "bytes", None


def line_tells(line: str, needles: Needles, key: str | None = None) -> bool:
    """Whether a line of a log, or a cell, tells of the member: as JSON by its values, else as a text."""
    if not needles.may_be_in(line):
        return False
    value = _json(line)
    inside = value if isinstance(value, dict | list) else line
    return needles.any_in(inside, key)


def read_table(path: Path) -> pl.DataFrame:
    """A Parquet or Arrow file."""
    return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_ipc(path)


def holds_text(dtype: pl.DataType) -> bool:
    """Whether cells of a type can hold a text."""
    if isinstance(dtype, pl.Struct):
        return any(holds_text(field.dtype) for field in dtype.fields)  # type: ignore[arg-type]
    if isinstance(dtype, pl.List | pl.Array):
        return holds_text(dtype.inner)  # type: ignore[arg-type]
    return isinstance(dtype, pl.String | pl.Categorical)


def _in_table(table: pl.DataFrame, needles: Needles) -> Iterator[tuple[str, Any]]:
    for column in table:
        if holds_text(column.dtype):
            for row, value in enumerate(column.to_list()):
                if needles.any_in(value, column.name):
                    yield f"{column.name}, row {row}", value


def _in_database(path: Path, needles: Needles) -> Iterator[tuple[str, Any]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = connection.execute(f'SELECT * FROM "{name}"')
            columns = [column[0] for column in rows.description]
            for row in rows:
                for column, value in zip(columns, row, strict=True):
                    if isinstance(value, str) and line_tells(value, needles, column):
                        yield f"{name}.{column}", value


def _has_bytes(path: Path, needles: Needles) -> bool:
    rest = b""
    with path.open("rb") as stream:
        while part := stream.read(_READ):
            held = rest + part
            if needles.is_in_bytes(held):
                return True
            rest = held[-needles.longest :]
    return False


def _values(value: Any, needles: Needles, key: str | None = None, around: bool | None = None) -> Iterator[Any]:
    """The smallest parts of a JSON value that tell of the member: texts, or the mapping that holds one."""
    named = needles.context(key, around)
    if isinstance(value, str):
        if needles.is_in(value, named=named):
            yield value
    elif isinstance(value, dict):
        if any(
            needles.is_in(inner, named=named) or (isinstance(part, str) and needles.any_in(part, inner, named))
            for inner, part in value.items()
        ):
            yield value
        else:
            for inner, part in value.items():
                yield from _values(part, needles, inner, named)
    elif isinstance(value, list):
        for part in value:
            yield from _values(part, needles, None, named)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
