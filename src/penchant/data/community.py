"""A community: members, items, events, ties and labels as five frozen tables, checked once at the door."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.data.columns import (
    EVENTS,
    LABELS,
    REQUIRED,
    TABLES,
    TIES,
    EventKind,
    Schema,
)
from penchant.data.vocabulary import Vocabulary
from penchant.errors import ColumnError, InputError, UnknownIdError

_DIGESTED: Final = 100_000
"""Cells hashed at a time, so that a fingerprint holds no second copy of a column."""


@dataclass(frozen=True, eq=False)
class Community:
    """Five tables whose rows are checked and whose ids are row numbers.

    Build one with `from_tables` or `penchant.read`; never change a table in place.
    `events` is sorted by time and holds `member` and `item` (row numbers, UInt32; a search has no item) in place of
    the ids; `ties` holds `member` and `other`. `members` and `items` keep their ids, in row order, and the user's own
    further columns.

    >>> shop = Community.from_tables(
    ...     items=pl.DataFrame({"item_id": ["p1"], "title": ["Kettle"]}),
    ...     events=pl.DataFrame(
    ...         {"member_id": ["m1"], "item_id": ["p1"], "kind": ["buy"], "at": [datetime(2026, 1, 5)]}
    ...     ),
    ... )
    >>> shop
    Community(members=1, items=1, events=1, ties=0, labels=0)
    """

    members: pl.DataFrame
    items: pl.DataFrame
    events: pl.DataFrame
    ties: pl.DataFrame
    labels: pl.DataFrame

    @classmethod
    def from_tables(
        cls,
        items: pl.DataFrame,
        events: pl.DataFrame,
        members: pl.DataFrame | None = None,
        ties: pl.DataFrame | None = None,
        labels: pl.DataFrame | None = None,
    ) -> "Community":
        """Check five tables with string ids and make a community of them.

        Without a members table, the members are those that the events and ties name.

        Raises:
            ColumnError: a required column is missing or cannot be cast to its type.
            InputError: a value is missing where one is required, an id stands twice, or `at` is not a time.
            UnknownIdError: an event or tie names a member or item that is not in its table.
        """
        items = conform(items, "items")
        events = conform(events, "events")
        ties = conform(ties if ties is not None else pl.DataFrame(schema=TIES), "ties")
        labels = conform(labels if labels is not None else pl.DataFrame(schema=LABELS), "labels")
        if members is None:
            named = pl.concat([events["member_id"], ties["member_id"], ties["other_id"].alias("member_id")])
            members = pl.DataFrame({"member_id": named.unique().sort()})
        members = conform(members, "members")
        member_ids = Vocabulary(members["member_id"], name="member")
        item_ids = Vocabulary(items["item_id"], name="item")
        lacking = events.filter(pl.col("item_id").is_null() & (pl.col("kind") != EventKind.SEARCH))
        if len(lacking):
            raise InputError(
                f"{len(lacking)} events have no item_id, the first of kind {lacking['kind'][0]!r}; "
                "only search events may lack one"
            )
        encoded = events.select(
            _encode(member_ids, events["member_id"]).alias("member"),
            _encode(item_ids, events["item_id"]).alias("item"),
            *(pl.col(name) for name in EVENTS if name not in ("member_id", "item_id")),
        ).sort("at", maintain_order=True)
        encoded_ties = ties.select(
            _encode(member_ids, ties["member_id"]).alias("member"),
            _encode(member_ids, ties["other_id"]).alias("other"),
            "kind",
            "at",
        )
        community = cls(members, items, encoded, encoded_ties, labels)
        community.__dict__["member_ids"] = member_ids
        community.__dict__["item_ids"] = item_ids
        return community

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={len(table)}" for name, table in self.tables().items())
        return f"Community({sizes})"

    @cached_property
    def member_ids(self) -> Vocabulary:
        """Member ids and their rows."""
        return Vocabulary(self.members["member_id"], name="member")

    @cached_property
    def item_ids(self) -> Vocabulary:
        """Item ids and their rows."""
        return Vocabulary(self.items["item_id"], name="item")

    @cached_property
    def titles(self) -> list[str]:
        """Title of each item row."""
        return self.items["title"].to_list()

    @cached_property
    def item_texts(self) -> list[str]:
        """What each item row is about, for an encoder: title, categories, tags and description."""
        rows = self.items.select(
            pl.concat_str(
                pl.col("title"),
                pl.col("categories").list.join(", "),
                pl.col("tags").list.join(", "),
                pl.col("text"),
                separator=". ",
                ignore_nulls=True,
            )
        )
        return rows.to_series().to_list()

    @property
    def now(self) -> datetime | None:
        """The time of the last event: the present, as far as the data knows. None without events."""
        return self.events["at"][-1] if len(self.events) else None

    def tables(self) -> dict[str, pl.DataFrame]:
        """The five tables by name, with row numbers where events and ties have them."""
        return {name: getattr(self, name) for name in TABLES}

    @cached_property
    def _by_member(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the events, member by member, and where in them each member's begin."""
        members = self.events["member"].to_numpy()
        counts = np.bincount(members, minlength=len(self.members))
        return np.argsort(members, kind="stable"), np.concatenate([[0], np.cumsum(counts)])

    def events_of(self, member: int) -> pl.DataFrame:
        """The events of one member row, in order of time; after the first question found without a search."""
        order, offsets = self._by_member
        return self.events[order[offsets[member] : offsets[member + 1]]]

    def with_events(self, events: pl.DataFrame) -> "Community":
        """The same members, items and row numbers with other events (rows of this community's `events`)."""
        other = replace(self, events=events.sort("at", maintain_order=True))
        for name in ("member_ids", "item_ids", "titles", "item_texts"):
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other

    def with_ids(self, table: str) -> pl.DataFrame:
        """`events` or `ties` with string ids again, as they were handed in."""
        if table == "events":
            return self.events.select(
                self.member_ids.decode(self.events["member"]).alias("member_id"),
                self.item_ids.decode(self.events["item"]).alias("item_id"),
                pl.exclude("member", "item"),
            )
        return self.ties.select(
            self.member_ids.decode(self.ties["member"]).alias("member_id"),
            self.member_ids.decode(self.ties["other"]).alias("other_id"),
            "kind",
            "at",
        )

    def member(self, member_id: str) -> dict[str, Any]:
        """The row of one member as a dictionary.

        Raises:
            UnknownIdError: where there is no such member.
        """
        return self.members.row(self.member_ids.row(member_id), named=True)

    def fingerprint(self, *tables: str) -> str:
        """A SHA-256 over the contents of the named tables (all five if none is named): equal data, equal hash."""
        digest = hashlib.sha256()
        for name in tables or tuple(TABLES):
            table: pl.DataFrame = getattr(self, name)
            digest.update(f"{name} {len(table)} {table.schema}".encode())
            for column in table:
                _digest(digest, column)
        return digest.hexdigest()


def _digest(digest: Any, column: pl.Series) -> None:
    """Feed a column's values to a hash in a form that equal columns share, however each lies in memory."""
    missing = column.is_null()
    digest.update(missing.to_numpy().tobytes() if missing.any() else b"whole")
    if isinstance(column.dtype, pl.Null):
        return
    if isinstance(column.dtype, pl.Struct):
        for part in column.struct.unnest():
            _digest(digest, part)
        return
    if isinstance(column.dtype, pl.Array):
        column = column.arr.to_list()
    if isinstance(column.dtype, pl.List):
        digest.update(column.list.len().fill_null(0).to_numpy().tobytes())
        _digest(digest, column.explode(empty_as_null=False, keep_nulls=False))
        return
    # What lies under a missing value is left over from before.
    column = column.drop_nulls()
    if isinstance(column.dtype, (pl.Categorical, pl.Enum, pl.Decimal)):
        column = column.cast(pl.String)
    elif column.dtype.is_float():
        # Zero has two signs, and they are equal.
        column = column + 0.0
    column = column.to_physical()
    for start in range(0, len(column), _DIGESTED):
        part = column.slice(start, _DIGESTED)
        if part.dtype in (pl.String, pl.Binary):
            part = part.cast(pl.Binary)
            digest.update(part.bin.size().to_numpy().tobytes())
            digest.update(b"".join(part))
        else:
            digest.update(part.to_numpy().tobytes())


def _encode(vocabulary: Vocabulary, ids: pl.Series) -> pl.Series:
    rows = vocabulary.encode(ids)
    unknown = ids.filter(rows.is_null() & ids.is_not_null())
    if len(unknown):
        raise UnknownIdError(
            f"{len(unknown)} rows name a {vocabulary.name} that is not in its table, the first {unknown[0]!r}; "
            "add it there, or read the files with penchant.read, which rejects and counts such rows"
        )
    return rows


def conform(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """The table with every column of its schema, in order and typed; members and items keep further columns."""
    schema: Schema = TABLES[name]
    for column in REQUIRED[name]:
        if column not in table.columns:
            raise ColumnError(f"the table {name} has no column {column!r}; it has {', '.join(table.columns) or 'none'}")
    casts = []
    for column, dtype in schema.items():
        if column not in table.columns:
            casts.append(pl.lit(None, dtype=dtype).alias(column))
        elif isinstance(dtype, pl.Datetime) and isinstance(table.schema[column], pl.Datetime):
            casts.append(_utc(column, table.schema[column]))
        else:
            casts.append(pl.col(column).cast(dtype))
    extra = [column for column in table.columns if column not in schema] if name in ("members", "items") else []
    try:
        table = table.select(*casts, *extra)
    except pl.exceptions.PolarsError as error:
        raise ColumnError(f"the table {name} cannot take its types {dict(schema)}: {error}") from error
    for column in REQUIRED[name]:
        empty = table[column].null_count()
        if empty:
            raise InputError(f"{empty} rows of the table {name} have no {column}; every row needs one")
    return table


def _utc(column: str, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """A time without a zone is taken as UTC; one with a zone is converted."""
    moment = pl.col(column).cast(pl.Datetime("us", getattr(dtype, "time_zone", None)))
    if getattr(dtype, "time_zone", None) is None:
        return moment.dt.replace_time_zone("UTC")
    return moment.dt.convert_time_zone("UTC")
