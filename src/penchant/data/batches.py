"""Rows as a reader found them, before anything has been checked."""

from dataclasses import dataclass, field
from typing import Final

import polars as pl

DAMAGED: Final = {"line": pl.Int64(), "reason": pl.String(), "detail": pl.String(), "row": pl.String()}


@dataclass(frozen=True)
class RawBatch:
    """Rows as a reader found them, under the file's own column names."""

    rows: pl.DataFrame
    lines: pl.Series
    """(rows,) where each row starts: the line of a text file, from 1, else the number of the row."""
    damaged: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DAMAGED))
    """What could not be taken apart: `line`, `reason`, `detail`, `row` (its text)."""
