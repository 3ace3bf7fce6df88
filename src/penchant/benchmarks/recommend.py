"""`penchant bench recommend`: rankings of the whole catalogue against events held out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, Published, data_name, figures
from penchant.collaborative.scorer import ScorerConfig
from penchant.data.community import Community
from penchant.data.public import load
from penchant.data.splits import Split, last_split, random_split, time_split
from penchant.errors import ConfigError
from penchant.evaluation.bootstrap import Difference, paired_difference
from penchant.evaluation.cost import measured
from penchant.evaluation.ranking import coverage
from penchant.recommend import Evaluation, RecommendConfig, Recommender, RulesConfig, evaluate, fit
from penchant.recommend.opinions import POPULARITY, TEXT
from penchant.recommend.person import Person
from penchant.recommend.recipe import reweighed
from penchant.settings import settings
from penchant.text.encoder import Encoder
from penchant.training.options import Options

PROTOCOLS: Final = ("random", "last", "time", "new-items", "proposals", "speed")
SEEDS: Final = (0, 1, 2)
K: Final = 10
KEYS: Final = ("ndcg@10", "recall@10", "hit@10", "mrr")
BLEND: Final = "blend"
RANKER: Final = "ranker"
ROUNDS: Final = 4
"""Further cuts that the ranker learns from."""
REASONS: Final = 1_000
"""Reasons that are put to the test, over all seeds."""

PUBLISHED: Final[dict[tuple[str, str], dict[str, Published]]] = {
    ("ml-100k", "random"): {
        "BPR": Published.model_validate(
            {"source": "RecBole, general recommendation on ml-100k, 8:1:1", "ndcg@10": 0.277}
        )
    },
}


@dataclass
class _Collected:
    """What one system did, seed by seed."""

    metrics: list[dict[str, float]] = field(default_factory=list)
    per_member: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    """For each seed, member rows and their NDCG."""

    def add(self, evaluation: Evaluation, item_count: int) -> dict[str, float]:
        means = {key: evaluation.metrics.means[key] for key in KEYS}
        means["coverage"] = coverage(evaluation.ranked, item_count)
        self.metrics.append(means)
        judged = evaluation.members[evaluation.metrics.judged]
        self.per_member.append((judged, evaluation.metrics.per_member["ndcg@10"]))
        return means

    def by_member(self, member_count: int) -> np.ndarray:
        """(members,) each member's mean NDCG over the seeds; NaN for members who were never judged."""
        total, count = np.zeros(member_count), np.zeros(member_count)
        for members, values in self.per_member:
            total[members] += values
            count[members] += 1
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def run(data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> BenchResult:
    """Tune on validation data, fit on the training part alone, judge on the test part.

    Protocols: `random` cuts each member's items 8:1:1 and gives all systems the training part as histories; `last`
    holds out each member's last event and the one before, `time` the last tenth of all events and the tenth before, and
    there the validation events belong to the histories at the test, though nothing is fitted on them. Under all, items
    of the training and validation parts are left out of the lists, as RecBole does. Weights and settings are picked
    anew for each seed. `penchant` is the ranker where it beat the blend on validation data, else the blend; both stand
    beside it, the ranker also where it was not worth using. Where members buy an item again, a table tells how well all
    purchases, and not only new ones, are foreseen. `new-items` ranks items held out of training altogether
    (`penchant.benchmarks.new_items`), `proposals` sets titles that a causal model proposes beside all other candidates
    (`penchant.benchmarks.proposals`), and `speed` times single answers (`penchant.benchmarks.speed`).

    Raises:
        ConfigError: there is no such protocol.
    """
    protocol = protocol or PROTOCOLS[0]
    if protocol not in PROTOCOLS:
        raise ConfigError(f"recommend has no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    if protocol == "proposals":
        from penchant.benchmarks import proposals

        return proposals.run_proposals(data, seeds)
    seeds = tuple(SEEDS if seeds is None else seeds)
    if protocol == "new-items":
        from penchant.benchmarks import new_items

        return new_items.run_new_items(data, seeds)
    if protocol == "speed":
        from penchant.benchmarks import speed

        return speed.run_speed(data, seeds)
    with measured() as cost:
        community = load(data)
        encoder = _encoder()
        config = RecommendConfig.model_validate(
            {"tuning": "full", "liked_ratings": "all", "validation": protocol, "ranker": {"rounds": ROUNDS}}
        )
        systems, valid, table, features = _judge(community, protocol, seeds, config, encoder)
        tables = {"settings and weights": table}
        if features:
            tables["what the ranker goes by"] = features
        if _has_repeats(community):
            repeats = config.model_copy(update={"rules": RulesConfig(repeat_purchases=True)})
            again, *_ = _judge(community, protocol, seeds, repeats, encoder, reasons=False)
            tables["all purchases, repeated ones too"] = [
                {"system": name, **{key: figure.mean for key, figure in figures(found.metrics).items()}}
                for name, found in again.items()
            ]
    ours = systems.pop("penchant")
    singles = [found for name, found in systems.items() if name not in (WITHOUT_LANGUAGE_MODEL, BLEND, RANKER)]
    for seed_place, means in enumerate(ours.metrics):
        best = max(found.metrics[seed_place]["ndcg@10"] for found in singles)
        means["gain_over_best_candidate"] = means["ndcg@10"] / best if best else 0.0
        means["reasons_valid"] = valid[seed_place]
    return BenchResult(
        name="recommend",
        data=data_name(data),
        protocol=protocol,
        metrics=figures(ours.metrics),
        baselines={name: figures(found.metrics) for name, found in systems.items()},
        published=PUBLISHED.get((data_name(data), protocol), {}),
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences={
            name: {"ndcg@10": _difference(ours, found, len(community.member_ids))} for name, found in systems.items()
        },
        tables=tables,
    )


def _judge(
    community: Community,
    protocol: str,
    seeds: Sequence[int],
    config: RecommendConfig,
    encoder: Encoder,
    *,
    reasons: bool = True,
) -> tuple[dict[str, _Collected], list[float], list[dict[str, Cell]], list[dict[str, Cell]]]:
    systems: dict[str, _Collected] = {}
    valid: list[float] = []
    table: list[dict[str, Cell]] = []
    gains: dict[str, list[float]] = {}
    for seed in seeds:
        options = Options(seed=seed)
        split = _split(community, protocol, seed)
        histories_of = split.train if protocol == "random" else split.fit
        fitted = fit(split.train, split.validation, config, options, encoder=encoder)
        model = fitted.recommender
        alone = {name: model.with_weights({POPULARITY: 0.0, name: 1.0}) for name in model.sources}
        for name, system in {
            "penchant": model,
            BLEND: model.with_ranker(None),
            **({RANKER: model.with_ranker(fitted.ranker)} if fitted.ranker else {}),
            **alone,
            WITHOUT_LANGUAGE_MODEL: reweighed(fitted, TEXT, options),
        }.items():
            judged = evaluate(system, split, k=K, histories_of=histories_of)
            systems.setdefault(name, _Collected()).add(judged, len(community.item_ids))
        for name, tuned in fitted.tuned.items():
            table.append(
                {
                    "seed": seed,
                    "source": name,
                    "weight": model.weights[name],
                    "validation ndcg@10": tuned.best,
                    "settings": _settings(tuned.config, config.start(name)),
                }
            )
        if fitted.verdict is not None:
            table.append(
                {
                    "seed": seed,
                    "source": RANKER,
                    "weight": fitted.ranker.strength if fitted.ranker and fitted.verdict.used else 0.0,
                    "validation ndcg@10": fitted.verdict.ranked,
                    "settings": fitted.verdict.told(),
                }
            )
        for feature, share in (fitted.ranker.importance() if fitted.ranker else {}).items():
            gains.setdefault(feature, []).append(share)
        if reasons:
            valid.append(_reasons_valid(model.on(histories_of), split, seed, -(-REASONS // len(seeds))))
    features: list[dict[str, Cell]] = [
        {"feature": name, "share of the gain": sum(shares) / len(shares)} for name, shares in gains.items()
    ]
    features.sort(key=lambda row: -float(row["share of the gain"] or 0))
    return systems, valid, table, features


def _split(community: Community, protocol: str, seed: int) -> Split:
    if protocol == "random":
        return random_split(community, seed)
    if protocol == "last":
        return last_split(community, seed, unseen=True)
    return time_split(community)


def _reasons_valid(model: Recommender, split: Split, seed: int, count: int) -> float:
    """The share of sampled reasons whose named item, taken out of the history, lowers the score of what it explains."""
    ids = model.community.member_ids
    active = split.train.events["member"].unique().sort().to_numpy()
    lowered = named = 0
    for member in np.random.default_rng(seed).permutation(active):
        if named >= count:
            break
        person = Person.member(model.community, ids.id(int(member)), model.config.event_weights)
        for pick in model.recommend(ids.id(int(member)), K):
            row = model.community.item_ids.row(pick.item_id)
            before = model.score(person, row)
            for evidence in pick.evidence:
                if evidence.item_id is not None:
                    named += 1
                    without = person.without(model.community.item_ids.row(evidence.item_id))
                    lowered += model.score(without, row) < before
    return lowered / named if named else 0.0


def _settings(found: ScorerConfig, start: ScorerConfig) -> str:
    """The settings that tuning changed."""
    names = type(found).model_fields
    changed = {name: getattr(found, name) for name in names if getattr(found, name) != getattr(start, name)}
    return ", ".join(f"{name}: {value}" for name, value in changed.items())


def _difference(ours: _Collected, theirs: _Collected, member_count: int) -> Difference:
    first, second = ours.by_member(member_count), theirs.by_member(member_count)
    judged = ~np.isnan(first)
    return paired_difference(first[judged], second[judged])


def _has_repeats(community: Community) -> bool:
    bought = community.events.filter(community.events["kind"] == "buy").select("member", "item")
    return bool(bought.is_duplicated().any()) if len(bought) else False


def _encoder() -> Encoder:
    from penchant.text import CachedEncoder, load_encoder

    return CachedEncoder(load_encoder(), settings().cache / "vectors")
