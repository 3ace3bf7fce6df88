"""Words that no item has, taken for the nearest word that some have."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from penchant.text.words import STOP_WORDS_EN, stem

_LETTERS: Final = re.compile(r"(?<![^\W_])[^\W\d_]+(?![^\W_])")
_LONGEST: Final = 24


class TyposConfig(BaseModel):
    """Which words are mended.

    >>> TyposConfig().shortest
    4
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    shortest: PositiveInt = Field(default=4, ge=2)
    """Shorter words are left as they are."""
    two_from: PositiveInt = 8
    """Words of so many letters may differ in two places, shorter ones in one."""
    split: bool = True
    """Whether a word may be two that were written as one."""


@dataclass(frozen=True)
class _Words:
    """Words of one length, as numbers."""

    words: tuple[str, ...]
    codes: NDArray[np.uint32]
    """(words, length) their letters."""
    letters: NDArray[np.uint64]
    """(words,) a bit for each letter that occurs, whatever its place."""
    frequency: NDArray[np.int64]


class Speller:
    """Mends words of an alphabet (Chinese is left to the search by meaning) by edit distance to an index's words.

    A letter left out, added, changed, or swapped with the next is one edit (Damerau, 1964).

    >>> rows = {"faucet": 40, "shower": 30, "garden": 12, "hose": 9}
    >>> Speller(rows.keys, rows.get).correct("chrome shwoer fauset gardenhose")
    ('chrome shower faucet garden hose', {'shwoer': 'shower', 'fauset': 'faucet', 'gardenhose': 'garden hose'})
    """

    def __init__(
        self,
        vocabulary: Callable[[], Iterable[str]],
        frequency: Callable[[str], int | None],
        config: TyposConfig | None = None,
    ) -> None:
        self.config = config or TyposConfig()
        self._vocabulary = vocabulary
        self._frequency = frequency

    def correct(self, text: str) -> tuple[str, dict[str, str]]:
        """A folded text with its unknown words mended, and which word became which."""
        mended: dict[str, str] = {}
        if not self.config.enabled:
            return text, mended

        def better(match: re.Match[str]) -> str:
            word = match[0]
            if not self._is_suspect(word):
                return word
            # An ending that looks like a plural may be part of the mistake: "dres".
            found = self.nearest(word) or self.nearest(stem(word))
            if found is not None:
                mended[word] = found
            return found or word

        return _LETTERS.sub(better, text), mended

    def nearest(self, word: str) -> str | None:
        """The known word, or the two, that an unknown one was meant to be; None where none is near."""
        once = self._within(word, 1)
        if once is None and self.config.split:
            once = self._two(word)
        if once is None and len(word) >= self.config.two_from:
            once = self._within(word, 2)
        return once

    def _is_suspect(self, word: str) -> bool:
        return (
            self.config.shortest <= len(word) <= _LONGEST
            and ord(word[0]) < 0x3000
            and word not in STOP_WORDS_EN
            and not self._frequency(word)
            and not self._frequency(stem(word))
        )

    def _within(self, word: str, edits: int) -> str | None:
        best: tuple[int, bool, int, str] | None = None
        code, letters = _code(word), _letters(word)
        for length in range(len(word) - edits, len(word) + edits + 1):
            near = self._by_length.get(length)
            if near is None:
                continue
            # Each edit changes at most two letters, so most words need not be compared.
            close = np.flatnonzero(np.bitwise_count(near.letters ^ letters) <= 2 * edits)
            distances = edit_distances(code, near.codes[close])
            for place in np.flatnonzero(distances <= edits):
                other = near.words[close[place]]
                key = (int(distances[place]), other[0] != word[0], -int(near.frequency[close[place]]), other)
                best = key if best is None else min(best, key)
        return best[3] if best else None

    def _two(self, word: str) -> str | None:
        """The cut whose rarer word is the most frequent."""
        cuts = [(word[:at], word[at:]) for at in range(3, len(word) - 2)]
        known = [(min(self._frequency(a) or 0, self._frequency(b) or 0), a, b) for a, b in cuts]
        best = max(known, default=(0, "", ""))
        return f"{best[1]} {best[2]}" if best[0] else None

    @cached_property
    def _by_length(self) -> dict[int, _Words]:
        groups: dict[int, list[str]] = {}
        for word in self._vocabulary():
            if self.config.shortest - 1 <= len(word) <= _LONGEST + 2 and word.isalpha() and ord(word[0]) < 0x3000:
                groups.setdefault(len(word), []).append(word)
        return {
            length: _Words(
                tuple(words),
                np.stack([_code(word) for word in words]),
                np.array([_letters(word) for word in words], dtype=np.uint64),
                np.array([self._frequency(word) or 0 for word in words], dtype=np.int64),
            )
            for length, words in groups.items()
        }


def edit_distances(word: NDArray[np.uint32], others: NDArray[np.uint32]) -> NDArray[np.int64]:
    """(others,) edits from a word to each of some words of one length, a swap of neighbours being one.

    >>> edit_distances(_code("form"), np.stack([_code("from"), _code("foam"), _code("farm")])).tolist()
    [1, 1, 1]
    """
    count, length = others.shape
    before = np.zeros((length + 1, count), dtype=np.int64)
    last = np.repeat(np.arange(length + 1)[:, None], count, axis=1)
    for i in range(1, len(word) + 1):
        row = np.empty_like(last)
        row[0] = i
        for j in range(1, length + 1):
            differs = others[:, j - 1] != word[i - 1]
            row[j] = np.minimum(np.minimum(last[j], row[j - 1]) + 1, last[j - 1] + differs)
            if i > 1 and j > 1:
                swapped = (others[:, j - 1] == word[i - 2]) & (others[:, j - 2] == word[i - 1])
                row[j] = np.where(swapped, np.minimum(row[j], before[j - 2] + 1), row[j])
        before, last = last, row
    return last[length]


def _code(word: str) -> NDArray[np.uint32]:
    return np.frombuffer(word.encode("utf-32-le"), dtype=np.uint32)


def _letters(word: str) -> np.uint64:
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) % 64)
    return np.uint64(bits)
