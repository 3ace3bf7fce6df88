"""`penchant bench recommend --protocol speed`: how long one answer takes, of recommendation and of search."""

import zlib
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final, TypeVar

import numpy as np

from penchant.benchmarks.result import BenchResult, Cell, data_name, figures
from penchant.data.community import Community
from penchant.data.public import load
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.errors import ConfigError
from penchant.evaluation.cost import measured
from penchant.recommend import PolicyConfig, RecommendConfig, fit
from penchant.recommend.config import SourceName
from penchant.search import SearchConfig, train
from penchant.search.dense import Dense, DenseConfig
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Floats, unit_rows

ASKED: Final = 60
"""Answers of each kind that are timed, each to another member or query."""
WIDTH: Final = 384
SIMULATED: Final = "simulated:"
Thing = TypeVar("Thing")


class Spelled:
    """Vectors of spelling in place of a language model's, which would take an hour for so many texts.

    How long an answer takes does not depend on what the numbers of a vector are.
    """

    name = "spelled"
    width = WIDTH

    def __init__(self) -> None:
        self._directions = np.random.default_rng(0).normal(size=(4_096, WIDTH)).astype(np.float32)

    def encode(self, texts: Sequence[str]) -> Floats:
        """(texts, width) the sum of a direction for each pair of letters."""
        found = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for row, text in enumerate(texts):
            places = [zlib.crc32(text[at : at + 2].encode()) % 4_096 for at in range(max(len(text) - 1, 1))]
            found[row] = self._directions[places].sum(axis=0)
        return unit_rows(found)


def run_speed(data: str, seeds: Sequence[int]) -> BenchResult:
    """Medians over single answers on one thread; a community of N simulated events has N/10 items and N/100 members.

    Timed are a recommendation through sources, ranker and policy, with reasons and without checking them; a search with
    the reranker and without; and the nearest of a tenth of N vectors times a hundred, with the share of the true ten
    nearest that is found. Queries are read by the default encoder, so its time is in those of a search.
    """
    if len(seeds) != 1:
        seeds = seeds[:1]
    options = Options(seed=seeds[0], threads=1, progress=False)
    with measured() as cost:
        community = _community(data)
        spelled = Spelled()
        recommends = _recommends(community, spelled, options)
        searches = _searches(community, spelled, options)
        near, recall = _nearest(len(community.items), options)
    means = {**recommends, **searches, "nearest_ms": near, "nearest_recall@10": recall}
    sizes: list[dict[str, Cell]] = [{"items": len(community.items), "members": len(community.members)}]
    return BenchResult(
        name="recommend",
        data=data_name(data),
        protocol="speed",
        metrics=figures([means]),
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        tables={"sizes": sizes},
    )


def _community(data: str) -> Community:
    if not data.startswith(SIMULATED):
        return load(data)
    try:
        events = int(data.removeprefix(SIMULATED))
    except ValueError as error:
        raise ConfigError(f"{data} names no number of events; write simulated:1000000") from error
    config = SimulatedConfig(events=events, items=max(events // 10, 100), members=max(events // 100, 20))
    return simulate(config).community


def _recommends(community: Community, encoder: Encoder, options: Options) -> dict[str, float]:
    from penchant.data.splits import last_split

    sources: tuple[SourceName, ...] = ("popularity", "ease", "als", "neighbours", "cooccurrence", "next", "text")
    config = RecommendConfig(
        sources=sources,
        settings={"ease": {"max_items": 5_000}},
        tuning="none",
        policy=PolicyConfig.model_validate({"diversity": {"method": "mmr"}}),
    ).model_copy(update={"checked_reasons": True})
    split = last_split(community, options.seed, unseen=True)
    fitted = fit(split.train, split.validation, config, options, encoder=encoder)
    # The ranker is timed whether or not it was worth using here.
    model = fitted.recommender.with_ranker(fitted.ranker).on(split.fit)
    members = _some(community.member_ids.ids.to_list(), options)
    checked = _median(lambda member: model.recommend(member, 10), members)
    model.config = config.model_copy(update={"checked_reasons": False})
    plain = _median(lambda member: model.recommend(member, 10), members)
    return {"recommend_ms": plain, "recommend_checked_ms": checked}


def _searches(community: Community, spelled: Encoder, options: Options) -> dict[str, float]:
    from penchant.benchmarks.recommend import _encoder
    from penchant.search.dense import for_queries

    searcher = train(community, SearchConfig(), options, encoder=spelled)
    queries = _some([title for title in community.titles if len(title) < 40], options)
    reads = for_queries(_encoder())
    encode = _median(lambda query: reads.encode([query]), queries)
    ranked = searcher.reranker
    timed = {"search_rerank_ms": 0.0}
    if ranked is not None:
        timed["search_rerank_ms"] = encode + _median(lambda query: searcher.search(query, 10), queries)
    searcher.reranker = None
    timed["search_ms"] = encode + _median(lambda query: searcher.search(query, 10), queries)
    return {**timed, "encode_query_ms": encode}


def _nearest(count: int, options: Options) -> tuple[float, float]:
    """Milliseconds to find ten of so many vectors, in clusters as texts are, and the share of the true ten found."""
    rng = options.rng()
    centres = rng.normal(size=(max(count // 50, 1), WIDTH)).astype(np.float32)
    noise = rng.normal(size=(count, WIDTH)).astype(np.float32)
    vectors = unit_rows(centres[rng.integers(len(centres), size=count)] + np.float32(0.7) * noise)
    index = Dense(DenseConfig(form="i8")).fit(vectors)
    near = rng.normal(size=(ASKED, WIDTH)).astype(np.float32) * np.float32(0.3 / WIDTH**0.5)
    asked = unit_rows(vectors[rng.integers(count, size=ASKED)] + near)
    true = [set(np.argsort(-(vectors @ query))[:10].tolist()) for query in asked]
    found = [set(index.search(query, 10)[0].tolist()) for query in asked]
    recall = float(np.mean([len(one & other) / 10 for one, other in zip(true, found, strict=True)]))
    return _median(lambda query: index.search(query, 10), list(asked)), recall


def _some(things: list[Thing], options: Options) -> list[Thing]:
    return [things[row] for row in options.rng().permutation(len(things))[:ASKED]]


def _median(answer: Callable[[Thing], object], asked: Sequence[Thing]) -> float:
    """Milliseconds, the median over all, after a few to warm up."""
    for one in asked[:5]:
        answer(one)
    times = []
    for one in asked:
        began = perf_counter()
        answer(one)
        times.append(perf_counter() - began)
    return float(np.median(times)) * 1e3
