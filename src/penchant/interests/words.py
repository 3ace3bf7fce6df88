"""Texts as weighted character n-grams: what any language's spelling says, with no model and no word list."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from penchant.errors import NotFittedError
from penchant.vectors import Floats, Rows


class WordsConfig(BaseModel):
    """Which character n-grams count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shortest: PositiveInt = 1
    """Characters of the shortest n-gram."""
    longest: PositiveInt = 3
    """Characters of the longest n-gram."""
    fewest_texts: PositiveInt = 2
    """An n-gram found in fewer texts is passed over, where there are 1,000 texts or more."""
    most: PositiveInt = 400_000
    """So many n-grams are kept, those of the most texts first."""
    characters: PositiveInt = 4_000
    """Characters of a text that are read."""
    hash_bits: int = Field(default=20, ge=8, le=24)
    """N-grams are numbered by a hash of so many bits; two that share a number count as one."""


class Words:
    """TF-IDF over hashed character n-grams: logarithmic counts times inverse document frequency, rows of unit length.

    Hashing (Weinberger et al., 2009) leaves no vocabulary to store: a saved `Words` is two arrays.

    >>> words = Words().fit(["好锅", "好书", "坏书"])
    >>> similar = (words.rows(["好书"]) @ words.rows(["坏书", "好锅"]).T).toarray()[0]
    >>> bool(similar[0] > 0), words.rows([""]).nnz
    (True, 0)
    """

    kept: Rows
    """(n-grams,) hash numbers that count, ascending."""
    rarity: Floats
    """(n-grams,) inverse document frequency."""

    def __init__(self, config: WordsConfig | None = None) -> None:
        self.config = config or WordsConfig()

    def fit(self, texts: Sequence[str], *, most: int | None = None) -> "Words":
        """Learn which n-grams occur and how rare each is.

        Args:
            texts: with labels or without.
            most: a bound below the configuration's.
        """
        counts = self._counts(texts)
        found_in = np.bincount(counts.indices, minlength=counts.shape[1])
        least = self.config.fewest_texts if len(texts) >= 1000 else 1
        numbers = np.flatnonzero(found_in >= least)
        bound = min(self.config.most, most or self.config.most)
        if len(numbers) > bound:
            numbers = np.sort(numbers[np.argsort(-found_in[numbers], kind="stable")[:bound]])
        self.kept = numbers.astype(np.int64)
        self.rarity = (np.log((1 + len(texts)) / (1 + found_in[numbers])) + 1).astype(np.float32)
        return self

    def rows(self, texts: Sequence[str]) -> sp.csr_matrix:
        """(texts, n-grams) rows of unit length; a text without a known n-gram has a row of zeros.

        Raises:
            NotFittedError: before `fit`.
        """
        if not hasattr(self, "kept"):
            raise NotFittedError("these n-grams have not been fitted; call fit first")
        counts = self._counts(texts)
        column = np.full(counts.shape[1], -1, dtype=np.int32)
        column[self.kept] = np.arange(len(self.kept), dtype=np.int32)
        places = column[counts.indices]
        held = places >= 0
        starts = np.concatenate([[0], np.cumsum(held)])[counts.indptr]
        places = places[held]
        values = ((1 + np.log(counts.data[held])) * self.rarity[places]).astype(np.float32)
        lengths = np.diff(starts)
        row = np.repeat(np.arange(len(lengths)), lengths)
        norms = np.sqrt(np.bincount(row, values.astype(np.float64) ** 2, minlength=len(lengths)))
        values /= norms[row].astype(np.float32)
        return sp.csr_matrix((values, places, starts), shape=(len(lengths), len(self.kept)))

    def _counts(self, texts: Sequence[str]) -> sp.csr_matrix:
        from sklearn.feature_extraction.text import HashingVectorizer

        config = self.config
        hashing = HashingVectorizer(
            analyzer="char",
            ngram_range=(config.shortest, config.longest),
            n_features=1 << config.hash_bits,
            alternate_sign=False,
            norm=None,
            dtype=np.float32,
        )
        return hashing.transform([readable(text, config.characters) for text in texts])


def readable(text: str, characters: int) -> str:
    """The part of a text that is read; lone surrogates, which no hash takes, are replaced."""
    return text[:characters].encode("utf-8", "replace").decode()
