"""Batches of events that are written together: one transaction, one wait for the disk, each judged by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import NamedTuple

import polars as pl

from penchant.data.columns import EVENTS
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

    @property
    def keys(self) -> list[str | None]:
        """The key of each event; None for those without."""
        if "event_key" in self.events.columns:
            return self.events["event_key"].cast(pl.String).to_list()
        return [None if self.key is None else f"{self.key}/{place}" for place in range(len(self.events))]

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
    together = conform(pl.concat([_typed(batch.events) for batch in batches]), "events").with_columns(
        pl.Series("event_key", [key for batch in batches for key in batch.keys], dtype=pl.String)
    )
    return append_together(rows, together, [len(batch.events) for batch in batches])


def append_together(rows: TenantRows, together: pl.DataFrame, lengths: Sequence[int]) -> list[Written]:
    """The same for batches that stand in one table already.

    Args:
        rows: inside a writing transaction.
        together: conformed events of all batches, with a further column `event_key`.
        lengths: events of each batch.
    """
    starts = [0, *accumulate(lengths)]
    owner = pl.Series("owner", [place for place, length in enumerate(lengths) for _ in range(length)], dtype=pl.Int64)
    member_keys = rows.add_named(rows.keys("members", together["member_id"]), together["member_id"])
    item_keys = rows.keys("items", together["item_id"])
    items, known = together["item_id"].to_list(), set(item_keys["id"])
    unknown = [place for place, item in enumerate(items) if item is not None and item not in known]
    here = rows.event_keys(together["event_key"])
    taken = pl.select(~pl.int_range(len(together)).is_in(unknown)).to_series()
    # A key that stands twice in what is written together counts once, as one that was written before. What is left out
    # was not written, so it takes its key from nobody.
    key = pl.when(taken).then(pl.col("event_key"))
    new = together.select(key.is_null() | (key.is_first_distinct() & ~key.is_in(here.implode()))).to_series()
    kept = together.filter(taken & new)
    if len(kept):
        # Others may write the same keys at the same time; the database has the last word on them.
        rows.insert_events(kept, member_keys, item_keys, once=bool(kept["event_key"].is_not_null().any()))
    counted = pl.DataFrame({"owner": owner, "taken": taken, "new": new & taken}).group_by("owner").sum()
    found = {place: (sent, added) for place, sent, added in counted.iter_rows()}
    written = []
    for place, (start, end) in enumerate(pairwise(starts)):
        sent, added = found.get(place, (0, 0))
        own = {row - start: str(items[row]) for row in unknown if start <= row < end}
        written.append(Written(added, sent - added, own))
    return written


def _typed(events: pl.DataFrame) -> pl.DataFrame:
    """Events with the columns of `EVENTS` alone; conformed already where they come so."""
    as_they_are = all(events.schema.get(name) == dtype for name, dtype in EVENTS.items())
    return events.select(*EVENTS) if as_they_are else conform(events, "events")
