"""What every importer gives back, and how it finds and reads its publisher's files."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from penchant.data.community import Community
from penchant.errors import ColumnError, ReadError
from penchant.language import Phrase


@dataclass(frozen=True)
class Imported:
    """A community and what became of the rows it was made from: nothing is left out silently."""

    community: Community
    rejected: dict[Phrase, int] = field(default_factory=dict)
    """Rows left out, by reason."""
    changed: dict[Phrase, int] = field(default_factory=dict)
    """Rows kept with something mended, by what was mended."""


def occurred(reasons: dict[Phrase, int]) -> dict[Phrase, int]:
    """The reasons that occurred at all.

    >>> occurred({Phrase("empty", "为空"): 2, Phrase("torn", "残缺"): 0})
    {Phrase(en='empty', zh='为空'): 2}
    """
    return {reason: count for reason, count in reasons.items() if count}


def find_file(folder: Path, *names: str) -> Path | None:
    """The first of these files that is in the folder, plain or gzipped; None where there is none."""
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    return None


def need_file(folder: Path, *names: str) -> Path:
    """The first of these files that is in the folder, plain or gzipped.

    Raises:
        ReadError: none of them is there.
    """
    path = find_file(folder, *names)
    if path is None:
        raise ReadError(
            f"{folder} has no file {' or '.join(names)} (nor a .gz of it); put it there or name another folder"
        )
    return path


def read_separated(
    path: Path,
    columns: list[str],
    *,
    separator: str = ",",
    header: bool = True,
    quoted: bool = True,
    encoding: str = "utf-8",
) -> pl.DataFrame:
    """A delimited file, gzipped or not, with these columns (among others) as text.

    Args:
        path: the file.
        columns: names that must be there; of a file without a header, the names of its first columns.
        separator: between values.
        header: whether the first line holds names.
        quoted: whether quotation marks enclose values; False keeps them as part of a title.
        encoding: `utf-8`, or one that Python knows by name.

    Raises:
        ReadError: the file cannot be read as such a table.
        ColumnError: a column is missing.
    """
    try:
        table = pl.read_csv(
            path if encoding == "utf-8" else _decoded(path, encoding),
            separator=separator,
            has_header=header,
            quote_char='"' if quoted else None,
            infer_schema=False,
        )
    except (pl.exceptions.PolarsError, OSError, UnicodeError, EOFError) as error:
        raise ReadError(f"{path} cannot be read as a table: {error}") from error
    if not header:
        if table.width < len(columns):
            raise ColumnError(f"{path} has {table.width} columns; {len(columns)} were wanted: {', '.join(columns)}")
        return table.rename(dict(zip(table.columns, columns, strict=False)))
    table = table.rename(lambda name: name.removeprefix("\ufeff").strip())
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ColumnError(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.columns)}")
    return table


def _decoded(path: Path, encoding: str) -> bytes:
    """The file's text in UTF-8; polars unzips what it reads, but only where that is UTF-8 already."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        return stream.read().decode(encoding).encode()


def read_atomic(path: Path, columns: list[str]) -> pl.DataFrame:
    """One of RecBole's atomic files: tabs between values, a header of `name:type`.

    Raises:
        ReadError: the file cannot be read.
        ColumnError: a column is missing.
    """
    table = read_separated(path, [], separator="\t", quoted=False).rename(lambda name: name.split(":")[0])
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ColumnError(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.columns)}")
    return table


def from_seconds(column: str) -> pl.Expr:
    """A column of whole seconds since 1970 as times in UTC."""
    whole = pl.col(column).cast(pl.Float64).cast(pl.Int64)
    return pl.from_epoch(whole, time_unit="s").dt.cast_time_unit("us").dt.replace_time_zone("UTC")


Importer = Callable[[Path], Imported]
"""Reads one publisher's folder."""
