"""The part of a graph that a network passes over: all of it, or the sampled surroundings of some members and items."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy.sparse as sp

from penchant.social.cells import scaled
from penchant.social.graph import Graph, averaged, normalised
from penchant.social.sampling import sampled
from penchant.vectors import Floats, Rows

if TYPE_CHECKING:
    import torch

MEMBER: Final = "member"
ITEM: Final = "item"
TAG: Final = "tag"
NODES: Final = (MEMBER, ITEM, TAG)

RELATIONS: Final[dict[str, tuple[str, str]]] = {
    "likes": (MEMBER, ITEM),
    "liked": (ITEM, MEMBER),
    "ties": (MEMBER, MEMBER),
    "about": (ITEM, TAG),
    "tagged": (TAG, ITEM),
}
"""Each kind of edge: what takes its messages, and what they come from."""


@dataclass(frozen=True, eq=False)
class Adjacency:
    """The normalised edges of a graph by relation; `likes` and `liked` are one matrix and its transpose.

    Events and tags are divided by the roots of both ends' sums, ties by how many a member has.
    """

    edges: dict[str, sp.csr_matrix]
    item_sums: Floats
    """(items,) what all members' likes of an item add up to: one end of the normalisation of events."""

    @classmethod
    def of(cls, graph: Graph, *, ties: bool = True, tags: bool = True) -> "Adjacency":
        """The edges of a graph, ties to private members left out.

        Args:
            graph: to normalise.
            ties: whether ties take part.
            tags: whether tags take part.
        """
        likes = normalised(graph.events)
        edges = {"likes": likes, "liked": likes.T.tocsr()}
        if ties and graph.shown_ties.nnz:
            edges["ties"] = averaged(graph.shown_ties)
        if tags and graph.tags.nnz:
            about = normalised(graph.tags)
            edges |= {"about": about, "tagged": about.T.tocsr()}
        return cls(edges, np.asarray(graph.events.sum(axis=0), dtype=np.float32).ravel())

    def counts(self) -> dict[str, int]:
        """How many nodes there are of each kind."""
        members, items = self.edges["likes"].shape
        return {MEMBER: members, ITEM: items, TAG: self.edges["about"].shape[1] if "about" in self.edges else 0}


def own_normalised(events: sp.csr_matrix, item_sums: Floats) -> sp.csr_matrix:
    """Rows of likes, normalised by their own sums and by the items' sums in the graph that was learned from."""
    totals = np.asarray(events.sum(axis=1), dtype=np.float64).ravel()
    rows = np.where(totals > 0, 1 / np.sqrt(np.where(totals > 0, totals, 1)), 0).astype(np.float32)
    columns = np.where(item_sums > 0, 1 / np.sqrt(np.where(item_sums > 0, item_sums, 1)), 0).astype(np.float32)
    return scaled(events, rows, columns)


@dataclass(frozen=True, eq=False)
class Edges:
    """A sparse matrix and its transpose, as PyTorch multiplies them: one forward, the other for the gradient."""

    forward: "torch.Tensor"
    backward: "torch.Tensor"

    @classmethod
    def of(cls, matrix: sp.csr_matrix, transpose: sp.csr_matrix | None = None) -> "Edges":
        """From a matrix, and its transpose where that is at hand."""
        return cls(_tensor(matrix), _tensor(matrix.T.tocsr() if transpose is None else transpose))

    @property
    def flipped(self) -> "Edges":
        """The edges in the other direction."""
        return Edges(self.backward, self.forward)


@dataclass(frozen=True, eq=False)
class Blocks:
    """What a network needs for the vectors of some nodes: which nodes at each depth, and the edges between depths.

    The nodes of a depth are the first of the depth below, in the same order, so that a node's own vector is at hand.
    """

    nodes: dict[str, Rows | None]
    """At the lowest depth, by kind: rows of the graph, None for all of them."""
    layers: tuple[dict[str, Edges], ...]
    """From the lowest depth up: the edges by relation."""
    sizes: tuple[dict[str, int], ...]
    """After each layer, how many nodes of each kind are left."""

    @classmethod
    def whole(cls, edges: Mapping[str, Edges], counts: Mapping[str, int], depth: int) -> "Blocks":
        """All nodes at every depth."""
        nodes: dict[str, Rows | None] = dict.fromkeys(NODES)
        return cls(nodes, (dict(edges),) * depth, (dict(counts),) * depth)

    @classmethod
    def around(
        cls,
        edges: Mapping[str, sp.csr_matrix],
        wanted: Mapping[str, Rows],
        fanouts: tuple[int, ...],
        rng: np.random.Generator,
    ) -> "Blocks":
        """The sampled surroundings of some nodes.

        Args:
            edges: of the whole graph, by relation.
            wanted: nodes by kind, each once.
            fanouts: neighbours drawn for a node by each relation, from the wanted nodes down; one number a layer.
            rng: draws them.
        """
        here: dict[str, Rows] = {kind: np.asarray(wanted.get(kind, ()), dtype=np.int64) for kind in NODES}
        layers: list[dict[str, Edges]] = []
        sizes: list[dict[str, int]] = []
        for fanout in fanouts:
            drawn = {
                relation: sampled(edges[relation], here[target], fanout, rng)
                for relation, (target, _) in RELATIONS.items()
                if relation in edges
            }
            below = {
                kind: _joined(own, [drawn[name].indices for name in drawn if RELATIONS[name][1] == kind])
                for kind, own in here.items()
            }
            layers.append({name: Edges.of(_placed(drawn[name], below[RELATIONS[name][1]])) for name in drawn})
            sizes.append({kind: len(rows) for kind, rows in here.items()})
            here = below
        return cls(dict(here), tuple(reversed(layers)), tuple(reversed(sizes)))


def _joined(own: Rows, others: list[Rows]) -> Rows:
    """The rows we have, then those that are new."""
    if not others:
        return own
    found = np.unique(np.concatenate(others).astype(np.int64))
    return np.concatenate([own, found[~np.isin(found, own)]])


def _placed(matrix: sp.csr_matrix, columns: Rows) -> sp.csr_matrix:
    """The same cells with columns numbered by their place in a list of rows."""
    place = np.empty(matrix.shape[1], dtype=np.int64)
    place[columns] = np.arange(len(columns))
    return sp.csr_matrix((matrix.data, place[matrix.indices], matrix.indptr), shape=(matrix.shape[0], len(columns)))


def _tensor(matrix: sp.csr_matrix) -> "torch.Tensor":
    import torch

    with warnings.catch_warnings():
        # PyTorch says of every such matrix that they are new; what is used of them here is tested.
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(np.ascontiguousarray(matrix.data, dtype=np.float32)),
            size=matrix.shape,
            check_invariants=False,
        )
