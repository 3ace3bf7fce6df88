"""The door: which key a request carries, whether it is valid, and whether its scopes cover what is asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request

from penchant.service.errors import Refused
from penchant.service.security.keys import Key, Scope

if TYPE_CHECKING:
    from penchant.service.state import State


@dataclass(frozen=True)
class Caller:
    """Who asks."""

    name: str
    """Of the key, for people."""
    key_id: str
    """For the audit log; `open` where the service asks for no key."""


def needs(scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
    """A FastAPI dependency: the caller, whose key holds a scope.

    Args:
        scope: that the route needs.
    """

    async def caller(request: Request) -> Caller:
        state: State = request.app.state.penchant
        if state.settings.open:
            return Caller("open", "open")
        address = request.client.host if request.client else "-"
        key = await _key(request, state, address)
        if scope not in key.scopes:
            held = ", ".join(sorted(key.scopes))
            raise Refused(403, f"this needs a key of scope {scope}, and the key {key.name!r} has {held}")
        if wait := state.per_key.wait(key.id):
            raise Refused(429, "this key has asked for more than its rate allows; slow down", retry_after=wait)
        request.scope["penchant.caller"] = key.id
        return Caller(key.name, key.id)

    return caller


async def _key(request: Request, state: "State", address: str) -> Key:
    if state.failures.is_empty(address):
        raise Refused(429, "too many requests without a valid key from this address; wait a while", retry_after=10)
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    given = text.strip() if kind.lower() == "bearer" else request.headers.get("x-api-key", "")
    key = await state.keys_check(given) if given else None
    if key is None:
        state.failures.wait(address)
        found = "a key that is wrong, expired or revoked" if given else "no key"
        raise Refused(401, f"{found} came with the request; send one as `Authorization: Bearer KEY`")
    return key
