"""Parquet files as batches of typed columns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from penchant.data.batches import RawBatch
from penchant.errors import ReadError

_ROWS: Final = 200_000


class ParquetFile:
    """A Parquet file; iterate for its batches.

    Raises:
        ReadError: it is no Parquet file, is cut short, or its contents are damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size if path.exists() else 0
        self.bytes_read = 0

    def __iter__(self) -> Iterator[RawBatch]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self.path) as file:
                count = max(file.metadata.num_rows, 1)
                yield RawBatch(_frame(file.schema_arrow.empty_table()), pl.Series([], dtype=pl.Int64))
                row = 1
                for batch in file.iter_batches(_ROWS):
                    # A text column that holds no UTF-8 must not reach what trusts it.
                    batch.validate(full=True)
                    yield RawBatch(_frame(batch), pl.int_range(row, row + len(batch), eager=True))
                    row += len(batch)
                    self.bytes_read = self.size * (row - 1) // count
        except pa.ArrowInvalid as error:
            raise ReadError(
                f"{self.path} is not a Parquet file, or is cut short or damaged: {str(error).splitlines()[0]}. "
                "Write or copy it again; text files want the suffix .csv or .jsonl"
            ) from error
        except (OSError, pa.ArrowException) as error:
            raise ReadError(f"{self.path} cannot be read: {str(error).splitlines()[0]}") from error


def _frame(table: object) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
