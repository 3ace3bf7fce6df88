"""`/v1/search` and `/v1/suggest`: the items that answer a query; `/v1/classify`: the labels of texts."""

from typing import Annotated

import polars as pl
from fastapi import APIRouter, Query, Request, Response

from penchant.data.columns import EVENTS
from penchant.data.verdicts import Ranking
from penchant.language import Lang
from penchant.search import Filters
from penchant.service.answering import answer, ranked
from penchant.service.loaded import Loaded
from penchant.service.routes import Count, Reader, Service
from penchant.service.shapes import ClassifiedOut, Id, Label, LabelledOut, RankingOut, SuggestionsOut, TextsIn
from penchant.service.state import State

router = APIRouter(prefix="/v1", tags=["search"])

Asked = Annotated[
    str, Query(max_length=1_000, description="In any words, Chinese or English.", examples=["夏季连衣裙"])
]
Price = Annotated[float, Query(ge=0, le=1e12, allow_inf_nan=False)]


@router.get("/search", response_model=RankingOut, summary="Search items")
async def search(
    request: Request,
    service: Service,
    caller: Reader,
    q: Asked,
    k: Count = 10,
    member: Annotated[Id | None, Query(alias="for", description="Whose taste counts.")] = None,
    category: Annotated[list[Label], Query(max_length=20, description="Of one of these, or below it.")] = [],  # noqa: B006
    tag: Annotated[list[Label], Query(max_length=20, description="With all of these.")] = [],  # noqa: B006
    min_price: Price | None = None,
    max_price: Price | None = None,
    lang: Annotated[Lang | None, Query(description="Of the reasons; that of the query if absent.")] = None,
) -> Response:
    """The items that answer a query best, by their words and by their meaning, each with its reason."""
    filters = Filters(categories=tuple(category), tags=tuple(tag), min_price=min_price, max_price=max_price)
    loaded = service.builds.of(member).loaded if member is not None else service.builds.current
    ranking = await service.reading.run(_search, service, loaded, q, k, lang, filters, member)
    service.metrics.show(ranking)
    return ranked(request, ranking, loaded.version, member_id=member)


def _search(
    service: State, loaded: Loaded, q: str, k: int, lang: Lang | None, filters: Filters, member: str | None
) -> Ranking:
    events = pl.DataFrame(schema=EVENTS).drop("member_id") if member is None else service.live.usable_events(member)
    return loaded.search(q, k, lang=lang, filters=filters, member_id=member, events=events)


@router.get("/suggest", response_model=SuggestionsOut, summary="How a query may go on")
async def suggest(request: Request, service: Service, caller: Reader, q: Asked, k: Count = 10) -> Response:
    """What may be meant by a query that was begun, the likeliest first."""
    found = await service.answers.run(service.builds.current.suggest, q, k)
    return answer(request, SuggestionsOut(suggestions=found))


@router.post("/classify", response_model=ClassifiedOut, summary="Label texts with interests")
async def classify(request: Request, service: Service, caller: Reader, body: TextsIn) -> Response:
    """The interests that texts speak of, with calibrated probabilities; what is sure keeps to a stated risk."""
    loaded = service.builds.current
    said = await service.reading.run(loaded.classify, body.texts)
    return answer(request, ClassifiedOut(build=loaded.version, texts=[LabelledOut.model_validate(one) for one in said]))
