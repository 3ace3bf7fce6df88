"""`penchant bench drift --protocol continual`: a recommender brought up to new events, against one trained anew."""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, data_name, figures
from penchant.data.community import Community
from penchant.data.public import load
from penchant.data.splits import Split, time_split
from penchant.errors import TooLittleDataError
from penchant.evaluation.cost import measured
from penchant.recommend import Evaluation, RecommendConfig, Recommender, evaluate, train
from penchant.recommend.updating import update
from penchant.settings import settings
from penchant.text.encoder import Encoder
from penchant.training.options import Options

SEEDS: Final = (0, 1, 2)
PERIOD: Final = 0.15
"""Share of the events that are the new period, and of those that come after it and judge."""
OLD_HELD_OUT: Final = 0.1
"""Share of the old period's events that nobody learns from: they tell whether the old is kept."""
_K: Final = 10


def run_continual(data: str, seeds: Sequence[int] | None = None) -> BenchResult:
    """Train on the old period; then the new period comes in, and the model is updated, or trained anew, or left alone.

    Events are cut by time: the last part judges what is known of the present (`new_ndcg@10`), the part before it is the
    new period. A tenth of the old period's events, drawn at random, is kept from all models and judges what is known of
    the past (`old_ndcg@10`). All models answer from the same histories, those up to the time of the question.

    Raises:
        TooLittleDataError: the events are too few to cut.
    """
    from penchant.text import CachedEncoder, load_encoder

    seeds = tuple(SEEDS if seeds is None else seeds)
    found: dict[str, list[dict[str, float]]] = {}
    with measured() as cost:
        community = load(data)
        encoder = CachedEncoder(load_encoder(), settings().cache / "vectors")
        for seed in seeds:
            for name, one in _compared(community, seed, encoder).items():
                found.setdefault(name, []).append(one)
            found.setdefault(WITHOUT_LANGUAGE_MODEL, []).append(_compared(community, seed, None)["penchant"])
    ours = found.pop("penchant")
    for mine, anew in zip(ours, found["trained anew"], strict=True):
        mine["new_against_anew"] = mine["new_ndcg@10"] / max(anew["new_ndcg@10"], 1e-9)
        mine["time_against_anew"] = mine["seconds"] / anew["seconds"]
    for mine, before in zip(ours, found["left alone"], strict=True):
        mine["old_against_before"] = mine["old_ndcg@10"] / max(before["old_ndcg@10"], 1e-9)
    return BenchResult(
        name="drift",
        data=data_name(data),
        protocol="continual",
        metrics=figures(ours),
        baselines={name: figures(one) for name, one in found.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
    )


def _compared(community: Community, seed: int, encoder: Encoder | None) -> dict[str, dict[str, float]]:
    options = Options(seed=seed, progress=False)
    split = time_split(community, test_share=PERIOD, validation_share=PERIOD)
    rng = np.random.default_rng(seed)
    kept = rng.random(len(split.train.events)) >= OLD_HELD_OUT
    old = split.train.with_events(split.train.events.filter(kept))
    old_test = split.train.with_events(split.train.events.filter(~kept))
    if old.events.is_empty() or old_test.events.is_empty():
        raise TooLittleDataError("the events before the new period are too few to hold some out")
    both = old.with_events(pl.concat([old.events, split.validation.events]))
    config = RecommendConfig()

    started = time.perf_counter()
    before = train(old, config, options, encoder=encoder)
    first = time.perf_counter() - started
    started = time.perf_counter()
    updated = update(before, both, options, encoder=encoder)
    quick = time.perf_counter() - started
    started = time.perf_counter()
    anew = train(both, config, options, encoder=encoder)
    whole = time.perf_counter() - started

    new_question = Split(both, both.with_events(both.events.clear()), split.test)
    old_question = Split(old, old.with_events(old.events.clear()), old_test)
    return {
        name: {
            "new_ndcg@10": _ndcg(model, new_question, both),
            "old_ndcg@10": _ndcg(model, old_question, old),
            "seconds": seconds,
        }
        for name, model, seconds in (
            ("penchant", updated, quick),
            ("trained anew", anew, whole),
            ("left alone", before, first),
        )
    }


def _ndcg(model: Recommender, question: Split, histories_of: Community) -> float:
    judged: Evaluation = evaluate(model.on(histories_of), question, k=_K, histories_of=histories_of)
    return float(judged.metrics.means["ndcg@10"])
