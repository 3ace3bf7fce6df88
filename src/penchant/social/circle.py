"""The circle: what those like to whom a person is tied, and what everybody likes."""

from typing import Self

import numpy as np
import scipy.sparse as sp

from penchant.social.cells import scaled
from penchant.social.graph import Graph, averaged
from penchant.social.people import People
from penchant.vectors import Floats


class FriendsLikes:
    """What friends like, those of like taste counting more, and each friend's many likes counting less apiece.

    Members whose activity is private add nothing to it.
    """

    name = "friends"

    def __init__(self, graph: Graph) -> None:
        public = graph.events.multiply(~graph.private[:, None]).tocsr()
        self._likes = scaled(public, rows=_inverse_root(np.diff(public.indptr)))
        self._taste = _unit(graph.events)

    @classmethod
    def fit(cls, graph: Graph) -> Self:
        """Take the events of a graph."""
        return cls(graph)

    def score(self, people: People) -> Floats:
        """(people, items)"""
        return (self.weighed(people) @ self._likes).toarray().astype(np.float32)

    def weighed(self, people: People) -> sp.csr_matrix:
        """(people, members) how much each friend's likes count; a person's row adds up to one."""
        ties = people.ties.tocsr()
        rows = np.repeat(np.arange(len(people)), np.diff(ties.indptr))
        own = _unit(people.events)
        alike = np.asarray(own[rows].multiply(self._taste[ties.indices]).sum(axis=1), dtype=np.float32).ravel()
        values = ties.data * (0.05 + alike)
        return averaged(sp.csr_matrix((values, ties.indices, ties.indptr), shape=ties.shape))


class Popularity:
    """How many members like each item: the same for everyone."""

    name = "popularity"

    def __init__(self, graph: Graph) -> None:
        self.likers = np.bincount(graph.events.indices, minlength=graph.item_count).astype(np.float32)

    @classmethod
    def fit(cls, graph: Graph) -> Self:
        """Count the likes of a graph."""
        return cls(graph)

    def score(self, people: People) -> Floats:
        """(people, items)"""
        return np.repeat(self.likers[None], len(people), axis=0)


def _inverse_root(counts: np.ndarray) -> Floats:
    return np.where(counts > 0, 1 / np.sqrt(np.maximum(counts, 1)), 0).astype(np.float32)


def _unit(events: sp.csr_matrix) -> sp.csr_matrix:
    lengths = np.sqrt(np.asarray(events.multiply(events).sum(axis=1), dtype=np.float64)).ravel()
    return scaled(events, rows=np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1), 0).astype(np.float32))
