"""`penchant bench drift`, protocols `switching` and `switching-natural`: what acting on a change is worth.

NDCG@20 of the next window, on streams of members whom neither judge nor recommender has learned from. Plans are chosen
by a strategy learned on the training members' streams, as a build learns it: the judge's odds are those of trees, and
the recommender's scores those of a model, that have not seen the member. Beside it: each plan for everybody at all
times, a gate that follows the verdict alone, and an oracle that knows when, how and how strongly a change was planted.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, data_name, figures
from penchant.collaborative.linear import Ease, EaseConfig
from penchant.data.attention import PLANS, Plan
from penchant.data.community import Community
from penchant.data.interactions import Histories, histories
from penchant.data.public import load
from penchant.drift.acting import tried_apart
from penchant.drift.foreseeing import foresee
from penchant.drift.injection import InjectionConfig, Streams, inject, parts
from penchant.drift.learning import HELD, NEAR, LearnConfig, Learned, folds_of, learn
from penchant.drift.metrics import threshold_of
from penchant.drift.plans import repeating
from penchant.drift.strategy import Strategy
from penchant.evaluation.cost import measured
from penchant.settings import settings
from penchant.training.options import Options
from penchant.vectors import Floats

SEEDS: Final = (0, 1, 2)
GATE: Final = "gate by the verdict alone"
ORACLE: Final = "oracle"
LEARNED_FROM: Final = 1_500
"""Streams of training members on which plans are tried, at most."""
_RECENT: Final = PLANS.index(Plan.RECENT)
_REGULAR: Final = PLANS.index(Plan.REGULAR)
_DECAY: Final = PLANS.index(Plan.DECAY)


def run_switching(data: str, seeds: Sequence[int] | None, config: InjectionConfig) -> BenchResult:
    """Choose plans on test streams, and compare.

    Args:
        data: as for `penchant.data.public.load`.
        seeds: a repetition for each; None for three.
        config: track and shape of the streams.
    """
    from penchant.text import CachedEncoder, load_encoder

    seeds = tuple(SEEDS if seeds is None else seeds)
    found: dict[str, list[dict[str, float]]] = {}
    with measured() as cost:
        community = load(data)
        seen = histories(community)
        text = CachedEncoder(load_encoder(), settings().cache / "vectors").encode(community.item_texts)
        for seed in seeds:
            for name, one in _compared(community, seen, text, config, seed).items():
                found.setdefault(name, []).append(one)
    ours = found.pop("penchant")
    for place, mine in enumerate(ours):
        regular, oracle = (found[name][place] for name in (Plan.REGULAR.value, ORACLE))
        mine["switch_share"] = (mine["drifted"] - regular["drifted"]) / max(
            oracle["drifted"] - regular["drifted"], 1e-9
        )
        mine["stable_loss"] = 1 - mine["stable"] / regular["stable"]
        for part in ("drifted", "stable"):
            best = max(found[name][place][part] for name in (Plan.RECENT.value, Plan.DECAY.value))
            mine[f"{part}_against_best_fixed"] = mine[part] / best
    return BenchResult(
        name="drift",
        data=data_name(data),
        protocol="switching" if config.track == "clean" else "switching-natural",
        metrics=figures(ours),
        baselines={name: figures(one) for name, one in found.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
    )


def _compared(
    community: Community, seen: Histories, text: Floats, config: InjectionConfig, seed: int
) -> dict[str, dict[str, float]]:
    train, validation, test = parts(np.arange(len(seen)), seed)
    known = community.with_events(community.events.filter(pl.col("member").is_in(train.tolist())))
    scorer = Ease(EaseConfig()).fit(known, Options(seed=seed, threads=1))
    streams = {
        part: inject(seen, members, config, seed=seed * 31 + salt)
        for part, members, salt in (("validation", validation, 1), ("test", test, 2))
    }
    repeats = repeating(streams["validation"].items)
    strategy, options = Strategy(), Options(seed=seed, threads=1, progress=False)
    reached = strategy.tried(scorer, streams["test"].items, repeats=repeats)
    taught: Floats | None = None
    settled = LearnConfig(streams=config.model_copy(update={"draws": 4}))
    assert settled.surprise is not None
    foreseen = foresee(community, folds_of(seen, train, settled, options), train, settled.surprise, options)
    chosen: dict[str, NDArray[np.int64]] = {}
    for name, vectors in (("penchant", text), (WITHOUT_LANGUAGE_MODEL, None)):
        learned = learn(
            community, seen, train, settled, options, text=vectors, questions=(NEAR, HELD), foreseen=foreseen
        )
        odds = {part: _odds(learned, one) for part, one in streams.items()}
        own = learned.held_out
        assert own is not None
        some = options.rng().permutation(len(own))[:LEARNED_FROM]
        if taught is None:
            # The streams are the same with and without texts.
            taught = tried_apart(known, own.of(some), strategy, EaseConfig(), options, repeats=repeats)
        told = np.stack([learned.held_out_odds[question][some] for question in (NEAR, HELD)], axis=2)
        strategy.fit_on(taught, told, seed=seed)
        chosen[name] = strategy.choose(reached, odds["test"])
        if name == "penchant":
            threshold = threshold_of(odds["validation"][:, :, 1], streams["validation"])
            since = np.cumsum(np.nan_to_num(odds["test"][:, :, 1], nan=-np.inf) > threshold, axis=1) > 0
            chosen[GATE] = np.where(since, _RECENT, _REGULAR)
    shape = reached.shape[:2]
    for place, plan in enumerate(PLANS):
        chosen[plan.value] = np.full(shape, place)
    chosen[ORACLE] = _oracle(reached, streams["test"])
    return {name: _reached(plan, reached, streams["test"]) for name, plan in chosen.items()}


def _odds(learned: Learned, streams: Streams) -> Floats:
    table, *_ = learned.table(streams.items)
    return np.stack([learned.odds(table, question) for question in (NEAR, HELD)], axis=2)


def _after(streams: Streams) -> Mapping[str, NDArray[np.bool_]]:
    """(streams, windows) the windows that are judged: after a lasting change, and those of members without one."""
    windows = np.arange(streams.length)
    drifted = (streams.onsets[:, None] >= 0) & (windows > streams.onsets[:, None])
    still = np.isin(streams.kinds, ("untouched", "shuffled"))[:, None] & (windows >= 2)
    return {"drifted": drifted, "stable": still}


def _oracle(reached: Floats, streams: Streams) -> NDArray[np.int64]:
    """From the onset on the plan that is best on average for changes of that kind and severity, before it all past."""
    chosen = np.full(reached.shape[:2], _REGULAR)
    drifted = _after(streams)["drifted"]
    for kind in np.unique(streams.kinds):
        for severity in np.unique(streams.severities):
            mine = (streams.kinds == kind) & (streams.severities == severity)
            judged = drifted & mine[:, None]
            if judged.any():
                best = int(np.nanmean(reached[judged], axis=0).argmax())
                # A plan is chosen after one window for the next.
                chosen[:, :-1][judged[:, 1:]] = best
    return chosen


def _reached(chosen: NDArray[np.int64], reached: Floats, streams: Streams) -> dict[str, float]:
    """Mean NDCG of the windows that followed each choice."""
    taken = np.take_along_axis(reached[:, 1:], chosen[:, :-1, None], axis=2)[:, :, 0]
    return {part: float(np.nanmean(taken[judged[:, 1:]])) for part, judged in _after(streams).items()}
