"""Search by words: BM25, with items added and changed at any time."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from penchant.artifacts import storage_errors
from penchant.errors import NotFittedError
from penchant.vectors import Floats

if TYPE_CHECKING:
    from bm25s import BM25

_FILES: Final = ("data.csc.index.npy", "indices.csc.index.npy", "indptr.csc.index.npy", "vocab.index.json",
                 "params.index.json")  # fmt: skip
_FEWEST: Final = 1_000
"""Rows put since the last fit, above which a tenth of all is the bound for a new one."""


class LexicalConfig(BaseModel):
    """How words are counted.

    >>> LexicalConfig(k1=1.2).b
    0.75
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    k1: PositiveFloat = 1.2
    """How soon a word's repetitions stop counting."""
    b: float = Field(default=0.75, ge=0, le=1)
    """How much longer texts are held against their words: 0 not at all, 1 in full."""
    title_weight: PositiveInt = 2
    """How often a word of the title counts, against one of the description."""


class Lexical:
    """BM25 (Robertson and Zaragoza, 2009) in the form of Lucene, computed ahead by the library bm25s.

    Rows put after `fit` are scored by the same formula with the statistics of the fit, until the next one.

    >>> index = Lexical().fit([["cast", "iron", "pan"], ["steel", "kettle"]])
    >>> index.put(2, ["iron", "kettle"])
    >>> [round(float(score), 2) for score in index.score(["iron"])]
    [0.29, 0.0, 0.34]
    """

    def __init__(self, config: LexicalConfig | None = None) -> None:
        self.config = config or LexicalConfig()
        self.row_count = 0
        self.mean_length = 0.0
        self._fitted_rows = 0
        self._index: BM25 | None = None
        self._put: dict[int, Counter[str]] = {}
        """Words of each row put or dropped since the fit; what was fitted of the row no longer counts."""
        self._frequency: Counter[str] = Counter()
        """In how many rows put since the fit each word stands."""

    def fit(self, documents: Iterable[Sequence[str]]) -> Self:
        """Index the words of every row, from nothing."""
        from bm25s import BM25

        corpus = [list(words) for words in documents]
        self.row_count = self._fitted_rows = len(corpus)
        self.mean_length = float(np.mean([len(words) for words in corpus])) if corpus else 0.0
        self._put, self._frequency, self._index = {}, Counter(), None
        if any(corpus):
            self._index = BM25(k1=self.config.k1, b=self.config.b, method="lucene", backend="numpy")
            self._index.index(corpus, show_progress=False)
        return self

    @property
    def stale(self) -> bool:
        """Whether so many rows were put since the fit that a new one is worth its time."""
        return len(self._put) > max(_FEWEST, self._fitted_rows // 10)

    @property
    def changed(self) -> bool:
        """Whether any row was put or dropped since the fit."""
        return bool(self._put)

    def put(self, row: int, words: Sequence[str]) -> None:
        """Give a row, new or known, other words."""
        self._frequency.subtract(dict.fromkeys(self._put.get(row, ()), 1))
        self._put[row] = Counter(words)
        self._frequency.update(dict.fromkeys(self._put[row], 1))
        self.row_count = max(self.row_count, row + 1)

    def drop(self, row: int) -> None:
        """Leave a row without words."""
        self.put(row, ())

    def vocabulary(self) -> list[str]:
        """Every word that was fitted or put since."""
        fitted = self._index.vocab_dict if self._index is not None else {}
        return [word for word in dict.fromkeys([*fitted, *self._frequency]) if word and self.frequency(word)]

    def frequency(self, word: str) -> int:
        """In how many rows a word stands; what was changed since the fit is counted on top."""
        return self._fitted_frequency(word) + self._frequency[word]

    def _fitted_frequency(self, word: str) -> int:
        number = self._number(word)
        if self._index is None or number is None:
            return 0
        starts = self._index.scores["indptr"]
        return int(starts[number + 1] - starts[number])

    def weight(self, word: str) -> float:
        """How rare a word is (inverse document frequency), as it was at the fit where it was there then."""
        rows = max(self._fitted_rows, 1)
        found = min(self._fitted_frequency(word) or self._frequency[word], rows)
        return float(np.log(1 + (rows - found + 0.5) / (found + 0.5)))

    def score(self, words: Sequence[str]) -> Floats:
        """(rows,) BM25 of every row; zero where no word is shared."""
        total = np.zeros(self.row_count, dtype=np.float32)
        if self._index is not None and (numbers := [n for word in words if (n := self._number(word)) is not None]):
            total[: self._fitted_rows] = self._index.get_scores_from_ids(numbers)
        if self._put:
            weights = {word: self.weight(word) for word in words}
            for row, counts in self._put.items():
                total[row] = sum(self._part(counts, word, weights[word]) for word in words if word in counts)
        return total

    def parts(self, words: Sequence[str], row: int) -> dict[str, float]:
        """What each word adds to the score of one row; words that it lacks are left out."""
        found: dict[str, float] = {}
        for word in dict.fromkeys(words):
            value = self._of_row(word, row)
            if value > 0:
                found[word] = value * words.count(word)
        return found

    def _of_row(self, word: str, row: int) -> float:
        if row in self._put:
            return self._part(self._put[row], word, self.weight(word))
        number = self._number(word)
        if self._index is None or number is None:
            return 0.0
        scores = self._index.scores
        place = slice(int(scores["indptr"][number]), int(scores["indptr"][number + 1]))
        here = np.flatnonzero(scores["indices"][place] == row)
        return float(scores["data"][place][here[0]]) if len(here) else 0.0

    def _part(self, counts: Counter[str], word: str, weight: float) -> float:
        count = counts[word]
        length = counts.total() / self.mean_length if self.mean_length else 1.0
        return weight * count / (count + self.config.k1 * (1 - self.config.b + self.config.b * length))

    def _number(self, word: str) -> int | None:
        if self._index is None or not word:
            return None
        number: Any = self._index.vocab_dict.get(word)
        # bm25s keeps an empty word after all others, which has no column.
        return number if number is not None and number < len(self._index.scores["indptr"]) - 1 else None

    def save(self, folder: Path) -> list[str]:
        """Write the index into a folder of its own; the names of its files.

        Raises:
            NotFittedError: rows were put since the last fit, which the files cannot hold.
        """
        if self._put:
            raise NotFittedError("rows were put since the words were indexed; fit again before saving")
        with storage_errors(folder):
            for name in _FILES:
                (folder / name).unlink(missing_ok=True)
            if self._index is None:
                return []
            self._index.save(folder, show_progress=False)
        return list(_FILES)

    @classmethod
    def load(cls, folder: Path, config: LexicalConfig, *, row_count: int, mean_length: float) -> Self:
        """Read back what `save` wrote, memory-mapped."""
        from bm25s import BM25

        index = cls(config)
        index.row_count = index._fitted_rows = row_count
        index.mean_length = mean_length
        if (folder / _FILES[0]).is_file():
            index._index = BM25.load(folder, mmap=True, show_progress=False)
        return index
