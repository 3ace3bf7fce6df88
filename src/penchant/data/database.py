"""One way to reach SQLite and PostgreSQL: connections set up alike, bulk rows the fast way, errors in plain words."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from penchant.errors import ConfigError, InputError, MissingExtraError, StorageError

BATCH: Final = 50_000
"""Rows that travel to or from a database at a time."""

_WAIT_SECONDS: Final = 30
"""How long a writer waits for another one of the same SQLite file."""

_PRAGMAS: Final = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",
    "cache_size = -65536",  # 64 MiB
)
_FULL: Final = "the disk is full; free some space and run the same command again"
_ADVICE: Final = {
    "database or disk is full": _FULL,
    "unable to open database file": "there is no such folder, or no permission in it; choose another place",
    "readonly database": "there is no permission to write there; choose another folder or change its permissions",
    "disk i/o error": "the disk refused; it may be full, over quota or damaged",
    "database is locked": "another process is writing to it; try again when that has ended",
    "not a database": "the file is no SQLite database; move it away or name another",
    "does not exist": "create it first",
    "password authentication failed": "the password or the user is another; correct the address",
    "malformed": "the file is damaged; restore a backup, or read the data in again",
}
_STATES: Final = {
    "53100": "its disk is full; free some space and run the same command again",
    "42501": "the user has no permission; grant it CREATE on the database, or name another user",
    "25006": "the database is read-only; name one that can be written",
    "3D000": "there is no such database; create it first",
}


class Database:
    """A database by URL: `sqlite:///path`, `postgresql://user:password@host/name`, or the path of a SQLite file.

    SQLite runs with a write-ahead log and syncs every commit to disk. In PostgreSQL all tables stand in the schema
    `penchant`, apart from the user's own.

    Raises:
        ConfigError: the URL is of neither kind.
        MissingExtraError: PostgreSQL without the package psycopg.
    """

    def __init__(self, url: str | Path) -> None:
        self.url = _parse(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self.engine = create_engine(self.url, connect_args={"timeout": _WAIT_SECONDS})
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            self.engine = _postgres_engine(self.url)
            event.listen(self.engine, "connect", _prepare_postgres)

    def __str__(self) -> str:
        """The address without its password."""
        return self.url.set(drivername=self.url.get_backend_name()).render_as_string(hide_password=True)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the data, whatever others write meanwhile."""
        with self.errors(), self.engine.connect() as connection:
            options = {"yield_per": BATCH}
            if not self.is_sqlite:
                options["isolation_level"] = "REPEATABLE READ"  # type: ignore[assignment]
            with connection.execution_options(**options).begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on disk when the block ends, and never was if it raises."""
        with (
            self.errors(),
            self.engine.connect().execution_options(penchant_writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn the database's refusals into `StorageError` with what to do about them."""
        try:
            yield
        except PoolTimeoutError as error:
            raise StorageError(f"{self} has no connection free; try again") from error
        except DBAPIError as error:
            raise self._explained(error.orig or error) from error
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise self._explained(error) from error

    def settle(self) -> None:
        """After much was written: fold SQLite's log into its file, so that neither stays larger than it must be."""
        if self.is_sqlite:
            with self.errors(), self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA optimize")
                connection.commit()
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def scrub(self) -> None:
        """Write SQLite's file anew, so that no byte of what was deleted stays in it or in its log.

        Raises:
            StorageError: others are reading all the time, so that the log cannot be emptied.
        """
        if self.is_sqlite:
            with self.errors(), self.engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute("VACUUM")
                busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise StorageError(
                    f"what was deleted from {self} is gone from its tables and still in its log, because others are "
                    "reading; delete it once more when they have ended"
                )

    def only_one_prepares(self, connection: Connection) -> None:
        """Let one process at a time make tables; SQLite's writers are alone anyway."""
        if not self.is_sqlite:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7036874417)")
            connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS penchant")

    def _explained(self, error: BaseException) -> Exception:
        said = " ".join(str(error).split())
        state = getattr(error, "sqlstate", None)
        if state == "23505" or "UNIQUE constraint failed" in said:
            return InputError(f"an id stands twice; every row of a table needs one of its own ({said})")
        if state is not None and state.startswith("22"):
            return InputError(f"{self} cannot hold a value: {said}")
        if state is not None:
            advice = _STATES.get(state, "see the reason in brackets")
        elif "disk I/O error" in said and self._disk_is_full():
            advice = _FULL
        else:
            unknown = "see the reason in brackets" if self.is_sqlite else "it is out of reach; is it running?"
            advice = next((text for sign, text in _ADVICE.items() if sign in said.lower()), unknown)
        return StorageError(f"the store {self} cannot be used: {advice} ({said})")

    def _disk_is_full(self) -> bool:
        # SQLite cannot tell a full disk from a broken one where it grows the memory that its log is shared by.
        folder = Path(self.url.database or ".").parent
        return folder.is_dir() and shutil.disk_usage(folder).free < 1 << 20

    def insert(self, connection: Connection, table: str, rows: pl.DataFrame, *, once: bool = False) -> int:
        """Add many rows and return how many were added.

        Args:
            connection: inside `writing`.
            table: its name.
            rows: columns named as the table's.
            once: pass over rows that a unique index already holds, instead of failing.
        """
        if not len(rows):
            return 0
        columns = ", ".join(f'"{name}"' for name in rows.columns)
        driver = connection.connection.driver_connection
        assert driver is not None
        if not self.is_sqlite and not once:
            with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)") as copy:
                for part in rows.iter_slices(BATCH):
                    # Null is an empty field and empty text a quoted one, as COPY reads them.
                    text = io.BytesIO()
                    part.write_csv(text, include_header=False, quote_style="non_numeric")
                    copy.write(text.getvalue())
            return len(rows)
        mark = "?" if self.is_sqlite else "%s"
        statement = f"INSERT INTO {table} ({columns}) VALUES ({', '.join([mark] * rows.width)})"
        if once:
            statement += " ON CONFLICT DO NOTHING"
        cursor = driver.cursor()
        added = 0
        for part in rows.iter_slices(BATCH):
            cursor.executemany(statement, list(zip(*(series.to_list() for series in part), strict=True)))
            added += cursor.rowcount
        cursor.close()
        return added


def _parse(url: str | Path) -> URL:
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=str(url))
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The text may hold a password, so the message does not show it.
        raise ConfigError(
            "the address of the database cannot be read as a URL; write it as sqlite:///path or "
            "postgresql://user:password@host/name"
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return parsed
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(f"a store cannot stand in {backend!r}; SQLite and PostgreSQL can hold one")


def _postgres_engine(url: URL) -> Engine:
    try:
        return create_engine(url, connect_args={"connect_timeout": 10}, pool_pre_ping=True)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise MissingExtraError("psycopg", "postgres") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions by rules of its own; with None it leaves them to _begin_sqlite.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that will write says so at once: one that turns from reading to writing can fail halfway.
    writes = connection.get_execution_options().get("penchant_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgres(connection: Any, _record: object) -> None:
    connection.execute("SET search_path TO penchant")
    connection.commit()
