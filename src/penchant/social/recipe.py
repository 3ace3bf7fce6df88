"""From a community to a social model: hold out, tune, weigh, learn a ranker, fit on everything; and how good one is."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from penchant.data.community import Community
from penchant.data.splits import Split, last_split, random_split
from penchant.errors import TooLittleDataError
from penchant.evaluation.ranking import RankingMetrics, evaluate_rankings
from penchant.social.blend import pick_weights
from penchant.social.circle import Popularity
from penchant.social.config import SocialConfig
from penchant.social.features import Facts, feature_names, table
from penchant.social.graph import Graph
from penchant.social.heldout import CELLS_AT_ONCE, HeldOut
from penchant.social.model import LEAST, SocialModel
from penchant.social.opinions import Candidates, Source, opinions
from penchant.social.people import People
from penchant.social.ranker import Ranker, RankerVerdict
from penchant.social.sources import (
    Settings,
    fitted_sources,
    read_texts,
    starting,
    starting_weights,
    tuned_sources,
)
from penchant.social.statistics import GraphStatistics, statistics
from penchant.social.texts import TextVectors
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Floats, chunks

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model whose sources are fitted on what was known alone, and how its settings were found."""

    model: SocialModel
    settings: Settings
    held_out: HeldOut
    candidates: Candidates
    """Of the members held out from."""
    verdict: RankerVerdict
    ranker: Ranker | None
    """The ranker learned, used or not."""
    found: dict[str, float]
    """NDCG on validation data of each source alone, and of the blend and the ranker where one was learned."""


def train(
    community: Community,
    config: SocialConfig | None = None,
    options: Options | None = None,
    *,
    encoder: Encoder | None = None,
) -> SocialModel:
    """A social model of a community.

    Events are held out within the community to tune the sources, to weigh them and to learn a ranker; then every source
    is fitted again on all events with the settings found. Without ties it says so and goes on with texts and events.

    Args:
        community: members, items, events, and ties if any.
        config: what to learn; the defaults if absent.
        options: how to run.
        encoder: reads what items are called and what members write; without one, tags alone stand for texts.

    Raises:
        TooLittleDataError: no event says what anybody likes.
    """
    config, options = config or SocialConfig(), options or Options()
    graph = Graph.of(community, config.graph)
    shape = statistics(graph, options.rng())
    log.info("%s", shape.told())
    split = _validation_split(community, config, options)
    if split is None:
        log.warning("too few members have events to hold out, so settings and weights stay as they are")
        plain, texts = fitted_sources(community, graph, config, starting(graph, config), options, encoder)
        weights = starting_weights(plain, config)
        return SocialModel(community, graph, texts, plain, weights, config, shape, encoder=encoder)
    fitted = fit(split.fit, split.test, config, options, encoder=encoder, shape=shape)
    again, texts = fitted_sources(community, graph, config, fitted.settings, options, encoder)
    found = fitted.model
    return SocialModel(
        community, graph, texts, again, found.weights, config, shape, ranker=found.ranker, encoder=encoder
    )  # fmt: skip


def fit(
    known: Community,
    held_out: Community,
    config: SocialConfig,
    options: Options,
    *,
    encoder: Encoder | None = None,
    shape: GraphStatistics | None = None,
) -> Fitted:
    """Fit on what is known; tune, weigh and learn a ranker by what was held out.

    Args:
        known: what the sources are fitted on.
        held_out: the same members and items with other events.
        config: what to learn.
        options: how to run.
        encoder: as for `train`.
        shape: the statistics of the graph, where they are at hand.

    Raises:
        TooLittleDataError: nobody has a held-out item that is new to them, or no event says what anybody likes.
    """
    graph = Graph.of(known, config.graph)
    judged = HeldOut.of(known, held_out, config.graph.event_weights, most=config.most_judged, rng=options.rng())
    if not len(judged.members):
        raise TooLittleDataError("no member has a held-out item that is new to them; hold out more events")
    texts = read_texts(known, graph, config, encoder)
    people = People.members(graph, judged.members, texts.said)
    cutoff = config.blend.cutoff

    def judge(score: Callable[[People], Floats]) -> float:
        return float(judged.ndcg(judged.scores(people, score), cutoff).mean())

    sources, settings, alone = tuned_sources(graph, texts, config, options, judged, judge)
    candidates = _candidates(sources, people, judged, config)
    weights = weighed(candidates, judged, config, options)
    model = SocialModel(
        known, graph, texts, sources, weights, config, shape or statistics(graph, options.rng()), encoder=encoder
    )  # fmt: skip
    ranker, verdict = learned(model, candidates, judged, options)
    log.info("%s", verdict.told())
    judged_orders = {"blend": verdict.blend, "ranker": verdict.ranked}
    found = alone | {name: value for name, value in judged_orders.items() if value is not None}
    used = model.reweighed(weights, ranker if verdict.used else None)
    return Fitted(used, settings, judged, candidates, verdict, ranker, found)


def weighed(candidates: Candidates, judged: HeldOut, config: SocialConfig, options: Options) -> dict[str, float]:
    """Weights of the sources by what was held out; popularity keeps a little, for those of whom nothing is known."""
    if len(judged.members) < config.fewest_judged:
        return starting_weights(candidates.sources, config)
    weights = pick_weights(candidates, judged.relevant, config.blend, options.rng())
    return weights | {Popularity.name: max(weights.get(Popularity.name, 0.0), LEAST)}


def learned(
    model: SocialModel, candidates: Candidates, judged: HeldOut, options: Options
) -> tuple[Ranker | None, RankerVerdict]:
    """A ranker over a model's blend, and whether it is worth using."""
    config = model.config
    if not config.ranker.enabled or len(judged.members) < config.ranker.fewest:
        return None, RankerVerdict(used=False, members=len(judged.members), fewest=config.ranker.fewest)
    rows = table(candidates, model.weights, model.people(judged.members), Facts.of(model.graph))
    names = feature_names(candidates.sources)
    return Ranker.learn(rows, candidates, judged.relevant, names, config.ranker, options, cutoff=config.blend.cutoff)


def without(fitted: Fitted, names: tuple[str, ...], options: Options) -> SocialModel:
    """The same fitted sources without some of them, the weights picked and the ranker learned anew."""
    candidates = fitted.candidates.without(names)
    weights = weighed(candidates, fitted.held_out, fitted.model.config, options)
    smaller = fitted.model.reweighed(weights, None)
    ranker, verdict = learned(smaller, candidates, fitted.held_out, options)
    return smaller.reweighed(weights, ranker if verdict.used else None)


def with_sources(fitted: Fitted, sources: dict[str, Source], texts: TextVectors, options: Options) -> SocialModel:
    """The same model with other sources, fitted on the same events; weights picked and ranker learned anew.

    Args:
        fitted: whose members held out from decide.
        sources: by name.
        texts: what the sources read of members.
        options: how to run.
    """
    before, judged = fitted.model, fitted.held_out
    people = People.members(before.graph, judged.members, texts.said)
    candidates = _candidates(sources, people, judged, before.config)
    weights = weighed(candidates, judged, before.config, options)
    model = SocialModel(
        before.community, before.graph, texts, sources, weights, before.config, before.statistics,
        encoder=before.encoder,
    )  # fmt: skip
    ranker, verdict = learned(model, candidates, judged, options)
    return model.reweighed(weights, ranker if verdict.used else None)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good a model's lists are."""

    metrics: RankingMetrics
    members: np.ndarray
    """(judged,) member rows, in the order of the metrics' values."""


def evaluate(model: SocialModel, split: Split, *, k: int = 10) -> Evaluation:
    """Judge a model fitted on the training part by the test part of a split, over the whole catalogue.

    What members did in training and validation is not shown again. Histories are those of the training part.

    Raises:
        TooLittleDataError: nobody has anything to find in the test part.
    """
    weights = model.config.graph.event_weights
    judged = HeldOut.of(split.train, split.test, weights, also_met=split.validation)
    if not len(judged.members):
        raise TooLittleDataError("no member has an item in the test part that is new to them; hold out more events")
    people = model.people(judged.members)
    size = max(1, CELLS_AT_ONCE // max(model.graph.item_count, 1))
    lists = []
    for part in chunks(len(people), size):
        shut = judged.shut[part].toarray() > 0
        lists.append(model.rank(people.part(part), shut, k))
    return Evaluation(evaluate_rankings(np.concatenate(lists), judged.relevant, k), judged.members)


def _candidates(sources: dict[str, Source], people: People, judged: HeldOut, config: SocialConfig) -> Candidates:
    size = max(1, CELLS_AT_ONCE // max(judged.shut.shape[1], 1) // 2)
    parts = []
    for part in chunks(len(people), size):
        shut = judged.shut[part].toarray() > 0
        parts.append(Candidates.of(opinions(sources, people.part(part)), shut, config.blend.depth))
    return Candidates.joined(parts)


def _validation_split(community: Community, config: SocialConfig, options: Options) -> Split | None:
    weights = config.graph.event_weights
    if config.validation == "last":
        split = last_split(community, options.seed, weights=weights, unseen=True)
    else:
        split = random_split(community, options.seed, (0.9, 0.0, 0.1))
    judged = HeldOut.of(split.fit, split.test, weights)
    return split if len(judged.members) >= config.fewest_judged else None
