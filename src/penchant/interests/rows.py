"""Texts as the sources of evidence want them: centred vectors and weighted n-grams, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from penchant.interests.words import Words
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, Rows, unit_rows


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
class TextReader:
    """Makes `TextRows` of texts; holds what was learned from texts without regard to labels."""

    encoder: Encoder | None
    centre: Floats | None
    """(width,) mean vector of the texts seen: what all texts share says nothing about any."""
    words: Words | None

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
            vectors[chosen] = unit_rows(self.encoder.encode([texts[row] for row in chosen]) - self.centre)
        return TextRows(tuple(texts), vectors, words)
