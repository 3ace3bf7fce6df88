"""`/v1/members/{id}/…`: what to show a member, what they like, what is held about them, and forgetting them."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from penchant.errors import UnknownIdError
from penchant.language import Lang
from penchant.service import personal
from penchant.service.answering import answer, ranked
from penchant.service.errors import Refused
from penchant.service.incoming import event_columns, event_table
from penchant.service.routes import Count, Language, Manager, Member, PageLength, Reader, Service
from penchant.service.shapes import (
    AnswersIn,
    ChangedOut,
    DriftOut,
    EventOut,
    EvidencePage,
    FriendsOut,
    Id,
    InterestsOut,
    QuestionOut,
    RankingOut,
    SegmentOut,
    StepOut,
    StrangerIn,
    Text,
)
from penchant.service.state import PlanAsked, State

router = APIRouter(prefix="/v1", tags=["members"])

Excluded = Annotated[list[Id], Query(max_length=1_000, description="Ids of items not wanted.")]


@router.get("/members/{member_id}/recommendations", response_model=RankingOut, summary="What to show a member now")
async def recommendations(
    request: Request,
    service: Service,
    caller: Reader,
    member_id: Member,
    k: Count = 10,
    lang: Language = "en",
    text: Annotated[Text | None, Query(description="What they have just written.")] = None,
    exclude: Excluded = [],  # noqa: B006
    reasons: Annotated[bool, Query(description="Find out why; without, the list comes in half the time.")] = True,
    plan: Annotated[
        PlanAsked, Query(description="How much of their past counts: `auto` follows what drift says of them.")
    ] = "auto",
) -> Response:
    """The best items for a member, each with its reason, from all that they did up to this moment.

    Somebody who is not known gets what is popular, and the strategy says so.
    """
    _within(service, k)
    ranking, chosen = await service.answers.run(
        service.recommend, member_id, k, lang=lang, text=text, exclude=exclude, reasons=reasons, plan=plan
    )
    return ranked(request, ranking, chosen.loaded.version, member_id=member_id, arm=chosen.arm)


@router.post("/recommendations", response_model=RankingOut, summary="What to show somebody who is no member")
async def stranger(
    request: Request, service: Service, caller: Reader, body: StrangerIn, k: Count = 10, lang: Language = "en"
) -> Response:
    """The best items for a visitor, from items they like, what they did, or what they wrote. Nothing is kept."""
    _within(service, k)
    loaded = service.builds.current
    ranking = await service.answers.run(_of_stranger, service, body, k, lang)
    return ranked(request, ranking, loaded.version)


def _of_stranger(service: State, body: StrangerIn, k: int, lang: Lang) -> Any:
    events = event_table([event_columns(body.events)]).sort("at", maintain_order=True)
    return service.builds.current.recommend(
        events, k, lang=lang, items=body.items, text=body.text, exclude=body.exclude
    )


@router.get("/members/{member_id}/interests", response_model=InterestsOut, summary="A member's interests in tiers")
async def interests(
    request: Request, service: Service, caller: Reader, member_id: Member, lang: Language = "en"
) -> Response:
    """What a member is interested in, and how strongly, judged anew from their events up to this moment."""
    return answer(request, await service.reading.run(_interests, service, member_id, lang))


def _interests(service: State, member_id: str, lang: Lang) -> InterestsOut:
    version = service.live.caught_up(member_id)
    history = service.live.usable_history(member_id, again=False)
    loaded = service.builds.of(member_id).loaded
    found = loaded.fresh_interests(member_id, history, version=version)
    return InterestsOut.model_validate(
        {
            "member_id": member_id,
            "build": loaded.version,
            "interests": [
                {
                    "label": one.label,
                    "tier": one.tier.value,
                    "share": one.share,
                    "interval": one.interval,
                    "evidence": one.evidence,
                }
                for one in found.interests
            ],
            "evidence_count": found.evidence_count,
            "note": found.note(lang),
        }
    )


@router.get("/members/{member_id}/friends", response_model=FriendsOut, summary="Whom to suggest to a member")
async def friends(
    request: Request, service: Service, caller: Reader, member_id: Member, k: Count = 10, lang: Language = "en"
) -> Response:
    """Members whom a member may want to follow or befriend, each with a reason, from the ties of this moment."""
    found = await service.reading.run(service.systems.friends, member_id, k, lang)
    build = service.builds.of(member_id).loaded.version
    told = {"member_id": member_id, "build": build, "strategy": found.strategy, "picks": found.picks}
    return answer(request, FriendsOut.model_validate(told))


@router.post("/members/{member_id}/answers", response_model=StepOut, summary="Answer the questionnaire")
async def answers(
    request: Request,
    service: Service,
    caller: Reader,
    member_id: Member,
    body: AnswersIn,
    k: Count = 10,
    lang: Language = "en",
) -> Response:
    """What to show a newcomer after their answers so far, and the question that is expected to tell most next.

    Send all answers each time, none at the beginning; nothing is kept.
    """
    given: dict[int, str] = {one.question: one.answer for one in body.answers}
    step = await service.reading.run(service.systems.questionnaire, member_id, given, k, lang)
    build, asked = service.builds.of(member_id).loaded.version, step.question
    ranking = {"member_id": member_id, "build": build, "strategy": step.ranking.strategy, "picks": step.ranking.picks}
    question = None
    if asked is not None:
        question = QuestionOut(
            number=asked.number, text=asked.text(lang), item_id=asked.item_id, tags=list(asked.tags),
            titles=list(asked.titles),
        )  # fmt: skip
    return answer(request, StepOut(ranking=RankingOut.model_validate(ranking), question=question))


@router.get("/members/{member_id}/segment", response_model=SegmentOut, summary="A member's segment")
async def segment(
    request: Request, service: Service, caller: Reader, member_id: Member, lang: Language = "en"
) -> Response:
    """The group of members like them, as the build that answers has it."""
    return answer(request, SegmentOut(**await service.reading.run(service.systems.segment, member_id, lang)))


@router.get("/members/{member_id}/drift", response_model=DriftOut, summary="Whether a member's interest has changed")
async def drift(
    request: Request, service: Service, caller: Reader, member_id: Member, lang: Language = "en"
) -> Response:
    """Whether and when their interest changed, from what to what, judged anew from their events up to this moment."""
    said, build = await service.reading.run(service.systems.drift, member_id)
    told = {
        "member_id": member_id,
        "build": build,
        "change": said.change,
        "probability": said.probability,
        "alarm": said.alarm,
        "began": said.began,
        "judged_at": said.judged_at,
        "before": list(said.before),
        "after": list(said.after),
        "told": said.told(lang),
        "evidence": said.evidence,
    }
    return answer(request, DriftOut.model_validate(told))


@router.get("/members/{member_id}/evidence", response_model=EvidencePage, summary="What is held about a member")
async def evidence(
    request: Request,
    service: Service,
    caller: Reader,
    member_id: Member,
    limit: PageLength = 100,
    after: Annotated[int, Query(ge=0, le=10**9, description="`next` of the page before.")] = 0,
) -> Response:
    """Their profile, ties, verdicts and events, the latest events first."""
    return answer(request, await service.reading.run(_evidence, service, member_id, limit, after))


def _evidence(service: State, member_id: str, limit: int, after: int) -> EvidencePage:
    history = service.live.history(member_id).reverse()
    page = history.slice(after, limit)
    profile = {name: value for name, value in service.store.member(member_id).items() if value is not None}
    verdicts = service.store.verdicts_of(member_id)
    return EvidencePage(
        member_id=member_id,
        profile=personal.plain(profile),
        event_count=len(history),
        events=[EventOut(**{k: v for k, v in row.items() if k != "member_id"}) for row in page.iter_rows(named=True)],
        next=after + limit if after + limit < len(history) else None,
        ties=personal.plain(service.store.ties_of(member_id).to_dicts()),
        verdicts=[{**row, "verdict": json.loads(row["verdict"])} for row in verdicts.iter_rows(named=True)],
        trials=personal.plain(service.exposures.of(member_id)),
    )


@router.get(
    "/members/{member_id}/export",
    summary="Everything held about a member",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def export(service: Service, caller: Manager, member_id: Member) -> Response:
    """One JSON document to hand to the member: profile, events, ties, verdicts, interests, trials, alerts."""
    content = await service.reading.run(personal.export, service, member_id, caller.key_id)
    name = 'attachment; filename="member.json"'
    return Response(
        content, media_type="application/json", headers={"Content-Disposition": name, "Cache-Control": "no-store"}
    )


@router.delete("/members/{member_id}", response_model=ChangedOut, summary="Forget a member")
async def forget(request: Request, service: Service, caller: Manager, member_id: Member) -> Response:
    """Take out everything held about a member: rows, histories in memory, verdicts, exposures, alerts.

    What the audit log says of them stays and can be traced to nobody. Models fitted on them stay until the next build.
    """
    gone = await service.reading.run(personal.forget, service, member_id, caller.key_id)
    if not gone:
        raise UnknownIdError(f"no member has the id {member_id!r}; nothing was deleted")
    return answer(request, ChangedOut(changed=gone))


def _within(service: State, k: int) -> None:
    most = service.settings.limits.k
    if k > most:
        raise Refused(422, f"k is {k}; ask for at most {most} items", code="config")
