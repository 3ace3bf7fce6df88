"""The gate that every request passes: its number, how long and how slow its body may be, what is told of it."""

import asyncio
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penchant.service.errors import ErrorAnswer, Refusal
from penchant.service.running.logs import short_address
from penchant.service.security.headers import SECURITY, TLS_ONLY

if TYPE_CHECKING:
    from penchant.service.state import State

_LOG = logging.getLogger("penchant.requests")

_QUIET: Final = frozenset({"/health", "/ready", "/metrics"})
"""Routes that are asked all the time by machines; told of only where they fail."""


class _Stopped(HTTPException):
    """A request broke a limit. An HTTPException, since what reads bodies lets only those pass."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, message)
        self.code = code


class Gate:
    """Outermost of all that handles a request."""

    def __init__(self, app: ASGIApp, state: "State") -> None:
        self.app = app
        self.state = state
        self.limits = state.settings.limits
        self.headers = SECURITY + ((TLS_ONLY,) if state.settings.speaks_tls else ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or turn it away."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number = secrets.token_hex(6)
        scope["penchant.request"] = number
        started = time.perf_counter()
        status = 500
        begun = False

        async def tell(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                own = {name for name, _ in message.get("headers", [])}
                message["headers"] = [
                    *message.get("headers", []),
                    *((name, value) for name, value in self.headers if name not in own),
                    (b"x-request-id", number.encode()),
                ]
            await send(message)

        try:
            if wait := self._address_wait(scope):
                raise _Stopped(429, "too_many_requests", f"too many requests from this address; wait {wait:.0f} s")
            self._check_length(scope)
            await self.app(scope, self._limited(receive), tell)
        except _Stopped as stop:
            if begun:
                raise
            await self._refuse(tell, number, stop)
        finally:
            self._note(scope, status, time.perf_counter() - started, number)

    def _address_wait(self, scope: Scope) -> float:
        client = scope.get("client")
        return self.state.per_address.wait(client[0]) if client else 0.0

    def _check_length(self, scope: Scope) -> None:
        for name, value in scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or int(value) > self.limits.body_bytes):
                raise self._too_long()

    def _too_long(self) -> _Stopped:
        most = self.limits.body_bytes
        return _Stopped(413, "too_large", f"the body is longer than {most:,} bytes; send it in smaller parts")

    def _limited(self, receive: Receive) -> Receive:
        """The body, counted and timed as it comes."""
        length = 0
        deadline = time.monotonic() + self.limits.body_seconds
        whole = False

        async def limited() -> Message:
            nonlocal length, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    message = await receive()
            except TimeoutError:
                seconds = self.limits.body_seconds
                raise _Stopped(408, "too_slow", f"the body did not arrive within {seconds:g} s") from None
            if message["type"] == "http.request":
                length += len(message.get("body", b""))
                whole = not message.get("more_body", False)
                if length > self.limits.body_bytes:
                    raise self._too_long()
            return message

        return limited

    async def _refuse(self, send: Send, number: str, stop: _Stopped) -> None:
        body = ErrorAnswer(error=Refusal(code=stop.code, message=stop.detail, request=number))
        content = body.model_dump_json(exclude_none=True).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        headers.append((b"connection", b"close"))
        if stop.status_code == 429:
            headers.append((b"retry-after", b"1"))
        await send({"type": "http.response.start", "status": stop.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _note(self, scope: Scope, status: int, seconds: float, number: str) -> None:
        route: Any = scope.get("route")
        path = getattr(route, "path", None) or "other"
        strategy = scope.get("penchant.strategy", "-")
        self.state.metrics.seconds.labels(path, strategy).observe(seconds)
        self.state.metrics.requests.labels(path, str(status)).inc()
        if status < 400 and path in _QUIET:
            return
        client = scope.get("client")
        told = {
            "request": number,
            "method": scope["method"],
            "route": path,
            "status": status,
            "ms": round(seconds * 1_000, 2),
            "key": scope.get("penchant.caller", "-"),
            "from": short_address(client[0]) if client else "-",
        }
        _LOG.log(logging.WARNING if status >= 500 else logging.INFO, "request", extra={"told": told})
