"""Whoever is asking: a member with their events, or a stranger with what they have just done or written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl

from penchant.collaborative.recency import counted_weights
from penchant.data.columns import EVENTS, EventKind
from penchant.data.community import Community
from penchant.data.interactions import EventWeights, Histories
from penchant.text.wishes import Wishes
from penchant.vectors import Floats

_KEPT: Final = ("item", "kind", "at", "amount")


@dataclass(frozen=True, eq=False)
class Person:
    """Item events in order of time, as a table and as a history of one row whose entries are the table's rows."""

    events: pl.DataFrame
    """Columns `item` (row number), `kind`, `at` and `amount`."""
    history: Histories
    now: datetime
    """From when what they did is recent."""
    member_id: str | None = None
    text: str | None = None
    """What they have just written, if anything."""
    wishes: Wishes | None = None
    """What they have asked of items, sentence by sentence."""

    @property
    def words(self) -> str:
        """What they said in their own words, in a text or in wishes."""
        return ", ".join(part for part in (self.text, self.wishes.phrase if self.wishes else None) if part)

    @cached_property
    def low_rated(self) -> frozenset[int]:
        """Rows of the items that they rated below their own mean rating."""
        if EventKind.RATE not in self.kinds:
            return frozenset()
        ratings = self.events.filter((pl.col("kind") == EventKind.RATE.value) & pl.col("amount").is_not_null())
        return frozenset(ratings.filter(pl.col("amount") < pl.col("amount").mean())["item"])

    def event_of(self, item: int) -> dict[str, Any]:
        """The event with an item that counts: the heaviest, and the latest of equals."""
        mine = np.flatnonzero(self.history.items == item)
        return self.events.row(int(mine[int(self._counted[mine].argmax())]), named=True)

    def times(self, item: int, kind: str) -> int:
        """How often they did such a thing with an item."""
        return sum(self.kinds[place] == kind for place in np.flatnonzero(self.history.items == item))

    @cached_property
    def _counted(self) -> Floats:
        return counted_weights(self.history)

    @cached_property
    def kinds(self) -> list[str]:
        """Kind of each event."""
        return self.events["kind"].to_list()

    def without(self, item: int) -> "Person":
        """The same person, had they never met an item."""
        return self._of(self.events.filter(pl.col("item") != item), self.history.weights[self.history.items != item])

    def without_events(self) -> "Person":
        """The same person, had they never done anything."""
        return self._of(self.events.clear(), self.history.weights[:0])

    def writing(self, text: str | None) -> "Person":
        """The same person with something they have just written."""
        return replace(self, text=text or None)

    def wishing(self, wishes: Wishes | None) -> "Person":
        """The same person with what they ask of items."""
        return replace(self, wishes=wishes or None)

    def _of(self, events: pl.DataFrame, weights: np.ndarray) -> "Person":
        return replace(self, events=events, history=_history(events, weights))

    @classmethod
    def member(cls, community: Community, member_id: str, weights: EventWeights) -> "Person":
        """A member of the community.

        Raises:
            UnknownIdError: there is no such member.
        """
        row = community.member_ids.row(member_id)
        own = community.events_of(row).filter(pl.col("item").is_not_null())
        weighed = weights.apply(own).to_numpy()
        own = own.select(_KEPT)
        return cls(own, _history(own, weighed), community.now or _EPOCH, member_id=member_id)

    @classmethod
    def of_events(
        cls, community: Community, weights: EventWeights, events: pl.DataFrame, *, member_id: str | None = None
    ) -> "Person":
        """Someone by their events as the store has them: typed, in order of time, each with an item that is known.

        Raises:
            UnknownIdError: an item is not in the community.
        """
        rows = pl.Series("item", [community.item_ids.row(item) for item in events["item_id"]], dtype=pl.UInt32)
        own = pl.DataFrame([rows, events["kind"], events["at"], events["amount"]])
        latest = own["at"][-1] if len(own) else community.now or _EPOCH
        return cls(own, _history(own, weights.apply(own).to_numpy()), latest, member_id=member_id)

    @classmethod
    def stranger(
        cls,
        community: Community,
        weights: EventWeights,
        *,
        items: Sequence[str] = (),
        events: pl.DataFrame | None = None,
        text: str | None = None,
    ) -> "Person":
        """Someone who is not in the community, by items they like, by events, by words, or by nothing.

        Args:
            community: whose items are meant.
            weights: how much each kind of event says.
            items: ids of items liked just now.
            events: `item_id`, `kind` and `at`, and `amount` if any; strings may stand for kinds.
            text: what they wrote.

        Raises:
            UnknownIdError: an item is not in the community.
        """
        now = community.now or _EPOCH
        parts = [pl.DataFrame(schema={name: EVENTS[name] for name in ("item_id", "kind", "at", "amount")})]
        if events is not None:
            moment = pl.col("at").cast(pl.Datetime("us"))
            at = moment.dt.replace_time_zone("UTC") if events["at"].dtype.time_zone is None else pl.col("at")  # type: ignore[attr-defined]
            amount = pl.col("amount") if "amount" in events.columns else pl.lit(None)
            parts.append(
                events.select(
                    "item_id",
                    pl.col("kind").cast(EVENTS["kind"]),
                    at.dt.convert_time_zone("UTC").alias("at"),
                    amount.cast(pl.Float64).alias("amount"),
                )
            )
        if items:
            latest = max([now, *(parts[1]["at"] if events is not None else [])])
            liked = pl.DataFrame({"item_id": list(items)}, schema={"item_id": pl.String})
            parts.append(
                liked.select(
                    "item_id",
                    pl.lit(EventKind.LIKE.value, dtype=EVENTS["kind"]).alias("kind"),
                    pl.lit(latest, dtype=EVENTS["at"]).alias("at"),
                    pl.lit(None, dtype=pl.Float64).alias("amount"),
                )
            )
        table = pl.concat(parts).sort("at", maintain_order=True)
        rows = pl.Series("item", [community.item_ids.row(item) for item in table["item_id"]], dtype=pl.UInt32)
        own = table.with_columns(rows).select(_KEPT)
        latest = own["at"][-1] if len(own) else now
        return cls(own, _history(own, weights.apply(own).to_numpy()), latest, text=text or None)


def without_each(history: Histories, items: Sequence[int]) -> Histories:
    """(len(items),) the one history again and again, each time without the events of one item.

    >>> without_each(Histories.of_items([[4, 5, 4]]), [4, 5]).items.tolist()
    [5, 4, 4]
    """
    kept = history.items[None] != np.asarray(items, dtype=np.int64)[:, None]
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int64)
    entries = np.nonzero(kept)[1]
    return Histories(offsets, history.items[entries], history.at[entries], history.weights[entries])


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _history(events: pl.DataFrame, weights: np.ndarray) -> Histories:
    return Histories(
        offsets=np.array([0, len(events)], dtype=np.int64),
        items=events["item"].to_numpy().astype(np.int64),
        at=events["at"].dt.epoch("us").to_numpy() / 1e6,
        weights=weights.astype(np.float32),
    )
