"""Those who are asked about, members or strangers: what each did, whom each is tied to, what each has written."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import scipy.sparse as sp

from penchant.social.graph import Graph
from penchant.vectors import Floats, Rows


@dataclass(frozen=True, eq=False)
class People:
    """A batch of people, one row each; every source of the blend answers from this and nothing else.

    So one who came a second ago, or has a tie more than yesterday, is answered like anyone else, with no training.
    """

    events: sp.csr_matrix
    """(people, items) how much each likes each item; zero or more."""
    ties: sp.csr_matrix
    """(people, members) those whose activity may be shown to each, by the weight of the tie."""
    said: Floats
    """(people, width) vectors of what each has written; zeros where nothing. No columns where nothing is read."""
    rows: Rows
    """(people,) their rows as members; -1 for strangers."""

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def members(cls, graph: Graph, rows: Rows, said: Floats) -> Self:
        """Some members of a graph.

        Args:
            graph: that holds them.
            rows: theirs.
            said: (all members, width) what each member has written.
        """
        return cls(graph.events[rows].tocsr(), graph.shown_ties[rows].tocsr(), said[rows], np.asarray(rows))

    @classmethod
    def stranger(cls, graph: Graph, *, items: Rows, weights: Floats, friends: Rows, said: Floats) -> Self:
        """One person who is no member of the graph.

        Args:
            graph: of the community.
            items: rows of items liked; an item named twice counts by its larger weight.
            weights: of each, as the graph's events are weighed.
            friends: rows of members they are tied to; private ones are left out, since their activity is not shown.
            said: (width,) what they have written.
        """
        rows, place = np.unique(items, return_inverse=True)
        heaviest = np.zeros(len(rows), dtype=np.float32)
        np.maximum.at(heaviest, place, np.maximum(weights, 0))
        shown = np.unique(friends)
        shown = shown[~graph.private[shown]]
        events = sp.csr_matrix((heaviest, (np.zeros(len(rows), int), rows)), shape=(1, graph.item_count))
        events.eliminate_zeros()
        tie = np.full(len(shown), graph.config.friend_weight, dtype=np.float32)
        ties = sp.csr_matrix((tie, (np.zeros(len(shown), int), shown)), shape=(1, graph.member_count))
        return cls(events.astype(np.float32), ties, said[None].astype(np.float32), np.array([-1]))

    def part(self, which: slice | Rows) -> Self:
        """Some of these people."""
        chosen = np.arange(len(self))[which]
        return replace(
            self, events=self.events[chosen], ties=self.ties[chosen], said=self.said[chosen], rows=self.rows[chosen]
        )

    def repeated(self, times: int) -> Self:
        """The one person of this batch, so many times over."""
        return self.part(np.zeros(times, dtype=np.int64))

    def without_ties(self) -> Self:
        """The same people, were they tied to nobody."""
        return replace(self, ties=sp.csr_matrix(self.ties.shape, dtype=np.float32))

    @property
    def known(self) -> np.ndarray:
        """(people,) True where anything at all is known: an event, a tie or a word."""
        spoken = self.said.any(axis=1) if self.said.shape[1] else np.zeros(len(self), dtype=bool)
        return (np.diff(self.events.indptr) > 0) | (np.diff(self.ties.indptr) > 0) | spoken


def without_cells(matrix: sp.csr_matrix, taken: list[Rows]) -> sp.csr_matrix:
    """A matrix of one row again and again, each time without the cells of some columns.

    >>> one = sp.csr_matrix(np.array([[1.0, 2.0, 3.0]]))
    >>> without_cells(one, [np.array([0]), np.array([1, 2])]).toarray().tolist()
    [[0.0, 2.0, 3.0], [1.0, 0.0, 0.0]]
    """
    kept = np.ones((len(taken), matrix.nnz), dtype=bool)
    for row, columns in enumerate(taken):
        kept[row] = ~np.isin(matrix.indices, columns)
    rows, cells = np.nonzero(kept)
    shape = (len(taken), matrix.shape[1])
    return sp.csr_matrix((matrix.data[cells], (rows, matrix.indices[cells])), shape=shape)
