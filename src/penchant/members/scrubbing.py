"""Taking one member out of a workspace's files, each in its own format, without moving what belongs to others.

Rows of a build are numbered, and models count on the numbers. So the member's own row stays, under a name that was
drawn at random and with nothing else in it, and their events, ties and verdicts go.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from safetensors.numpy import load_file, save_file

from penchant.artifacts import storage_errors, write_atomically
from penchant.members.needles import Needles
from penchant.members.traces import TABLE_FILES, holds_text, line_tells, read_table
from penchant.members.whereabouts import MEMBERS_FILE

OWNED: Final = ("member", "other")
"""Columns of row numbers of members; rows that name the member go."""
OWNED_IDS: Final = ("member_id", "other_id")
_OF_MEMBERS: Final = frozenset({"members", "social", "drift", "strata"})
"""Folders of models whose arrays have a row a member."""


@dataclass
class Scrubber:
    """Takes one member out of files; `rewritten` counts what was changed."""

    needles: Needles
    name: str
    """What their row in past builds is called from now on."""
    rewritten: dict[str, int] = field(default_factory=dict)
    """Rows, lines or values, by kind of file."""

    def file(self, path: Path, row: int | None, members: int | None, items: int | None) -> bool:
        """Take the member out of one file; whether it was changed.

        Args:
            path: of the file.
            row: the member's number in the build that the file belongs to; None where it belongs to none.
            members: how many members that build has.
            items: how many items.
        """
        with storage_errors(path):
            if path.suffix in TABLE_FILES:
                return self._table(path, row)
            if path.suffix == ".json":
                return self._json(path)
            if path.suffix in (".jsonl", ".log", ".csv", ".txt"):
                return self._lines(path)
            if path.suffix == ".safetensors" and row is not None and members:
                return self._arrays(path, row, members, items)
            return False

    def _table(self, path: Path, row: int | None) -> bool:
        table = read_table(path)
        kept = table
        if path.parts[-2:] == MEMBERS_FILE.parts:
            own = pl.col("member_id") == self.needles.member_id
            blank = {"member_id": pl.lit(self.name), "consent": pl.lit(False), "private": pl.lit(True)}
            kept = kept.with_columns(
                pl.when(own).then(blank.get(name, pl.lit(None, dtype=dtype))).otherwise(pl.col(name)).alias(name)
                for name, dtype in table.schema.items()
            )
        else:
            if row is not None:
                for name in OWNED:
                    if name in kept.columns and kept.schema[name].is_integer():
                        kept = kept.filter(pl.col(name).ne_missing(row))
            for name in OWNED_IDS:
                if name in kept.columns and kept.schema[name] == pl.String:
                    kept = kept.filter(pl.col(name).ne_missing(self.needles.member_id))
        kept = kept.with_columns(
            _mapped(column, partial(self.needles.walk, name=self.name, key=column.name))
            for column in kept
            if holds_text(column.dtype) and any(self.needles.any_in(value, column.name) for value in column.to_list())
        )
        if kept.equals(table):
            return False
        self._count("rows", max(1, len(table) - len(kept)))
        scratch = path.with_name(f".{path.name}.{os.getpid()}.partial")
        if path.suffix == ".parquet":
            kept.write_parquet(scratch, compression="zstd")
        else:
            kept.write_ipc(scratch)
        scratch.replace(path)
        return True

    def _json(self, path: Path) -> bool:
        try:
            document: Any = json.loads(path.read_bytes())
        except ValueError:
            return self._lines(path)
        if not self.needles.any_in(document):
            return False
        indent = 1 if b"\n" in path.read_bytes().strip() else None
        walked = self.needles.walk(document, self.name)
        write_atomically(path, json.dumps(walked, ensure_ascii=False, indent=indent).encode("utf-8", "surrogatepass"))
        self._count("values", 1)
        return True

    def _lines(self, path: Path) -> bool:
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not line_tells(line.decode("utf-8", "replace").strip(), self.needles)]
        if len(kept) == len(lines):
            return False
        if "builds" in path.parts:
            # Two builds may share one file under two names.
            write_atomically(path, b"".join(kept))
        else:
            # In place, since a process that logs goes on writing to the file it has open.
            with path.open("r+b") as stream:
                stream.write(b"".join(kept))
                stream.truncate()
                stream.flush()
                os.fsync(stream.fileno())
        self._count("lines", len(lines) - len(kept))
        return True

    def _arrays(self, path: Path, row: int, members: int, items: int | None) -> bool:
        """Zero what a model holds of the member alone: their row of every array that has a row a member."""
        arrays = {name: np.array(array) for name, array in load_file(path).items()}
        changed = False
        for name, array in arrays.items():
            if array.ndim and len(array) == members and is_of_members(path, name, members, items):
                changed |= bool(np.any(array[row] != 0))
                array[row] = 0
            elif name.endswith("/indptr") and len(array) == members + 1 and is_of_members(path, name, members, items):
                begin, end = int(array[row]), int(array[row + 1])
                data, indices, shape = (
                    arrays[f"{name.removesuffix('indptr')}{part}"] for part in ("data", "indices", "shape")
                )
                changed |= bool(data[begin:end].any() or indices[begin:end].any())
                data[begin:end] = indices[begin:end] = 0
                if shape.tolist() == [members, members]:
                    # Of ties between members the other ends go too.
                    ends = indices == row
                    changed |= bool(data[ends].any())
                    data[ends] = 0
        if changed:
            scratch = path.with_name(f".{path.name}.{os.getpid()}.partial")
            save_file(arrays, scratch)
            scratch.replace(path)
            self._count("vectors", 1)
        return changed

    def _count(self, what: str, count: int) -> None:
        self.rewritten[what] = self.rewritten.get(what, 0) + count


def is_of_members(path: Path, name: str, members: int, items: int | None) -> bool:
    """Whether an array with as many rows as there are members has a row a member: by its name, or by whose it is."""
    return "member" in name or (members != items and not _OF_MEMBERS.isdisjoint(path.parts))


def _mapped(column: pl.Series, change: Callable[[Any], Any]) -> pl.Series:
    return pl.Series(column.name, [change(value) for value in column.to_list()], dtype=column.dtype)
