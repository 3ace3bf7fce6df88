"""`penchant bench search --protocol nearest`: how long the index of vectors takes to answer, and what it misses."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

import numpy as np

from penchant.benchmarks.result import BenchResult, Cell, data_name, figures
from penchant.benchmarks.timing import median_ms
from penchant.errors import ConfigError
from penchant.evaluation.cost import measured
from penchant.search.dense import Dense, DenseConfig
from penchant.training.options import Options
from penchant.vectors import Floats, Rows, chunks, top_k, unit_rows

SIMULATED: Final = "simulated:"
WIDTH: Final = 384
ASKED: Final = 100
"""Queries that are timed, and as many others on which the index's one setting is picked."""
K: Final = 10
WANTED: Final = 0.95
"""Share of the true ten that the setting is picked to find."""
TRIED: Final = (64, 128, 256, 512)
"""Candidates looked at to answer a query: of these the fewest that find enough."""
CLUSTER: Final = 50
"""Vectors that lie together, as the texts of one kind of thing do."""
_AT_ONCE: Final = 50_000


def run_nearest(data: str, seeds: Sequence[int]) -> BenchResult:
    """The ten nearest of so many vectors in clusters, kept as single bytes; `simulated:1000000` makes a million.

    How many candidates a search looks at is the least that finds `WANTED` of the true ten for some queries; time and
    recall are those of other queries. The index is written, opened memory-mapped, and asked on one thread.

    Raises:
        ConfigError: the data is not `simulated:` and a number.
    """
    count = _count(data)
    table: list[dict[str, Cell]] = []
    means = []
    with measured() as cost:
        for seed in seeds:
            found, tried = _measured(count, Options(seed=seed, threads=1, progress=False))
            means.append(found)
            table += [{"seed": seed, "vectors": count, **row} for row in tried]
    return BenchResult(
        name="search",
        data=data_name(data),
        protocol="nearest",
        metrics=figures(means),
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        tables={"candidates looked at": table},
    )


def _count(data: str) -> int:
    number = data.removeprefix(SIMULATED)
    if not data.startswith(SIMULATED) or not number.isdigit() or int(number) < 10 * K:
        raise ConfigError(f"{data} names no number of vectors; write simulated:1000000")
    return int(number)


def _measured(count: int, options: Options) -> tuple[dict[str, float], list[dict[str, Cell]]]:
    vectors = _clustered(count, options)
    rng = options.rng()
    near = rng.normal(size=(2 * ASKED, WIDTH)).astype(np.float32) * np.float32(0.3 / WIDTH**0.5)
    asked = unit_rows(vectors[rng.integers(count, size=2 * ASKED)] + near)
    true = _truly(vectors, asked)
    began = perf_counter()
    index = Dense(DenseConfig(form="i8")).fit(vectors)
    built = perf_counter() - began
    width, largest = index.width, index.largest
    with TemporaryDirectory() as folder:
        index.save(Path(folder))
        del index, vectors
        tried: list[dict[str, Cell]] = []
        for looked_at in TRIED:
            config = DenseConfig(form="i8", expansion_search=looked_at)
            began = perf_counter()
            index = Dense.load(Path(folder), config, width=width, largest=largest)
            opened = (perf_counter() - began) * 1e3
            # The first answers read the file; what is served has been read.
            found = _recall(index, asked[:ASKED], true[:ASKED])
            tried.append({"looked at": looked_at, "recall@10, picked on": found})
            if found >= WANTED:
                break
        recall = _recall(index, asked[ASKED:], true[ASKED:])
        wall, processor = median_ms(lambda query: index.search(query, K), list(asked[ASKED:]))
    return {
        "nearest_ms": wall,
        "nearest_cpu_ms": processor,
        "nearest_recall@10": recall,
        "open_ms": opened,
        "build_s": built,
    }, tried


def _clustered(count: int, options: Options) -> Floats:
    """(count, width) unit vectors, a few at a time: all their noise at once would not fit into memory."""
    rng = options.rng()
    centres = rng.standard_normal((max(count // CLUSTER, 1), WIDTH), dtype=np.float32)
    vectors = np.empty((count, WIDTH), dtype=np.float32)
    for part in chunks(count, _AT_ONCE):
        noise = rng.standard_normal((part.stop - part.start, WIDTH), dtype=np.float32)
        vectors[part] = unit_rows(centres[rng.integers(len(centres), size=len(noise))] + np.float32(0.7) * noise)
    return vectors


def _truly(vectors: Floats, asked: Floats) -> Rows:
    """(queries, K) the nearest, each vector compared."""
    best: list[Rows] = []
    for part in chunks(len(asked), 20):
        best.append(top_k((vectors @ asked[part].T).T, K))
    return np.concatenate(best)


def _recall(index: Dense, asked: Floats, true: Rows) -> float:
    found = [np.isin(index.search(query, K)[0], rows).sum() / K for query, rows in zip(asked, true, strict=True)]
    return float(np.mean(found))
