"""The service's own tables, beside the community's in the same database: keys, users, audit, alerts and so on.

Rows name their tenant in words. Times are microseconds since 1970, UTC, as in `penchant.data.schema`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, MetaData, Table, Text, UniqueConstraint

from penchant.data.database import Database

metadata = MetaData()

_Key = BigInteger().with_variant(Integer, "sqlite")

keys = Table(
    "service_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)
"""API keys; of the secret, its SHA-256 alone."""

users = Table(
    "service_users",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""Who may log in to the console; of the password, its scrypt alone."""

sessions = Table(
    "service_sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
"""Logins that last; of the cookie, its SHA-256 alone."""

audit = Table(
    "service_audit",
    metadata,
    Column("key", _Key, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("digest", Text, nullable=False),
    UniqueConstraint("tenant", "place"),
    sqlite_autoincrement=True,
)
"""Who did what, each entry sealed with the one before; triggers refuse changes."""

subjects = Table(
    "service_subjects",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("member_id", Text, primary_key=True),
    Column("secret", Text, nullable=False),
)
"""The secret that hashes a member's id in the audit log; gone with the member, and the entries tell of nobody."""

exposures = Table(
    "service_exposures",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("trial", Text, primary_key=True),
    Column("member_id", Text, primary_key=True),
    Column("arm", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""When a member first got an answer in a trial, and from which of its builds."""

alerts = Table(
    "service_alerts",
    metadata,
    Column("key", _Key, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("member_id", Text),
    Column("message_en", Text, nullable=False),
    Column("message_zh", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("settled_at", BigInteger),
    Column("settled_by", Text),
    Column("note", Text),
    Index("service_alerts_open", "tenant", "state", "key"),
    sqlite_autoincrement=True,
)
"""What wants somebody's eyes, until somebody has settled it."""

reviews = Table(
    "service_reviews",
    metadata,
    Column("key", _Key, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("correction", Text),
    Column("member_id", Text),
    Column("said", Text),
    Index("service_reviews_about", "tenant", "kind", "about"),
    sqlite_autoincrement=True,
)
"""What people said of labels, names and verdicts: approved or corrected; training reads it."""

changes = Table(
    "service_changes",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)
"""How often something has changed, so that a worker hears of what another one took."""

_LOCK: Final = 7036874418


def micros(moment: datetime | None = None) -> int:
    """Microseconds since 1970 of a moment; of now if absent.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return int((moment or datetime.now(UTC)).timestamp() * 1_000_000)


def moment(micros: int) -> datetime:
    """The inverse of `micros`."""
    return datetime.fromtimestamp(micros / 1_000_000, UTC)


@contextmanager
def alone(database: Database) -> Iterator[Connection]:
    """A writing transaction that no other of its kind runs beside: SQLite's writers are alone anyway."""
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        yield connection
