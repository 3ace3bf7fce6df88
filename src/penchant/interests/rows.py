"""Texts as the sources of evidence want them: centred vectors and weighted n-grams, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.interests.words import Words
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, Rows, chunks, unit_rows

_AT_ONCE: Final = 1024
_SAME: Final = 0.999
"""Vectors as near as this are of one text."""


@dataclass(frozen=True, eq=False)
class TextRows:
    """Some texts with their vectors and n-grams."""

    texts: tuple[str, ...]
    vectors: Floats | None
    """(texts, width) centred, of unit length; NaN for a text that was not encoded; None where no encoder is used."""
    words: sp.csr_matrix | None
    """(texts, n-grams); None where spelling is not used."""

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def encoded(self) -> Rows:
        """Rows of the texts that have a vector."""
        if self.vectors is None:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(~np.isnan(self.vectors[:, 0]))

    def take(self, rows: Rows) -> "TextRows":
        """Some of the texts, by row number."""
        return TextRows(
            tuple(self.texts[row] for row in rows),
            None if self.vectors is None else self.vectors[rows],
            None if self.words is None else self.words[rows],
        )

    def beside(self, other: "TextRows") -> "TextRows":
        """These texts and then the other's."""
        return TextRows(
            self.texts + other.texts,
            None if self.vectors is None or other.vectors is None else np.vstack([self.vectors, other.vectors]),
            None if self.words is None or other.words is None else sp.vstack([self.words, other.words], format="csr"),
        )


@dataclass(frozen=True, eq=False)
class Crowd:
    """Unlabelled texts as a map of what there is to say: a text is known by its neighbours too.

    A few words name a subject in one of many ways; its neighbours name it in the others. So each vector is drawn to the
    mean of its nearest ones, weighted by squared cosine, as database-side augmentation does in image retrieval
    (Turcot and Lowe, 2009), and as one step of label propagation would through the texts' graph (Zhu et al., 2003).
    """

    vectors: NDArray[np.float16]
    """(texts, width) centred, of unit length."""
    neighbours: int
    """How many are looked at."""
    share: float
    """Weight of the neighbours' mean, against one of the text's own vector."""

    def drawn(self, vectors: Floats) -> Floats:
        """(texts, width) unit vectors drawn to their neighbours; a text's own copy is no neighbour of it."""
        return unit_rows(vectors + self.pulls(vectors))

    def pulls(self, vectors: Floats) -> Floats:
        """(texts, width) what the neighbours of each text add to its vector."""
        crowd = self.vectors.astype(np.float32)
        count = min(self.neighbours, len(crowd))
        pulls = np.empty_like(vectors)
        for part in chunks(len(vectors), _AT_ONCE):
            cosines = vectors[part] @ crowd.T
            cosines[cosines > _SAME] = 0
            nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
            weights = np.square(np.maximum(np.take_along_axis(cosines, nearest, axis=1), 0))
            means = np.einsum("tn,tnw->tw", weights, crowd[nearest])
            pulls[part] = self.share * unit_rows(means)
        return pulls


@dataclass(frozen=True, eq=False)
class TextReader:
    """Makes `TextRows` of texts; holds what was learned from texts without regard to labels."""

    encoder: Encoder | None
    centre: Floats | None
    """(width,) mean vector of the texts seen: what all texts share says nothing about any."""
    words: Words | None
    crowd: Crowd | None = None
    """Unlabelled texts that draw each vector to its neighbours; None where there are none."""

    def rows(self, texts: Sequence[str], *, encoded: Rows | None = None) -> TextRows:
        """The rows of some texts.

        Args:
            texts: any.
            encoded: rows of the texts to encode; all by default.
        """
        words = None
        if self.words is not None:
            words = self.words.rows(texts) if texts else sp.csr_matrix((0, len(self.words.kept)), dtype=np.float32)
        if self.encoder is None or self.centre is None:
            return TextRows(tuple(texts), None, words)
        chosen = np.arange(len(texts)) if encoded is None else encoded
        vectors = np.full((len(texts), self.encoder.width), np.nan, dtype=np.float32)
        if len(chosen):
            own = unit_rows(self.encoder.encode([texts[row] for row in chosen]) - self.centre)
            vectors[chosen] = self.crowd.drawn(own) if self.crowd is not None else own
        return TextRows(tuple(texts), vectors, words)
