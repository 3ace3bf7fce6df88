"""`penchant bench recommend --protocol new-items`: items that nobody has touched, ranked among themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import scipy.sparse as sp

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.collaborative import Als, AlsConfig, Ease, EaseConfig
from penchant.data.community import Community
from penchant.data.interactions import EventWeights, Histories, histories
from penchant.data.public import load
from penchant.data.splits import new_items_split
from penchant.evaluation.bootstrap import paired_difference
from penchant.evaluation.cost import measured
from penchant.evaluation.ranking import coverage, evaluate_rankings
from penchant.recommend.newitems import NewItems, NewItemsConfig
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Floats, Rows, top_k, unit_rows

OURS: Final = "penchant"
RIDGE: Final = "ridge from text vectors to ALS factors"
MEAN: Final = "text similarity to the member's mean vector"
CENTRED: Final = "the same, less the mean of all vectors"
K: Final = 10
KEYS: Final = ("ndcg@10", "recall@10", "hit@10", "mrr")

EASE_PULLS: Final = (100.0, 200.0, 400.0)
PULLS: Final = (5.0, 10.0, 20.0, 40.0, 80.0)
"""Pulls of the regression from descriptions, tried on validation items."""
ALS_FACTORS: Final = (32, 64, 128)
ALS_PULLS: Final = (10.0, 20.0)
RIDGE_PULLS: Final = (1.0, 3.0, 10.0, 30.0, 100.0)

System = Callable[[Rows], Floats]
"""(members, items) scores of some item rows, for every member."""


@dataclass(frozen=True, eq=False)
class _World:
    """What one seed knows: members' histories in training, and the held-out items with what members did with them."""

    known: Community
    batch: Histories
    touched: sp.csr_matrix
    """(members, items) one where a member did anything with an item in training."""
    validation: sp.csr_matrix
    test: sp.csr_matrix
    cold: np.ndarray
    """(items,) True where nobody in training touched an item."""
    raw: Floats
    """(items, width) vectors of the texts, as the encoder gives them."""
    centred: Floats
    weights: EventWeights
    options: Options

    @classmethod
    def of(cls, community: Community, seed: int, encoder: Encoder) -> "_World":
        split = new_items_split(community, seed)
        weights = EventWeights()
        count = len(community.item_ids)
        touched, validation, test = (
            histories(part, weights=weights).touched(count) for part in (split.train, split.validation, split.test)
        )
        raw = encoder.encode(community.item_texts)
        cold = np.asarray(touched.sum(axis=0)).ravel() == 0
        return cls(
            split.train, histories(split.train, weights=weights), touched, validation, test, cold,
            raw, unit_rows(raw - raw.mean(axis=0)), weights, Options(seed=seed),
        )  # fmt: skip

    def judged(self, system: System, held_out: sp.csr_matrix) -> tuple[dict[str, float], Rows, np.ndarray]:
        """Figures among the held-out items, the members judged, and each one's NDCG."""
        items = np.unique(held_out.indices)
        members = np.flatnonzero(np.diff(held_out.indptr))
        rank = self.known.item_ids.id_rank[items]
        ranked = top_k(system(items)[members].astype(np.float32), K, tie_rank=rank)
        found = evaluate_rankings(ranked, sp.csr_matrix(held_out[members][:, items]), K)
        means = {key: found.means[key] for key in KEYS} | {"coverage": coverage(ranked, len(items))}
        return means, members[found.judged], found.per_member["ndcg@10"]

    def best(self, systems: Sequence[tuple[str, System]]) -> tuple[str, System]:
        """The name and system of the highest NDCG on the validation items."""
        values = [self.judged(system, self.validation)[0]["ndcg@10"] for _, system in systems]
        return systems[int(np.argmax(values))]


def run_new_items(data: str, seeds: Sequence[int]) -> BenchResult:
    """A tenth of the items is held out for the test and a tenth for validation, with all their events.

    Settings of ours and of the ridge are picked on the validation items; all are fitted on the training part alone, and
    rank the test items for each member who touched any. Every event counts as a like, whatever its kind and amount.
    """
    with measured() as cost:
        from penchant.benchmarks.recommend import _encoder

        community, encoder = load(data), _encoder()
        results: dict[str, list[dict[str, float]]] = {}
        per_member: dict[str, list[tuple[Rows, np.ndarray]]] = {}
        table: list[dict[str, Cell]] = []
        for seed in seeds:
            world = _World.of(community, seed, encoder)
            systems = {
                OURS: _ours(world, world.centred),
                RIDGE: _ridge(world),
                MEAN: ("", _mean(world, world.raw)),
                CENTRED: ("", _mean(world, world.centred)),
                WITHOUT_LANGUAGE_MODEL: _ours(world, None),
            }
            for name, (settings, system) in systems.items():
                means, members, values = world.judged(system, world.test)
                results.setdefault(name, []).append(means)
                per_member.setdefault(name, []).append((members, values))
                if settings:
                    table.append({"seed": seed, "system": name, "settings": settings})
    ours = results.pop(OURS)
    for place, means in enumerate(ours):
        for key, name in (("gain_over_ridge", RIDGE), ("gain_over_text", MEAN), ("gain_over_centred_text", CENTRED)):
            means[key] = means["ndcg@10"] / results[name][place]["ndcg@10"]
    mine = _by_member(per_member[OURS], len(community.member_ids))
    judged = ~np.isnan(mine)
    return BenchResult(
        name="recommend",
        data=data_name(data),
        protocol="new-items",
        metrics=figures(ours),
        baselines={name: figures(found) for name, found in results.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences={
            name: {
                "ndcg@10": paired_difference(
                    mine[judged], _by_member(per_member[name], len(community.member_ids))[judged]
                )
            }
            for name in results
        },
        tables={"settings picked on validation items": table},
    )


def _ours(world: _World, vectors: Floats | None) -> tuple[str, System]:
    systems: list[tuple[str, System]] = []
    for pull in EASE_PULLS:
        ease = Ease(EaseConfig(regularization=pull)).fit(world.known, world.options)
        for regularization in PULLS:
            found = NewItems(NewItemsConfig(regularization=(regularization,))).fit(
                world.known, {"ease": ease}, world.cold, vectors, world.weights, world.options
            )
            systems.append((f"EASE {pull:g}, descriptions {regularization:g}", _scored(found, world.batch)))
    return world.best(systems)


def _scored(found: NewItems, batch: Histories) -> System:
    scores = found.score(batch)
    return lambda items: scores[:, np.searchsorted(found.rows, items)]


def _ridge(world: _World) -> tuple[str, System]:
    """Vectors to factors, by ridge regression with an intercept; a member's vector is solved from their history."""
    known = np.flatnonzero(~world.cold)
    rows = np.hstack([world.centred, np.ones((len(world.centred), 1), np.float32)]).astype(np.float64)
    systems: list[tuple[str, System]] = []
    for factors, pull in product(ALS_FACTORS, ALS_PULLS):
        als = Als(AlsConfig(factors=factors, regularization=pull)).fit(world.known, world.options)
        members = als.members(world.batch)
        learned = rows[known]
        for regularization in RIDGE_PULLS:
            shrink = regularization * np.eye(rows.shape[1])
            shrink[-1, -1] = 0
            told = rows @ np.linalg.solve(learned.T @ learned + shrink, learned.T @ als.item_factors[known])
            systems.append((f"ALS {factors} factors, {pull:g}; ridge {regularization:g}", _products(members, told)))
    return world.best(systems)


def _products(members: Floats, told: np.ndarray) -> System:
    return lambda items: members @ told[items].T


def _mean(world: _World, vectors: Floats) -> System:
    tastes = unit_rows(np.asarray(world.touched @ vectors, dtype=np.float32))
    return lambda items: tastes @ vectors[items].T


def _by_member(found: Sequence[tuple[Rows, np.ndarray]], member_count: int) -> np.ndarray:
    """(members,) each member's mean over the seeds; NaN for members who were never judged."""
    total, count = np.zeros(member_count), np.zeros(member_count)
    for members, values in found:
        total[members] += values
        count[members] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
