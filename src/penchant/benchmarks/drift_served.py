"""`penchant bench drift --protocol served`: what a build's strategy is worth in the lists that members are shown.

Nothing is planted here. The last window of each member with enough events is held out; a recommender and a strategy are
learned from what came before, as a build does, and judged by NDCG@20 of that window: with the plan that the strategy
chooses for members of whom a change is told, and for whoever is expected to gain, and with each plan for everybody.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.benchmarks.result import BenchResult, Cell, data_name, figures
from penchant.data.attention import Attention, Plan
from penchant.data.community import Community
from penchant.data.drift import TooLittle
from penchant.data.interactions import Histories
from penchant.data.public import load
from penchant.drift.judge import histories_of
from penchant.drift.whole import Drift, DriftConfig, learn
from penchant.errors import TooLittleDataError
from penchant.evaluation.bootstrap import paired_difference
from penchant.evaluation.cost import measured
from penchant.evaluation.ranking import evaluate_rankings
from penchant.recommend import RecommendConfig, train
from penchant.recommend.evaluating import judged_by
from penchant.recommend.ranker import RankerConfig
from penchant.settings import settings
from penchant.training.options import Options
from penchant.vectors import Rows

SEEDS: Final = (0,)
FEWEST: Final = 60
"""Events of a member whose last window is held out."""
WINDOW: Final = 10
_K: Final = 20
EVERYBODY: Final = "whoever is expected to gain"
"""The strategy without the verdict."""


def run_served(data: str, seeds: Sequence[int] | None = None) -> BenchResult:
    """Hold out last windows, learn as a build does, and compare plans.

    Raises:
        TooLittleDataError: the build learns no strategy here.
    """
    from penchant.text import CachedEncoder, load_encoder

    chosen = tuple(SEEDS if seeds is None else seeds)
    found: dict[str, list[dict[str, float]]] = {}
    differences = {}
    plans: list[dict[str, Cell]] = []
    with measured() as cost:
        community = load(data)
        encoder = CachedEncoder(load_encoder(), settings().cache / "vectors")
        known, held_out = _parted(community)
        for seed in chosen:
            options = Options(seed=seed, threads=1, progress=False)
            drift = learn(known, DriftConfig(), options, encoder=encoder)
            if drift.acting is None:
                raise TooLittleDataError(
                    f"no strategy is learned on {data}: {drift.told_reason() or 'too few windows'}"
                )
            config = RecommendConfig(tuning="none", ranker=RankerConfig(enabled=False))
            model = train(known, config, options, encoder=encoder)
            judged = judged_by(known, held_out, config)
            eager = [_attention(drift, known, row) for row in judged.members.tolist()]
            attentions = [
                own if own is None or changed else replace(own, plan=Plan.REGULAR)
                for own, changed in zip(eager, _changed(drift, known, judged.members), strict=True)
            ]
            values: dict[str, NDArray[np.float64]] = {}
            systems: dict[str, list[Attention | None]] = {"penchant": attentions, EVERYBODY: eager}
            systems |= {plan.value: [Attention(plan, WINDOW)] * len(attentions) for plan in Plan}
            for name, own in systems.items():
                batch = _attended(judged.batch, own)
                ranked = model.rank(batch, judged.shut, _K, members=judged.members)
                values[name] = evaluate_rankings(ranked, judged.relevant, _K).per_member[f"ndcg@{_K}"]
                found.setdefault(name, []).append({f"ndcg@{_K}": float(values[name].mean())})
            moved = np.array([own is not None and own.plan != Plan.REGULAR for own in attentions])
            ours = found["penchant"][-1]
            ours["moved"] = float(moved.mean())
            for name in ("penchant", Plan.REGULAR.value):
                if moved.any():
                    found[name][-1][f"moved_ndcg@{_K}"] = float(values[name][moved].mean())
            differences[Plan.REGULAR.value] = {
                f"ndcg@{_K}": paired_difference(values["penchant"], values[Plan.REGULAR.value], seed=seed)
            }
            counts = {plan.value: sum(own is not None and own.plan == plan for own in attentions) for plan in Plan}
            plans.append({"seed": seed, "members": len(attentions), **counts})
    ours_all = found.pop("penchant")
    return BenchResult(
        name="drift",
        data=data_name(data),
        protocol="served",
        metrics=figures(ours_all),
        baselines={name: figures(one) for name, one in found.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(chosen),
        differences=differences,
        tables={"plans chosen": plans},
    )


def _parted(community: Community) -> tuple[Community, Community]:
    """What is known, and the last events of the members who have enough."""
    from_end = pl.int_range(pl.len(), 0, -1).over("member")
    told = community.events.filter(pl.col("item").is_not_null()).with_columns(
        from_end.alias("_left"), pl.len().over("member").alias("_all")
    )
    last = (pl.col("_left") <= WINDOW) & (pl.col("_all") >= FEWEST)
    parts = (told.filter(rows).drop("_left", "_all") for rows in (~last, last))
    known, held_out = (community.with_events(part) for part in parts)
    return known, held_out


def _attention(drift: Drift, community: Community, row: int) -> Attention | None:
    assert drift.judge is not None
    assert drift.acting is not None
    read = drift.judge.read(histories_of(community, row, drift.judge.config.windows))
    return None if isinstance(read, TooLittle) else drift.following(drift.acting.choice(drift.judge, read).plan)


def _changed(drift: Drift, community: Community, members: Rows) -> list[bool]:
    """Whether a lasting change is told of each."""
    assert drift.judge is not None
    return [drift.judge.verdict(community, community.member_ids.id(row)).alarm for row in members.tolist()]


def _attended(batch: Histories, attentions: Sequence[Attention | None]) -> Histories:
    """Histories whose events count as far as each member's plan says."""
    weights = batch.weights.copy()
    for row, attention in enumerate(attentions):
        if attention is not None:
            entries = np.arange(batch.offsets[row], batch.offsets[row + 1])
            liked = entries[weights[entries] > 0]
            weights[liked] *= attention.shares(len(liked))
    return replace(batch, weights=weights)
