"""The service as a team would run it, measured: loaded, its builds switched, killed, its store taken away."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from penchant.benchmarks.result import BenchResult, data_name, figures
from penchant.benchmarks.serve_load import LoadConfig, LoadResult
from penchant.benchmarks.serve_loads import loaded
from penchant.benchmarks.serve_process import Running
from penchant.benchmarks.serve_shop import make_shop, second_build
from penchant.benchmarks.serve_stores import killed, without_store
from penchant.benchmarks.serve_times import Answer, Times
from penchant.errors import ConfigError, StorageError
from penchant.evaluation.cost import measured
from penchant.workspace import CONFIG_FILE, Workspace

PROTOCOLS: Final = ("load", "switch", "death", "outage")
ITEMS: Final = 100_000
"""In the catalogue of a bazaar of half a million events or more; a smaller one has fewer."""
LARGE: Final = 500_000
_SETTINGS: Final = "\n[service]\nlanguage_model = false\nfollow_builds = false\nanswer_threads = 2\n"


def run(data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> BenchResult:
    """Serve a shop and load it.

    Args:
        data: `simulated:500000` makes a bazaar of so many events, with one member for every fifty and 100,000 items,
            and builds it (some minutes); the folder of a workspace is copied and served as it is.
        protocol: `load` measures answers, events, freshness and a mixed load; `switch` changes the build again and
            again under load; `death` kills the service again and again under writes, on SQLite and, where its package
            is installed, on PostgreSQL; `outage` takes the store away for a while, or fills its disk, on both.
        seeds: of the bazaar and of what is asked; 0 if None.

    Raises:
        ConfigError: there is no such protocol, or the data are neither.
    """
    protocol = protocol or "load"
    if protocol not in PROTOCOLS:
        raise ConfigError(f"the service is not measured by {protocol!r}; the protocol is one of {', '.join(PROTOCOLS)}")
    seed, times = seeds[0] if seeds else 0, Times()
    with TemporaryDirectory(prefix="penchant-bench-") as place, measured() as cost:
        workspace = _workspace(data, Path(place) / "shop.ws", seed)
        log = Path(place) / "service.log"
        if protocol == "load":
            metrics, baselines, tables = loaded(workspace, log, seed, times)
        elif protocol == "switch":
            metrics, baselines, tables = _exchanged(workspace, log, seed, times)
        else:
            run_stores = killed if protocol == "death" else without_store
            metrics, baselines, tables = run_stores(workspace, log, Path(place), times)
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


def _exchanged(workspace: Workspace, log: Path, seed: int, times: Times) -> Answer:
    community = workspace.require_current().community
    members, items = len(community.members), len(community.items)
    with Running(workspace, log) as service:
        failed, switched = _switched(
            service,
            LoadConfig(port=service.port, key=service.key, members=members, items=items, seed=seed),
            times,
        )
    return {"switches": float(switched), "errors": float(failed)}, {}, {}


def _switched(service: Running, base: LoadConfig, times: Times) -> tuple[int, int]:
    """Requests that failed while builds were switched, and how many switches there were."""
    words = [
        sys.executable, "-m", "penchant.benchmarks.serve_load",
        base.model_copy(update={"seconds": 3 * times.load, "rate": 20.0, "connections": 8}).model_dump_json(),
    ]  # fmt: skip
    switched = 0
    with subprocess.Popen(words, stdout=subprocess.PIPE) as load:
        while load.poll() is None and switched < times.switches:
            version = "0002" if switched % 2 == 0 else "0001"
            status, told = service.ask("POST", f"/v1/builds/{version}/promote", seconds=60)
            if status != 200:
                raise StorageError(f"build {version} was not switched to: {told}")
            switched += 1
        out, _ = load.communicate()
    result = LoadResult.model_validate_json(out)
    return result.errors + result.busy, switched
