"""`/v1/items`: the catalogue as it changes; what is similar to an item, and what goes with it."""

from typing import Any

import polars as pl
from fastapi import APIRouter, Request, Response

from penchant.data.columns import ITEMS
from penchant.errors import InputError
from penchant.service import catalogue
from penchant.service.answering import answer, ranked
from penchant.service.loaded import known_items
from penchant.service.routes import Count, Item, Language, Manager, Reader, Service
from penchant.service.shapes import ChangedOut, ItemsIn, RankingOut
from penchant.service.state import State

router = APIRouter(prefix="/v1", tags=["items"])


@router.post("/items", response_model=ChangedOut, summary="Add or change items")
async def put_items(request: Request, service: Service, caller: Manager, body: ItemsIn) -> Response:
    """Add items, or change those that are there; the next search and the next recommendation know them.

    Fields that are absent keep what they hold.
    """
    most = service.settings.limits.items
    if len(body.items) > most:
        raise InputError(f"the batch has {len(body.items):,} items; send at most {most:,} at a time")
    await service.reading.run(_put, service, body, caller.key_id)
    return answer(request, ChangedOut(changed=len(body.items)))


def _put(service: State, body: ItemsIn, who: str) -> None:
    with service.changing:
        service.audit.add(who, "change items", details={"items": len(body.items)})
        # Items that name the same fields are written together, since a field that is absent keeps what it holds.
        groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for item in body.items:
            row = item.model_dump(exclude_unset=True)
            groups.setdefault(tuple(row), []).append(row)
        try:
            for names, rows in groups.items():
                table = pl.DataFrame(rows, schema={name: ITEMS[name] for name in names})
                catalogue.put(service.store, service.builds, table)
        finally:
            # Some may be on disk where others were not taken.
            service.changes.tell("items")


@router.delete("/items/{item_id}", response_model=ChangedOut, summary="Delete an item")
async def delete_item(request: Request, service: Service, caller: Manager, item_id: Item) -> Response:
    """Take an item away, and with it what members did with it.

    What they did still tells of them: to stop showing it, set `available` to false instead.
    """
    gone = await service.reading.run(_delete, service, item_id, caller.key_id)
    return answer(request, ChangedOut(changed=gone))


def _delete(service: State, item_id: str, who: str) -> int:
    with service.changing:
        service.audit.add(who, "delete item", item_id)
        try:
            return catalogue.delete(service.store, service.builds, service.live, [item_id])
        finally:
            service.changes.tell("items")


@router.get("/items/{item_id}/similar", response_model=RankingOut, summary="What is similar to an item")
async def similar(
    request: Request, service: Service, caller: Reader, item_id: Item, k: Count = 10, lang: Language = "en"
) -> Response:
    """The items closest to one, by description where there is text, else by the members they share."""
    loaded = service.builds.current
    known_items(loaded, [item_id])
    ranking = await service.answers.run(loaded.similar, item_id, k, lang=lang)
    return ranked(request, ranking, loaded.version)


@router.get("/items/{item_id}/goes-with", response_model=RankingOut, summary="What goes with an item")
async def goes_with(
    request: Request, service: Service, caller: Reader, item_id: Item, k: Count = 10, lang: Language = "en"
) -> Response:
    """The items that the same members like close in time to one: a sleeping bag to a tent."""
    loaded = service.builds.current
    known_items(loaded, [item_id])
    ranking = await service.reading.run(loaded.goes_with, item_id, k, lang=lang)
    return ranked(request, ranking, loaded.version)
