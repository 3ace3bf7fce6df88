"""Batches of events that are written together: one transaction, one wait for the disk, each judged by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from penchant.data.community import conform
from penchant.data.tenant import TenantRows


class Appended(NamedTuple):
    """How many events an append added, and how many were here already."""

    added: int
    repeated: int


@dataclass(frozen=True, eq=False)
class Batch:
    """Events of one sender, with the key that makes sending them twice the same as once."""

    events: pl.DataFrame
    """The columns of `EVENTS` with string ids; a further column `event_key` may name each event."""
    key: str | None = None
    """Names the batch: its n-th event is then the same event each time."""

    def named(self) -> pl.DataFrame:
        """The events conformed, with their keys where they have any."""
        named = conform(self.events, "events")
        if "event_key" in self.events.columns:
            return named.with_columns(self.events["event_key"].cast(pl.String))
        if self.key is not None:
            return named.with_columns(event_key=pl.format("{}/{}", pl.lit(self.key), pl.int_range(pl.len())))
        return named


@dataclass(frozen=True)
class Written:
    """What became of one batch."""

    added: int
    repeated: int
    unknown: dict[int, str] = field(default_factory=dict)
    """Place in the batch to the item that nobody knows; such events are left out."""


def append_batches(rows: TenantRows, batches: Sequence[Batch]) -> list[Written]:
    """Add several batches, with members who are new; events with unknown items are left out and told of.

    Args:
        rows: inside a writing transaction.
        batches: in the order in which they came.
    """
    tables = [batch.named() for batch in batches]
    members = pl.concat([table["member_id"] for table in tables])
    member_keys = rows.add_named(rows.keys("members", members), members)
    item_keys = rows.keys("items", pl.concat([table["item_id"] for table in tables]))
    known = set(item_keys["id"])
    written = []
    for table in tables:
        items = table["item_id"].to_list()
        unknown = {place: item for place, item in enumerate(items) if item is not None and item not in known}
        kept = table
        if unknown:
            kept = table.filter(~pl.int_range(pl.len()).is_in(list(unknown)))
        added = rows.insert_events(kept, member_keys, item_keys, once="event_key" in kept.columns) if len(kept) else 0
        written.append(Written(added, len(kept) - added, unknown))
    return written
