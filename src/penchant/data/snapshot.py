"""A community frozen in a folder, row numbers and all: what a build was made from."""

from pathlib import Path
from typing import Final

import polars as pl

from penchant.artifacts import load_artifact, save_artifact, storage_errors
from penchant.data.columns import TABLES
from penchant.data.community import Community
from penchant.errors import ArtifactError, ColumnError

_KIND: Final = "community"


def save_community(community: Community, folder: Path) -> None:
    """Write the five tables as Parquet, with checksums.

    Raises:
        StorageError: the folder cannot be written.
        ColumnError: a column of Python objects, which no file holds.
    """
    for name, table in community.tables().items():
        try:
            with storage_errors(folder):
                table.write_parquet(folder / f"{name}.parquet", compression="zstd")
        except pl.exceptions.PolarsError as error:
            raise ColumnError(f"the table {name} cannot be written as Parquet: {error}") from error
    save_artifact(folder, _KIND, files=[f"{name}.parquet" for name in TABLES])


def load_community(folder: Path) -> Community:
    """Read back what `save_community` wrote: the same tables with the same row numbers.

    Raises:
        ArtifactError: the folder is absent, unfinished or changed.
    """
    load_artifact(folder, _KIND)
    try:
        return Community(**{name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES})
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ArtifactError(f"the community in {folder} cannot be read ({error}); build it again") from error
