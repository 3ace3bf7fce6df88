"""Tables of an SQL database as batches of columns."""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from penchant.data.batches import RawBatch
from penchant.errors import MissingExtraError, ReadError

if TYPE_CHECKING:
    from sqlalchemy import Engine

_ROWS: Final = 50_000
_PLAIN: Final = {str, int, float, bool, date, datetime}


def is_database_url(source: str) -> bool:
    """Whether a source is an address such as `sqlite:///shop.db`, and not a path.

    >>> is_database_url("postgresql+psycopg://user@host/shop"), is_database_url("data/shop")
    (True, False)
    """
    return re.match(r"^[a-z][a-z0-9+_]*://", source) is not None


def connect(url: str) -> "Engine":
    """An engine for a database URL that answers.

    Raises:
        ReadError: the URL means nothing, or the database does not answer; a password is not shown.
        MissingExtraError: its driver is not installed.
    """
    import sqlalchemy as sa

    if url.startswith(("http://", "https://", "ftp://")):
        raise ReadError(f"{url} is on the network; download it and read the folder it is in")
    try:
        address = sa.make_url(url)
        if address.drivername in ("postgresql", "postgres"):
            address = address.set(drivername="postgresql+psycopg")
        shown = address.render_as_string(hide_password=True)
        if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
            # SQLite would make an empty database here.
            raise ReadError(f"there is no database file {address.database!r}; write sqlite:///path/to/file.db")
        # Without a pool, a connection that is given back is closed.
        engine = sa.create_engine(address, poolclass=sa.NullPool)
        with engine.connect():
            return engine
    except sa.exc.ArgumentError as error:
        raise ReadError(f"the address of the database cannot be understood: {error}") from None
    except ModuleNotFoundError as error:
        if error.name == "psycopg":
            raise MissingExtraError("psycopg", "postgres") from error
        raise ReadError(f"{shown} needs the package {error.name}, which is not installed: pip install it") from error
    except sa.exc.SQLAlchemyError as error:
        raise ReadError(f"{shown} does not answer: {_first_line(error)}") from error


class DatabaseTable:
    """A table, or the rows of a query; iterate for its batches.

    Args:
        engine: where it is.
        source: a table, `schema.table`, or a SELECT.

    Raises:
        ReadError: the database refuses.
    """

    def __init__(self, engine: "Engine", source: str) -> None:
        self.engine = engine
        self.source = source
        self.size = self.bytes_read = 0

    def __iter__(self) -> Iterator[RawBatch]:
        import sqlalchemy as sa

        statement = self.source
        if not is_query(statement):
            quote = self.engine.dialect.identifier_preparer.quote_identifier
            statement = "SELECT * FROM " + ".".join(quote(part) for part in self.source.split("."))
        try:
            # No types from the database's own description: SQLite keeps to none, and the door checks all.
            query = sa.text(statement.replace(":", r"\:"))
            with (
                self.engine.connect().execution_options(stream_results=True) as connection,
                connection.execute(query) as result,
            ):
                names = list(result.keys())
                yield RawBatch(pl.DataFrame(schema=dict.fromkeys(names, pl.String)), pl.Series([], dtype=pl.Int64))
                row = 1
                for rows in result.partitions(_ROWS):
                    columns = [_column(name, [cells[place] for cells in rows]) for place, name in enumerate(names)]
                    yield RawBatch(pl.DataFrame(columns), pl.int_range(row, row + len(rows), eager=True))
                    row += len(rows)
        except sa.exc.SQLAlchemyError as error:
            raise ReadError(f"the database cannot read {self.source!r}: {_first_line(error)}") from error


def is_query(source: str) -> bool:
    """Whether a source is a SELECT and not the name of a table."""
    return re.match(r"^\s*(select|with)\s", source, re.IGNORECASE) is not None


def table_names(engine: "Engine") -> list[str]:
    """Tables and views of the database's default schema."""
    import sqlalchemy as sa

    try:
        inspector = sa.inspect(engine)
        return sorted([*inspector.get_table_names(), *inspector.get_view_names()])
    except sa.exc.SQLAlchemyError as error:
        raise ReadError(f"the tables of the database cannot be listed: {_first_line(error)}") from error


def _column(name: str, cells: list[Any]) -> pl.Series:
    """One column; as texts where its cells are of several types, as SQLite allows, or of the database's own."""
    kinds = set(map(type, cells)) - {type(None)}
    if len(kinds) == 1 and kinds <= _PLAIN:
        try:
            return pl.Series(name, cells, strict=True)
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            # Numbers or times that are too large for a column of numbers or times.
            pass
    return pl.Series(name, [None if cell is None else _text(cell) for cell in cells], dtype=pl.String)


def _text(cell: Any) -> str:
    if isinstance(cell, bytes | memoryview):
        return bytes(cell).decode(errors="backslashreplace")
    if isinstance(cell, list | dict):
        return json.dumps(cell, ensure_ascii=False, default=str)
    return str(cell)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().split("\n")[0]
