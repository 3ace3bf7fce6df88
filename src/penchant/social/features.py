"""What the ranker sees of each candidate: every source's opinion, and plain facts of the person and the item."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import scipy.sparse as sp

from penchant.social.cells import scaled
from penchant.social.graph import Graph
from penchant.social.opinions import Candidates
from penchant.social.people import People
from penchant.vectors import Floats, Rows, chunks

BLEND: Final = "blend"
PLACE: Final = "place by "
PEOPLE_AT_ONCE: Final = 256
FACTS: Final = ("friends who like it", "members who like it", "tags", "tags in common", "own events")


@dataclass(frozen=True, eq=False)
class Facts:
    """Of a graph, what features are made of."""

    public: sp.csr_matrix
    """(members, items) one where a member whose activity may be shown likes an item."""
    likers: Floats
    """(items,)"""
    tags: sp.csr_matrix
    """(items, tags) rows of unit length, common tags counting less."""
    by_tag: sp.csr_matrix
    """(tags, items) the same."""

    @classmethod
    def of(cls, graph: Graph) -> Self:
        """Gather them."""
        public = graph.events.multiply(~graph.private[:, None]).tocsr()
        public.data[:] = 1
        likers = np.bincount(graph.events.indices, minlength=graph.item_count).astype(np.float32)
        rarity = np.log(
            graph.item_count / np.maximum(np.bincount(graph.tags.indices, minlength=graph.tags.shape[1]), 1)
        )
        weighed = scaled(graph.tags, columns=np.maximum(rarity, 0).astype(np.float32))
        lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1), dtype=np.float64)).ravel()
        unit = scaled(weighed, rows=np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1), 0).astype(np.float32))
        return cls(public, likers, unit, unit.T.tocsr())


def feature_names(sources: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of `table`."""
    return (BLEND, *sources, *(PLACE + name for name in sources), *FACTS)


def direction(feature: str) -> int:
    """1 where more may never speak against an item, -1 where less may not, 0 where either may be.

    So an event or a tie that is taken away is missed, and a reason holds.
    """
    if feature == BLEND or feature == FACTS[0]:
        return 1
    if feature.startswith(PLACE):
        return -1
    return 0 if feature in FACTS else 1


def table(candidates: Candidates, weights: dict[str, float], people: People, facts: Facts) -> Floats:
    """(entries, features) of candidates, in the order of `feature_names`."""
    owners, items = candidates.owners, candidates.items
    blend = candidates.scores @ np.array([weights.get(name, 0.0) for name in candidates.sources], dtype=np.float32)
    places = [_places(owners, candidates.scores[:, column]) for column in range(len(candidates.sources))]
    events = np.diff(people.events.indptr)
    plain = [
        _cells(people.ties.sign(), facts.public, owners, items),
        np.log1p(facts.likers[items]),
        np.diff(facts.tags.indptr)[items],
        _in_common(people, items, owners, facts),
        np.log1p(events[owners]),
    ]
    columns = [blend, *candidates.scores.T, *(np.log1p(place) for place in places), *plain]
    return np.stack(columns, axis=1).astype(np.float32)


def _in_common(people: People, items: Rows, owners: Rows, facts: Facts) -> Floats:
    """(entries,) how close the tags of an item are to those of a person's items."""
    if not facts.tags.nnz:
        return np.zeros(len(items), dtype=np.float32)
    profile = (people.events @ facts.tags).tocsr()
    lengths = np.sqrt(np.asarray(profile.multiply(profile).sum(axis=1), dtype=np.float64)).ravel()
    profile = scaled(profile, rows=np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1), 0).astype(np.float32))
    return _cells(profile, facts.by_tag, owners, items)


def _cells(left: sp.csr_matrix, right: sp.csr_matrix, owners: Rows, items: Rows) -> Floats:
    """(entries,) some cells of a product, made a few people at a time; owners ascend."""
    found = np.empty(len(owners), dtype=np.float32)
    for part in chunks(left.shape[0], PEOPLE_AT_ONCE):
        start, end = np.searchsorted(owners, [part.start, part.stop])
        dense = (left[part] @ right).toarray()
        found[start:end] = dense[owners[start:end] - part.start, items[start:end]]
    return found


def _places(owners: Rows, scores: Floats) -> Floats:
    """(entries,) the place of each in its person's order, from 0."""
    order = np.lexsort((-scores, owners))
    starts = np.searchsorted(owners[order], owners[order], side="left")
    places = np.empty(len(order), dtype=np.float32)
    places[order] = np.arange(len(order)) - starts
    return places
