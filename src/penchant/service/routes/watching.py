"""`/v1/alerts` and `/v1/audit`, and what machines ask: health, readiness, metrics, the script for pages."""

from importlib.resources import files
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from penchant import __version__
from penchant.service.alerts import Alert
from penchant.service.answering import answer
from penchant.service.routes import Language, Manager, PageLength, Reader, Service
from penchant.service.shapes import AlertOut, AlertsOut, AuditOut, EntryOut, HealthOut, NoteIn, ReadyOut

router = APIRouter(prefix="/v1", tags=["watching"])
open_router = APIRouter(tags=["watching"])
"""Routes that need no key."""

Number = Annotated[int | None, Query(ge=1, le=2**62, description="`next` of the page before.")]


@router.get("/alerts", response_model=AlertsOut, summary="List alerts")
async def list_alerts(
    request: Request,
    service: Service,
    caller: Reader,
    state: Literal["open", "settled"] | None = None,
    limit: PageLength = 100,
    before: Number = None,
    lang: Language = "en",
) -> Response:
    """Alerts, the newest first."""
    found = await service.reading.run(service.alerts.list, state=state, before=before, limit=limit)
    following = found[-1].number if len(found) == limit else None
    return answer(request, AlertsOut(alerts=[alert_out(one, lang) for one in found], next=following))


@router.post("/alerts/{number}/settle", response_model=AlertOut, summary="Settle an alert")
async def settle_alert(
    request: Request,
    service: Service,
    caller: Manager,
    number: Annotated[int, Path(ge=1, le=2**62)],
    body: NoteIn,
    lang: Language = "en",
) -> Response:
    """Say that an alert has been seen to."""
    settled = await service.reading.run(service.alerts.settle, number, caller.name, body.note)
    await service.reading.run(service.audit.add, caller.key_id, "settle alert", str(number))
    return answer(request, alert_out(settled, lang))


def alert_out(alert: Alert, lang: Language) -> AlertOut:
    """An alert in a language."""
    return AlertOut(
        number=alert.number, at=alert.at, rule=alert.rule, severity=alert.severity,
        message=getattr(alert.message, lang), state=alert.state, member_id=alert.member_id,
        settled_at=alert.settled_at, settled_by=alert.settled_by, note=alert.note,
    )  # fmt: skip


@router.get("/audit", response_model=AuditOut, summary="Read the audit log")
async def audit_log(
    request: Request, service: Service, caller: Manager, limit: PageLength = 100, before: Number = None
) -> Response:
    """Who did what, the newest first; each entry seals the one before it."""
    found = await service.reading.run(service.audit.entries, before=before, limit=limit)
    following = found[-1].place if len(found) == limit and found[-1].place > 1 else None
    return answer(request, AuditOut(entries=[EntryOut.model_validate(one) for one in found], next=following))


@router.get(
    "/metrics",
    response_class=Response,
    summary="Figures for Prometheus",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(service: Service, caller: Reader) -> Response:
    """Latency by route and strategy, queues, events, build, coverage and popularity of what is shown."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@open_router.get("/health", response_model=HealthOut, summary="Is the process alive?")
async def health(request: Request) -> Response:
    """Always answered while the process can answer anything."""
    return answer(request, HealthOut(version=__version__))


@open_router.get("/ready", response_model=ReadyOut, summary="Can it answer?", responses={503: {"model": ReadyOut}})
async def ready(request: Request, service: Service) -> Response:
    """200 where a build answers and the store takes writes, else 503 with what is wrong."""
    problems = service.problems
    build = service.builds.current.version if service.builds.is_ready else None
    told = ReadyOut(status="not ready" if problems else "ready", build=build, problems=problems)
    return answer(request, told, status=503 if problems else 200)


@open_router.get(
    "/penchant.js",
    response_class=Response,
    summary="The script for pages",
    responses={200: {"content": {"text/javascript": {"schema": {"type": "string"}}}}},
)
async def script() -> Response:
    """Sends what visitors do, in batches, and not where they ask not to be tracked."""
    content = (files("penchant.service") / "penchant.js").read_bytes()
    headers = {"Cache-Control": "public, max-age=3600", "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(content, media_type="text/javascript; charset=utf-8", headers=headers)
