"""Load on a service from a process of its own: plain sockets, so that the load costs little beside what it measures.

python -m penchant.benchmarks.serve_load '{"port": …, "key": "…", "seconds": 5, "kind": "recommend", …}'
"""

import asyncio
import itertools
import json
import random
import subprocess
import sys
import time
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, PositiveInt

_SEEN_SECONDS: Final = 30.0


class LoadConfig(BaseModel):
    """What to ask, how much of it, and how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: PositiveInt
    key: str = ""
    kind: Literal["recommend", "events", "mixed", "bare"] = "recommend"
    """`mixed` asks for recommendations and sends one batch of events to every ten of them."""
    seconds: PositiveFloat = 5.0
    connections: PositiveInt = 4
    rate: NonNegativeFloat = 0.0
    """Requests a second, sent whether or not earlier ones were answered; as fast as answers come where it is 0."""
    members: PositiveInt = 100
    items: PositiveInt = 100
    batch: PositiveInt = 20
    """Events in one batch."""
    k: PositiveInt = 10
    reasons: bool = True
    """Ask why each item is recommended."""
    seed: int = 0


class LoadResult(BaseModel):
    """What came back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: int
    errors: int
    """Answers that are not 200, and requests without an answer."""
    busy: int
    """Answers of 429, which are no errors where more is asked than can be answered."""
    events: int
    """Events acknowledged."""
    seconds: float
    latencies_ms: list[float]
    """Of each request but batches of events; from when it was due to when it was answered."""
    statuses: dict[str, int]


def run_load(config: LoadConfig) -> LoadResult:
    """Run a load in another process, and wait for it."""
    words = [sys.executable, "-m", "penchant.benchmarks.serve_load", config.model_dump_json()]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    return LoadResult.model_validate_json(done.stdout)


class _Line:
    """One connection, kept open."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, said: bytes) -> tuple[int, bytes]:
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        assert self._reader is not None
        self._writer.write(said)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        body = await self._reader.readexactly(length) if length else b""
        if b"connection: close" in head.lower():
            self.close()
        return status, body

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None


class _Load:
    def __init__(self, config: LoadConfig) -> None:
        self.config = config
        self.rng = random.Random(config.seed)
        self.latencies: list[float] = []
        self.statuses: dict[str, int] = {}
        self.events = 0
        self.begun = 0
        # Members in an order that repeats none before all were asked.
        order = list(range(config.members))
        self.rng.shuffle(order)
        self._members = itertools.cycle(order)

    async def run(self) -> LoadResult:
        started = time.perf_counter()
        await asyncio.gather(*(self._worker(number, started) for number in range(self.config.connections)))
        seconds = time.perf_counter() - started
        bad = sum(count for status, count in self.statuses.items() if status not in ("200", "429"))
        return LoadResult(
            requests=sum(self.statuses.values()), errors=bad, busy=self.statuses.get("429", 0), events=self.events,
            seconds=seconds, latencies_ms=self.latencies, statuses=self.statuses,
        )  # fmt: skip

    async def _worker(self, number: int, started: float) -> None:
        line = _Line(self.config.port)
        end = started + self.config.seconds
        while time.perf_counter() < end:
            due = time.perf_counter()
            if self.config.rate:
                due = started + self.begun / self.config.rate
                self.begun += 1
                if due >= end:
                    break
                if (early := due - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
            said, events = self._next()
            try:
                async with asyncio.timeout(_SEEN_SECONDS):
                    status, body = await line.ask(said)
            except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                self._count("none")
                line.close()
                await asyncio.sleep(0.05)
                continue
            self._count(str(status))
            if events and status == 200:
                self.events += json.loads(body)["added"]
            elif not events:
                self.latencies.append((time.perf_counter() - due) * 1_000)
        line.close()

    def _count(self, status: str) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def _next(self) -> tuple[bytes, bool]:
        kind = self.config.kind
        if kind == "bare":
            return b"GET /bare HTTP/1.1\r\nHost: x\r\n\r\n", False
        if kind == "events" or (kind == "mixed" and self.rng.random() < 1 / 11):
            return self._batch(), True
        member = f"m{next(self._members):06d}"
        why = "" if self.config.reasons else "&reasons=false"
        return (
            f"GET /v1/members/{member}/recommendations?k={self.config.k}{why} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {self.config.key}\r\n\r\n"
        ).encode(), False

    def _batch(self) -> bytes:
        events = [
            {
                "member_id": f"m{self.rng.randrange(self.config.members):06d}",
                "item_id": f"p{self.rng.randrange(self.config.items):06d}",
                "kind": "view",
            }
            for _ in range(self.config.batch)
        ]
        body = json.dumps({"events": events}).encode()
        head = (
            f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.config.key}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: {self.rng.getrandbits(96):x}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def main(words: list[str]) -> Any:
    """Run one load and write what came of it as JSON."""
    result = asyncio.run(_Load(LoadConfig.model_validate_json(words[0])).run())
    sys.stdout.write(result.model_dump_json())


if __name__ == "__main__":
    main(sys.argv[1:])
