"""Events taken out of the graph for a step of training, so that they can be foreseen from the rest."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import scipy.sparse as sp

from penchant.vectors import Floats, Rows


@dataclass(frozen=True, eq=False)
class Hiding:
    """The events of a graph, from which those to be foreseen can be taken out quickly.

    Only the rows of the members of a step are normalised anew; all others are kept ready, both ways round.
    """

    events: sp.csr_matrix
    by_column: Floats
    """(cells,) each event divided by the root of its item's sum."""
    transposed: sp.csr_matrix
    """(items, members) the number of the cell of `events` as value."""

    @classmethod
    def of(cls, events: sp.csr_matrix, item_sums: Floats) -> Self:
        """Of the events of a graph, whose items' likes add up to some sums."""
        numbers = sp.csr_matrix((np.arange(events.nnz), events.indices, events.indptr), shape=events.shape)
        by_column = events.data / np.sqrt(np.maximum(item_sums, 1e-12))[events.indices]
        return cls(events, by_column.astype(np.float32), numbers.T.tocsr())

    def hide(
        self, members: Rows, share: float, rng: np.random.Generator
    ) -> tuple[sp.csr_matrix, sp.csr_matrix, sp.csr_matrix, sp.csr_matrix]:
        """Normalised likes and their transpose without what is hidden, what is to be foreseen, and what is shown.

        Of a member with one event, that one is hidden in half of all cases and otherwise shown; of one with several, at
        least one is hidden and at least one shown. With a share of 0 all are shown, and to be foreseen all the same.
        """
        events, pointers = self.events, self.events.indptr
        lengths = np.diff(pointers)[members]
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        own = np.repeat(pointers[members] - starts, lengths)
        own = own + np.arange(len(own))
        place = np.repeat(np.arange(len(members)), lengths)
        shape = (len(members), events.shape[1])
        if not share:
            everything = sp.csr_matrix((events.data[own], (place, events.indices[own])), shape=shape)
            return *self._matrices(self._values, self._turned), everything, sp.csr_matrix(shape, dtype=np.float32)
        order = np.lexsort((rng.random(len(own)), place))
        rank = np.empty(len(own), dtype=np.int64)
        rank[order] = np.arange(len(own)) - np.repeat(starts, lengths)
        hide = np.clip(np.round(lengths * share + rng.uniform(-0.5, 0.5, len(lengths))), 1, np.maximum(lengths - 1, 1))
        hidden = rank < hide[place]
        new = self._normalised(own, place, np.where(hidden, 0, events.data[own]), len(members))
        values, turned = self._values.copy(), self._turned.copy()
        values[own], turned[self._turned_place[own]] = new, new
        data, columns = events.data[own], events.indices[own]
        wanted = sp.csr_matrix((data[hidden], (place[hidden], columns[hidden])), shape=shape)
        shown = sp.csr_matrix((data[~hidden], (place[~hidden], columns[~hidden])), shape=shape)
        return *self._matrices(values, turned), wanted, shown

    def _normalised(self, cells: Rows, rows: Rows, kept: Floats, row_count: int) -> Floats:
        """(cells,) some cells divided by the roots of what is kept of their rows and of their items' sums."""
        totals = np.bincount(rows, kept, minlength=row_count)
        factors = np.where(totals > 0, 1 / np.sqrt(np.where(totals > 0, totals, 1)), 0).astype(np.float32)
        return np.where(kept > 0, self.by_column[cells] * factors[rows], 0).astype(np.float32)

    @cached_property
    def _values(self) -> Floats:
        """(cells,) normalised, nothing hidden."""
        count = self.events.shape[0]
        rows = np.repeat(np.arange(count), np.diff(self.events.indptr))
        return self._normalised(np.arange(len(rows)), rows, self.events.data, count)

    @cached_property
    def _turned(self) -> Floats:
        return self._values[self.transposed.data]

    @cached_property
    def _turned_place(self) -> Rows:
        """(cells,) where each cell of `events` stands in the transpose."""
        place = np.empty(self.events.nnz, dtype=np.int64)
        place[self.transposed.data] = np.arange(len(place))
        return place

    def _matrices(self, values: Floats, turned: Floats) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        events, other = self.events, self.transposed
        return (
            sp.csr_matrix((values, events.indices, events.indptr), shape=events.shape),
            sp.csr_matrix((turned, other.indices, other.indptr), shape=other.shape),
        )
