"""The console as an application of its own, which the service carries under /console."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from penchant import __version__
from penchant.console.desk import Desk
from penchant.console.door import ROOT, Known, Sent, language, open_door
from penchant.console.pages import (
    audit,
    builds,
    drift,
    interests,
    member,
    members,
    overview,
    quality,
    questions,
    review,
    search,
    segments,
    settings,
    social,
    trial,
)
from penchant.console.view import Page, View, render
from penchant.errors import InputError, NotBuiltError, PenchantError, UnknownIdError
from penchant.language import Lang, Phrase
from penchant.service.errors import Refused
from penchant.service.security.sessions import Session

if TYPE_CHECKING:
    from penchant.service.state import State

_LOG = logging.getLogger("penchant.console")

NOT_FOUND: Final = Phrase("Not found", "未找到")
NO_PAGE: Final = Phrase("There is no such page. The menu shows those there are.", "没有这个页面，请从菜单中选择。")
REFUSED: Final = Phrase("That did not work", "操作未成功")
FAULT: Final = Phrase(
    "This is a fault in Penchant, not in what you did. The log of the service says more.",
    "这是 Penchant 自身的问题，并非您的操作有误；服务日志中有详细信息。",
)
_PAGES: Final = (
    ("", overview.TITLE),
    ("members", members.TITLE),
    ("segments", segments.TITLE),
    ("interests", interests.TITLE),
    ("drift", drift.TITLE),
    ("social", social.TITLE),
    ("search", search.TITLE),
    ("review", review.TITLE),
    ("builds", builds.TITLE),
    ("quality", quality.TITLE),
    ("audit", audit.TITLE),
    ("settings", settings.TITLE),
)
_TOLD: Final = {
    "reviewed": review.THANKS, "switched": builds.SWITCHED, "begun": trial.BEGUN, "ended": trial.ENDED,
}  # fmt: skip


def console(state: "State") -> FastAPI:
    """The pages over one service.

    Args:
        state: of the service that carries them.
    """
    app = FastAPI(title="Penchant console", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.penchant = state
    desk = Desk(state)

    def answer(request: Request, session: Session, make: Callable[[Lang], View]) -> HTMLResponse:
        """A page inside its frame; what stands in its way is said on the page itself."""
        lang = language(request)
        try:
            view = make(lang)
        except NotBuiltError as error:
            view = View(_title(request, lang), problem=str(error))
        except UnknownIdError as error:
            view = View(NOT_FOUND(lang), problem=str(error), status=404)
        except PenchantError as error:
            view = View(REFUSED(lang), problem=str(error), status=400 if isinstance(error, InputError) else 409)
        return _framed(request, session, view, lang)

    def _framed(request: Request, session: Session, view: View, lang: Lang) -> HTMLResponse:
        waiting = {"review": sum(questions.counts(desk).values())}
        told = _TOLD.get(request.query_params.get("told", ""))
        page = render(
            view,
            lang,
            root=ROOT,
            pages=[Page(path, name(lang), waiting.get(path, 0)) for path, name in _PAGES],
            here=_here(request),
            back=_back(request),
            place=desk.workspace.path.resolve().name,
            csrf=session.csrf,
            told=told(lang, version=request.query_params.get("version", "")) if told else "",
            stamp=__version__,
        )
        return HTMLResponse(page, view.status, headers={"cache-control": "no-store"})

    open_door(app, state)

    # -- pages --

    @app.get("/")
    def overview_page(request: Request, session: Known) -> HTMLResponse:
        return answer(request, session, lambda lang: overview.overview(desk, lang))

    @app.get("/members")
    def members_page(
        request: Request, session: Known, q: str = "", page: Annotated[int, Query(ge=1, le=100_000)] = 1
    ) -> HTMLResponse:
        return answer(request, session, lambda lang: members.members(desk, lang, q=q.strip(), page=page))

    @app.get("/members/{member_id:path}")
    def member_page(
        request: Request, session: Known, member_id: str, item: str = "", kind: str = "view"
    ) -> HTMLResponse:
        return answer(request, session, lambda lang: member.member(desk, lang, member_id, item=item.strip(), kind=kind))

    @app.get("/interests")
    def interests_page(
        request: Request, session: Known, label: str = "", tier: Annotated[list[str] | None, Query()] = None
    ) -> HTMLResponse:
        return answer(
            request, session, lambda lang: interests.interests(desk, lang, label=label.strip(), tiers=tier or ())
        )

    @app.get("/interests/audience.csv")
    def audience(session: Known, label: str, tier: Annotated[list[str] | None, Query()] = None) -> Response:
        # The first line is made here, so that a label that is not there is an error and no half file.
        lines = interests.audience_csv(desk, label, tier or ())
        head = next(lines)
        state.audit.add(session.name, "download audience", label)

        def body() -> Any:
            yield head
            yield from lines

        name = quote(label.split(" > ")[-1])
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}.csv", "cache-control": "no-store"}
        return StreamingResponse(body(), media_type="text/csv; charset=utf-8", headers=headers)

    @app.get("/segments")
    def segments_page(request: Request, session: Known) -> HTMLResponse:
        return answer(request, session, lambda lang: segments.segments(desk, lang))

    @app.get("/segments/{number}.csv")
    def segment(session: Known, number: int) -> Response:
        lines = list(segments.segment_csv(desk, number))
        state.audit.add(session.name, "download segment", str(number))
        headers = {"content-disposition": f"attachment; filename=segment-{number}.csv", "cache-control": "no-store"}
        return Response("".join(lines), media_type="text/csv; charset=utf-8", headers=headers)

    @app.get("/drift")
    def drift_page(request: Request, session: Known, member: str = "") -> HTMLResponse:
        return answer(request, session, lambda lang: drift.drift(desk, lang, member=member.strip()))

    @app.get("/social")
    def social_page(request: Request, session: Known, member: str = "", answers: str = "") -> HTMLResponse:
        return answer(
            request, session, lambda lang: social.social(desk, lang, member=member.strip(), answers=answers[:500])
        )

    @app.get("/search")
    def search_page(request: Request, session: Known, q: str = "", member: str = "") -> HTMLResponse:
        return answer(request, session, lambda lang: search.search(desk, lang, q=q.strip(), member=member.strip()))

    @app.get("/review")
    def review_page(request: Request, session: Known, kind: str = "") -> HTMLResponse:
        return answer(request, session, lambda lang: review.review(desk, lang, kind=kind))

    @app.post("/review")
    def reviewed(
        request: Request,
        session: Sent,
        kind: Annotated[str, Form(max_length=20)],
        subject: Annotated[str, Form(max_length=500)],
        verdict: Annotated[str, Form(max_length=20)],
        said: Annotated[str, Form(max_length=500)] = "",
        answer_: Annotated[str, Form(alias="answer", max_length=500)] = "",
        other: Annotated[str, Form(max_length=500)] = "",
    ) -> Response:
        review.take(desk, session.name, kind, subject, said, answer_, verdict, language(request), other)
        return RedirectResponse(f"{ROOT}/review?{urlencode({'kind': kind, 'told': 'reviewed'})}", 303)

    @app.get("/builds")
    def builds_page(request: Request, session: Known) -> HTMLResponse:
        return answer(request, session, lambda lang: builds.builds(desk, lang))

    @app.post("/builds/trial")
    def tried(
        session: Sent,
        name: Annotated[str, Form(max_length=64)],
        version: Annotated[str, Form(max_length=9)],
        percent: Annotated[float, Form(ge=0, le=100)],
    ) -> Response:
        trial.begin(desk, session.name, name, version, percent)
        return RedirectResponse(f"{ROOT}/builds?told=begun", 303)

    @app.post("/builds/trial/end")
    def tried_enough(session: Sent) -> Response:
        trial.end(desk, session.name)
        return RedirectResponse(f"{ROOT}/builds?told=ended", 303)

    @app.post("/builds/{version}")
    def promoted(session: Sent, version: str) -> Response:
        with state.changing:
            state.workspace.build(version)
            state.audit.add(session.name, "promote build", version)
            state.builds.promote(version, state.whole())
        return RedirectResponse(f"{ROOT}/builds?{urlencode({'told': 'switched', 'version': version})}", 303)

    @app.get("/quality")
    def quality_page(
        request: Request, session: Known, page: Annotated[int, Query(ge=1, le=1_000_000)] = 1
    ) -> HTMLResponse:
        return answer(request, session, lambda lang: quality.quality(desk, lang, page=page))

    @app.get("/audit")
    def audit_page(request: Request, session: Known, before: int | None = None, whole: bool = False) -> HTMLResponse:
        return answer(request, session, lambda lang: audit.audit(desk, lang, before=before, whole=whole))

    @app.get("/settings")
    def settings_page(request: Request, session: Known) -> HTMLResponse:
        return answer(request, session, lambda lang: settings.settings(desk, lang))

    # -- what goes wrong --

    def troubled(request: Request, title: Phrase, said: str, status: int) -> Response:
        session = state.sessions.of(request)
        lang = language(request)
        if session is None:
            return RedirectResponse(f"{ROOT}/login?{urlencode({'back': _here_with_query(request)})}", 303)
        return _framed(request, session, View(title(lang), problem=said, status=status), lang)

    @app.exception_handler(Refused)
    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return troubled(request, REFUSED, str(error), error.status)

    @app.exception_handler(PenchantError)
    def failed(request: Request, error: Exception) -> Response:
        return troubled(request, REFUSED, str(error), 404 if isinstance(error, UnknownIdError) else 409)

    @app.exception_handler(HTTPException)
    def missing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if "/static/" in request.url.path:
            return Response(status_code=error.status_code)
        return troubled(request, NOT_FOUND, NO_PAGE(language(request)), error.status_code)

    @app.exception_handler(Exception)
    def fault(request: Request, error: Exception) -> Response:
        _LOG.exception("fault", exc_info=error)
        return troubled(request, REFUSED, FAULT(language(request)), 500)

    return app


def _path(request: Request) -> str:
    return request.url.path.removeprefix(ROOT).lstrip("/")


def _here(request: Request) -> str:
    return _path(request).split("/")[0]


def _here_with_query(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return _path(request) + query if request.method == "GET" else _here(request)


def _back(request: Request) -> str:
    return _here_with_query(request)


def _title(request: Request, lang: Lang) -> str:
    here = _here(request)
    return next((name(lang) for path, name in _PAGES if path == here), NOT_FOUND(lang))
