"""`penchant bench search`: judged queries over a whole catalogue, or graded pairs of query and title."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.benchmarks.search_pairs import BM25, FROZEN, FUSION, has_pairs, run_pairs
from penchant.errors import ConfigError
from penchant.evaluation.bootstrap import Difference, paired_difference
from penchant.evaluation.cost import measured
from penchant.evaluation.ranking import evaluate_rankings
from penchant.search.catalogue import Catalogue
from penchant.search.config import SearchConfig
from penchant.search.fusion import FusionConfig, fuse, ranked
from penchant.search.judgements import Judgements, read_judgements
from penchant.search.learning import Learned, learn
from penchant.search.lexical import Lexical, LexicalConfig
from penchant.search.recipe import Evaluation, evaluate, judged
from penchant.search.searcher import Searcher
from penchant.search.words import analyse
from penchant.settings import settings
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import top_k

K: Final = 10
GRID: Final = ((0.6, 0.3), (0.6, 0.5), (0.9, 0.3), (0.9, 0.5), (1.2, 0.5), (1.2, 0.75))
"""k1 and b of BM25 that are tried on training queries."""
TRIED_ON: Final = 700
"""Training queries that they are tried on."""
TUNED, JUDGED = "train", "dev"
"""Splits to learn from and to judge by."""


@dataclass(frozen=True, eq=False)
class _System:
    evaluation: Evaluation
    learned: Learned | None = None

    @property
    def metrics(self) -> dict[str, float]:
        whole, among = self.evaluation.metrics.means, self.evaluation.among_judged.means
        return {
            "ndcg@10": whole[f"ndcg@{K}"],
            "recall@10": whole[f"recall@{K}"],
            "mrr@10": whole[f"mrr@{K}"],
            "ndcg@10_judged": among[f"ndcg@{K}"],
        }


def run(data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> BenchResult:
    """Search a catalogue for queries that were judged, and measure the answers on queries apart; or grade pairs.

    What can be learned (BM25's two numbers, the map of queries, the weights, the order) is learned on the split
    `train`; the split `dev` is looked at once. The whole catalogue is ranked, and what nobody judged counts as no
    answer; `ndcg@10_judged` ranks each query's judged items alone. BM25 reads the same words as we do.

    A folder of graded pairs (files `dev` and `test_public`) has the protocols `pairs`, and `pairs-tuned`, which also
    fine-tunes a pair encoder. `nearest` times the index of vectors on `simulated:1000000`
    (`penchant.benchmarks.nearest`).

    Args:
        data: a folder of queries, items and judgements, or of graded pairs, or the name of one under `PENCHANT_DATA`.
        protocol: `catalogue`, one of pairs, or `nearest`; the first that the data has if None.
        seeds: of what is learned; 0 if None.

    Raises:
        ConfigError: there is no such protocol, or no such folder.
        ReadError: the folder holds no judgements.
    """
    seeds = tuple((0,) if seeds is None else seeds)
    if protocol == "nearest":
        from penchant.benchmarks import nearest

        return nearest.run_nearest(data, seeds)
    folder = _folder(data)
    protocols = ("pairs", "pairs-tuned") if has_pairs(folder) else ("catalogue",)
    if protocol not in (None, *protocols):
        raise ConfigError(f"search on {data} has the protocol {' or '.join(protocols)}; there is no {protocol!r}")
    if has_pairs(folder):
        return run_pairs(folder, *_encoders(), seeds, tuned=protocol == "pairs-tuned")
    per_seed: list[dict[str, _System]] = []
    steps: list[dict[str, Cell]] = []
    with measured() as cost:
        items, splits = read_judgements(folder)
        if not {TUNED, JUDGED} <= set(splits):
            raise ConfigError(
                f"queries of {data} are of the splits {', '.join(splits)}; {TUNED} and {JUDGED} are wanted"
            )
        encoder, query_encoder = _encoders()
        config = SearchConfig(lexical=_tuned_words(items, splits[TUNED]))
        searcher = Searcher(config, encoder=encoder, query_encoder=query_encoder).fit(items)
        plain = _plain(searcher, splits[JUDGED])
        for seed in seeds:
            options = Options(seed=seed, progress=False)
            learned = learn(searcher, splits[TUNED], options)
            wordy = copy(searcher)
            wordy.dense = wordy.encoder = wordy.query_encoder = None
            wordy_learned = learn(wordy, splits[TUNED], options)
            found = {
                "penchant": _System(evaluate(searcher, splits[JUDGED], k=K), learned),
                WITHOUT_LANGUAGE_MODEL: _System(evaluate(wordy, splits[JUDGED], k=K), wordy_learned),
            }
            per_seed.append(found | plain)
            steps += [_step(seed, name, system.learned) for name, system in found.items()]
            importance = searcher.reranker.importance() if searcher.reranker is not None else {}
    metrics = {name: [found[name].metrics for found in per_seed] for name in per_seed[0]}
    ours = metrics.pop("penchant")
    for place, means in enumerate(ours):
        best = max(metrics[name][place]["ndcg@10"] for name in (FROZEN, FUSION))
        means["gain_over_bm25"] = means["ndcg@10"] / metrics[BM25][place]["ndcg@10"]
        means["gain_over_frozen"] = means["ndcg@10"] / best
    return BenchResult(
        name="search",
        data=data_name(data),
        protocol="catalogue",
        metrics=figures(ours),
        baselines={name: figures(rows) for name, rows in metrics.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences={name: {"ndcg@10": _difference(per_seed, name)} for name in metrics},
        tables={
            "on training queries held out": steps,
            "settings": [
                {"k1": config.lexical.k1, "b": config.lexical.b, "fusion": searcher.fusion.method,
                 "meaning": searcher.fusion.meaning},
            ],
            "what the order rests on": [
                {"feature": name, "share": round(share, 4)} for name, share in importance.items()
            ],
        },
    )  # fmt: skip


def _folder(data: str) -> Path:
    """A folder by path, or by name among the public data."""
    kept = settings().data
    for folder in (Path(data), *([kept / data] if kept is not None else [])):
        if folder.is_dir():
            return folder
    raise ConfigError(f"there is no folder {data!r}, nor one of that name under PENCHANT_DATA")


def _encoders() -> tuple[Encoder, Encoder]:
    """The default encoder for items and for queries, its vectors kept in the user's cache."""
    from penchant.text.cache import CachedEncoder
    from penchant.text.transformer import load_encoder

    encoder, folder = load_encoder(options=Options(progress=False)), settings().cache / "vectors"
    return CachedEncoder(encoder, folder), CachedEncoder(encoder.for_role("query"), folder)


def _tuned_words(items: pl.DataFrame, judgements: Judgements) -> LexicalConfig:
    """BM25's numbers with the best NDCG on training queries."""
    catalogue = Catalogue.of(items)
    some = judgements.part(judgements.queries[:: max(1, len(judgements) // TRIED_ON)])
    documents, asked = [analyse(title) for title in catalogue.titles], [analyse(query) for query in some.queries]
    relevant = sp.csr_matrix(some.matrix(catalogue).maximum(0))
    tried = {}
    for k1, b in GRID:
        index = Lexical(LexicalConfig(k1=k1, b=b)).fit(documents)
        lists = [top_k(index.score(words)[None], K, tie_rank=catalogue.id_rank)[0] for words in asked]
        tried[k1, b] = evaluate_rankings(np.stack(lists), relevant, K).means[f"ndcg@{K}"]
    k1, b = max(tried, key=lambda numbers: tried[numbers])
    return LexicalConfig(k1=k1, b=b)


def _plain(searcher: Searcher, judgements: Judgements) -> dict[str, _System]:
    """Words alone, meaning alone, and both by equal reciprocal ranks, with nothing mended and nothing learned."""
    bare = copy(searcher)
    typos = searcher.config.typos.model_copy(update={"enabled": False})
    bare.config = searcher.config.model_copy(update={"typos": typos})
    found = bare.candidates([bare.read(query) for query in judgements.queries])
    scores = {
        BM25: [one.lexical for one in found],
        FROZEN: [one.plain_cosine for one in found],
        FUSION: [fuse(one, FusionConfig()) for one in found],
    }
    lists = {
        name: ranked(score, found, bare.catalogue.id_rank, 2 * bare.config.depth) for name, score in scores.items()
    }
    return {name: _System(judged(rows, judgements, bare, K)) for name, rows in lists.items()}


def _step(seed: int, name: str, learned: Learned | None) -> dict[str, Cell]:
    row: dict[str, Cell] = {"seed": seed, "system": name}
    if learned is not None:
        row |= {step: round(value, 4) for step, value in vars(learned).items()}
    return row


def _difference(per_seed: Sequence[dict[str, _System]], name: str) -> Difference:
    def values(system: str) -> np.ndarray:
        return np.mean([found[system].evaluation.metrics.per_member[f"ndcg@{K}"] for found in per_seed], axis=0)

    return paired_difference(values("penchant"), values(name))
