"""A searcher as a folder: memory-mapped indexes, and the rest as arrays and JSON."""

from pathlib import Path
from typing import Final

import numpy as np

from penchant.artifacts import load_artifact, save_artifact, storage_errors
from penchant.data.community import Community
from penchant.errors import ArtifactError
from penchant.search.catalogue import Catalogue
from penchant.search.config import SearchConfig
from penchant.search.dense import Dense, same_vectors
from penchant.search.fusion import FusionConfig
from penchant.search.lexical import Lexical
from penchant.search.querymap import QueryMap
from penchant.search.reranker import Reranker, RerankerConfig
from penchant.search.searcher import Searcher
from penchant.search.suggestions import Suggestions
from penchant.text.encoder import Encoder

KIND: Final = "searcher"


def save_searcher(searcher: Searcher, folder: Path) -> None:
    """Write a searcher; words that stand beside the index are indexed first."""
    if searcher.lexical.changed:
        searcher.index_words()
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files = searcher.catalogue.save(folder) + searcher.lexical.save(folder) + searcher.suggestions.save(folder)
    arrays = {"popularity": searcher.popularity, "middle": searcher.middle}
    if searcher.dense is not None:
        files += searcher.dense.save(folder)
    if searcher.reranker is not None:
        files += searcher.reranker.save(folder)
    if searcher.query_map is not None and searcher.query_map.matrix is not None:
        arrays["query_map"] = searcher.query_map.matrix
    save_artifact(
        folder,
        KIND,
        arrays=arrays,
        meta={
            "config": searcher.config.model_dump(mode="json"),
            "fusion": searcher.fusion.model_dump(mode="json"),
            "strength": searcher.strength,
            "mean_length": searcher.lexical.mean_length,
            "encoder": searcher.encoder.name if searcher.encoder is not None else None,
            "dense": searcher.dense is not None and {"width": searcher.dense.width, "largest": searcher.dense.largest},
            "reranker": searcher.reranker is not None,
        },
        files=files,
    )


def load_searcher(
    folder: Path, *, encoder: Encoder | None, query_encoder: Encoder | None, community: Community | None
) -> Searcher:
    """Read back what `save_searcher` wrote.

    Raises:
        ArtifactError: the folder is damaged or of another kind, or the encoder is another one.
    """
    artifact = load_artifact(folder, KIND)
    meta, saved_with = artifact.meta, artifact.meta["encoder"]
    if encoder is not None and saved_with is not None and not same_vectors(encoder.name, saved_with):
        raise ArtifactError(
            f"{folder} holds vectors of the encoder {saved_with!r} and {encoder.name!r} was given; "
            "their vectors cannot be compared: give the same encoder, or build again"
        )
    searcher = Searcher(SearchConfig.model_validate(meta["config"]), encoder=encoder, query_encoder=query_encoder)
    searcher.community = community
    searcher.fusion, searcher.strength = FusionConfig.model_validate(meta["fusion"]), meta["strength"]
    searcher.use(Catalogue.load(folder))
    searcher.lexical = Lexical.load(
        folder,
        searcher.config.lexical,
        row_count=len(searcher.catalogue),
        mean_length=meta["mean_length"],
    )
    searcher.suggestions = Suggestions.load(folder, searcher.config.suggestions)
    searcher.popularity, searcher.middle = artifact.arrays["popularity"], artifact.arrays["middle"]
    if meta["dense"]:
        searcher.dense = Dense.load(folder, searcher.config.dense, **meta["dense"])
    if "query_map" in artifact.arrays:
        searcher.query_map = QueryMap(searcher.config.query_map, np.asarray(artifact.arrays["query_map"]))
    if meta["reranker"]:
        searcher.reranker = Reranker.load(folder, searcher.config.reranker or RerankerConfig())
    return searcher
