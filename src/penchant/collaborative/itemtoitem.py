"""Scorers that are one matrix from items to items: a score is a history times that matrix."""

from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.artifacts import load_artifact, save_artifact
from penchant.collaborative.recency import Recency, counted_weights, latest
from penchant.collaborative.scorer import ScorerConfig
from penchant.data.community import Community
from penchant.data.interactions import EventWeights, Histories, histories
from penchant.errors import NotFittedError
from penchant.vectors import Floats, Rows, kth_largest, top_k

FEW: Final = 4
"""Histories up to which a product is added up row by row."""
FILLED: Final = 0.1
"""A matrix fuller than this is quicker to search as a dense one."""


class ItemToItemConfig(ScorerConfig):
    """What every item-to-item scorer's configuration has."""

    recency: Recency = Recency()
    """How the events of the history being answered fade; the matrix is learned from all events alike."""


class ItemToItem:
    """Base of EASE, neighbours and co-occurrence: `fit` learns `weights`, the rest is shared.

    The score of item j for a history h is the sum over i of h[i] · weights[i, j], so each event's part in it is exact,
    and nothing of a member needs to be kept.
    """

    name: ClassVar[str]
    config_type: ClassVar[type[ItemToItemConfig]]

    def __init__(self, config: ItemToItemConfig | None = None) -> None:
        self.config: Any = config or self.config_type()
        self.item_count = 0
        self.left_out_items = 0
        """Items with events that the scorer does not model, because its configuration sets a limit."""
        self._weights: Floats | sp.csr_matrix | None = None
        self._columns: Rows = np.empty(0, dtype=np.int64)
        self._column_of: Rows = np.empty(0, dtype=np.int64)

    @property
    def weights(self) -> Floats | sp.csr_matrix:
        """(modelled items, modelled items) what one unit of the row's item adds to the column's item."""
        if self._weights is None:
            raise NotFittedError(f"the scorer {self.name} has learned nothing yet; call fit or load first")
        return self._weights

    @property
    def modelled_items(self) -> Rows:
        """Item rows that the scorer knows, ascending; every other item scores zero."""
        return self._columns

    def row_of(self, items: Rows) -> Rows:
        """The matrix's own row of each item row; -1 for items that the scorer does not know."""
        return self._column_of[items]

    def learned(
        self, weights: Floats | sp.csr_matrix, columns: Rows, item_count: int, *, left_out_items: int = 0
    ) -> None:
        """Take a learned matrix over the item rows `columns` of a catalogue of `item_count`."""
        self.left_out_items = left_out_items
        self._weights, self._columns, self.item_count = weights, columns, item_count
        self._column_of = np.full(item_count, -1, dtype=np.int64)
        self._column_of[columns] = np.arange(len(columns))

    def score(self, batch: Histories) -> Floats:
        """(batch, items) history times weights; zero for items that the scorer does not know."""
        weights = self.weights
        owners, items, taken = self.config.recency.fade(batch).cells()
        if len(self._columns) == self.item_count:
            return times(owners, items, taken, len(batch), weights)
        scores = np.zeros((len(batch), self.item_count), dtype=np.float32)
        # Of the histories only what is modelled, in the matrix's own rows; picking columns of all items takes longer.
        rows = self._column_of[items]
        known = rows >= 0
        scores[:, self._columns] = times(owners[known], rows[known], taken[known], len(batch), weights)
        return scores

    def contributions(self, history: Histories, items: Rows) -> Floats:
        """(items, events) the weight each event adds to each item's score; a row sums to the score."""
        weights = self.weights
        counted = counted_weights(self.config.recency.fade(history))
        rows, columns = self._column_of[history.items], self._column_of[items]
        speaking, known = np.flatnonzero((rows >= 0) & (counted != 0)), np.flatnonzero(columns >= 0)
        added = np.zeros((len(items), len(rows)), dtype=np.float32)
        if len(speaking) and len(known):
            to_items = _dense(weights[rows[speaking][:, None], columns[known][None]])
            added[np.ix_(known, speaking)] = (counted[speaking][:, None] * to_items).T
        return added

    def neighbours(self, item: int, k: int, *, tie_rank: Rows | None = None) -> tuple[Rows, Floats]:
        """Up to k item rows that one unit of an item speaks for most, and by how much; none at or below zero."""
        scores = self.score(Histories.of_items([[item]]))
        scores[0, item] = 0
        scores[scores <= 0] = -np.inf
        rows = top_k(scores, k, tie_rank=tie_rank)[0]
        rows = rows[rows >= 0]
        return rows, scores[0, rows]

    def save(self, folder: Path) -> None:
        """Write the matrix and the configuration."""
        sparse = sp.issparse(self.weights)
        save_artifact(
            folder,
            self.name,
            arrays={"columns": self._columns} | ({} if sparse else {"weights": self.weights}),
            matrices={"weights": self.weights} if sparse else {},
            meta={
                "config": self.config.as_meta(),
                "item_count": self.item_count,
                "left_out_items": self.left_out_items,
            },
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; scores are identical."""
        artifact = load_artifact(folder, cls.name)
        scorer = cls(cls.config_type.model_validate(artifact.meta["config"]))
        weights = artifact.matrices.get("weights", artifact.arrays.get("weights"))
        meta = artifact.meta
        scorer.learned(weights, artifact.arrays["columns"], meta["item_count"], left_out_items=meta["left_out_items"])
        return scorer


def liked_matrix(community: Community, weights: EventWeights, max_history: int | None = None) -> sp.csr_matrix:
    """(members, items) how much each member likes each item, by the heaviest event; dislikes are left out.

    Args:
        community: whose events to take.
        weights: how much each kind of event says.
        max_history: only so many of each member's last events, where one is named.
    """
    batch = histories(community, weights=weights)
    matrix = (batch if max_history is None else latest(batch, max_history)).matrix(len(community.item_ids))
    matrix.data[matrix.data < 0] = 0
    matrix.eliminate_zeros()
    return matrix


def times(owners: Rows, rows: Rows, taken: Floats, count: int, weights: Floats | sp.csr_matrix) -> Floats:
    """(histories, columns) the product of so many sparse histories and a matrix, dense.

    A product of sparse matrices goes over all columns several times, whatever it finds there. For few histories it is
    quicker to pick out the rows that they touch and add those up.

    Args:
        owners: the history of each cell, ascending.
        rows: the row of the matrix that it takes.
        taken: how much of it.
        count: of histories.
        weights: the matrix.

    >>> one, row = np.array([0]), np.array([1])
    >>> times(one, row, np.array([2.0], dtype=np.float32), 1, sp.csr_matrix([[1.0, 1.0], [0.0, 3.0]])).tolist()
    [[0.0, 6.0]]
    """
    offsets = np.searchsorted(owners, np.arange(count + 1))
    if count > FEW:
        matrix = sp.csr_matrix((taken, rows, offsets), shape=(count, weights.shape[0]))
        return _dense(matrix @ weights).astype(np.float32, copy=False)
    found = np.empty((count, weights.shape[1]), dtype=np.float32)
    for row in range(count):
        own = slice(offsets[row], offsets[row + 1])
        if isinstance(weights, sp.csr_matrix):
            cells, lengths = stored(weights, rows[own])
            added = weights.data[cells] * np.repeat(taken[own], lengths)
            found[row] = np.bincount(weights.indices[cells], weights=added, minlength=weights.shape[1])
        else:
            found[row] = taken[own] @ weights[rows[own]]
    return found


def stored(matrix: sp.csr_matrix, rows: NDArray[np.integer]) -> tuple[Rows, Rows]:
    """Where the cells of some rows of a sparse matrix are stored, row after row, and how many each row has."""
    starts = matrix.indptr[rows].astype(np.int64)
    lengths = matrix.indptr[rows + 1] - starts
    ends = np.cumsum(lengths)
    return np.repeat(starts - ends + lengths, lengths) + np.arange(ends[-1] if len(ends) else 0), lengths


def _dense(matrix: Any) -> Floats:
    return matrix.toarray() if sp.issparse(matrix) else np.asarray(matrix)


def strongest(block: Floats | sp.csr_matrix, count: int) -> sp.csr_matrix:
    """The `count` largest positive values of each row; among equals the smaller column stays.

    >>> strongest(np.array([[0.5, 2.0, 2.0, 0.0]], dtype=np.float32), 1).toarray().tolist()
    [[0.0, 2.0, 0.0, 0.0]]
    """
    if count >= block.shape[1]:
        found = sp.csr_matrix(block)
        return found.maximum(0).tocsr()
    if isinstance(block, sp.csr_matrix) and block.nnz < FILLED * block.shape[0] * block.shape[1]:
        return _strongest_stored(block, count)
    dense = _dense(block)
    bound = np.array([kth_largest(row, count) for row in dense], dtype=dense.dtype)[:, None]
    kept = dense >= np.maximum(bound, np.finfo(np.float32).tiny)
    tied = np.flatnonzero(kept.sum(axis=1) > count)
    if len(tied):
        above, equal = dense[tied] > bound[tied], dense[tied] == bound[tied]
        spare = count - above.sum(axis=1, keepdims=True)
        kept[tied] = above | (equal & (np.cumsum(equal, axis=1) <= spare))
    rows, columns = np.nonzero(kept)
    return sp.csr_matrix((dense[rows, columns], (rows, columns)), shape=dense.shape)


def _strongest_stored(block: sp.csr_matrix, count: int) -> sp.csr_matrix:
    """As `strongest`, by sorting what is stored: faster where most cells are empty."""
    found = block.maximum(0).tocsr()
    found.sort_indices()
    rows = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    # Two stable sorts: equals stay in the order of their columns.
    order = np.argsort(-found.data, kind="stable")
    order = order[np.argsort(rows[order], kind="stable")]
    kept = np.zeros(len(order), dtype=bool)
    kept[order[np.arange(len(order)) - found.indptr[rows] < count]] = True
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=found.shape[0]))])
    return sp.csr_matrix((found.data[kept], found.indices[kept], offsets), shape=found.shape)
