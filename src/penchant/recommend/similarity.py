"""Text similarity: items whose words are close to those of the items a member has liked lately."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import scipy.sparse as sp
from pydantic import PositiveInt

from penchant.artifacts import load_artifact, save_artifact
from penchant.collaborative.itemtoitem import ItemToItem, ItemToItemConfig, strongest
from penchant.collaborative.recency import Recency
from penchant.data.community import Community
from penchant.errors import ArtifactError, NotFittedError
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Floats, chunks, unit_rows

CELLS_AT_ONCE = 16_000_000
"""Similarities held dense in memory at one time."""


class Remembering:
    """An encoder that keeps the vectors of the last texts, for fits that differ only in their settings."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._texts: tuple[str, ...] = ()
        self._vectors: Floats | None = None

    @property
    def name(self) -> str:
        return self._encoder.name

    @property
    def width(self) -> int:
        return self._encoder.width

    def encode(self, texts: Sequence[str]) -> Floats:
        """(texts, width) as the encoder gives them."""
        if len(texts) == 1:
            return self._encoder.encode(texts)
        if self._vectors is None or self._texts != tuple(texts):
            self._texts, self._vectors = tuple(texts), self._encoder.encode(texts)
        return self._vectors


class TextSimilarityConfig(ItemToItemConfig):
    """What close in words means."""

    recency: Recency = Recency(half_life_events=20)
    """How the events of the history being answered fade."""
    neighbours: PositiveInt = 100
    """Items of the history that may speak for an item: only the so many closest to it in the catalogue."""


class TextSimilarity(ItemToItem):
    """The similarity of items' texts, by the cosine of their vectors less the catalogue's mean vector.

    The mean is taken off because vectors of a language model share a common direction that says nothing. Every item has
    neighbours here, so one that nobody has touched yet is reached like any other. Computing them compares all pairs of
    items, block by block.
    """

    name = "text"
    config_type = TextSimilarityConfig

    def __init__(self, config: TextSimilarityConfig | None = None, *, encoder: Encoder | None = None) -> None:
        super().__init__(config)
        self.encoder = encoder
        self._vectors: Floats | None = None
        self._mean: Floats | None = None

    @property
    def vectors(self) -> Floats:
        """(items, width) centred vectors of the items' texts, of unit length."""
        if self._vectors is None:
            raise NotFittedError("the scorer text has learned nothing yet; call fit or load first")
        return self._vectors

    def fit(self, community: Community, options: Options) -> Self:
        """Encode every item's text and find its nearest items.

        Raises:
            NotFittedError: no encoder was given.
        """
        if self.encoder is None:
            raise NotFittedError("text similarity needs an encoder: TextSimilarity(encoder=load_encoder())")
        raw = self.encoder.encode(community.item_texts)
        self._mean = raw.mean(axis=0) if len(raw) else np.zeros(self.encoder.width, dtype=np.float32)
        self._vectors = unit_rows(raw - self._mean)
        item_count = len(raw)
        kept = []
        for part in chunks(item_count, max(1, CELLS_AT_ONCE // max(item_count, 1))):
            near = self._vectors[part] @ self._vectors.T
            near[np.arange(len(near)), np.arange(item_count)[part]] = 0
            kept.append(strongest(near, self.config.neighbours))
        weights = sp.vstack(kept, format="csr").T.tocsr() if kept else sp.csr_matrix((0, 0), dtype=np.float32)
        self.learned(weights, np.arange(item_count), item_count)
        return self

    def score_text(self, text: str) -> Floats:
        """(items,) cosine of every item with a text that somebody wrote.

        Raises:
            NotFittedError: no encoder was given.
        """
        if self.encoder is None or self._mean is None:
            raise NotFittedError("a text can be compared only with an encoder; hand one to Recommender.load or train")
        return self.vectors @ unit_rows(self.encoder.encode([text]) - self._mean)[0]

    def score_like(self, item: int) -> Floats:
        """(items,) cosine of every item with one item."""
        return self.vectors @ self.vectors[item]

    def save(self, folder: Path) -> None:
        """Write the neighbours, the vectors and the configuration; the encoder is not written."""
        save_artifact(
            folder,
            self.name,
            arrays={"vectors": self.vectors, "mean": np.asarray(self._mean, dtype=np.float32)},
            matrices={"weights": self.weights},
            meta={"config": self.config.as_meta(), "encoder": self.encoder.name if self.encoder else None},
        )

    @classmethod
    def load(cls, folder: Path, *, encoder: Encoder | None = None) -> Self:
        """Read back what `save` wrote; without an encoder, texts that members write cannot be compared.

        Raises:
            ArtifactError: the encoder is not the one whose vectors were saved.
        """
        artifact = load_artifact(folder, cls.name)
        saved_with = artifact.meta["encoder"]
        if encoder is not None and saved_with is not None and encoder.name != saved_with:
            raise ArtifactError(
                f"{folder} holds vectors of the encoder {saved_with!r} and {encoder.name!r} was given; "
                "their vectors cannot be compared: give the same encoder, or build again"
            )
        scorer = cls(TextSimilarityConfig.model_validate(artifact.meta["config"]), encoder=encoder)
        scorer._vectors, scorer._mean = artifact.arrays["vectors"], artifact.arrays["mean"]
        scorer.learned(artifact.matrices["weights"], np.arange(len(scorer.vectors)), len(scorer.vectors))
        return scorer
