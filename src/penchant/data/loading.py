"""Filling a tenant's tables from parts that come in any size, as readers hand them over."""

from collections.abc import Iterable
from typing import Literal, cast

import polars as pl
from sqlalchemy import delete, select, text

from penchant.data import schema
from penchant.data.community import conform
from penchant.data.tenant import ID, Owner, TenantRows
from penchant.errors import ConfigError

UnknownMembers = Literal["error", "add"]
"""What becomes of rows that name a member who is not there: an error, or the member is added."""


class Loading:
    """One load in one transaction; it holds the ids of members and items in memory, and one part of all else."""

    def __init__(self, rows: TenantRows, unknown_members: UnknownMembers) -> None:
        self._rows = rows
        self._add_members = unknown_members == "add"
        self._known: dict[Owner, pl.DataFrame] = {}

    def replace(self, parts: Iterable[tuple[str, pl.DataFrame]]) -> None:
        """Take out what the tenant has, and add every part to its table."""
        connection, events = self._rows.connection, schema.events
        # Keeping an index in order row by row takes longer than the rows themselves, so where no other tenant has
        # events the indexes go first, and are made anew in the end.
        others = (events.c.tenant < self._rows.tenant, events.c.tenant > self._rows.tenant)
        alone = all(connection.scalar(select(events.c.key).where(those).limit(1)) is None for those in others)
        indexes = schema.EVENT_INDEXES if alone else ()
        for index in indexes:
            index.drop(connection)
        if alone:
            # Both empty the table at once; a deletion with a condition would go row by row.
            connection.execute(delete(events) if self._rows.database.is_sqlite else text("TRUNCATE events"))
        self._rows.clear()
        for name, part in parts:
            self._add(name, part)
        for index in indexes:
            index.create(connection)

    def _add(self, name: str, part: pl.DataFrame) -> None:
        rows = self._rows
        if name == "members" or name == "items":
            owner = cast(Owner, name)
            rows.insert_owned(owner, part)
            if owner in self._known:
                self._known[owner] = pl.concat([self._known[owner], rows.keys(owner, part[ID[owner]])])
        elif name == "events":
            part = conform(part, "events")
            rows.insert_events(part, self._members(part["member_id"]), self._keys("items"))
        elif name == "ties":
            part = conform(part, "ties")
            rows.insert_ties(part, self._members(part["member_id"], part["other_id"]))
        elif name == "labels":
            rows.insert_labels(part)
        else:
            raise ConfigError(f"no table is called {name!r}; there are members, items, events, ties and labels")

    def _keys(self, owner: Owner) -> pl.DataFrame:
        if owner not in self._known:
            self._known[owner] = self._rows.keys(owner)
        return self._known[owner]

    def _members(self, *named: pl.Series) -> pl.DataFrame:
        if self._add_members:
            self._known["members"] = self._rows.add_named(self._keys("members"), *named)
        return self._keys("members")
