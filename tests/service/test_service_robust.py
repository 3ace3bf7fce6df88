"""Whatever comes in: no fault, no hang, a clean refusal."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from service_served import Served

from penchant.data.columns import EventKind
from penchant.service.app import create_app
from penchant.service.errors import Refused
from penchant.service.pressure import Lane
from penchant.service.security.keys import Scope
from penchant.service.settings import ServiceSettings
from penchant.workspace import Workspace

EXAMPLES = 3


def test_every_route_stands_what_its_description_allows_and_more(shop: Workspace) -> None:
    # An app of its own, since the tool starts and stops what it asks.
    app = create_app(shop, ServiceSettings(language_model=False))
    _, key = app.state.penchant.keys.make("all", list(Scope))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    tried = 0

    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in ("/v1/builds/{version}/promote", "/v1/builds/rollback"):
            continue  # they have tests of their own, and load a build each time
        mode = schemathesis.GenerationMode

        for generation in (mode.POSITIVE, mode.NEGATIVE):

            @settings(
                max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=generation))
            def check(case: schemathesis.Case) -> None:
                nonlocal tried
                tried += 1
                answer = case.call(headers={"Authorization": f"Bearer {key}"})
                case.validate_response(
                    answer, checks=[not_a_server_error, response_schema_conformance, content_type_conformance]
                )
                assert answer.status_code != 500

            try:
                check()
            except Exception as error:
                if "Unsatisfiable" in type(error).__name__:
                    continue
                raise
    assert tried > 100


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
odd_events = st.fixed_dictionaries(
    {},
    optional={
        "member_id": json_values,
        "item_id": json_values | st.just("p1"),
        "kind": json_values | st.sampled_from([kind.value for kind in EventKind]),
        "at": json_values | st.datetimes().map(str),
        "amount": json_values,
        "duration": json_values,
        "text": json_values,
        "id": json_values,
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=st.lists(odd_events, max_size=3) | json_values)
def test_any_json_as_events_is_taken_or_refused(shared: Served, events: object) -> None:
    body = json.dumps({"events": events}).encode("utf-8", "surrogatepass")
    answer = shared.client.post("/v1/events", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 422:
        assert answer.json()["error"]["code"] in ("not_understood", "input")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=200))
def test_any_bytes_as_a_body_are_refused(shared: Served, body: bytes) -> None:
    answer = shared.client.post("/v1/events", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)


INJECTIONS = [
    "m1'; DROP TABLE members; --",
    '" OR 1=1 --',
    "..%2F..%2Fetc%2Fpasswd",
    "../../builds/current",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "<script>alert(1)</script>",
    "m1%0d%0aX-Evil: yes",
    "%00",
    "\u202emoc",
    "x" * 300,
]


@pytest.mark.parametrize("evil", INJECTIONS)
def test_injections_are_names_nobody_has(shared: Served, evil: str) -> None:
    counts = shared.workspace.store().counts()
    from urllib.parse import quote

    for path in ("/v1/members/{}/evidence", "/v1/members/{}/recommendations", "/v1/items/{}/similar"):
        for written in (quote(evil, safe=""), evil.replace("\u202e", "%E2%80%AE")):
            answer = shared.client.get(path.format(written))
            assert answer.status_code in (200, 404, 422), (path, written)
            assert "x-evil" not in answer.headers
            assert "root:" not in answer.text
    asked = shared.client.get("/v1/search", params={"q": evil, "for": evil[:100] if "%00" not in evil else "m1"})
    assert asked.status_code in (200, 404, 422)
    assert "<script>" not in asked.headers.get("content-type", "")
    assert shared.workspace.store().counts() == counts


def test_huge_numbers_and_batches_are_refused(shared: Served) -> None:
    for k in ("0", "-1", "201", "1e9", "9" * 400, "NaN"):
        assert shared.client.get(f"/v1/members/m1/recommendations?k={k}").status_code == 422
    event = {"member_id": "m1", "item_id": "p1", "kind": "view"}
    refused = shared.client.post("/v1/events", json={"events": [event] * 1_001})
    assert refused.status_code == 422
    assert "at most 1,000" in refused.json()["error"]["message"]
    assert shared.client.post("/v1/events", json={"events": []}).status_code == 422
    for odd in (
        {**event, "amount": 1e400},
        {**event, "duration": -1},
        {**event, "more": 1},
        {**event, "item_id": None},
    ):
        body = json.dumps({"events": [odd]})
        answer = shared.client.post("/v1/events", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, odd


def test_an_oversized_body_is_refused_whether_it_says_so_or_not(shared: Served) -> None:
    huge = b'{"events": [' + b" " * 1_100_000 + b"]}"
    told = shared.client.post("/v1/events", content=huge)
    assert (told.status_code, told.json()["error"]["code"]) == (413, "too_large")

    def parts() -> Iterator[bytes]:
        for _ in range(30):
            yield b" " * 50_000

    untold = shared.client.post("/v1/events", content=parts(), headers={"Content-Type": "application/json"})
    assert (untold.status_code, untold.json()["error"]["code"]) == (413, "too_large")


def test_deeply_nested_json_is_refused(shared: Served) -> None:
    body = b"[" * 100_000
    assert shared.client.post("/v1/events", content=body, headers={"Content-Type": "application/json"}).status_code in (
        400, 422,
    )  # fmt: skip


@pytest.fixture
def listening(shop: Workspace) -> Iterator[tuple[str, int, str]]:
    """A real server with little patience: host, port, key."""
    with _listening(shop, {"body_seconds": 0.6, "waiting_answers": 2}) as place:
        yield place


@contextmanager
def _listening(shop: Workspace, limits: dict[str, float]) -> Iterator[tuple[str, int, str]]:
    app = create_app(shop, ServiceSettings(language_model=False, limits=limits))
    _, key = app.state.penchant.keys.make("x", [Scope.SEND, Scope.READ])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, server_header=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    host, port = server.servers[0].sockets[0].getsockname()
    yield host, port, key
    server.should_exit = True
    thread.join()


def _say(host: str, port: int, said: bytes, *, seconds: float = 5) -> bytes:
    with socket.create_connection((host, port), timeout=seconds) as line:
        line.sendall(said)
        answer = b""
        while chunk := line.recv(65_536):
            answer += chunk
            if b"\r\n\r\n" in answer:
                break
        return answer


def test_a_body_that_trickles_in_is_given_up_and_others_are_served_meanwhile(listening: tuple[str, int, str]) -> None:
    host, port, key = listening
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        "Content-Length: 500\r\n\r\n{"
    ).encode()
    with socket.create_connection((host, port), timeout=5) as slow:
        slow.sendall(head)
        started = time.monotonic()
        assert b"200 OK" in _say(host, port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = slow.recv(65_536)
        assert b"408" in answer.split(b"\r\n")[0]
        assert time.monotonic() - started < 3


def test_headers_that_smuggle_are_refused(listening: tuple[str, int, str]) -> None:
    host, port, _ = listening
    for head in (
        b"GET /health HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\n bad: fold\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        assert b"500" not in _say(host, port, head).split(b"\r\n")[0]
    assert b"200 OK" in _say(host, port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")


def test_too_many_at_once_are_told_to_come_back(listening: tuple[str, int, str]) -> None:
    import httpx

    host, port, key = listening
    codes: list[int] = []
    waits: list[str] = []

    def ask() -> None:
        with httpx.Client(base_url=f"http://{host}:{port}", headers={"Authorization": f"Bearer {key}"}) as client:
            for row in range(10):
                answer = client.get(f"/v1/members/m{row}/recommendations?k=20")
                codes.append(answer.status_code)
                if answer.status_code == 429:
                    waits.append(answer.headers["retry-after"])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) == {200, 429}
    assert set(waits) == {"1"}


@pytest.mark.parametrize(("patience", "expected"), [(0.02, {200, 429}), (20.0, {200})])
def test_over_few_connections_nobody_waits_longer_than_is_set(
    shop: Workspace, patience: float, expected: set[int]
) -> None:
    import httpx

    codes: list[int] = []

    def ask(host: str, port: int, key: str) -> None:
        with httpx.Client(base_url=f"http://{host}:{port}", headers={"Authorization": f"Bearer {key}"}) as client:
            for row in range(12):
                answer = client.get(f"/v1/members/m{row}/recommendations?k=20")
                codes.append(answer.status_code)
                if answer.status_code == 429:
                    assert int(answer.headers["retry-after"]) >= 1
                    assert "turn" in answer.json()["error"]["message"]

    # Far fewer than may wait by number, so that time alone decides.
    with _listening(shop, {"waiting_seconds": patience, "waiting_answers": 1_000}) as place:
        threads = [threading.Thread(target=ask, args=place) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(codes) == expected
    assert codes.count(200) > 12, "what can be answered is"


def test_a_lane_refuses_at_once_whose_turn_is_far_off_and_later_whose_did_not_come() -> None:
    begun: list[int] = []

    def work(number: int, seconds: float) -> int:
        begun.append(number)
        time.sleep(seconds)
        return number

    async def tried(lane: Lane, number: int, seconds: float) -> tuple[object, float]:
        started = time.monotonic()
        try:
            found: object = await lane.run(work, number, seconds)
        except Refused as refused:
            found = (refused.status, refused.retry_after)
        return found, time.monotonic() - started

    async def all_of_them() -> None:
        lane = Lane("test", threads=1, most=100, seconds=5, patience=0.4)
        # Nothing is known of the work yet, so all are taken; those whose turn does not come are told so in time.
        told = await asyncio.gather(*(tried(lane, number, 0.3) for number in range(6)))
        assert [found for found, _ in told[:2]] == [0, 1]
        assert {found for found, _ in told[2:]} == {(429, 1)}
        assert all(0.35 < seconds < 0.9 for _, seconds in told[2:])
        assert begun == [0, 1], "nobody works for those who were told to come back"
        for number in range(10, 30):
            await tried(lane, number, 0.05)
        # Now it is known what work takes: at 50 ms each the tenth in line would wait longer than that.
        told = await asyncio.gather(*(tried(lane, number, 0.05) for number in range(40)))
        refused = [seconds for found, seconds in told if isinstance(found, tuple)]
        assert 20 <= len(refused) <= 36
        assert max(refused) < 0.35
        assert lane.waiting == 0
        assert (await tried(lane, 99, 0))[0] == 99
        lane.stop()

    asyncio.run(all_of_them())
