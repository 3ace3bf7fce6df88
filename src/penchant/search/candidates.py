"""What both searches found for one query, side by side."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penchant.search.dense import Dense
from penchant.search.lexical import Lexical
from penchant.vectors import Floats, Rows, top_k


@dataclass(frozen=True, eq=False)
class Candidates:
    """The items worth ranking for one query, with what each search says of each."""

    query: str
    words: tuple[str, ...]
    """Of the query, as the index holds them."""
    rows: Rows
    """(candidates,) of the catalogue."""
    lexical: Floats
    """(candidates,) BM25; zero where no word is shared."""
    cosine: Floats
    """(candidates,) with the query's vector, turned by the map of queries where there is one; zeros without encoder."""
    plain_cosine: Floats
    """(candidates,) with the query's vector as the encoder gave it."""
    lexical_rank: Rows
    """(candidates,) the place by words, from 0; -1 where it is not among the best by words."""
    dense_rank: Rows
    """(candidates,) the place by meaning, from 0; -1 where it is not among the best by meaning."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: Rows) -> "Candidates":
        """Those at the given places, in their order."""
        return Candidates(
            self.query,
            self.words,
            self.rows[places],
            self.lexical[places],
            self.cosine[places],
            self.plain_cosine[places],
            self.lexical_rank[places],
            self.dense_rank[places],
        )


def best_first(scores: Floats, rows: Rows, id_rank: Rows, k: int) -> Rows:
    """Places of the k best candidates, best first, equal scores in the order of their ids.

    >>> best_first(np.array([0.5, 0.9, 0.5]), np.array([7, 8, 6]), np.arange(9), 2).tolist()
    [1, 2]
    """
    return np.lexsort((id_rank[rows], -scores))[:k]


def gather(
    query: str,
    words: tuple[str, ...],
    lexical: Lexical,
    dense: Dense | None,
    *,
    fits: NDArray[np.bool_],
    id_rank: Rows,
    depth: int,
    vectors: tuple[Floats, Floats] | None,
) -> Candidates:
    """The best of both lists for one query, with the scores of both for each.

    Args:
        query: as it is searched for.
        words: of the query.
        lexical: the index of words.
        dense: the index of vectors, if there is one.
        fits: (rows,) True where an item may be found.
        id_rank: (rows,) the tie rule.
        depth: best items of each list.
        vectors: the query's, as the map of queries turned it and as the encoder gave it; None without an encoder.
    """
    scores = lexical.score(words) * fits
    by_words = top_k(scores[None], depth, tie_rank=id_rank)[0]
    rows = by_words = by_words[scores[by_words] > 0]
    by_meaning = np.zeros(0, dtype=np.int64)
    cosines = np.zeros((len(rows), 2), dtype=np.float32)
    if dense is not None and vectors is not None:
        by_meaning, _ = dense.search(vectors[0], depth, among=None if fits.all() else fits)
        rows = np.concatenate([by_words, by_meaning[~np.isin(by_meaning, by_words)]])
        cosines = dense.vectors(rows) @ np.stack(vectors).T
    return Candidates(
        query,
        words,
        rows,
        scores[rows],
        cosines[:, 0],
        cosines[:, 1],
        _places(by_words, rows),
        _places(by_meaning, rows),
    )


def _places(ranked: Rows, rows: Rows) -> Rows:
    """The place of each row in a ranked list, -1 where it is not in it."""
    place = {row: number for number, row in enumerate(ranked.tolist())}
    return np.array([place.get(row, -1) for row in rows.tolist()], dtype=np.int64)
