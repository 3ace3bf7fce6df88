"""The audit log: who did what, in a chain where each entry seals the one before it.

An entry about a member holds a keyed hash of their id. The key stands in a row of its own that goes when the member is
forgotten; then nobody can tell any more whom the entry was about, and the chain is still whole.
"""

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select

from penchant.data.database import Database
from penchant.service import tables

_LOG = logging.getLogger("penchant.service")

FIRST: Final = "0" * 64
"""What the first entry seals."""
_PART: Final = 1_000


@dataclass(frozen=True)
class Entry:
    """One line of the log."""

    place: int
    """From 1, without gaps."""
    at: datetime
    who: str
    """A key's id, a user's name, or `command line`."""
    action: str
    about: str
    """What it was done to: an item, a build, a key; for a member, a keyed hash."""
    details: Mapping[str, Any]
    digest: str


@dataclass(frozen=True)
class Checked:
    """How far a chain was found whole."""

    place: int
    """Of the last entry; 0 where there is none."""
    digest: str
    at: datetime
    """When it was walked from its first entry."""


@dataclass(frozen=True)
class Broken:
    """Where a chain does not hold."""

    place: int
    why: str


class Audit:
    """The log of one tenant."""

    def __init__(self, database: Database, tenant: str) -> None:
        self.database = database
        self.tenant = tenant
        self._checked: Checked | None = None

    def add(
        self, who: str, action: str, about: str = "", *, member_id: str | None = None, details: Mapping[str, Any] = {}
    ) -> Entry:
        """Write an entry, on disk when this returns.

        Args:
            who: did it.
            action: a short word or two, such as `promote build`.
            about: what it was done to, where that is no member.
            member_id: whom it was done to; kept as a keyed hash.
            details: what else, as JSON can hold it; nothing personal.

        Raises:
            StorageError: the database is out of reach; then what was to be logged must not be done.
        """
        told = json.dumps(dict(details), ensure_ascii=False, sort_keys=True, default=str)
        with tables.alone(self.database) as connection:
            if member_id is not None:
                about = self._hash(connection, member_id)
            last = self._last(connection)
            place, previous = (last.place + 1, last.digest) if last is not None else (1, FIRST)
            at = tables.micros()
            digest = _seal(self.tenant, place, at, who, action, about, told, previous)
            connection.execute(
                tables.audit.insert().values(
                    tenant=self.tenant, place=place, at=at, who=who, action=action, about=about, details=told,
                    previous=previous, digest=digest,
                )
            )  # fmt: skip
        # The log of the process holds the newest seal too, so that cutting off the chain's end is seen.
        _LOG.info("audit", extra={"told": {"place": place, "action": action, "seal": digest}})
        return Entry(place, tables.moment(at), who, action, about, json.loads(told), digest)

    def entries(self, *, before: int | None = None, limit: int = 100, member_id: str | None = None) -> list[Entry]:
        """The latest entries, the newest first.

        Args:
            before: only entries of smaller places.
            limit: how many.
            member_id: only those about a member.
        """
        log = tables.audit.c
        query = select(tables.audit).where(log.tenant == self.tenant).order_by(log.place.desc()).limit(limit)
        if before is not None:
            query = query.where(log.place < before)
        with self.database.reading() as connection:
            if member_id is not None:
                secret = self._secret(connection, member_id)
                if secret is None:
                    return []
                query = query.where(log.about == _keyed(secret, member_id))
            return [_entry(row) for row in connection.execute(query)]

    def check(self) -> Broken | None:
        """Walk the chain from its first entry; None where it holds."""
        found = self._walk(Checked(0, FIRST, datetime.now(UTC)))
        self._checked = found if isinstance(found, Checked) else None
        return found if isinstance(found, Broken) else None

    def check_on(self, *, whole_every: timedelta = timedelta(hours=1)) -> Checked | Broken:
        """Walk what came since the chain was walked last, or the whole of it where that was long ago.

        An entry before that may be changed unseen until the whole is walked again; one that is cut off is seen at once.

        Args:
            whole_every: after so long the whole chain is walked.
        """
        known = self._checked
        if known is None or datetime.now(UTC) - known.at >= whole_every:
            known = Checked(0, FIRST, datetime.now(UTC))
        found = self._walk(known)
        self._checked = found if isinstance(found, Checked) else None
        return found

    def _walk(self, known: Checked) -> Checked | Broken:
        """Walk on from where the chain is known to be whole."""
        place, previous = known.place, known.digest
        # The last entry known is read again, so that a chain that was cut off there, or written anew, is seen.
        again = place > 0
        for row in self._rows(max(place - 1, 0)):
            if again:
                again = False
                if row.place != place:
                    return Broken(place, f"entry {place} is missing")
                if row.digest != previous:
                    return Broken(place, f"entry {place} is not what was sealed")
                continue
            if row.place != place + 1:
                return Broken(place + 1, f"entry {place + 1} is missing")
            sealed = _seal(row.tenant, row.place, row.at, row.who, row.action, row.about, row.details, previous)
            if row.previous != previous or row.digest != sealed:
                return Broken(row.place, f"entry {row.place} is not what was sealed")
            place, previous = row.place, row.digest
        if place and (last := self._highest()) < place:
            return Broken(last + 1, f"entry {last + 1} is missing")
        return Checked(place, previous, known.at)

    def forget(self, member_id: str) -> None:
        """Destroy the key of a member's entries; they stay, and tell of nobody."""
        mine = (tables.subjects.c.tenant == self.tenant) & (tables.subjects.c.member_id == member_id)
        with self.database.writing() as connection:
            connection.execute(delete(tables.subjects).where(mine))

    def _highest(self) -> int:
        with self.database.reading() as connection:
            return (
                connection.scalar(select(func.max(tables.audit.c.place)).where(tables.audit.c.tenant == self.tenant))
                or 0
            )

    def _rows(self, place: int) -> Iterator[Row[Any]]:
        """The entries after a place, the oldest first."""
        log = tables.audit.c
        with self.database.reading() as connection:
            while True:
                query = select(tables.audit).where(log.tenant == self.tenant, log.place > place)
                rows = connection.execute(query.order_by(log.place).limit(_PART)).fetchall()
                if not rows:
                    return
                yield from rows
                place = rows[-1].place

    def _last(self, connection: Connection) -> Row[Any] | None:
        log = tables.audit.c
        place = connection.scalar(select(func.max(log.place)).where(log.tenant == self.tenant))
        if place is None:
            return None
        return connection.execute(select(tables.audit).where(log.tenant == self.tenant, log.place == place)).one()

    def _hash(self, connection: Connection, member_id: str) -> str:
        secret = self._secret(connection, member_id)
        if secret is None:
            secret = secrets.token_hex(32)
            row = {"tenant": self.tenant, "member_id": member_id, "secret": secret}
            connection.execute(tables.subjects.insert().values(**row))
        return _keyed(secret, member_id)

    def _secret(self, connection: Connection, member_id: str) -> str | None:
        subjects = tables.subjects.c
        query = select(subjects.secret).where(subjects.tenant == self.tenant, subjects.member_id == member_id)
        return connection.scalar(query)


def _keyed(secret: str, member_id: str) -> str:
    return hmac.new(bytes.fromhex(secret), member_id.encode(), hashlib.sha256).hexdigest()


def _seal(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.place, tables.moment(row.at), row.who, row.action, row.about, json.loads(row.details), row.digest)
