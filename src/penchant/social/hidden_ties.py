"""Ties hidden so that finding them again can be learned and judged."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.social.friend_features import FriendFeatures, Pairs
from penchant.vectors import Floats, Rows, chunks


class Lesson:
    """Members with hidden ties, their candidates without them, and which of these were hidden."""

    def __init__(self, pairs: Pairs, found: np.ndarray, hidden: Rows, seed: int) -> None:
        self.pairs = pairs
        self.found = found
        """(pairs,) whether the pair is a hidden tie."""
        self.hidden = hidden
        """(members with hidden ties,) how many each has, also those that are no candidates."""
        self._seed = seed

    @classmethod
    def of(cls, features: FriendFeatures, hidden: Rows, most_members: int, seed: int) -> "Lesson":
        away = without_ties(features, hidden)
        wanted = tie_matrix(hidden, away.graph.member_count, both_ways=not features.directed)
        members = np.flatnonzero(np.diff(wanted.indptr)).astype(np.int64)
        if len(members) > most_members:
            members = np.sort(np.random.default_rng(seed).choice(members, most_members, replace=False))
        pairs = gathered_pairs(away, members)
        found = np.asarray(wanted[pairs.members, pairs.others]).ravel() > 0 if len(pairs.members) else np.zeros(0, bool)
        return cls(pairs, found, np.diff(wanted.indptr)[members], seed)

    def hits(self, scores: Floats, k: int) -> NDArray[np.float64]:
        """(hidden ties,) one for each that stands among the first k of its member; the same tie at the same place.

        Those that are no candidates are found by no order, and come last.
        """
        order = np.lexsort((self.pairs.others, -scores, self.pairs.members))
        first = np.concatenate([[0], np.flatnonzero(np.diff(self.pairs.members[order])) + 1])
        lengths = np.diff(np.concatenate([first, [len(order)]]))
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order)) - np.repeat(first, lengths)
        hits = np.zeros(int(self.hidden.sum()))
        hits[: int(self.found.sum())] = place[self.found] < k
        return hits

    def taught(self, others_each: int) -> tuple[Floats, np.ndarray, Rows]:
        """Features, labels and lengths of the lists of members of whom a hidden tie is among the candidates."""
        members = self.pairs.members
        has = np.isin(members, members[self.found])
        counts = np.bincount(members, minlength=int(members.max(initial=0)) + 1)
        chance = others_each / np.maximum(counts[members], 1)
        kept = has & (self.found | (np.random.default_rng(self._seed).random(len(members)) < chance))
        lengths = np.unique(members[kept], return_counts=True)[1]
        return self.pairs.features[kept], self.found[kept], lengths.astype(np.int64)


def without_ties(features: FriendFeatures, hidden: Rows) -> FriendFeatures:
    """The same features over the graph without some ties.

    Args:
        features: over the whole graph.
        hidden: (ties, 2) member rows.
    """
    ties = features.graph.ties
    gone = tie_matrix(hidden, ties.shape[0], both_ways=not features.directed)
    left = (ties - ties.multiply(gone > 0)).tocsr()
    left.eliminate_zeros()
    graph = replace(features.graph, ties=left)
    return FriendFeatures(
        graph, features.config, directed=features.directed, vectors=features.vectors, taste=features.taste
    )


def gathered_pairs(features: FriendFeatures, members: Rows) -> Pairs:
    """Pairs of many members, found a few members at a time."""
    parts = list(_in_parts(features, members))
    if not parts:
        empty = np.zeros(0, dtype=np.int64)
        return Pairs(empty, empty, np.zeros((0, len(features.names)), dtype=np.float32))
    return Pairs(
        np.concatenate([part.members for part in parts]),
        np.concatenate([part.others for part in parts]),
        np.concatenate([part.features for part in parts]),
    )


def _in_parts(features: FriendFeatures, members: Rows) -> Iterator[Pairs]:
    for part in chunks(len(members), features.config.members_at_once(features.graph.member_count)):
        yield features.pairs(members[part])


def each_tie(features: FriendFeatures) -> Rows:
    """(ties, 2) each tie once: from who looks to whom, or, where ties are mutual, the smaller row first."""
    ties = features.near.directed if features.directed else sp.triu(features.near.ties, 1)
    cells = ties.tocoo()
    return np.stack([cells.row, cells.col], axis=1).astype(np.int64)


def tie_matrix(pairs: Rows, size: int, *, both_ways: bool) -> sp.csr_matrix:
    """(members, members) ones at some ties.

    Args:
        pairs: (ties, 2) member rows.
        size: members in all.
        both_ways: whether each tie stands in both directions.
    """
    first, second = pairs[:, 0], pairs[:, 1]
    if both_ways:
        first, second = np.concatenate([first, second]), np.concatenate([second, first])
    return sp.csr_matrix((np.ones(len(first), dtype=np.float32), (first, second)), shape=(size, size))
