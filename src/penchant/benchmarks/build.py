"""What the main job costs: seconds and peak memory of reading, storing, and each stage of a build."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast, get_args

from penchant.benchmarks.result import BenchResult, Cell, data_name
from penchant.data.folder import Form
from penchant.errors import ConfigError
from penchant.evaluation.cost import Cost, measured
from penchant.training.options import Options

SEED: Final = 0


def run(data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> BenchResult:
    """Write the data as files, then read, store and build them in a fresh workspace, measuring each step.

    The time of a build depends on the data and not on the seed, so there is one run, and it takes the first seed.

    Args:
        data: as for `penchant.data.public.load`; `simulated:1000000` is a bazaar of that many events.
        protocol: form of the files, `csv`, `jsonl` or `parquet`; `csv` if None.
        seeds: of the build; 0 if None.

    Raises:
        ConfigError: there is no such form, or no such data.
    """
    from penchant.data.readers import read_community
    from penchant.pipeline import build
    from penchant.workspace import Workspace

    form = protocol or "csv"
    if form not in get_args(Form):
        raise ConfigError(f"files cannot be written as {form!r}; the protocol is one of {', '.join(get_args(Form))}")
    seed = seeds[0] if seeds else SEED
    rows: list[dict[str, Cell]] = []

    def note(stage: str, cost: Cost) -> None:
        rows.append({"stage": stage, "seconds": round(cost.seconds, 2), "peak_rss_mb": round(cost.peak_rss_mb, 1)})

    with TemporaryDirectory(prefix="penchant-bench-") as place:
        files = Path(place) / "data"
        # In a process of its own, so that the memory it takes is not counted.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as writer:
            writer.submit(_write, data, files, form).result()
        with measured() as whole:
            with measured() as cost:
                reading = read_community(files, rejected=Path(place) / "rejected.jsonl", progress=False)
            note("read and check", cost)
            community, rejected = reading.community, reading.summary.rejected
            workspace = Workspace.create(Path(place) / "bench.ws")
            with measured() as cost, workspace.store() as store:
                store.write(community)
            note("store", cost)
            sizes = {name: len(table) for name, table in community.tables().items()}
            del reading, community
            with measured() as cost:
                built = build(workspace, options=Options(seed=seed, progress=False))
            for stage in built.record.stages:
                note(stage.name, Cost(stage.seconds, stage.peak_rss_mb))
            note("build in all", cost)
    sizes["rejected"] = rejected
    counted: list[dict[str, Cell]] = [{"table": name, "rows": size} for name, size in sizes.items()]
    return BenchResult(
        name="build",
        data=data_name(data),
        protocol=form,
        metrics={},
        tables={"stages": rows, "rows": counted},
        seconds=whole.seconds,
        peak_rss_mb=whole.peak_rss_mb,
        seeds=[seed],
    )


def _write(data: str, folder: Path, form: str) -> None:
    from penchant.data.folder import write_folder
    from penchant.data.public import load

    write_folder(load(data), folder, form=cast(Form, form))
