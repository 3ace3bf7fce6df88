"""Co-occurrence with time decay: what members do close together belongs together."""

import numpy as np
import scipy.sparse as sp
from pydantic import Field, PositiveInt

from penchant.collaborative.itemtoitem import ItemToItem, ItemToItemConfig, strongest
from penchant.collaborative.recency import Recency, later_events
from penchant.data.community import Community
from penchant.data.interactions import DAY, Histories, histories
from penchant.training.options import Options
from penchant.vectors import chunks

PAIRS_AT_ONCE = 8_000_000
CELLS_AT_ONCE = 16_000_000
"""How much is held in memory before it is summed up."""


class CoOccurrenceConfig(ItemToItemConfig):
    """How closeness is counted."""

    recency: Recency = Recency(half_life_events=2.5)
    """How the events of the history being answered fade."""
    closeness: Recency = Recency(half_life_events=5.0)
    """How a pair of events counts less with the days and events between the two."""
    popularity_exponent: float = Field(default=0.45, ge=0, le=1)
    """Each pair's sum is divided by both items' number of members to this power; 0 leaves popular items on top."""
    window: PositiveInt = 50
    """Pairs further apart than this many events are not counted: without it a long history costs its square."""
    neighbours: PositiveInt = 500
    """Strongest partners that each item keeps."""
    forward: bool = False
    """Count a pair only for its later item; pairs of one moment count half for each."""


class CoOccurrence(ItemToItem):
    """A count of pairs of events of one member, each pair weighted by how close the two are in time.

    weights[i, j] = Σ closeness(pair) · w · w′ / (n_i n_j)^e over all pairs of positive events with i and j, n being the
    members that like an item. Symmetric unless `forward` is set, because in a session the order of two choices says
    little; what came last counts through `recency`. A pair's distance in events is the difference of their places,
    events of one moment sharing a place.
    """

    name = "cooccurrence"
    config_type = CoOccurrenceConfig

    def fit(self, community: Community, options: Options) -> "CoOccurrence":
        """Count close pairs."""
        config = self.config
        item_count = len(community.item_ids)
        batch = _positive(histories(community, weights=config.event_weights))
        pairs = self._close_pairs(batch, item_count)
        popularity = np.maximum(batch.touched(item_count).sum(axis=0).A1, 1) ** -config.popularity_exponent
        scale = sp.diags_array(popularity.astype(np.float32))
        pairs = sp.csr_matrix(scale @ pairs @ scale, dtype=np.float32)
        # By row the item scored, so that each keeps the partners that speak for it most.
        pairs = pairs.T.tocsr()
        kept = [
            strongest(pairs[part], config.neighbours)
            for part in chunks(item_count, max(1, CELLS_AT_ONCE // max(item_count, 1)))
        ]
        weights = sp.vstack(kept, format="csr").T.tocsr() if kept else pairs
        self.learned(weights, np.arange(item_count), item_count)
        return self

    def _close_pairs(self, batch: Histories, item_count: int) -> sp.csr_matrix:
        """(items, items) the closeness of all pairs of events, summed; the item that speaks is the row."""
        owners, later = batch.owners, later_events(batch)
        total = sp.csr_matrix((item_count, item_count), dtype=np.float32)
        rows: list[np.ndarray] = []
        columns: list[np.ndarray] = []
        values: list[np.ndarray] = []
        waiting = 0
        longest = int(np.diff(batch.offsets).max(initial=0))
        for lag in range(1, min(self.config.window, longest - 1) + 1):
            first = np.flatnonzero(owners[:-lag] == owners[lag:])
            second = first + lag
            different = batch.items[first] != batch.items[second]
            first, second = first[different], second[different]
            closeness = self.config.closeness.factor(
                (batch.at[second] - batch.at[first]) / DAY, later[first] - later[second]
            )
            value = closeness * batch.weights[first] * batch.weights[second]
            # A share of each pair speaks for its later entry, and one for the earlier.
            together = batch.at[first] == batch.at[second]
            onward = np.where(together, 0.5, 1.0) if self.config.forward else np.ones(len(first))
            back = np.where(together, 0.5, 0.0) if self.config.forward else np.ones(len(first))
            rows.extend((batch.items[first], batch.items[second]))
            columns.extend((batch.items[second], batch.items[first]))
            values.extend((value * onward, value * back))
            waiting += 2 * len(first)
            if waiting > PAIRS_AT_ONCE:
                total = total + _summed(rows, columns, values, item_count)
                rows, columns, values, waiting = [], [], [], 0
        return total + _summed(rows, columns, values, item_count) if rows else total


class NextItemsConfig(CoOccurrenceConfig):
    """How what comes next is counted."""

    recency: Recency = Recency(half_life_events=1.0)
    """How the events of the history being answered fade."""
    closeness: Recency = Recency(half_life_events=2.5)
    """How a pair of events counts less with the days and events between the two."""
    popularity_exponent: float = Field(default=0.4, ge=0, le=1)
    """Each pair's sum is divided by both items' number of members to this power; 0 leaves popular items on top."""
    forward: bool = True
    """Count a pair only for its later item; pairs of one moment count half for each."""


class NextItems(CoOccurrence):
    """What members do next, soon after an item: co-occurrence that looks forward only."""

    name = "next"
    config_type = NextItemsConfig


def _positive(batch: Histories) -> Histories:
    """The events that speak for an item."""
    kept = batch.weights > 0
    lengths = np.bincount(batch.owners[kept], minlength=len(batch))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Histories(offsets, batch.items[kept], batch.at[kept], batch.weights[kept])


def _summed(
    rows: list[np.ndarray], columns: list[np.ndarray], values: list[np.ndarray], item_count: int
) -> sp.csr_matrix:
    cells = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sp.csr_matrix(cells, shape=(item_count, item_count), dtype=np.float32)
