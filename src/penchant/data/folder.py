"""A community written as a folder of files that `penchant.read` takes: the way out, as the readers are the way in."""

from pathlib import Path
from typing import Final, Literal

import polars as pl

from penchant.artifacts import storage_errors
from penchant.data.community import Community

LIST_SEPARATOR: Final = "|"
"""Between the entries of a list in one cell of a CSV file, as the readers expect it."""


_TIME: Final = "%Y-%m-%dT%H:%M:%S%.fZ"

Form = Literal["csv", "jsonl", "parquet"]
"""The ending of the files, which says what they are."""


def write_folder(community: Community, folder: Path | str, *, form: Form = "csv") -> list[Path]:
    """Write the tables that have rows, each to a file of its name; other files of the folder are left alone.

    In CSV a list is one cell with `|` between its entries, so an entry with a `|` of its own would come back as two;
    JSON Lines and Parquet keep lists as they are.

    Returns:
        The files, in the order of the tables.

    Raises:
        StorageError: the folder cannot be written.

    >>> from datetime import datetime
    >>> from tempfile import TemporaryDirectory
    >>> shop = Community.from_tables(
    ...     items=pl.DataFrame({"item_id": ["p1"], "title": ["Kettle"], "tags": [["new", "steel"]]}),
    ...     events=pl.DataFrame({"member_id": ["m"], "item_id": ["p1"], "kind": ["buy"], "at": [datetime(2026, 1, 5)]}),
    ... )
    >>> with TemporaryDirectory() as folder:
    ...     [path.name for path in write_folder(shop, folder)], (Path(folder) / "items.csv").read_text()
    (['members.csv', 'items.csv', 'events.csv'], 'item_id,title,tags\\np1,Kettle,new|steel\\n')
    """
    folder = Path(folder)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in community.tables():
        table = community.with_ids(name) if name in ("events", "ties") else community.tables()[name]
        if not len(table):
            continue
        table = table.select(column for column in table.columns if table[column].null_count() < len(table))
        path = folder / f"{name}.{form}"
        with storage_errors(path):
            if form == "parquet":
                table.write_parquet(path)
            elif form == "jsonl":
                times = [column for column, dtype in table.schema.items() if isinstance(dtype, pl.Datetime)]
                table.with_columns(pl.col(times).dt.strftime(_TIME)).write_ndjson(path)
            else:
                lists = [column for column, dtype in table.schema.items() if isinstance(dtype, pl.List)]
                table.with_columns(pl.col(lists).list.join(LIST_SEPARATOR)).write_csv(path, datetime_format=_TIME)
        written.append(path)
    return written
