"""The service under load from a second process: how many answers, how quick, how soon an event counts, what memory."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Final

import numpy as np

from penchant.benchmarks.result import Cell
from penchant.benchmarks.serve_load import LoadConfig, LoadResult, run_load
from penchant.benchmarks.serve_process import Running, free_port
from penchant.benchmarks.serve_times import Answer, Times
from penchant.errors import StorageError
from penchant.service.running.metrics import strategy_name
from penchant.workspace import Workspace

RATE: Final = 150.0
"""Recommendations a second at which the time of an answer is told."""
MIXED_RATE: Final = 60.0
FRESH: Final = 100
"""Events after which the next answer is awaited."""
_SETTLED: Final = 0.4
"""Part of the mixed load after which memory should stand still."""


def loaded(workspace: Workspace, log: Path, seed: int, times: Times) -> Answer:
    """Load a service as fast as answers come, at a steady rate, with events, and with all of it for minutes.

    Args:
        workspace: with a build.
        log: where the service's log goes.
        seed: of what is asked.
        times: how long each load lasts.
    """
    rows: list[dict[str, Cell]] = []
    community = workspace.require_current().community
    members, items = len(community.members), len(community.items)
    del community
    with Running(workspace, log) as service:
        base = LoadConfig(port=service.port, key=service.key, members=members, items=items, seed=seed)

        def load(name: str, config: LoadConfig) -> LoadResult:
            result = run_load(config)
            rows.append(_row(name, result))
            return result

        load("warming up", base.model_copy(update={"seconds": times.load / 4, "seed": seed + 1}))
        most = load("recommendations, as many as can be", base.model_copy(update={"seconds": times.load}))
        steady = load(
            f"recommendations, {RATE:g} a second",
            base.model_copy(update={"seconds": times.load, "rate": RATE, "connections": 16, "seed": seed + 2}),
        )
        events = load(
            "events in batches of 20",
            base.model_copy(update={"kind": "events", "seconds": times.load, "connections": 16}),
        )
        short = base.model_copy(update={"reasons": False})
        listed = load("lists without reasons, as many as can be", short.model_copy(update={"seconds": times.load}))
        calm = load(
            f"lists without reasons, {RATE:g} a second",
            short.model_copy(update={"seconds": times.load, "rate": RATE, "connections": 16, "seed": seed + 4}),
        )
        fresh = _fresh(service, members)
        memory = _Memory(service)
        mixed = load(
            f"mixed, {MIXED_RATE:g} a second",
            base.model_copy(
                update={
                    "kind": "mixed",
                    "seconds": times.mixed,
                    "rate": MIXED_RATE,
                    "connections": 16,
                    "seed": seed + 3,
                }
            ),
        )
        memory.stop()
        grown, settled = memory.grown()
    bare = _bare(log, base, times)
    rows.append(_row("a bare route", bare))
    metrics = {
        "requests_per_s": (most.requests - most.errors - most.busy) / most.seconds,
        "p50_ms": _percentile(steady, 50),
        "p99_ms": _percentile(steady, 99),
        "p50_ms@busy": _percentile(most, 50),
        "requests_per_s@lists": (listed.requests - listed.errors - listed.busy) / listed.seconds,
        "p50_ms@lists": _percentile(calm, 50),
        "p99_ms@lists": _percentile(calm, 99),
        "events_per_s": events.events / events.seconds,
        "errors": float(sum(one.errors for one in (most, steady, listed, calm, events, mixed))),
        "fresh_p50_ms": float(np.percentile(fresh, 50)),
        "fresh_p99_ms": float(np.percentile(fresh, 99)),
        "mixed_p99_ms": _percentile(mixed, 99),
        "mixed_growth_mb": grown,
        "mixed_growth_mb_later": settled,
        "mixed_bytes_per_event": 1e6 * grown / max(mixed.events, 1),
        "ratio_to_bare": (most.requests / most.seconds) / (bare.requests / bare.seconds),
    }
    baseline = {
        "requests_per_s": bare.requests / bare.seconds,
        "p50_ms": _percentile(bare, 50),
        "p99_ms": _percentile(bare, 99),
        "errors": float(bare.errors),
    }
    return metrics, {"bare FastAPI route": baseline}, {"loads": rows}


class _Memory:
    """What a service holds, looked at while it is loaded."""

    def __init__(self, service: Running) -> None:
        self.service = service
        self.seen: list[float] = [service.rss_mb()]
        self._going = True
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._going = False
        self._thread.join()
        self.seen.append(self.service.rss_mb())

    def grown(self) -> tuple[float, float]:
        """MB from beginning to end, and those of them that came after the first part of the time."""
        later = self.seen[int(_SETTLED * len(self.seen)) :]
        return self.seen[-1] - self.seen[0], self.seen[-1] - later[0]

    def _run(self) -> None:
        while self._going:
            time.sleep(0.5)
            self.seen.append(self.service.rss_mb())


def _row(name: str, result: LoadResult) -> dict[str, Cell]:
    return {
        "load": name,
        "requests": result.requests,
        "a second": round(result.requests / result.seconds, 1),
        "p50 ms": round(_percentile(result, 50), 2),
        "p99 ms": round(_percentile(result, 99), 2),
        "events": result.events,
        "busy": result.busy,
        "errors": result.errors,
    }


def _percentile(result: LoadResult, share: float) -> float:
    return float(np.percentile(result.latencies_ms, share)) if result.latencies_ms else 0.0


def _fresh(service: Running, members: int) -> list[float]:
    """Milliseconds from sending an event to having an answer that it has changed."""
    found = []
    for turn in range(FRESH):
        path = f"/v1/members/m{turn * 7 % members:06d}/recommendations?k=5"
        status, before = service.ask("GET", path)
        # What members did who refused its use changes nothing for them, so they are answered as strangers are.
        if status != 200 or not before["picks"] or strategy_name(before["strategy"]) == "popular":
            continue
        first = before["picks"][0]["item_id"]
        member = before["member_id"]
        started = time.perf_counter()
        status, told = service.ask(
            "POST", "/v1/events", {"events": [{"member_id": member, "item_id": first, "kind": "buy"}]}
        )
        if status != 200:
            raise StorageError(f"an event was not taken: {told}")
        _, after = service.ask("GET", path)
        seconds = time.perf_counter() - started
        if first in [pick["item_id"] for pick in after["picks"]]:
            raise StorageError(f"{member} bought {first} and was shown it again: an acknowledged event changed nothing")
        found.append(seconds * 1_000)
    return found


_BARE: Final = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/bare")
async def bare():
    return {"picks": []}
uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False)
"""


def _bare(log: Path, base: LoadConfig, times: Times) -> LoadResult:
    """The same load on a route that does nothing, served the same way."""
    port = free_port()
    with log.open("ab") as stream, subprocess.Popen([sys.executable, "-c", _BARE, str(port)], stderr=stream) as process:
        try:
            _wait_for(lambda: run_load(LoadConfig(port=port, kind="bare", seconds=0.1)).errors == 0)
            return run_load(base.model_copy(update={"port": port, "kind": "bare", "seconds": times.load / 2}))
        finally:
            process.terminate()


def _wait_for(done: Callable[[], bool]) -> None:
    for _ in range(50):
        if done():
            return
        time.sleep(0.1)
    raise StorageError("the bare route did not start")
