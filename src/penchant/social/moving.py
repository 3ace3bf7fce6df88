"""A model over a community that has moved on: nothing is trained, and what is new is answered like the rest."""

from typing import TYPE_CHECKING

import polars as pl

from penchant.data.community import Community
from penchant.errors import ArtifactError
from penchant.social.circle import FriendsLikes, Popularity
from penchant.social.graph import Graph
from penchant.social.inductive import extended
from penchant.social.linear import TaggedAls, TaggedEase
from penchant.social.opinions import Source
from penchant.social.propagated import Propagated

if TYPE_CHECKING:
    from penchant.social.model import SocialModel


def moved(
    model: "SocialModel", community: Community, events: pl.DataFrame | None, ties: pl.DataFrame | None
) -> "SocialModel":
    """As `SocialModel.on` says."""
    _same_start(model.community, community)
    if events is None and ties is None:
        graph = Graph.of(community, model.config.graph)
    else:
        graph = model.graph.extended(
            community,
            events=community.events.clear() if events is None else events,
            ties=community.ties.clear() if ties is None else ties,
        )
    texts = model.texts.grown(community, graph, model.encoder)
    sources: dict[str, Source] = {}
    for name, source in model.sources.items():
        if isinstance(source, Propagated):
            sources[name] = extended(source, graph, texts)
        elif isinstance(source, FriendsLikes | Popularity):
            sources[name] = type(source).fit(graph)
        elif isinstance(source, TaggedEase | TaggedAls):
            sources[name] = source.widened(graph.item_count)
    return type(model)(
        community, graph, texts, sources, model.weights, model.config, model.statistics,
        ranker=model.ranker, encoder=model.encoder,
    )  # fmt: skip


def _same_start(before: Community, after: Community) -> None:
    for name, old, new in (
        ("member", before.member_ids.ids, after.member_ids.ids),
        ("item", before.item_ids.ids, after.item_ids.ids),
    ):
        if len(new) < len(old) or not new[: len(old)].equals(old):
            raise ArtifactError(
                f"the {len(old)} {name}s known when the model was trained are not the first of the {len(new)} given; "
                "keep their order and put new ones after them, or train again"
            )
