"""Taking out of the store what should be kept no longer: texts that name somebody, rows past their time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Column, Table, bindparam, column, delete, inspect, or_, select, table, update

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
    for of, written, keys in _WRITTEN if holding else ():
        query = select(*keys, written).where(of.c.tenant == rows.tenant)
        query = query.where(or_(*(written.contains(one, autoescape=True) for one in holding)))
        values = []
        for *key, text in rows.connection.execute(query).fetchall():
            if (other := change(text)) != text:
                values.append({f"key_{place}": part for place, part in enumerate(key)} | {"changed": other})
        if values:
            statement = update(of).where(of.c.tenant == rows.tenant)
            for place, named in enumerate(keys):
                statement = statement.where(named == bindparam(f"key_{place}"))
            rows.connection.execute(statement.values({written.name: bindparam("changed")}), values)
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


def forget_beside(rows: TenantRows, tenant: str, member_id: str) -> int:
    """Delete the rows of a member from tables that others keep in the same database, such as those of the service.

    Such a table has a column `member_id`, and a column `tenant` with the tenant's name where it holds several.
    """
    deleted = 0
    found = inspect(rows.connection)
    for name in found.get_table_names():
        columns = {column["name"] for column in found.get_columns(name)}
        if name in schema.metadata.tables or "member_id" not in columns:
            continue
        other = table(name, column("member_id"), column("tenant"))
        mine = other.c.member_id == member_id
        if "tenant" in columns:
            mine &= other.c.tenant == tenant
        deleted += rows.connection.execute(delete(other).where(mine)).rowcount
    return deleted
