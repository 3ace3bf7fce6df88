"""`penchant bench social`: what ties, texts and the network bring, against tuned ALS and EASE on the same split."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Final

import numpy as np

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, Published, data_name, figures
from penchant.benchmarks.social_split import WEIGHTS, social_split
from penchant.collaborative import AlsConfig, EaseConfig, Scorer
from penchant.data.community import Community
from penchant.data.interactions import histories
from penchant.data.public import load
from penchant.data.splits import Split
from penchant.errors import ConfigError
from penchant.evaluation.bootstrap import Difference, paired_difference
from penchant.evaluation.cost import Cost, measured
from penchant.evaluation.ranking import evaluate_rankings
from penchant.recommend.tuning import Validation, tune
from penchant.settings import settings
from penchant.social.config import NetworkConfig, SocialConfig
from penchant.social.fitting import fit_network
from penchant.social.graph import GraphConfig
from penchant.social.heldout import HeldOut
from penchant.social.linear import TaggedAls, TaggedEase
from penchant.social.model import SocialModel
from penchant.social.opinions import Source
from penchant.social.recipe import Fitted, evaluate, fit, with_sources, without
from penchant.social.sources import NETWORK
from penchant.social.texts import TextVectors
from penchant.text.encoder import Encoder
from penchant.training.options import Options

PROTOCOLS: Final = ("random", "friends", "newcomers", "joint", "scale")
SEEDS: Final = (0, 1, 2)
K: Final = 10
NEWCOMERS: Final = 30
"""People who have just come whose first answer is timed, for each seed."""
KEYS: Final = ("ndcg@10", "recall@10")
GRIDS: Final[dict[str, dict[str, tuple[float | int, ...]]]] = {
    "als": {
        "confidence": (1.0, 2.0, 4.0, 8.0, 16.0),
        "regularization": (5.0, 10.0, 15.0, 20.0, 30.0),
        "factors": (32, 64, 128, 192, 256),
    },
    "ease": {"regularization": (10.0, 20.0, 40.0, 80.0, 160.0)},
}
"""Settings of the two baselines, tried on validation data; histories do not fade, as the data has no times."""
PUBLISHED: Final[dict[tuple[str, str], dict[str, Published]]] = {
    ("lastfm", "random"): {
        name: Published.model_validate(
            {"source": "RecBole-GNN, social recommendation on LastFM, 8:1:1", "ndcg@10": ndcg, "recall@10": recall}
        )
        for name, ndcg, recall in (("LightGCN", 0.197, 0.206), ("MHCN", 0.207, 0.212), ("SEPT", 0.206, 0.213))
    },
}


@dataclass
class _System:
    """What one system did, seed by seed."""

    metrics: list[dict[str, float]] = field(default_factory=list)
    per_member: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    def add(self, members: np.ndarray, per_member: dict[str, np.ndarray]) -> None:
        self.metrics.append({key: float(per_member[key].mean()) for key in KEYS})
        self.per_member.append((members, per_member["ndcg@10"]))

    def by_member(self, count: int) -> np.ndarray:
        """(members,) each member's mean NDCG over the seeds; NaN for those never judged."""
        total, times = np.zeros(count), np.zeros(count)
        for members, values in self.per_member:
            total[members] += values
            times[members] += 1
        return np.where(times > 0, total / np.maximum(times, 1), np.nan)


@dataclass
class Judged:
    """What a run has found so far."""

    systems: dict[str, _System] = field(default_factory=dict)
    found: list[dict[str, Cell]] = field(default_factory=list)
    strengths: list[dict[str, Cell]] = field(default_factory=list)

    def add(self, community: Community, seed: int, config: SocialConfig, encoder: Encoder) -> None:
        """Cut, tune, train and judge with one more seed."""
        _seed(community, seed, config, encoder, self.systems, self.found, self.strengths)

    def result(self, name: str, seeds: Sequence[int], member_count: int, cost: Cost) -> BenchResult:
        """All of it as a benchmark says it.

        Args:
            name: of the data.
            seeds: those added.
            member_count: of the community.
            cost: of the whole run.
        """
        rivals = dict(self.systems)
        ours = rivals.pop("penchant")
        for place, means in enumerate(ours.metrics):
            for key, gain in (("ndcg@10", "gain_over_als_ease"), ("recall@10", "recall_gain_over_als_ease")):
                better = max(rivals[rival].metrics[place][key] for rival in ("als", "ease"))
                means[gain] = means[key] / better if better else 0.0
        return BenchResult(
            name="social",
            data=name,
            protocol="random",
            metrics=figures(ours.metrics),
            baselines={rival: figures(system.metrics) for rival, system in rivals.items()},
            published=PUBLISHED.get(("lastfm" if name == "recbole" else name, "random"), {}),
            seconds=cost.seconds,
            peak_rss_mb=cost.peak_rss_mb,
            seeds=list(seeds),
            differences={
                rival: {"ndcg@10": _difference(ours, system, member_count)} for rival, system in rivals.items()
            },
            tables={"sources and weights": self.found, "strengths of the network": self.strengths},
        )


def run(data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> BenchResult:
    """Judge social recommendation.

    Protocols: `random` cuts each member's items 8:1:1, tunes on the second part and judges on the third, everything
    being fitted on the first alone; beside the whole system stand tuned ALS and EASE, LightGCN, and the system without
    ties, without texts (names and tags), without the network, and without the language model. `friends` and
    `newcomers` judge whom to suggest and what to ask; `joint` tunes language model and network under one loss; `scale`
    times an epoch on a large simulated community.

    Raises:
        ConfigError: there is no such protocol.
    """
    protocol = protocol or PROTOCOLS[0]
    if protocol not in PROTOCOLS:
        raise ConfigError(f"social has no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    chosen = tuple(SEEDS if seeds is None else seeds)
    if protocol == "random":
        return _random(data, chosen)
    other: Callable[[str, Sequence[int]], BenchResult] = getattr(
        import_module(f"penchant.benchmarks.social_{protocol}"), f"run_{protocol}"
    )
    return other(data, chosen)


def _random(data: str, seeds: Sequence[int]) -> BenchResult:
    return judged(
        load(data), data_name(data), seeds, SocialConfig(graph=GraphConfig(event_weights=WEIGHTS)), _encoder()
    )


def judged(
    community: Community, name: str, seeds: Sequence[int], config: SocialConfig, encoder: Encoder
) -> BenchResult:  # fmt: skip
    """The protocol `random` on a community.

    Args:
        community: to cut.
        name: of the data.
        seeds: a cut, a tuning and a training for each.
        config: of the whole system; what is left out in turn is left out of it.
        encoder: reads the texts.
    """
    so_far = Judged()
    with measured() as cost:
        for seed in seeds:
            so_far.add(community, seed, config, encoder)
    return so_far.result(name, seeds, len(community.member_ids), cost)


def _seed(
    community: Community,
    seed: int,
    config: SocialConfig,
    encoder: Encoder,
    systems: dict[str, _System],
    found: list[dict[str, Cell]],
    strengths: list[dict[str, Cell]],
) -> None:
    options = Options(seed=seed)
    split = social_split(community, seed)

    def judge(name: str, model: SocialModel) -> None:
        judged = evaluate(model, split, k=K)
        systems.setdefault(name, _System()).add(judged.members, judged.metrics.per_member)

    with measured() as cost:
        fitted = fit(split.train, split.validation, config, options, encoder=encoder)
    judge("penchant", fitted.model)
    systems["penchant"].metrics[-1]["first_answer_ms"] = _first_answer(fitted.model, seed)
    judge("blend", fitted.model.reweighed(fitted.model.weights, None))
    for name in (TaggedEase.name, TaggedAls.name, NETWORK):
        alone = f"{name} alone" if name == NETWORK else f"{name} with tags"
        judge(alone, fitted.model.reweighed({name: 1.0}, None))
    for name, (sources, texts) in _variants(fitted, split, config, options, encoder).items():
        judge(name, with_sources(fitted, sources, texts, options))
    judge("without the network", without(fitted, (NETWORK,), options))
    simple = _network(fitted, NetworkConfig.lightgcn(), TextVectors.none(fitted.model.graph), options)
    whole = fitted.model
    nothing = TextVectors.none(whole.graph)
    alone_model = SocialModel(
        whole.community, whole.graph, nothing, {NETWORK: simple}, {NETWORK: 1.0}, config, whole.statistics
    )
    judge("lightgcn", alone_model)
    for name, start in (("als", AlsConfig(event_weights=WEIGHTS)), ("ease", EaseConfig(event_weights=WEIGHTS))):
        members, per_member = _baseline(name, start, split, options)
        systems.setdefault(name, _System()).add(members, per_member)
    for name, value in fitted.found.items():
        found.append(
            {
                "seed": seed,
                "source": name,
                "weight": fitted.model.weights.get(name),
                "validation ndcg@10": value,
                "settings": _told(fitted, name),
            }
        )
    found.append({"seed": seed, "source": "seconds to tune and train", "weight": None, "validation ndcg@10": None,
                  "settings": f"{cost.seconds:.0f} s, {cost.peak_rss_mb:.0f} MB"})  # fmt: skip
    for relation, values in fitted.model.network.told_strengths().items():
        strengths.append({"seed": seed, "relation": relation, **{f"layer {n + 1}": v for n, v in enumerate(values)}})


def _variants(
    fitted: Fitted, split: Split, config: SocialConfig, options: Options, encoder: Encoder
) -> dict[str, tuple[dict[str, Source], TextVectors]]:
    """The same system with one thing left out: its sources, and what they read."""
    model, network = fitted.model, config.network
    nothing = TextVectors.none(model.graph)
    mute: dict[str, Source] = {
        TaggedEase.name: TaggedEase.fit(
            model.graph, fitted.settings.ease.model_copy(update={"tag_weight": 0.0}), options
        ),
        TaggedAls.name: TaggedAls.fit(model.graph, fitted.settings.als.model_copy(update={"tag_weight": 0.0}), options),
    }
    untied = {name: source for name, source in model.sources.items() if name != "friends"}
    without_ties = network.model_copy(update={"ties": False})
    without_text = network.model_copy(update={"text": False})
    return {
        "without ties": (
            untied | {NETWORK: _network(fitted, without_ties, model.texts, options)}, model.texts
        ),
        "without text": (
            dict(model.sources) | mute | {NETWORK: _network(fitted, without_text, nothing, options)}, nothing
        ),
        WITHOUT_LANGUAGE_MODEL: (
            dict(model.sources) | {NETWORK: _network(fitted, network, nothing, options)}, nothing
        ),
    }  # fmt: skip


def _network(fitted: Fitted, config: NetworkConfig, texts: TextVectors, options: Options) -> Source:
    return fit_network(fitted.model.graph, texts, config, options, held_out=fitted.held_out)


def _baseline(
    name: str, start: AlsConfig | EaseConfig, split: Split, options: Options
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A scorer of behaviour alone, tuned and fitted as `penchant bench recommend` does."""
    held = HeldOut.of(split.train, split.validation, WEIGHTS)
    batch = histories(split.train, held.members, weights=WEIGHTS)
    open_items = np.zeros(held.shut.shape[1], dtype=bool)
    validation = Validation(batch, held.shut, held.relevant, open_items, held.id_rank, held.members)
    tuned = tune(name, start, GRIDS[name], split.train, validation, options, k=K)
    test = HeldOut.of(split.train, split.test, WEIGHTS, also_met=split.validation)
    scorer: Scorer = tuned.scorer
    scores = scorer.score(histories(split.train, test.members, weights=WEIGHTS))
    return test.members, evaluate_rankings(test.ranked(scores, K), test.relevant, K).per_member


def _first_answer(model: SocialModel, seed: int) -> float:
    """Median milliseconds until somebody new with three ties and three items has ten items with reasons."""
    rng = np.random.default_rng(seed)
    likers = np.bincount(model.graph.events.indices, minlength=model.graph.item_count)
    known, active = np.flatnonzero(likers), np.flatnonzero(np.diff(model.graph.events.indptr))
    took = []
    for _ in range(NEWCOMERS + 1):
        items = [model.community.item_ids.id(int(row)) for row in rng.choice(known, min(3, len(known)))]
        friends = [model.community.member_ids.id(int(row)) for row in rng.choice(active, min(3, len(active)))]
        start = time.perf_counter()
        model.recommend_for(items, friends=friends, k=K)
        took.append(1000 * (time.perf_counter() - start))
    # The first of all gathers what later ones find ready.
    return float(np.median(took[1:]))


def _told(fitted: Fitted, name: str) -> str:
    if name == TaggedEase.name:
        return str(fitted.settings.ease)
    if name == TaggedAls.name:
        return str(fitted.settings.als)
    if name == NETWORK:
        return f"{fitted.settings.epochs} epochs"
    return fitted.verdict.told() if name == "ranker" else ""


def _difference(ours: _System, theirs: _System, count: int) -> Difference:
    first, second = ours.by_member(count), theirs.by_member(count)
    judged = ~np.isnan(first)
    return paired_difference(first[judged], second[judged])


def _encoder() -> Encoder:
    from penchant.text import CachedEncoder, load_encoder

    return CachedEncoder(load_encoder(), settings().cache / "vectors")
