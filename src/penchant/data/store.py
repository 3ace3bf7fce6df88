"""Where a community is kept: SQLite by default, PostgreSQL by URL, the same answers from both."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Connection, inspect, select, text

from penchant.data import erasure, schema
from penchant.data.appending import Appended as Appended
from penchant.data.appending import Batch, Written, append_batches, append_together
from penchant.data.columns import EVENTS
from penchant.data.community import Community
from penchant.data.database import BATCH, Database
from penchant.data.interactions import seconds
from penchant.data.loading import Loading, UnknownMembers
from penchant.data.rows import database_types, from_rows
from penchant.data.tenant import Owner, TenantRows, rows_of_keys
from penchant.errors import StorageError

_NONE = pl.Schema()


class Store:
    """The tables of one tenant in a database; every row belongs to a tenant, and no call reaches another's.

    Each call is one transaction: on disk when it returns, and as if never made when it raises or the process dies.

    Args:
        url: `sqlite:///path`, the path of a SQLite file, or `postgresql://user:password@host/name`.
        tenant: whose data; made at the first use of the name.

    Raises:
        StorageError: the database is out of reach, refuses to write, or was made by another version of Penchant.
        ConfigError: the URL cannot be understood.

    >>> store = Store("sqlite://")
    >>> store.write(Community.from_tables(
    ...     items=pl.DataFrame({"item_id": ["p1"], "title": ["Kettle"]}),
    ...     events=pl.DataFrame(
    ...         {"member_id": ["m1"], "item_id": ["p1"], "kind": ["buy"], "at": [datetime(2026, 1, 5)]}
    ...     ),
    ... ))
    >>> store.read()
    Community(members=1, items=1, events=1, ties=0, labels=0)
    """

    def __init__(self, url: str | Path, tenant: str = "default") -> None:
        self.database = Database(url)
        self.tenant = tenant
        try:
            self._tenant = self._prepare()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"Store({str(self.database)!r}, tenant={self.tenant!r})"

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a store that is used again opens them again."""
        self.database.close()

    # -- whole communities --

    def write(self, community: Community) -> None:
        """Make the community all that this tenant has: what was there before, verdicts included, is replaced."""
        tables = {"members": community.members, "items": community.items, "ties": community.with_ids("ties")}
        events = (community.with_events(part).with_ids("events") for part in community.events.iter_slices(BATCH))
        self.load(chain(tables.items(), (("events", part) for part in events), [("labels", community.labels)]))

    def load(
        self, parts: Iterable[tuple[str, pl.DataFrame]], *, unknown_members: UnknownMembers = "error"
    ) -> dict[str, int]:
        """Replace all of the tenant's data by tables that come in parts, so that they may be larger than memory.

        A part is a table's name and a frame with its columns and string ids, as `Community.from_tables` takes. Members
        and items come before the rows that name them; only their ids are held in memory.

        Args:
            parts: in the order in which rows are to be kept.
            unknown_members: what becomes of ties and events that name a member who has not come.

        Returns:
            Rows by table.

        Raises:
            InputError: a part breaks a rule of its table (see `Community.from_tables`); nothing is changed then.

        >>> items = pl.DataFrame({"item_id": ["p1"], "title": ["Kettle"]})
        >>> Store("sqlite://").load([("items", items)])["items"]
        1
        """
        with self._writing() as rows:
            Loading(rows, unknown_members).replace(parts)
            counted = rows.counts()
        self.database.settle()
        return counted

    def read(self) -> Community:
        """The tenant's community, its rows in the order in which they came and its events in order of time.

        What was written as a community reads back with the same fingerprint.
        """
        events, ties, labels = schema.events.c, schema.ties.c, schema.labels.c
        with self._reading() as rows:
            members, member_keys = rows.owned("members")
            items, item_keys = rows.owned("items")
            types = {"member": pl.Int64(), "item": pl.Int64()} | database_types("events")
            query = select(*(events[name] for name in types)).where(events.tenant == rows.tenant)
            # Each part shrinks to row numbers before the next is read.
            parts = [
                from_rows(part, "events", _NONE).select(
                    rows_of_keys(part["member"], member_keys), rows_of_keys(part["item"], item_keys), pl.all()
                )
                for part in rows.frames(query.order_by(events.at, events.key), types)
            ]
            types = {"member": pl.Int64(), "other": pl.Int64()} | database_types("ties")
            query = select(*(ties[name] for name in types)).where(ties.tenant == rows.tenant).order_by(ties.key)
            tied = rows.frame(query, types)
            types = database_types("labels")
            query = select(*(labels[name] for name in types)).where(labels.tenant == rows.tenant).order_by(labels.key)
            labelled = from_rows(rows.frame(query, types), "labels", _NONE)
        return Community(
            members,
            items,
            pl.concat(parts).rechunk(),
            from_rows(tied, "ties", _NONE).select(
                rows_of_keys(tied["member"], member_keys), rows_of_keys(tied["other"], member_keys), pl.all()
            ),
            labelled,
        )

    def counts(self) -> dict[str, int]:
        """Rows by table."""
        with self._reading() as rows:
            return rows.counts()

    # -- changes --

    def append_events(
        self, events: pl.DataFrame, *, key: str | None = None, unknown_members: UnknownMembers = "error"
    ) -> Appended:
        """Add a batch of events, all or none, durably: they are on disk when this returns.

        Args:
            events: the columns of `EVENTS` with string ids; a further column `event_key` may name each event.
            key: names the batch, as one that is retried over a network needs: its n-th event is then the same event
                each time.
            unknown_members: what becomes of an event of a member who is not here: refuse the batch, or add the member.

        Returns:
            How many were added, and how many were passed over because their key is here already.

        Raises:
            UnknownIdError: an event names an unknown item, or an unknown member under `unknown_members="error"`.
            InputError: a value is missing, or no database can keep it.
        """
        named = Batch(events, key).named()
        with self._writing() as rows:
            member_keys = rows.keys("members", named["member_id"])
            if unknown_members == "add":
                member_keys = rows.add_named(member_keys, named["member_id"])
            item_keys = rows.keys("items", named["item_id"])
            added = rows.insert_events(named, member_keys, item_keys, once="event_key" in named.columns)
        return Appended(added, len(named) - added)

    def append_batches(self, batches: Sequence[Batch]) -> list[Written]:
        """Add several batches in one transaction, with members who are new; all are on disk when this returns.

        Where many senders write at once, one wait for the disk serves them all. Events with unknown items are left out
        and told of, batch by batch.

        Raises:
            InputError: a value is missing, or no database can keep it; then no batch is written.
        """
        with self._writing() as rows:
            return append_batches(rows, batches)

    def append_together(self, events: pl.DataFrame, lengths: Sequence[int]) -> list[Written]:
        """The same for batches that stand in one table already, one below the other.

        Args:
            events: with the columns and types of `EVENTS` and a further column `event_key`.
            lengths: events of each batch.

        Raises:
            InputError: a value is missing, or no database can keep it; then no batch is written.
        """
        with self._writing() as rows:
            return append_together(rows, events, lengths)

    def upsert_members(self, members: pl.DataFrame) -> None:
        """Add members, or change those that are here; a column that is not handed in keeps what it holds."""
        with self._writing() as rows:
            rows.upsert_owned("members", members)

    def upsert_items(self, items: pl.DataFrame) -> None:
        """Add items, or change those that are here; a column that is not handed in keeps what it holds."""
        with self._writing() as rows:
            rows.upsert_owned("items", items)

    def upsert_ties(self, ties: pl.DataFrame) -> None:
        """Add ties between members who are here; one that is here already takes the new time."""
        with self._writing() as rows:
            rows.upsert_ties(ties)

    def append_labels(self, labels: pl.DataFrame) -> None:
        """Add labelled texts, or labelled items, durably; a text that is labelled already keeps that answer as well.

        Raises:
            InputError: a row has no labels.
        """
        with self._writing() as rows:
            rows.insert_labels(labels)

    def delete_items(self, item_ids: Iterable[str]) -> int:
        """Take items out, their events with them; how many there were.

        What members did with an item still tells of them: to stop recommending it, set `available` to false instead.
        """
        with self._writing() as rows:
            return rows.delete(schema.items, "item_id", list(item_ids))

    def delete_ties(self, ties: pl.DataFrame) -> int:
        """Take out the ties with these `member_id`, `other_id` and `kind`; how many there were."""
        with self._writing() as rows:
            return rows.delete_ties(ties)

    def forget(self, *member_ids: str) -> int:
        """Take out members with all their events, ties and verdicts; how many members there were.

        In SQLite no byte of them stays in the file or its log. PostgreSQL frees the space at its next vacuum.
        """
        with self._writing() as rows:
            forgotten = rows.delete(schema.members, "member_id", member_ids)
        self.database.scrub()
        return forgotten

    def delete_labels(self, texts: Iterable[str]) -> int:
        """Take out the labelled texts that are one of these; how many there were."""
        with self._writing() as rows:
            return rows.delete(schema.labels, "text", list(texts))

    def forget_beside(self, member_id: str) -> int:
        """Take a member out of tables that others, such as the service, keep in the same database; how many rows."""
        with self._writing() as rows:
            return erasure.forget_beside(rows, self.tenant, member_id)

    def replace_texts(self, holding: Sequence[str], change: Callable[[str], str]) -> int:
        """Change what members, other members and verdicts say wherever it holds any of some strings.

        Args:
            holding: what makes a text worth a look, in any letter case.
            change: gives the text as it shall be.

        Returns:
            How many texts came out different.
        """
        with self._writing() as rows:
            return erasure.replace_texts(rows, holding, change)

    def expire(self, *, events: datetime | None = None, texts: datetime | None = None) -> tuple[int, int]:
        """Delete events from before a moment, and of younger ones the texts from before another; how many of each."""
        with self._writing() as rows:
            gone = erasure.expire_events(rows, events) if events is not None else 0
            emptied = erasure.expire_texts(rows, texts) if texts is not None else 0
        if gone or emptied:
            self.database.scrub()
        return gone, emptied

    # -- one member, one item --

    def member(self, member_id: str) -> dict[str, Any]:
        """One member's row, with the user's own columns.

        Raises:
            UnknownIdError: where there is no such member.
        """
        return self._one("members", member_id)

    def item(self, item_id: str) -> dict[str, Any]:
        """One item's row, with the user's own columns.

        Raises:
            UnknownIdError: where there is no such item.
        """
        return self._one("items", item_id)

    def items(self, item_ids: Sequence[str]) -> pl.DataFrame:
        """The rows of those of some items that are here, with the user's own columns, the oldest first."""
        with self._reading() as rows:
            found, _ = rows.owned("items", pl.Series(item_ids, dtype=pl.String))
        return found

    def history(self, member_id: str, *, since: datetime | None = None, limit: int | None = None) -> pl.DataFrame:
        """One member's events in order of time, with the columns of `EVENTS`.

        Args:
            member_id: whose.
            since: only events at this time or later.
            limit: only so many of the latest.

        Raises:
            UnknownIdError: where there is no such member.
        """
        events, items = schema.events.c, schema.items.c
        types = {"item_id": pl.String()} | database_types("events")
        query = select(items.item_id, *(events[name] for name in types if name != "item_id"))
        query = query.select_from(schema.events.outerjoin(schema.items, events.item == items.key))
        if since is not None:
            query = query.where(events.at >= round(seconds(since) * 1e6))
        with self._reading() as rows:
            query = query.where(events.member == rows.key("members", member_id))
            found = rows.frame(query.order_by(events.at.desc(), events.key.desc()).limit(limit), types)
        named = found.reverse().with_columns(pl.lit(member_id).alias("member_id"))
        return from_rows(named, "events", _NONE).select(*EVENTS)

    def ties_of(self, member_id: str) -> pl.DataFrame:
        """The ties from and to one member, with the columns of `TIES`.

        Raises:
            UnknownIdError: where there is no such member.
        """
        ties, source, target = schema.ties.c, schema.members.alias("source"), schema.members.alias("target")
        query = select(source.c.member_id, target.c.member_id.label("other_id"), ties.kind, ties.at)
        query = query.join(source, source.c.key == ties.member).join(target, target.c.key == ties.other)
        types = {"member_id": pl.String(), "other_id": pl.String()} | database_types("ties")
        with self._reading() as rows:
            member = rows.key("members", member_id)
            of_member = query.where((ties.member == member) | (ties.other == member))
            return from_rows(rows.frame(of_member.order_by(ties.key), types), "ties", _NONE)

    # -- verdicts --

    def put_verdicts(self, build: str, system: str, verdicts: pl.DataFrame) -> None:
        """Keep what a system of a build says of members, in place of what it said before.

        Args:
            build: the build's version.
            system: its name, such as `drift`.
            verdicts: columns `member_id` and `verdict` (JSON), one row a member.

        Raises:
            UnknownIdError: a verdict on a member who is not here.
        """
        with self._writing() as rows:
            rows.put_verdicts(build, system, verdicts)

    def verdicts(self, build: str, system: str) -> pl.DataFrame:
        """What a system of a build says of members: columns `member_id` and `verdict` (JSON)."""
        verdicts, members = schema.verdicts.c, schema.members.c
        query = select(members.member_id, verdicts.verdict).join(schema.members, members.key == verdicts.member)
        with self._reading() as rows:
            query = query.where(
                verdicts.tenant == rows.tenant, verdicts.build == build, verdicts.system == system
            ).order_by(verdicts.member)
            return rows.frame(query, {"member_id": pl.String(), "verdict": pl.String()})

    def verdicts_of(self, member_id: str) -> pl.DataFrame:
        """All that is said of one member: columns `build`, `system` and `verdict` (JSON).

        Raises:
            UnknownIdError: where there is no such member.
        """
        verdicts = schema.verdicts.c
        query = select(verdicts.build, verdicts.system, verdicts.verdict).order_by(verdicts.build, verdicts.system)
        with self._reading() as rows:
            query = query.where(verdicts.member == rows.key("members", member_id))
            return rows.frame(query, {"build": pl.String(), "system": pl.String(), "verdict": pl.String()})

    def drop_verdicts(self, build: str) -> int:
        """Take out all verdicts of a build that is no more; how many there were."""
        with self._writing() as rows:
            return rows.delete(schema.verdicts, "build", [build])

    # -- inside --

    @contextmanager
    def _reading(self) -> Iterator[TenantRows]:
        with self.database.reading() as connection:
            yield TenantRows(self.database, connection, self._tenant)

    @contextmanager
    def _writing(self) -> Iterator[TenantRows]:
        with self.database.writing() as connection:
            yield TenantRows(self.database, connection, self._tenant)

    def _one(self, owner: Owner, identifier: str) -> dict[str, Any]:
        with self._reading() as rows:
            found, _ = rows.owned(owner, pl.Series([identifier], dtype=pl.String))
            if not len(found):
                raise rows.unknown(owner, identifier)
        return found.row(0, named=True)

    def _prepare(self) -> int:
        """Make the tables and the tenant where they are lacking; the tenant's key."""
        tenants = schema.tenants
        by_name = select(tenants.c.key).where(tenants.c.name == self.tenant)
        with self.database.reading() as connection:
            if self._checked(connection) and (key := connection.scalar(by_name)) is not None:
                return key
        with self.database.writing() as connection:
            self.database.only_one_prepares(connection)
            if not self._checked(connection):
                schema.metadata.create_all(connection)
                connection.execute(schema.schema_version.insert().values(version=schema.SCHEMA_VERSION))
            key = connection.scalar(by_name)
            if key is None:
                connection.execute(tenants.insert().values(name=self.tenant))
                key = connection.scalar(by_name)
            assert key is not None
            return key

    def _checked(self, connection: Connection) -> bool:
        """Whether the tables are there.

        Raises:
            StorageError: they are, but those of another version.
        """
        if not inspect(connection).has_table("schema_version"):
            return False
        version = connection.scalar(text("SELECT max(version) FROM schema_version"))
        if version != schema.SCHEMA_VERSION:
            older = version is None or version < schema.SCHEMA_VERSION
            raise StorageError(
                f"the store {self.database} has tables of version {version}, and this Penchant works with version "
                f"{schema.SCHEMA_VERSION}: "
                + ("read the data into a new store" if older else "upgrade Penchant, or name another store")
            )
        return True
