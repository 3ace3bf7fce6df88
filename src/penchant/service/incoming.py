"""Batches of events on their way to the store: plain columns, of which many become one table in one go."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import polars as pl

from penchant.data.columns import EVENTS, EventKind
from penchant.errors import InputError
from penchant.service.shapes import EventIn

_ZERO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)


@dataclass(frozen=True, eq=False)
class Incoming:
    """What one sender sent at once.

    A request makes lists of it and nothing more: tables cost a request as much as all else together, and cost hardly
    more for sixty batches than for one.
    """

    columns: dict[str, list[Any]]
    """The columns of `EVENTS`; `at` in microseconds since 1970."""
    keys: list[str | None]
    """The key of each event; None for those without."""

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def of(cls, events: Sequence[EventIn], *, once: str | None, sender: str) -> "Incoming":
        """A batch as it came.

        Args:
            events: in order; those without a time are of now.
            once: names the batch, so that it is written once however often it comes.
            sender: whose names of batches and events these are.

        Raises:
            InputError: an event without an item is no search.
        """
        for place, event in enumerate(events):
            if event.item_id is None and event.kind != EventKind.SEARCH:
                raise InputError(
                    f"event {place} is of kind {event.kind.value!r} and has no item_id; only searches lack one"
                )
        return cls(event_columns(events), _keys(events, once, sender))


def event_columns(events: Sequence[EventIn]) -> dict[str, list[Any]]:
    """Events as columns; those without a time are of now."""
    now = (datetime.now(UTC) - _ZERO) // _MICRO
    return {
        "member_id": [event.member_id for event in events],
        "item_id": [event.item_id for event in events],
        "kind": [event.kind.value for event in events],
        "at": [now if event.at is None else (event.at - _ZERO) // _MICRO for event in events],
        "amount": [event.amount for event in events],
        "duration": [event.duration for event in events],
        "text": [event.text for event in events],
    }


def event_table(columns: Iterable[dict[str, list[Any]]]) -> pl.DataFrame:
    """The columns of several batches, one below the other, as a table of events.

    >>> event_table([event_columns([EventIn(member_id="m", item_id="p", kind="buy")])] * 2).shape
    (2, 7)
    """
    parts = list(columns)
    made = {}
    for name, dtype in EVENTS.items():
        values = [value for part in parts for value in part[name]]
        # Numbers become times at once, where datetimes would be taken apart one by one.
        made[name] = (
            pl.Series(name, values, dtype=pl.Int64).cast(dtype)
            if name == "at"
            else pl.Series(name, values, dtype=dtype)
        )
    return pl.DataFrame(made)


def _keys(events: Sequence[EventIn], once: str | None, sender: str) -> list[str | None]:
    if once is None and not any(event.id for event in events):
        return [None] * len(events)
    # One sender's names are not to collide with another's. Events without a name of their own take the batch's.
    mark = hashlib.sha256(f"{sender}\0{once or ''}".encode()).hexdigest()[:24]
    return [
        f"{sender}:{event.id}" if event.id else (f"{mark}/{place}" if once is not None else None)
        for place, event in enumerate(events)
    ]
