"""Events taken out of the graph for a step of training, so that they can be foreseen from the rest."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sp

from penchant.vectors import Floats, Rows


@dataclass(frozen=True, eq=False)
class Hiding:
    """The events of a graph, from which those to be foreseen can be taken out quickly."""

    events: sp.csr_matrix
    by_column: Floats
    """(cells,) each event divided by the root of its item's sum."""
    rows: Rows
    """(cells,) the member of each event."""
    transposed: sp.csr_matrix
    """(items, members) the number of the cell of `events` as value."""

    @classmethod
    def of(cls, events: sp.csr_matrix, item_sums: Floats) -> Self:
        """Of the events of a graph, whose items' likes add up to some sums."""
        numbers = sp.csr_matrix((np.arange(events.nnz), events.indices, events.indptr), shape=events.shape)
        rows = np.repeat(np.arange(events.shape[0]), np.diff(events.indptr))
        by_column = events.data / np.sqrt(np.maximum(item_sums, 1e-12))[events.indices]
        return cls(events, by_column.astype(np.float32), rows, numbers.T.tocsr())

    def hide(
        self, members: Rows, share: float, rng: np.random.Generator
    ) -> tuple[sp.csr_matrix, sp.csr_matrix, sp.csr_matrix, sp.csr_matrix]:
        """Normalised likes and their transpose without what is hidden, what is to be foreseen, and what is shown.

        Of a member with one event, that one is hidden in half of all cases and otherwise shown; of one with several, at
        least one is hidden and at least one shown. With a share of 0 all are shown, and to be foreseen all the same.
        """
        events, pointers = self.events, self.events.indptr
        lengths = np.diff(pointers)[members]
        own = np.repeat(pointers[members] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
        own = own + np.arange(len(own))
        place = np.repeat(np.arange(len(members)), lengths)
        shape = (len(members), events.shape[1])
        everything = sp.csr_matrix((events.data[own], (place, events.indices[own])), shape=shape)
        if not share:
            return self._normalised(None), self._transposed(None), everything, sp.csr_matrix(shape, dtype=np.float32)
        order = np.lexsort((rng.random(len(own)), place))
        rank = np.empty(len(own), dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        rank[order] = np.arange(len(own)) - np.repeat(starts, lengths)
        hide = np.clip(np.round(lengths * share + rng.uniform(-0.5, 0.5, len(lengths))), 1, np.maximum(lengths - 1, 1))
        hidden = rank < hide[place]
        kept = np.ones(events.nnz, dtype=np.float32)
        kept[own[hidden]] = 0
        cells = (events.data[own], (place, events.indices[own]))
        wanted = sp.csr_matrix((cells[0][hidden], (place[hidden], cells[1][1][hidden])), shape=shape)
        shown = sp.csr_matrix((cells[0][~hidden], (place[~hidden], cells[1][1][~hidden])), shape=shape)
        return self._normalised(kept), self._transposed(kept), wanted, shown

    def _values(self, kept: Floats | None) -> Floats:
        data = self.events.data if kept is None else self.events.data * kept
        totals = np.bincount(self.rows, data, minlength=self.events.shape[0])
        factors = np.where(totals > 0, 1 / np.sqrt(np.where(totals > 0, totals, 1)), 0).astype(np.float32)
        values = self.by_column * factors[self.rows]
        return values if kept is None else values * kept

    def _normalised(self, kept: Floats | None) -> sp.csr_matrix:
        events = self.events
        return sp.csr_matrix((self._values(kept), events.indices, events.indptr), shape=events.shape)

    def _transposed(self, kept: Floats | None) -> sp.csr_matrix:
        turned = self.transposed
        return sp.csr_matrix((self._values(kept)[turned.data], turned.indices, turned.indptr), shape=turned.shape)
