"""What one worker changes and the others are to hear of: how often it has changed, counted in the database."""

from collections import Counter
from threading import Lock
from typing import Literal

from sqlalchemy import select, update

from penchant.data.database import Database
from penchant.errors import StorageError
from penchant.service import tables

What = Literal["ties", "items", "forgotten"]
"""Ties of members, items of the catalogue, members taken out everywhere."""


class Changes:
    """The counts of one tenant.

    Args:
        database: where.
        tenant: its name.
        shared: other processes change things too; a process alone counts in memory.
    """

    def __init__(self, database: Database, tenant: str, *, shared: bool) -> None:
        self.database = database
        self.tenant = tenant
        self.shared = shared
        self._lock = Lock()
        self._own: Counter[What] = Counter()
        self._heard: Counter[What] = Counter()
        """How often anybody changed something, as the database said last."""

    def tell(self, what: What) -> None:
        """Something has changed; to be called when the change is on disk, so that whoever hears of it finds it.

        Raises:
            StorageError: the database is out of reach, and the others were not told.
        """
        with self._lock:
            self._own[what] += 1
        if not self.shared:
            return
        columns = tables.changes.c
        mine = (columns.tenant == self.tenant) & (columns.what == what)
        try:
            with tables.alone(self.database) as connection:
                grown = connection.execute(update(tables.changes).where(mine).values(version=columns.version + 1))
                if not grown.rowcount:
                    row = {"tenant": self.tenant, "what": what, "version": 1}
                    connection.execute(tables.changes.insert().values(**row))
        except StorageError:
            with self._lock:
                self._own[what] -= 1
            raise

    def of_all(self, what: What) -> int:
        """How often anybody changed something; as far as was heard, while the database is out of reach."""
        if not self.shared:
            return self._own[what]
        columns = tables.changes.c
        query = select(columns.version).where(columns.tenant == self.tenant, columns.what == what)
        try:
            with self.database.reading() as connection:
                self._heard[what] = connection.scalar(query) or 0
        except StorageError:
            pass
        return self._heard[what]

    def of_others(self, what: What) -> int:
        """How often other processes did, and this one before it was started anew; it grows when they do."""
        return self.of_all(what) - self._own[what] if self.shared else 0
