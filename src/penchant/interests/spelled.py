"""What each character of a text adds to a score that is linear in its character n-grams: exact, no estimate."""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.interests.words import Words, readable
from penchant.vectors import Floats

_SPACES: Final = re.compile(r"\s\s+")


def character_shares(words: Words, text: str, weights: Floats) -> NDArray[np.float64]:
    """(characters,) shares that sum to the text's row of n-grams times their weights.

    What an n-gram adds is its value times its weight; it is spread evenly over its places in the text, and at each
    place over the characters it covers. Characters beyond those that are read get zero.

    Args:
        words: fitted n-grams.
        text: any.
        weights: (n-grams,) of a linear score.

    >>> words = Words().fit(["ab", "ac"])
    >>> weights = np.ones(len(words.kept), dtype=np.float32)
    >>> shares = character_shares(words, "ab?", weights)
    >>> bool(np.isclose(shares.sum(), words.rows(["ab?"]).sum())), float(shares[2])
    (True, 0.0)
    """
    shares = np.zeros(len(text))
    row = words.rows([text])
    if not row.nnz:
        return shares
    shown, origin = _as_hashed(readable(text, words.config.characters))
    spans = [
        (start, start + size)
        for size in range(words.config.shortest, words.config.longest + 1)
        for start in range(len(shown) - size + 1)
    ]
    columns = _columns(words, [shown[start:end] for start, end in spans])
    added = np.zeros(len(words.kept))
    added[row.indices] = row.data.astype(np.float64) * weights[row.indices]
    known = np.flatnonzero(columns >= 0)
    places = np.bincount(columns[known], minlength=len(added))
    for number in known:
        (start, end), column = spans[number], columns[number]
        np.add.at(shares, origin[start:end], added[column] / (places[column] * (end - start)))
    return shares


def _as_hashed(text: str) -> tuple[str, NDArray[np.int64]]:
    """The text as n-grams are cut from it, and the place in the text that each of its characters comes from."""
    lowered = text.lower()
    # Some characters become two in lower case.
    origin = np.repeat(np.arange(len(text)), [len(character.lower()) for character in text])
    kept, last = np.ones(len(lowered), dtype=bool), 0
    parts: list[str] = []
    for run in _SPACES.finditer(lowered):
        kept[run.start() + 1 : run.end()] = False
        parts += [lowered[last : run.start()], " "]
        last = run.end()
    return "".join([*parts, lowered[last:]]), origin[kept]


def _columns(words: Words, grams: list[str]) -> NDArray[np.int64]:
    """(grams,) the number of each n-gram among those kept, -1 for others."""
    from sklearn.feature_extraction import FeatureHasher

    distinct = {gram: number for number, gram in enumerate(dict.fromkeys(grams))}
    hasher = FeatureHasher(1 << words.config.hash_bits, input_type="string", alternate_sign=False)
    hashes = hasher.transform([[gram] for gram in distinct]).indices
    at = np.minimum(np.searchsorted(words.kept, hashes), len(words.kept) - 1)
    columns = np.where(words.kept[at] == hashes, at, -1)
    return columns[[distinct[gram] for gram in grams]]
