"""One shape for every refusal: what was found, what was wanted, what to do, and the request it belongs to."""

import logging
import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from penchant.errors import (
    InputError,
    MissingExtraError,
    NotBuiltError,
    PenchantError,
    StorageError,
    UnknownIdError,
    WorkspaceBusyError,
    WorkspaceError,
)

_LOG = logging.getLogger("penchant.service")

RETRY_SECONDS: Final = 2
"""When to come back, where nothing better is known."""

_STATUS: Final[tuple[tuple[type[PenchantError], int], ...]] = (
    (UnknownIdError, 404),
    (NotBuiltError, 404),
    (InputError, 422),
    (StorageError, 503),
    (WorkspaceBusyError, 409),
    (WorkspaceError, 409),
    (MissingExtraError, 501),
    (PenchantError, 409),
)
"""The status of each kind of error; the first that fits."""

_OF_STATUS: Final = {
    400: "bad_request",
    401: "no_key",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "wrong_type",
    429: "too_many_requests",
    503: "not_now",
}


class Problem(BaseModel):
    """What was wrong with one field."""

    where: str = Field(examples=["body.events.0.kind"])
    what: str = Field(examples=["Input should be 'show', 'view', …"])


class Refusal(BaseModel):
    """Why a request was not answered."""

    model_config = ConfigDict(frozen=True)

    code: str = Field(examples=["unknown_id"])
    """A word that programs may tell apart."""
    message: str = Field(examples=["no member has the id 'm43'; the store has 42 members"])
    """A sentence for people."""
    request: str = Field(examples=["7f3c9a12be04"])
    """The request's own number, as in the log and the header X-Request-Id."""
    problems: list[Problem] | None = None
    """Field by field, where the request could not be understood."""


class ErrorAnswer(BaseModel):
    """The one shape of all errors."""

    error: Refusal


class Refused(Exception):  # noqa: N818
    """A request that the service itself turns away, such as one without a key."""

    def __init__(self, status: int, message: str, *, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code or _OF_STATUS.get(status, "refused")
        self.retry_after = retry_after


ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ErrorAnswer, "description": description}
    for status, description in (
        (400, "The request is malformed."),
        (401, "No key, or none that is valid."),
        (403, "The key's scopes do not cover this."),
        (404, "No such member, item or build, or the build lacks the system that would answer."),
        (408, "The body came too slowly."),
        (409, "The workspace or a model cannot do this now."),
        (413, "The body is too long."),
        (422, "The request was read and has no meaning."),
        (429, "Too many requests; Retry-After says when to come back."),
        (503, "The store is out of reach, or the service is overloaded; Retry-After says when to come back."),
    )
}
"""What every route may answer beside its own; for the description of the API."""


def refusal(
    request: Request,
    status: int,
    code: str,
    message: str,
    *,
    problems: list[Problem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An answer in the one shape."""
    found = Refusal(code=code, message=message, request=request_id(request), problems=problems)
    content = {"error": found.model_dump(exclude_none=True)}
    return JSONResponse(content, status, headers={"Cache-Control": "no-store", **(headers or {})})


def request_id(request: Request) -> str:
    """The number that the gate gave the request."""
    return str(request.scope.get("penchant.request", "-"))


def word(error: type[PenchantError]) -> str:
    """The code of one of Penchant's errors.

    >>> word(UnknownIdError)
    'unknown_id'
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__.removesuffix("Error")).lower()


def install(app: FastAPI) -> None:
    """Give every error of the app the one shape."""

    @app.exception_handler(Refused)
    async def _refused(request: Request, error: Refused) -> JSONResponse:
        headers = {} if error.retry_after is None else {"Retry-After": f"{max(1, round(error.retry_after))}"}
        if error.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return refusal(request, error.status, error.code, str(error), headers=headers)

    @app.exception_handler(PenchantError)
    async def _penchant(request: Request, error: PenchantError) -> JSONResponse:
        status = next(status for kind, status in _STATUS if isinstance(error, kind))
        headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
        if status >= 500:
            _LOG.error("refused", extra={"told": {"request": request_id(request), "why": str(error)}})
        return refusal(request, status, word(type(error)), str(error), headers=headers)

    @app.exception_handler(RequestValidationError)
    async def _not_understood(request: Request, error: RequestValidationError) -> JSONResponse:
        problems = [
            Problem(where=".".join(str(part) for part in one["loc"]), what=one["msg"]) for one in error.errors()[:20]
        ]
        first = f"{problems[0].where}: {problems[0].what}" if problems else "see the description of the API"
        return refusal(request, 422, "not_understood", f"the request cannot be understood: {first}", problems=problems)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        code = _OF_STATUS.get(error.status_code, "refused")
        told = {404: "there is no such route; see /docs", 405: "this route does not know that method; see /docs"}
        message = told.get(error.status_code, str(error.detail))
        return refusal(request, error.status_code, code, message, headers=error.headers)

    @app.exception_handler(Exception)
    async def _fault(request: Request, error: Exception) -> JSONResponse:
        _LOG.exception("fault", exc_info=error, extra={"told": {"request": request_id(request)}})
        return refusal(
            request, 500, "fault", "this is a fault in Penchant, not in what you sent; the log has its request number"
        )
