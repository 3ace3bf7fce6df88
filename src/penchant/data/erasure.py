"""Taking out of the store what should be kept no longer: texts that name somebody, rows past their time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Column, Table, bindparam, delete, or_, select, update

from penchant.data import schema
from penchant.data.interactions import seconds
from penchant.data.tenant import TenantRows

_WRITTEN: Final[tuple[tuple[Table, Column, tuple[Column, ...]], ...]] = (
    (schema.members, schema.members.c.attributes, (schema.members.c.key,)),
    (schema.events, schema.events.c.text, (schema.events.c.key,)),
    (schema.labels, schema.labels.c.text, (schema.labels.c.key,)),
    (
        schema.verdicts,
        schema.verdicts.c.verdict,
        (schema.verdicts.c.build, schema.verdicts.c.system, schema.verdicts.c.member),
    ),
)
"""Where texts stand that are not the shop's own, and what names a row of each."""


def replace_texts(rows: TenantRows, holding: Sequence[str], change: Callable[[str], str]) -> int:
    """Change the texts that hold any of some strings, in any letter case; how many came out different."""
    changed = 0
    for table, column, keys in _WRITTEN if holding else ():
        query = select(*keys, column).where(table.c.tenant == rows.tenant)
        query = query.where(or_(*(column.contains(one, autoescape=True) for one in holding)))
        values = []
        for *key, text in rows.connection.execute(query).fetchall():
            if (other := change(text)) != text:
                values.append({f"key_{place}": part for place, part in enumerate(key)} | {"changed": other})
        if values:
            statement = update(table).where(table.c.tenant == rows.tenant)
            for place, key in enumerate(keys):
                statement = statement.where(key == bindparam(f"key_{place}"))
            rows.connection.execute(statement.values({column.name: bindparam("changed")}), values)
        changed += len(values)
    return changed


def expire_events(rows: TenantRows, before: datetime) -> int:
    """Delete events from before a moment; how many there were."""
    events = schema.events.c
    old = (events.tenant == rows.tenant) & (events.at < round(seconds(before) * 1e6))
    return rows.connection.execute(delete(schema.events).where(old)).rowcount


def expire_texts(rows: TenantRows, before: datetime) -> int:
    """Empty the texts of reviews and the like from before a moment, and delete searches, which are nothing else."""
    events = schema.events.c
    old = (events.tenant == rows.tenant) & (events.at < round(seconds(before) * 1e6)) & events.text.is_not(None)
    searched = rows.connection.execute(delete(schema.events).where(old, events.item.is_(None))).rowcount
    return searched + rows.connection.execute(update(schema.events).where(old).values(text=None)).rowcount
