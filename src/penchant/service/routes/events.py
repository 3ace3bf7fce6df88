"""`POST /v1/events`: what members do, as it happens. `POST` and `DELETE /v1/ties`: who is tied to whom."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Header, Request, Response

from penchant.data.appending import Batch
from penchant.data.columns import EVENTS, EventKind
from penchant.errors import InputError
from penchant.service.answering import answer
from penchant.service.routes import Manager, Sender, Service
from penchant.service.shapes import ChangedOut, EventIn, EventsIn, RejectedOut, TiesIn, WrittenOut, event_rows

router = APIRouter(prefix="/v1", tags=["events"])

Once = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Names the batch: sent again under the same name, it is written once.",
    ),
]


@router.post("/events", response_model=WrittenOut, summary="Send events")
async def send_events(
    request: Request, service: Service, caller: Sender, body: EventsIn, once: Once = None
) -> Response:
    """Write a batch of events. When the answer comes they are on disk, and the next answer knows them.

    Events with an item that is not in the catalogue are left out and told of; members who are not known are new.
    """
    most = service.settings.limits.events
    if len(body.events) > most:
        raise InputError(f"the batch has {len(body.events):,} events; send at most {most:,} at a time")
    batch = batch_of(body.events, once, caller.key_id)
    written = await service.writer.write(batch)
    service.metrics.events.labels("added").inc(written.added)
    service.metrics.events.labels("repeated").inc(written.repeated)
    service.metrics.events.labels("rejected").inc(len(written.unknown))
    rejected = [
        RejectedOut(place=place, reason=f"no item has the id {item!r}") for place, item in written.unknown.items()
    ]
    return answer(request, WrittenOut(added=written.added, repeated=written.repeated, rejected=rejected))


def batch_of(events: list[EventIn], once: str | None, sender: str) -> Batch:
    """A batch as the store takes it.

    Raises:
        InputError: an event without an item is no search.
    """
    for place, event in enumerate(events):
        if event.item_id is None and event.kind != EventKind.SEARCH:
            raise InputError(
                f"event {place} is of kind {event.kind.value!r} and has no item_id; only searches lack one"
            )
    frame = pl.DataFrame(event_rows(events, datetime.now(UTC)), schema=EVENTS)
    names = [event.id for event in events]
    if not any(names) and once is None:
        return Batch(frame)
    # One sender's names are not to collide with another's. Events without a name of their own take the batch's.
    mark = hashlib.sha256(f"{sender}\0{once or ''}".encode()).hexdigest()[:24]
    named = [
        f"{sender}:{name}" if name else (f"{mark}/{place}" if once is not None else None)
        for place, name in enumerate(names)
    ]
    return Batch(frame.with_columns(pl.Series("event_key", named, dtype=pl.String)))


@router.post("/ties", response_model=ChangedOut, summary="Add ties")
async def add_ties(request: Request, service: Service, caller: Sender, body: TiesIn) -> Response:
    """Tie members to each other; both must be known. A tie that is there takes the new time."""
    await service.reading.run(service.store.upsert_ties, _ties(body))
    service.ties_version += 1
    return answer(request, ChangedOut(changed=len(body.ties)))


@router.delete("/ties", response_model=ChangedOut, summary="Take out ties")
async def remove_ties(request: Request, service: Service, caller: Manager, body: TiesIn) -> Response:
    """Take ties out; those that are not there are passed over."""
    gone = await service.reading.run(service.store.delete_ties, _ties(body))
    service.ties_version += 1
    return answer(request, ChangedOut(changed=gone))


def _ties(body: TiesIn) -> pl.DataFrame:
    rows = [
        {"member_id": tie.member_id, "other_id": tie.other_id, "kind": tie.kind.value, "at": tie.at}
        for tie in body.ties
    ]
    return pl.DataFrame(
        rows,
        schema={"member_id": pl.String, "other_id": pl.String, "kind": pl.String, "at": pl.Datetime("us", "UTC")},
    )
