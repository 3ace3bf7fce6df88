"""What is seen of a query and a title when they are compared letter by letter and vector by vector."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache
from typing import Final

import numpy as np
import scipy.sparse as sp

from penchant.search.words import analyse, fold
from penchant.vectors import Floats, unit_rows

Pair = tuple[str, str]
"""A query and a title."""

COMPARED: Final = (
    "cosine",
    "query_words_found",
    "title_words_asked",
    "letters_found",
    "letters_asked",
    "twos_found",
    "twos_asked",
    "threes_found",
    "longest_run",
    "runs",
    "place_of_run",
    "whole_query",
    "numbers_found",
    "query_letters",
    "title_letters",
    "title_words",
)
"""Columns of `compared`, in order."""

_NUMBER: Final = re.compile(r"\d+")
_READ: Final = 256
"""Characters of either text that are read."""


def compared(pairs: Sequence[Pair], cosines: Floats) -> Floats:
    """(pairs, columns) how much of each text stands in the other."""
    rows = []
    for (query, title), cosine in zip(pairs, cosines.tolist(), strict=True):
        asked, said = fold(query.strip())[:_READ], fold(title.strip())[:_READ]
        words, held = set(analyse(asked)), set(analyse(said))
        numbers = set(_NUMBER.findall(asked))
        blocks = SequenceMatcher(None, asked, said, autojunk=False).get_matching_blocks()
        longest = max(blocks, key=lambda block: block.size)
        row = [cosine, _share(words, held), _share(held, words)]
        for length in (1, 2, 3):
            ours, theirs = _runs(asked, length), _runs(said, length)
            row += [_share(ours, theirs), _share(theirs, ours)][: 2 if length < 3 else 1]
        row += [
            longest.size / max(len(asked), 1),
            float(sum(block.size > 1 for block in blocks)),
            longest.b / max(len(said), 1),
            float(asked in said),
            _share(numbers, set(_NUMBER.findall(said))) if numbers else np.nan,
            len(asked),
            len(said),
            len(held),
        ]
        rows.append(row)
    return np.array(rows, dtype=np.float32).reshape(len(pairs), len(COMPARED))


def crossed(queries: Floats, titles: Floats, middle: tuple[Floats, Floats]) -> Floats:
    """(pairs, 4 x width) two vectors, what they have in common, and where they differ.

    Args:
        queries: (pairs, width) unit vectors.
        titles: (pairs, width) unit vectors.
        middle: the mean of the vectors of queries, and of titles, which say nothing of any pair.
    """
    asked, said = unit_rows(queries - middle[0]), unit_rows(titles - middle[1])
    return np.hstack([asked, said, 4 * asked * said, np.abs(asked - said)])


def spelled(pairs: Sequence[Pair], *, columns: int) -> sp.csr_matrix:
    """(pairs, columns) runs of up to four letters of each title, those that the query has too told apart, and of the
    query's own."""
    texts = []
    for query, title in pairs:
        asked, said = fold(query.strip())[:_READ], fold(title.strip())[:_READ]
        shared = {run for length in (2, 3, 4) for run in _runs(asked, length)}
        runs = [said[at : at + length] for length in (1, 2, 3, 4) for at in range(len(said) - length + 1)]
        own = [f"\1{asked[at : at + length]}" for length in (1, 2) for at in range(len(asked) - length + 1)]
        texts.append([*runs, *(f"\0{run}" for run in runs if run in shared), *own])
    return _hashing(columns).transform(texts)


@cache
def _hashing(columns: int):  # type: ignore[no-untyped-def]
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        n_features=columns, analyzer=list, alternate_sign=False, binary=True, norm="l2", dtype=np.float32
    )


def _runs(text: str, length: int) -> set[str]:
    return {text[at : at + length] for at in range(len(text) - length + 1)}


def _share(wanted: set[str], held: set[str]) -> float:
    return len(wanted & held) / len(wanted) if wanted else 0.0
