"""The rows of one tenant inside one transaction: queries as frames, keys of ids, inserts and changes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import numpy as np
import polars as pl
from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, delete, func, select, update

from penchant.data import schema
from penchant.data.columns import TABLES, EventKind
from penchant.data.community import conform
from penchant.data.database import BATCH, Database
from penchant.data.rows import database_types, from_rows, schema_from_text, schema_to_text, to_rows
from penchant.errors import ColumnError, InputError, UnknownIdError
from penchant.vectors import chunks

Owner = Literal["members", "items"]
"""The tables whose rows have an id, and further columns of the user's own."""

ID: Final[dict[Owner, str]] = {"members": "member_id", "items": "item_id"}

# SQLite takes 32,766 parameters in one statement and PostgreSQL 65,535.
_PARAMETERS: Final = 10_000
_KEYS: Final[dict[str, pl.DataType]] = {"id": pl.String(), "key": pl.Int64()}
_TIE: Final = ["member", "other", "kind"]


class TenantRows:
    """What a store does within a transaction; every statement names the tenant.

    Args:
        database: where.
        connection: in a transaction of `database.reading()` or `database.writing()`.
        tenant: the tenant's key.
    """

    def __init__(self, database: Database, connection: Connection, tenant: int) -> None:
        self.database = database
        self.connection = connection
        self.tenant = tenant

    # -- queries --

    def frames(self, query: Select, types: Mapping[str, pl.DataType]) -> Iterator[pl.DataFrame]:
        """The answer to a query in parts, typed; at least one part, which may be empty."""
        empty = True
        with self.connection.execute(query) as result:
            for part in result.partitions(BATCH):
                columns = zip(types.items(), zip(*part, strict=True), strict=True)
                yield pl.DataFrame([pl.Series(name, values, dtype) for (name, dtype), values in columns])
                empty = False
        if empty:
            yield pl.DataFrame(schema=dict(types))

    def frame(self, query: Select, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
        """The answer to a query as one frame."""
        return pl.concat(self.frames(query, types)).rechunk()

    def owned(self, owner: Owner, ids: pl.Series | None = None) -> tuple[pl.DataFrame, pl.Series]:
        """Members or items in the order in which they came (all, or those of some ids), and their keys, ascending."""
        table = _table(owner)
        query = select(table.c.key, *(table.c[name] for name in TABLES[owner]), table.c.attributes)
        query = query.where(table.c.tenant == self.tenant).order_by(table.c.key)
        types = {"key": pl.Int64()} | database_types(owner) | {"attributes": pl.String()}
        if ids is None:
            rows = self.frame(query, types)
        else:
            rows = pl.concat([self.frame(part, types) for part in _among(query, table.c[ID[owner]], ids)]).sort("key")
        return from_rows(rows, owner, self.own_columns(owner)), rows["key"]

    def own_columns(self, owner: Owner) -> pl.Schema:
        """The user's own columns of members or items, with their types."""
        columns = schema.attribute_columns.c
        query = select(columns.columns).where(columns.tenant == self.tenant, columns.owner == owner)
        text = self.connection.scalar(query)
        return schema_from_text(text) if text else pl.Schema()

    def counts(self) -> dict[str, int]:
        """Rows by table."""
        counted = {}
        for name in TABLES:
            query = select(func.count()).where(_table(name).c.tenant == self.tenant)
            counted[name] = self.connection.scalar(query) or 0
        return counted

    # -- keys --

    def keys(self, owner: Owner, ids: pl.Series | None = None) -> pl.DataFrame:
        """`id` and `key` of those of the ids that are here; of all members or items if no ids are given."""
        table = _table(owner)
        query = select(table.c[ID[owner]], table.c.key).where(table.c.tenant == self.tenant)
        if ids is None:
            return self.frame(query, _KEYS)
        return pl.concat([self.frame(part, _KEYS) for part in _among(query, table.c[ID[owner]], ids)])

    def key(self, owner: Owner, identifier: str) -> int:
        """The key of one id.

        Raises:
            UnknownIdError: where the id is not here.
        """
        found = self.keys(owner, pl.Series([identifier], dtype=pl.String))
        if not len(found):
            raise self.unknown(owner, identifier)
        return int(found["key"][0])

    def event_keys(self, keys: pl.Series) -> pl.Series:
        """Those of some keys of events that are here already."""
        events = schema.events.c
        wanted = keys.drop_nulls()
        if not len(wanted):
            return pl.Series("event_key", [], dtype=pl.String)
        query = select(events.event_key).where(events.tenant == self.tenant)
        types = {"event_key": pl.String()}
        return pl.concat([self.frame(part, types) for part in _among(query, events.event_key, wanted)])["event_key"]

    def unknown(self, owner: Owner, identifier: str) -> UnknownIdError:
        """What to raise where an id is not here."""
        count = self.counts()[owner]
        return UnknownIdError(f"no {owner[:-1]} has the id {identifier!r}; the store has {count} {owner}")

    def add_named(self, known: pl.DataFrame, *ids: pl.Series) -> pl.DataFrame:
        """Add members who are only named somewhere; the keys of all, known and new."""
        named = pl.DataFrame({"id": pl.concat([part.alias("id") for part in ids]).unique(maintain_order=True)})
        new = named.join(known, on="id", how="anti", maintain_order="left")["id"].alias("member_id")
        if not len(new):
            return known
        self.insert_owned("members", new.to_frame(), once=True)
        return pl.concat([known, self.keys("members", new)])

    # -- inserts --

    def insert_owned(self, owner: Owner, table: pl.DataFrame, *, once: bool = False) -> None:
        """Add members or items, and what own columns they bring."""
        rows = to_rows(self._with_own_types(owner, conform(table, owner)), owner)
        _refuse_doubled(rows, owner)
        self.database.insert(self.connection, owner, self._owned_by_tenant(rows), once=once)

    def insert_events(
        self, events: pl.DataFrame, member_keys: pl.DataFrame, item_keys: pl.DataFrame, *, once: bool = False
    ) -> int:
        """Add conformed events (a further column `event_key` is kept); how many were added."""
        lacking = events.filter(pl.col("item_id").is_null() & (pl.col("kind") != EventKind.SEARCH))
        if len(lacking):
            raise InputError(
                f"{len(lacking)} events have no item_id, the first of kind {lacking['kind'][0]!r}; "
                "only search events may lack one"
            )
        rows = to_rows(events, "events").select(
            _keyed(events["member_id"], member_keys, "member"),
            _keyed(events["item_id"], item_keys, "item"),
            pl.exclude("member_id", "item_id"),
        )
        if "event_key" in events.columns:
            rows = rows.with_columns(events["event_key"])
        return self.database.insert(self.connection, "events", self._owned_by_tenant(rows), once=once)

    def insert_ties(self, ties: pl.DataFrame, member_keys: pl.DataFrame) -> None:
        """Add conformed ties."""
        self.database.insert(self.connection, "ties", self._owned_by_tenant(_tie_rows(ties, member_keys)))

    def insert_labels(self, labels: pl.DataFrame) -> None:
        """Add labels."""
        rows = to_rows(conform(labels, "labels"), "labels")
        self.database.insert(self.connection, "labels", self._owned_by_tenant(rows))

    # -- changes --

    def upsert_owned(self, owner: Owner, table: pl.DataFrame) -> None:
        """Add members or items, or change those that are here; columns that are not handed in keep what they hold."""
        identifier = ID[owner]
        if identifier not in table.columns:
            raise ColumnError(f"the table {owner} has no column {identifier!r}; it has {', '.join(table.columns)}")
        table = table.with_columns(pl.col(identifier).cast(pl.String))
        _refuse_doubled(table, owner)
        stored, keys = self.owned(owner, table[identifier])
        kept = stored.select(identifier, pl.exclude(*table.columns)).with_columns(keys)
        merged = table.join(kept, on=identifier, how="left", maintain_order="left")
        new = merged["key"].is_null()
        # Where all are new there is nothing to keep, and a required column that is lacking must be told of.
        self.insert_owned(owner, merged.filter(new).drop("key") if len(kept) else table)
        changed = merged.filter(~new)
        if not len(changed):
            return
        rows = to_rows(self._with_own_types(owner, conform(changed.drop("key"), owner)), owner)
        target = _table(owner)
        statement = update(target).where(target.c.key == bindparam("changed_key"))
        values = rows.drop(identifier).with_columns(changed["key"].alias("changed_key")).to_dicts()
        self.connection.execute(statement.values({name: bindparam(name) for name in rows.columns[1:]}), values)

    def upsert_ties(self, ties: pl.DataFrame) -> None:
        """Add ties, or give those that are here their new time."""
        rows = self._known_tie_rows(ties).unique(_TIE, keep="last", maintain_order=True)
        stored = self._stored_ties(rows)
        target = schema.ties
        changed = [
            {"changed_key": key, "at": at} for at, key in rows.join(stored, on=_TIE).select("at", "key").iter_rows()
        ]
        if changed:
            statement = update(target).where(target.c.key == bindparam("changed_key")).values(at=bindparam("at"))
            self.connection.execute(statement, changed)
        new = rows.join(stored, on=_TIE, how="anti", maintain_order="left")
        self.database.insert(self.connection, "ties", self._owned_by_tenant(new))

    def delete_ties(self, ties: pl.DataFrame) -> int:
        """Take out ties; how many there were."""
        rows = self._known_tie_rows(ties)
        stored = self._stored_ties(rows).join(rows, on=_TIE, how="semi")
        return self.delete(schema.ties, "key", stored["key"].to_list())

    def delete(self, table: Table, column: str, values: Sequence[str | int]) -> int:
        """Take out the rows whose column holds one of the values; how many there were."""
        deleted = 0
        for part in chunks(len(values), _PARAMETERS):
            statement = delete(table).where(table.c.tenant == self.tenant, table.c[column].in_(values[part]))
            deleted += self.connection.execute(statement).rowcount
        return deleted

    def put_verdicts(self, build: str, system: str, verdicts: pl.DataFrame) -> None:
        """Replace what a system of a build says of members."""
        target = schema.verdicts
        mine = (target.c.tenant == self.tenant) & (target.c.build == build) & (target.c.system == system)
        self.connection.execute(delete(target).where(mine))
        ids = verdicts["member_id"].cast(pl.String)
        rows = pl.select(
            _keyed(ids, self.keys("members", ids), "member"),
            verdicts["verdict"].cast(pl.String),
            build=pl.lit(build),
            system=pl.lit(system),
        )
        self.database.insert(self.connection, "verdicts", self._owned_by_tenant(rows))

    def clear(self) -> None:
        """Take out all of the tenant's rows."""
        # Those that point come before those they point to, so that no row is looked for twice.
        for table in reversed(schema.metadata.sorted_tables):
            if "tenant" in table.c:
                self.connection.execute(delete(table).where(table.c.tenant == self.tenant))

    def _with_own_types(self, owner: Owner, table: pl.DataFrame) -> pl.DataFrame:
        """The table with the tenant's own columns in their types; columns not seen before become the tenant's."""
        own = self.own_columns(owner)
        brought = pl.Schema({name: dtype for name, dtype in table.schema.items() if name not in TABLES[owner]})
        if new := {name: dtype for name, dtype in brought.items() if name not in own}:
            target = schema.attribute_columns
            mine = (target.c.tenant == self.tenant) & (target.c.owner == owner)
            self.connection.execute(delete(target).where(mine))
            own = pl.Schema({**own, **new})
            self.connection.execute(
                target.insert().values(tenant=self.tenant, owner=owner, columns=schema_to_text(own))
            )
        casts = []
        for name, dtype in brought.items():
            casts.append(table[name].cast(own[name], strict=False))
            if casts[-1].null_count() > table[name].null_count():
                raise ColumnError(
                    f"the column {name!r} of {owner} holds {own[name]} in the store, and {dtype} was handed in; "
                    "convert it, or give it another name"
                )
        return table.with_columns(casts)

    def _owned_by_tenant(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(tenant=pl.lit(self.tenant, dtype=pl.Int32))

    def _known_tie_rows(self, ties: pl.DataFrame) -> pl.DataFrame:
        ties = conform(ties, "ties")
        return _tie_rows(
            ties, self.keys("members", pl.concat([ties["member_id"], ties["other_id"].alias("member_id")]))
        )

    def _stored_ties(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`key` and what it ties, of all ties of the members on the left side of some rows."""
        ties = schema.ties.c
        query = select(ties.key, ties.member, ties.other, ties.kind).where(ties.tenant == self.tenant)
        types = {"key": pl.Int64(), "member": pl.Int64(), "other": pl.Int64(), "kind": pl.String()}
        return pl.concat([self.frame(part, types) for part in _among(query, ties.member, rows["member"])])


def rows_of_keys(of: pl.Series, keys: pl.Series) -> pl.Series:
    """The place of each key among the ascending keys, as a row number (UInt32); null stays null."""
    known = of.is_not_null().to_numpy()
    rows = np.searchsorted(keys.to_numpy(), of.fill_null(0).to_numpy()).astype(np.uint32)
    return pl.select(pl.when(pl.Series(known)).then(pl.Series(rows)).alias(of.name)).to_series()


def _table(name: str) -> Table:
    return schema.metadata.tables[name]


def _among(query: Select, column: ColumnElement, values: pl.Series) -> list[Select]:
    """The query for some values of a column, as often as their number demands; at least once."""
    wanted = values.drop_nulls().unique().to_list()
    return [query.where(column.in_(wanted[part])) for part in chunks(max(len(wanted), 1), _PARAMETERS)]


def _keyed(ids: pl.Series, keys: pl.DataFrame, name: str) -> pl.Series:
    found = ids.alias("id").to_frame().join(keys, on="id", how="left", maintain_order="left")["key"].alias(name)
    unknown = ids.filter(found.is_null() & ids.is_not_null())
    if len(unknown):
        raise UnknownIdError(
            f"{len(unknown)} rows name an unknown {'item' if name == 'item' else 'member'}, the first {unknown[0]!r}; "
            "add it before what names it"
        )
    return found


def _refuse_doubled(table: pl.DataFrame, owner: Owner) -> None:
    doubled = table[ID[owner]].filter(table[ID[owner]].is_duplicated())
    if len(doubled):
        raise InputError(f"{owner[:-1]} ids must be unique; found twice: {doubled[0]!r}")


def _tie_rows(ties: pl.DataFrame, member_keys: pl.DataFrame) -> pl.DataFrame:
    return to_rows(ties, "ties").select(
        _keyed(ties["member_id"], member_keys, "member"),
        _keyed(ties["other_id"], member_keys, "other"),
        "kind",
        "at",
    )
