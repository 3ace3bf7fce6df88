"""The way into the console: logging in and out, the language of its pages, their styles and scripts."""

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from penchant import __version__
from penchant.console.view import View, render, static_file
from penchant.language import Lang, Phrase
from penchant.service.errors import Refused
from penchant.service.security.sessions import Session, login_required, same_site_form

if TYPE_CHECKING:
    from penchant.service.state import State

ROOT: Final = "/console"
LANGUAGE: Final = "penchant_language"
LOGIN: Final = Phrase("Log in", "登录")
LOGIN_REFUSED: Final = Phrase("The name or the password is wrong.", "用户名或密码错误。")
LOGIN_TOO_OFTEN: Final = Phrase("Too many attempts; wait a minute.", "尝试次数过多，请稍候再试。")
_YEAR: Final = 365 * 24 * 3600

Known = Annotated[Session, Depends(login_required)]
Sent = Annotated[Session, Depends(same_site_form)]


def open_door(app: FastAPI, state: "State") -> None:
    """Add the routes that nobody must be logged in for, and those of logging out and of the language.

    Args:
        app: the console.
        state: of the service that carries it.
    """

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        found = static_file(name)
        if found is None:
            raise HTTPException(404)
        body, media_type = found
        return Response(body, media_type=media_type, headers={"cache-control": f"public, max-age={_YEAR}, immutable"})

    @app.get("/login")
    def login_page(request: Request, back: str = "", lang: str = "") -> HTMLResponse:
        chosen: Lang = "zh" if lang == "zh" else "en" if lang == "en" else language(request)
        response = _gate(chosen, back)
        if lang:
            _speak(response, chosen, state)
        return response

    @app.post("/login")
    def login(
        request: Request,
        user: Annotated[str, Form(max_length=64)],
        password: Annotated[str, Form(max_length=200)],
        back: Annotated[str, Form(max_length=500)] = "",
    ) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refused(403, "this form does not come from the console's own page")
        response = RedirectResponse(f"{ROOT}/{inside(back)}", 303)
        try:
            state.sessions.login(request, response, user, password)
        except Refused as refused:
            lang = language(request)
            said = LOGIN_TOO_OFTEN if refused.status == 429 else LOGIN_REFUSED
            return _gate(lang, back, said(lang), refused.status)
        state.audit.add(user, "log in to console")
        return response

    @app.post("/logout")
    def logout(request: Request, session: Sent) -> Response:
        response = RedirectResponse(f"{ROOT}/login", 303)
        state.sessions.logout(request, response)
        return response

    @app.post("/language")
    def speak(session: Sent, to: Annotated[str, Form()], back: Annotated[str, Form()] = "") -> Response:
        response = RedirectResponse(f"{ROOT}/{inside(back)}", 303)
        _speak(response, "zh" if to == "zh" else "en", state)
        return response


def language(request: Request) -> Lang:
    """The language somebody chose, or else the first of their browser's that Penchant speaks."""
    chosen = request.cookies.get(LANGUAGE)
    if chosen in ("en", "zh"):
        return chosen  # type: ignore[return-value]
    for part in request.headers.get("accept-language", "").split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith(("zh", "en")):
            return "zh" if tag.startswith("zh") else "en"
    return "en"


def _speak(response: Response, lang: Lang, state: "State") -> None:
    response.set_cookie(
        LANGUAGE, lang, max_age=_YEAR, path=ROOT, samesite="strict", httponly=True, secure=state.sessions.secure
    )


def _gate(lang: Lang, back: str, problem: str = "", status: int = 200) -> HTMLResponse:
    view = View(LOGIN(lang), template="login.html.j2", problem=problem)
    page = render(view, lang, root=ROOT, back=inside(back), csrf="", stamp=__version__)
    return HTMLResponse(page, status, headers={"cache-control": "no-store"})


def inside(back: str) -> str:
    """A path within the console, whatever was asked for.

    >>> inside("members/m1?item=2"), inside("//evil.example/"), inside("https://evil.example")
    ('members/m1?item=2', '', '')
    """
    back = back.lstrip("/") if not back.startswith("//") else ""
    return "" if ":" in back.split("?")[0] or "\\" in back or "\n" in back or "\r" in back else back
