"""The sources of a social model: fitted with settings that are known, or tuned on what was held out."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from penchant.data.community import Community
from penchant.social.circle import FriendsLikes, Popularity
from penchant.social.config import SocialConfig
from penchant.social.graph import Graph
from penchant.social.heldout import HeldOut
from penchant.social.linear import AlsSettings, EaseSettings, TaggedAls, TaggedEase
from penchant.social.opinions import Source
from penchant.social.people import People
from penchant.social.texts import TextVectors
from penchant.social.tuning import searched
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Floats

log = logging.getLogger(__name__)

NETWORK = "network"
"""The graph network's name among the sources."""


@dataclass(frozen=True)
class Settings:
    """What tuning found, for a fit on all events."""

    ease: EaseSettings = field(default_factory=EaseSettings)
    als: AlsSettings = field(default_factory=AlsSettings)
    epochs: int | None = None
    """Passes of the network; None for as many as the configuration says."""


def read_texts(community: Community, graph: Graph, config: SocialConfig, encoder: Encoder | None) -> TextVectors:
    """What texts say, where there is an encoder and the network reads them; else nothing."""
    wanted = encoder is not None and config.use_network and config.network.text
    return TextVectors.read(community, graph, encoder) if wanted and encoder else TextVectors.none(graph)


def fitted_sources(
    community: Community,
    graph: Graph,
    config: SocialConfig,
    settings: Settings,
    options: Options,
    encoder: Encoder | None,
) -> tuple[dict[str, Source], TextVectors]:
    """Every source fitted with settings that were found."""
    texts = read_texts(community, graph, config, encoder)
    sources: dict[str, Source] = {
        TaggedEase.name: TaggedEase.fit(graph, settings.ease, options),
        TaggedAls.name: TaggedAls.fit(graph, settings.als, options),
    }
    if config.use_network:
        from penchant.social.fitting import fit_network

        sources[NETWORK] = fit_network(graph, texts, config.network, options, epochs=settings.epochs)
    return sources | _circle(graph, config), texts


def tuned_sources(
    graph: Graph,
    texts: TextVectors,
    config: SocialConfig,
    options: Options,
    judged: HeldOut,
    judge: Callable[[Callable[[People], Floats]], float],
) -> tuple[dict[str, Source], Settings, dict[str, float]]:
    """Every source with the best of its settings, those settings, and how good each is alone."""
    linear, start = config.linear, starting(graph, config)
    enough = len(judged.members) >= config.fewest_searched
    tags = {"tag_weight": linear.tag_weight} if _reads_tags(graph, config) else {}
    ease = searched(
        start.ease,
        {"regularization": linear.regularization, **tags},
        lambda one: TaggedEase.fit(graph, one, options),
        (lambda model: judge(model.score)) if enough else None,
    )
    als = searched(
        start.als,
        {
            "regularization": linear.als_regularization,
            "confidence": linear.confidence,
            **tags,
            "factors": linear.factors,
        },
        lambda one: TaggedAls.fit(graph, one, options),
        (lambda model: judge(model.score)) if enough else None,
    )
    sources: dict[str, Source] = {TaggedEase.name: ease.model, TaggedAls.name: als.model}
    epochs = None
    if config.use_network:
        from penchant.social.fitting import fit_network

        network = fit_network(graph, texts, config.network, options, held_out=judged)
        sources[NETWORK] = network
        epochs = network.epochs
    sources |= _circle(graph, config)
    alone = {name: judge(source.score) for name, source in sources.items()}
    for name, found in alone.items():
        log.info("%s: NDCG %.4f on held-out events", name, found)
    return sources, Settings(ease.settings, als.settings, epochs), alone


def starting(graph: Graph, config: SocialConfig) -> Settings:
    """The settings that tuning starts from."""
    tags: dict[str, Any] = {} if _reads_tags(graph, config) else {"tag_weight": 0.0}
    return Settings(EaseSettings(max_items=config.linear.max_items, **tags), AlsSettings(**tags))


def _reads_tags(graph: Graph, config: SocialConfig) -> bool:
    return config.network.text and graph.tags.nnz > 0


def starting_weights(names: Iterable[str], config: SocialConfig) -> dict[str, float]:
    """The weights of some sources where none can be found."""
    weights = {name: config.blend.start.get(name, 0.0) for name in names}
    total = sum(weights.values()) or 1.0
    return {name: weight / total for name, weight in weights.items()}


def _circle(graph: Graph, config: SocialConfig) -> dict[str, Source]:
    found: dict[str, Source] = {Popularity.name: Popularity.fit(graph)}
    if config.network.ties and graph.shown_ties.nnz:
        found = {FriendsLikes.name: FriendsLikes.fit(graph), **found}
    return found
