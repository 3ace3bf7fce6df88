"""`penchant bench recommend --protocol speed`: how long one answer takes, of recommendation and of search."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final, TypeVar

import numpy as np

from penchant.benchmarks.result import BenchResult, Cell, data_name, figures
from penchant.benchmarks.timing import median_ms
from penchant.data.community import Community
from penchant.data.public import load
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.data.splits import last_split
from penchant.errors import ConfigError
from penchant.evaluation.cost import measured
from penchant.recommend import PolicyConfig, RankerConfig, RecommendConfig, fit
from penchant.recommend.config import SourceName
from penchant.recommend.person import Person
from penchant.search import SearchConfig, Searcher, train
from penchant.search.dense import for_queries
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Floats, unit_rows

ASKED: Final = 60
"""Answers of each kind that are timed, each to another member or query."""
WIDTH: Final = 384
SIMULATED: Final = "simulated:"
JUDGED: Final = 500
"""Members that the ranker is learned from: how long it takes to answer does not hang on how well it was learned."""
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

    Timed are a recommendation through sources, ranker and policy, with reasons, without checking them and without any;
    a search with the reranker and without; and how long the searcher takes to open. Queries are read by the default
    encoder, so its time is in those of a search. What ends in `_cpu_ms` is processor time.
    """
    options = Options(seed=seeds[0], threads=1, progress=False)
    with measured() as cost:
        community = _community(data)
        spelled = Spelled()
        means = {**_recommends(community, spelled, options), **_searches(community, spelled, options)}
    sizes: list[dict[str, Cell]] = [
        {"items": len(community.items), "members": len(community.members), "events": len(community.events)}
    ]
    return BenchResult(
        name="recommend",
        data=data_name(data),
        protocol="speed",
        metrics=figures([means]),
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=[seeds[0]],
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
    sources: tuple[SourceName, ...] = ("popularity", "ease", "als", "neighbours", "cooccurrence", "next", "text")
    config = RecommendConfig(
        sources=sources,
        settings={"ease": {"max_items": 5_000}},
        tuning="none",
        tuning_members=JUDGED,
        ranker=RankerConfig(rounds=0),
        policy=PolicyConfig.model_validate({"diversity": {"method": "mmr"}}),
    )
    split = last_split(community, options.seed, unseen=True)
    fitted = fit(split.train, split.validation, config, options, encoder=encoder)
    # The ranker is timed whether or not it was worth using here.
    model = fitted.recommender.with_ranker(fitted.ranker).on(split.fit)
    members = _some(community.member_ids.ids.to_list(), options)
    timed = _timed("recommend_checked", *median_ms(lambda member: model.recommend(member, 10), members))
    model.config = model.config.model_copy(update={"checked_reasons": False})
    timed |= _timed("recommend", *median_ms(lambda member: model.recommend(member, 10), members))
    people = [Person.member(model.community, member, model.config.event_weights) for member in members]
    return timed | _timed("list", *median_ms(lambda person: model.answer(person, 10, reasons=False), people))


def _searches(community: Community, spelled: Encoder, options: Options) -> dict[str, float]:
    from penchant.benchmarks.recommend import _encoder

    searcher = train(community, SearchConfig(), options, encoder=spelled)
    with TemporaryDirectory() as folder:
        searcher.save(Path(folder))
        began = perf_counter()
        searcher = Searcher.load(Path(folder), encoder=spelled, community=community)
        timed = {"search_open_ms": (perf_counter() - began) * 1e3}
        queries = _some([title for title in community.titles if len(title) < 40], options)
        reads = for_queries(_encoder())
        encoded = median_ms(lambda query: reads.encode([query]), queries)
        timed |= _timed("encode_query", *encoded)
        for name in ("search_rerank", "search"):
            if name == "search":
                searcher.reranker = None
            elif searcher.reranker is None:
                continue
            found = median_ms(lambda query: searcher.search(query, 10), queries)
            timed |= _timed(name, *(own + read for own, read in zip(found, encoded, strict=True)))
    return timed


def _timed(name: str, wall: float, worked: float) -> dict[str, float]:
    return {f"{name}_ms": wall, f"{name}_cpu_ms": worked}


def _some(things: list[Thing], options: Options) -> list[Thing]:
    return [things[row] for row in options.rng().permutation(len(things))[:ASKED]]
