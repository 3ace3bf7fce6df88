"""A social model on disk: the graph, the sources that were learned, the weights and the ranker."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.community import Community
from penchant.errors import ArtifactError
from penchant.social.circle import FriendsLikes, Popularity
from penchant.social.config import SocialConfig
from penchant.social.features import feature_names
from penchant.social.graph import Graph
from penchant.social.linear import TaggedAls, TaggedEase
from penchant.social.opinions import Source
from penchant.social.propagated import Propagated
from penchant.social.ranker import FILE, Ranker
from penchant.social.sources import NETWORK
from penchant.social.statistics import GraphStatistics
from penchant.social.texts import TextVectors
from penchant.text.encoder import Encoder

if TYPE_CHECKING:
    from penchant.social.model import SocialModel

KIND: Final = "social"

LEARNED: Final[dict[str, type[Propagated] | type[TaggedEase] | type[TaggedAls]]] = {
    TaggedEase.name: TaggedEase,
    TaggedAls.name: TaggedAls,
    NETWORK: Propagated,
}
"""Sources that are saved, each in a folder of its name."""
COUNTED: Final[dict[str, type[FriendsLikes] | type[Popularity]]] = {
    FriendsLikes.name: FriendsLikes,
    Popularity.name: Popularity,
}
"""Sources that are counted from the graph."""


def save(model: "SocialModel", folder: Path) -> None:
    """Write all of a model but the community and the encoder."""
    model.graph.save(folder / "graph")
    for name, source in model.sources.items():
        if isinstance(source, Propagated | TaggedEase | TaggedAls):
            source.save(folder / name)
    kept = model.ranker.save(folder) if model.ranker is not None else None
    texts = model.texts
    save_artifact(
        folder,
        KIND,
        arrays={"text.items": texts.items, "text.said": texts.said, "text.means": texts.means},
        meta={
            "config": model.config.model_dump(mode="json"),
            "weights": model.weights,
            "statistics": model.statistics.as_meta(),
            "ranker": kept,
            "encoder": model.encoder.name if model.encoder is not None else None,
            "members": model.community.fingerprint("members"),
            "items": model.community.fingerprint("items"),
        },
        files=(FILE,) if kept else (),
    )


def load(folder: Path, community: Community, encoder: Encoder | None) -> "SocialModel":
    """Read back what `save` wrote.

    Raises:
        ArtifactError: as `SocialModel.load` says.
    """
    from penchant.social.model import SocialModel

    artifact = load_artifact(folder, KIND)
    meta = artifact.meta
    for name in ("members", "items"):
        if meta[name] != community.fingerprint(name):
            raise ArtifactError(f"{folder} was trained on other {name} than those of {community}; build again")
    if encoder is not None and meta["encoder"] is not None and encoder.name != meta["encoder"]:
        raise ArtifactError(
            f"{folder} holds vectors of the encoder {meta['encoder']!r} and {encoder.name!r} was given; "
            "give the same encoder, or build again"
        )
    try:
        config = SocialConfig.model_validate(meta["config"])
    except ValidationError as error:
        raise ArtifactError(f"{folder} was saved by another version of Penchant ({error}); build again") from error
    graph = Graph.load(folder / "graph")
    sources: dict[str, Source] = {
        name: LEARNED[name].load(folder / name) if name in LEARNED else COUNTED[name].fit(graph)
        for name in meta["weights"]
    }
    ranker = Ranker.load(folder, meta["ranker"]) if meta["ranker"] else None
    if ranker is not None and ranker.features != feature_names(tuple(sources)):
        raise ArtifactError(f"{folder} holds a ranker of other features; build again")
    texts = TextVectors(*(artifact.arrays[f"text.{part}"] for part in ("items", "said", "means")))
    shape = GraphStatistics.of_meta(meta["statistics"])
    return SocialModel(
        community, graph, texts, sources, meta["weights"], config, shape, ranker=ranker, encoder=encoder
    )  # fmt: skip
