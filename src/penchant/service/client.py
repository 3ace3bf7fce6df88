"""A client of the service, with retries that never write anything twice."""

import random
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self

import httpx

from penchant.errors import PenchantError
from penchant.language import Lang

_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT: Final = 30.0


class ServiceError(PenchantError):
    """The service refused, or could not be reached.

    Attributes:
        status: of the answer; None where there was none.
        code: the refusal's word, such as `unknown_id`.
    """

    def __init__(self, message: str, *, status: int | None = None, code: str = "unreachable") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Client:
    """Speaks to a Penchant service.

    What fails for a moment is tried again, later each time; a batch of events carries a name of its own, so that one
    that was written although its answer got lost is not written twice.

    Args:
        url: of the service, such as `https://penchant.example`.
        key: as `penchant keys make` showed it.
        tries: how often a request is made at most.
        timeout: seconds to wait for each answer.
        transport: how requests travel; over the network if absent.

    Raises:
        ServiceError: on every call, where the service refuses or stays out of reach.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        tries: int = 5,
        timeout: float = 10.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.tries = max(1, tries)
        self._sleep = sleep
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=timeout, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # -- in --

    def send(self, events: Iterable[Mapping[str, Any]], *, once: str | None = None) -> dict[str, Any]:
        """Send events; they are on disk when this returns.

        Args:
            events: `member_id`, `kind`, and `item_id`, `at`, `amount`, `duration`, `text` where there are any.
            once: a name for the batch, where the caller may send it again; one is drawn if absent.

        Returns:
            `added`, `repeated` and `rejected`.
        """
        batch = [{name: _written(value) for name, value in event.items()} for event in events]
        headers = {"Idempotency-Key": once or secrets.token_hex(16)}
        return self._ask("POST", "/v1/events", json={"events": batch}, headers=headers)

    def put_items(self, items: Iterable[Mapping[str, Any]]) -> int:
        """Add or change items; how many."""
        rows = [{name: _written(value) for name, value in item.items()} for item in items]
        return int(self._ask("POST", "/v1/items", json={"items": rows})["changed"])

    def delete_item(self, item_id: str) -> None:
        """Take an item away."""
        self._ask("DELETE", f"/v1/items/{_quoted(item_id)}")

    # -- out --

    def recommend(
        self, member_id: str, k: int = 10, *, lang: Lang = "en", text: str | None = None, exclude: Sequence[str] = ()
    ) -> dict[str, Any]:
        """What to show a member now: `strategy`, `build` and `picks` with reasons."""
        asked: dict[str, Any] = {"k": k, "lang": lang, "exclude": list(exclude)}
        if text is not None:
            asked["text"] = text
        return self._ask("GET", f"/v1/members/{_quoted(member_id)}/recommendations", params=asked)

    def interests(self, member_id: str, *, lang: Lang = "en") -> dict[str, Any]:
        """A member's interests in tiers."""
        return self._ask("GET", f"/v1/members/{_quoted(member_id)}/interests", params={"lang": lang})

    def search(self, query: str, k: int = 10, *, member_id: str | None = None) -> dict[str, Any]:
        """The items that answer a query."""
        asked: dict[str, Any] = {"q": query, "k": k}
        if member_id is not None:
            asked["for"] = member_id
        return self._ask("GET", "/v1/search", params=asked)

    def similar(self, item_id: str, k: int = 10) -> dict[str, Any]:
        """The items closest to one."""
        return self._ask("GET", f"/v1/items/{_quoted(item_id)}/similar", params={"k": k})

    def export(self, member_id: str) -> dict[str, Any]:
        """Everything held about a member."""
        return self._ask("GET", f"/v1/members/{_quoted(member_id)}/export")

    def forget(self, member_id: str) -> None:
        """Take out everything held about a member."""
        self._ask("DELETE", f"/v1/members/{_quoted(member_id)}")

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        wait = 0.2
        for attempt in range(1, self.tries + 1):
            try:
                answer = self._http.request(method, path, **more)
            except httpx.TransportError as error:
                if attempt == self.tries:
                    raise ServiceError(f"{self._http.base_url} cannot be reached: {error}") from error
                told = 0.0
            else:
                if answer.is_success:
                    return answer.json()
                if answer.status_code not in _AGAIN or attempt == self.tries:
                    raise _refusal(answer)
                told = _seconds(answer.headers.get("Retry-After"))
            # Spread, so that many clients that failed together do not come back together.
            self._sleep(min(_LONGEST_WAIT, max(wait, told)) * random.uniform(0.75, 1.25))
            wait *= 2
        raise AssertionError("the last attempt returns or raises")


def _refusal(answer: httpx.Response) -> ServiceError:
    try:
        error = answer.json()["error"]
        return ServiceError(error["message"], status=answer.status_code, code=error["code"])
    except (ValueError, KeyError, TypeError):
        return ServiceError(
            f"the answer has status {answer.status_code} and is none of Penchant's", status=answer.status_code,
            code="odd_answer",
        )  # fmt: skip


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isdecimal() else 0.0


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value).isoformat()
    return value


def _quoted(identifier: str) -> str:
    from urllib.parse import quote

    return quote(identifier, safe="")
