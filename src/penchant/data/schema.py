"""The tables of the store, in SQLite and PostgreSQL alike.

Members and items have a number, `key`, that is given once and never again; it keeps the order in which they came, and
events and ties point to it. Times are microseconds since 1970, UTC. Lists and attributes are JSON.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION: Final = 1
"""The number of this layout of tables; a store of another is refused with the reason."""

metadata = MetaData()

_Key = BigInteger().with_variant(Integer, "sqlite")


def _key() -> Column:
    return Column("key", _Key, primary_key=True, autoincrement=True)


def _tenant() -> Column:
    return Column("tenant", Integer, ForeignKey("tenants.key"), nullable=False)


def _member(name: str = "member", *, index: bool = False) -> Column:
    return Column(name, _Key, ForeignKey("members.key", ondelete="CASCADE"), nullable=False, index=index)


schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

tenants = Table("tenants", metadata, Column("key", Integer, primary_key=True), Column("name", Text, unique=True))

attribute_columns = Table(
    "attribute_columns",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("columns", Text, nullable=False),
)
"""Names and types of the user's own columns, for each of `members` and `items`: an empty Arrow stream in base64."""

members = Table(
    "members",
    metadata,
    _key(),
    _tenant(),
    Column("member_id", Text, nullable=False),
    Column("joined_at", BigInteger),
    Column("consent", Boolean),
    Column("private", Boolean),
    Column("attributes", Text),
    UniqueConstraint("tenant", "member_id"),
    sqlite_autoincrement=True,
)

items = Table(
    "items",
    metadata,
    _key(),
    _tenant(),
    Column("item_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text),
    Column("categories", Text),
    Column("tags", Text),
    Column("price", Double),
    Column("seller", Text),
    Column("available", Boolean),
    Column("created_at", BigInteger),
    Column("attributes", Text),
    UniqueConstraint("tenant", "item_id"),
    sqlite_autoincrement=True,
)

events = Table(
    "events",
    metadata,
    _key(),
    _tenant(),
    _member(),
    Column("item", _Key, ForeignKey("items.key", ondelete="CASCADE")),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("amount", Double),
    Column("duration", Double),
    Column("text", Text),
    Column("event_key", Text),
    sqlite_autoincrement=True,
)

EVENT_INDEXES: Final = (
    Index("events_of_member", events.c.member, events.c.at, events.c.key),
    Index("events_of_item", events.c.item),
    Index("events_in_time", events.c.tenant, events.c.at, events.c.key),
    Index(
        "events_once",
        events.c.tenant,
        events.c.event_key,
        unique=True,
        sqlite_where=events.c.event_key.is_not(None),
        postgresql_where=events.c.event_key.is_not(None),
    ),
)
"""Made after a bulk load, because filling them row by row would take longer than the rows themselves."""

ties = Table(
    "ties",
    metadata,
    _key(),
    _tenant(),
    _member(index=True),
    _member("other", index=True),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger),
)

labels = Table(
    "labels",
    metadata,
    _key(),
    _tenant(),
    Column("text", Text),
    Column("item_id", Text),
    Column("labels", Text, nullable=False),
    Column("split", Text),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("tenant", Integer, ForeignKey("tenants.key"), primary_key=True),
    Column("build", Text, primary_key=True),
    Column("system", Text, primary_key=True),
    Column("member", _Key, ForeignKey("members.key", ondelete="CASCADE"), primary_key=True, index=True),
    Column("verdict", Text, nullable=False),
)
"""What a system of a build says of a member, as JSON."""
