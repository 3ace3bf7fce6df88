"""The queue of alerts: what wants somebody's eyes, until somebody has settled it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, delete, func, select, update

from penchant.data.database import Database
from penchant.errors import UnknownIdError
from penchant.language import Phrase
from penchant.service import tables

Severity = Literal["info", "warning", "critical"]
State = Literal["open", "settled"]


@dataclass(frozen=True)
class Alert:
    """One thing that happened."""

    number: int
    at: datetime
    rule: str
    """What noticed it: a rule of the YAML file, or a system such as `drift`."""
    severity: str
    message: Phrase
    state: str
    member_id: str | None = None
    settled_at: datetime | None = None
    settled_by: str | None = None
    note: str | None = None


class Alerts:
    """The alerts of one tenant, in the database."""

    def __init__(self, database: Database, tenant: str) -> None:
        self.database = database
        self.tenant = tenant

    def add(self, rule: str, message: Phrase, *, severity: Severity = "warning", member_id: str | None = None) -> Alert:
        """Put an alert into the queue; one that is open already, of the same rule and member, is not doubled."""
        columns = tables.alerts.c
        same = (columns.rule == rule) & (columns.state == "open")
        same &= columns.member_id.is_(None) if member_id is None else columns.member_id == member_id
        with tables.alone(self.database) as connection:
            found = connection.execute(select(tables.alerts).where(columns.tenant == self.tenant, same)).first()
            if found is None:
                row = {
                    "tenant": self.tenant, "at": tables.micros(), "rule": rule, "severity": severity,
                    "member_id": member_id, "message_en": message.en, "message_zh": message.zh, "state": "open",
                }  # fmt: skip
                key = connection.execute(tables.alerts.insert().values(**row)).inserted_primary_key
                assert key is not None
                found = connection.execute(select(tables.alerts).where(columns.key == key[0])).one()
            return _alert(found)

    def add_once(self, rule: str, message: Phrase, *, member_id: str, severity: Severity = "warning") -> bool:
        """Put an alert into the queue unless it was there before, settled or not; whether it is new."""
        columns = tables.alerts.c
        same = (columns.tenant == self.tenant) & (columns.rule == rule) & (columns.member_id == member_id)
        with self.database.reading() as connection:
            if connection.execute(select(columns.key).where(same)).first() is not None:
                return False
        self.add(rule, message, severity=severity, member_id=member_id)
        return True

    def list(
        self, *, state: State | None = None, before: int | None = None, member_id: str | None = None, limit: int = 100
    ) -> list[Alert]:
        """Alerts, the newest first.

        Args:
            state: only those in it.
            before: only those of smaller numbers.
            member_id: only those about a member.
            limit: how many.
        """
        columns = tables.alerts.c
        query = select(tables.alerts).where(columns.tenant == self.tenant).order_by(columns.key.desc()).limit(limit)
        if state is not None:
            query = query.where(columns.state == state)
        if before is not None:
            query = query.where(columns.key < before)
        if member_id is not None:
            query = query.where(columns.member_id == member_id)
        with self.database.reading() as connection:
            return [_alert(row) for row in connection.execute(query)]

    def count_open(self) -> int:
        """How many nobody has settled."""
        columns = tables.alerts.c
        query = select(func.count()).where(columns.tenant == self.tenant, columns.state == "open")
        with self.database.reading() as connection:
            return connection.scalar(query) or 0

    def get(self, number: int) -> Alert:
        """One alert.

        Raises:
            UnknownIdError: there is no such alert.
        """
        columns = tables.alerts.c
        query = select(tables.alerts).where(columns.tenant == self.tenant, columns.key == number)
        with self.database.reading() as connection:
            found = connection.execute(query).first()
        if found is None:
            raise UnknownIdError(f"no alert has the number {number}")
        return _alert(found)

    def settle(self, number: int, by: str, note: str | None = None) -> Alert:
        """Close an alert.

        Raises:
            UnknownIdError: there is no such alert.
        """
        columns = tables.alerts.c
        mine = (columns.tenant == self.tenant) & (columns.key == number)
        with self.database.writing() as connection:
            values = {"state": "settled", "settled_at": tables.micros(), "settled_by": by, "note": note}
            connection.execute(update(tables.alerts).where(mine, columns.state == "open").values(**values))
            found = connection.execute(select(tables.alerts).where(mine)).first()
        if found is None:
            raise UnknownIdError(f"no alert has the number {number}")
        return _alert(found)

    def forget(self, member_id: str) -> None:
        """Take out all alerts about a member."""
        columns = tables.alerts.c
        with self.database.writing() as connection:
            gone = (columns.tenant == self.tenant) & (columns.member_id == member_id)
            connection.execute(delete(tables.alerts).where(gone))


def _alert(row: Row[Any]) -> Alert:
    return Alert(
        row.key, tables.moment(row.at), row.rule, row.severity, Phrase(row.message_en, row.message_zh), row.state,
        row.member_id, None if row.settled_at is None else tables.moment(row.settled_at), row.settled_by, row.note,
    )  # fmt: skip
