"""A recommender as a folder: sources, ranker, and the rest as arrays and JSON."""

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ValidationError

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.community import Community
from penchant.data.interactions import FELT, with_felt
from penchant.errors import ArtifactError
from penchant.recommend.config import RecommendConfig
from penchant.recommend.newitems import NewItems
from penchant.recommend.ranker import FILE as RANKER_FILE
from penchant.recommend.ranker import Ranker
from penchant.recommend.recommender import Recommender
from penchant.recommend.sources import load_sources, save_sources
from penchant.recommend.verdicts import Given, Verdicts
from penchant.text.encoder import Encoder

KIND: Final = "recommender"


def save_recommender(model: Recommender, folder: Path) -> None:
    """Write all of a recommender but the community, the encoder and the verdicts."""
    save_sources(model.sources, folder)
    if model.new_items:
        model.new_items.save(folder / NewItems.name)
    kept = model.ranker.save(folder) if model.ranker is not None else None
    save_artifact(
        folder,
        KIND,
        arrays={"cold": model.cold, **_felt(model.community)},
        meta={
            "config": model.config.model_dump(mode="json"),
            "weights": model.weights,
            "items": _items_fingerprint(model.community),
            "ranker": kept,
            "new_items": bool(model.new_items),
        },
        files=(RANKER_FILE,) if model.ranker is not None else (),
    )


def load_recommender(
    folder: Path, community: Community, *, encoder: Encoder | None, home: Path | None, verdicts: Given
) -> Recommender:
    """Read back what `save_recommender` wrote.

    Raises:
        ArtifactError: the folder is damaged, of another kind or version, or was trained on other items.
        ConfigError: it was trained with verdicts and none are given.
    """
    artifact = load_artifact(folder, KIND)
    if artifact.meta["items"] != _items_fingerprint(community):
        raise ArtifactError(
            f"{folder} was trained on other items than the {len(community.item_ids)} of this community; build again"
        )
    weights = artifact.meta["weights"]
    sources = load_sources(tuple(weights), folder, encoder=encoder)
    try:
        config = RecommendConfig.model_validate(artifact.meta["config"])
    except ValidationError as error:
        unknown = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
        raise ArtifactError(
            f"{folder} was saved with settings that this version of Penchant does not have ({unknown}); build again"
        ) from error
    felt = artifact.arrays.get(FELT)
    if felt is not None and len(felt) == len(community.events):
        community = with_felt(community, felt)
    kept = artifact.meta.get("ranker")
    ranker = Ranker.load(folder, kept, config.ranker) if kept else None
    return Recommender(
        community, sources, weights, config.at_home(home),
        cold=artifact.arrays["cold"], ranker=ranker,
        verdicts=Verdicts.of(verdicts).read_by(ranker.features if ranker is not None else ()),
        new_items=NewItems.load(folder / NewItems.name) if artifact.meta.get("new_items") else None,
    )  # fmt: skip


def _felt(community: Community) -> dict[str, NDArray[np.float32]]:
    """How members felt, where the events say so: an answer weighs histories as the fit did."""
    events = community.events
    return {FELT: events[FELT].cast(pl.Float32).fill_null(np.nan).to_numpy()} if FELT in events.columns else {}


def _items_fingerprint(community: Community) -> str:
    digest = hashlib.sha256()
    for item_id in community.item_ids.ids:
        digest.update(item_id.encode() + b"\0")
    return digest.hexdigest()
