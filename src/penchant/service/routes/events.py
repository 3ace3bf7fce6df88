"""`POST /v1/events`: what members do, as it happens. `POST` and `DELETE /v1/ties`: who is tied to whom."""

from typing import Annotated

import polars as pl
from fastapi import APIRouter, Header, Request, Response

from penchant.errors import InputError
from penchant.service.answering import answer
from penchant.service.incoming import Incoming
from penchant.service.routes import Manager, Sender, Service
from penchant.service.shapes import ChangedOut, EventsIn, RejectedOut, TiesIn, WrittenOut
from penchant.service.state import State

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
    written = await service.writer.write(Incoming.of(body.events, once=once, sender=caller.key_id))
    service.metrics.events.labels("added").inc(written.added)
    service.metrics.events.labels("repeated").inc(written.repeated)
    service.metrics.events.labels("rejected").inc(len(written.unknown))
    rejected = [
        RejectedOut(place=place, reason=f"no item has the id {item!r}") for place, item in written.unknown.items()
    ]
    return answer(request, WrittenOut(added=written.added, repeated=written.repeated, rejected=rejected))


@router.post("/ties", response_model=ChangedOut, summary="Add ties")
async def add_ties(request: Request, service: Service, caller: Sender, body: TiesIn) -> Response:
    """Tie members to each other; both must be known. A tie that is there takes the new time."""
    await service.reading.run(_tie, service, body)
    return answer(request, ChangedOut(changed=len(body.ties)))


@router.delete("/ties", response_model=ChangedOut, summary="Take out ties")
async def remove_ties(request: Request, service: Service, caller: Manager, body: TiesIn) -> Response:
    """Take ties out; those that are not there are passed over."""
    gone = await service.reading.run(_untie, service, body)
    return answer(request, ChangedOut(changed=gone))


def _tie(service: State, body: TiesIn) -> None:
    service.store.upsert_ties(_ties(body))
    service.changes.tell("ties")


def _untie(service: State, body: TiesIn) -> int:
    gone = service.store.delete_ties(_ties(body))
    service.changes.tell("ties")
    return gone


def _ties(body: TiesIn) -> pl.DataFrame:
    rows = [
        {"member_id": tie.member_id, "other_id": tie.other_id, "kind": tie.kind.value, "at": tie.at}
        for tie in body.ties
    ]
    return pl.DataFrame(
        rows,
        schema={"member_id": pl.String, "other_id": pl.String, "kind": pl.String, "at": pl.Datetime("us", "UTC")},
    )
