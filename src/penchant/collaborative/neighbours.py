"""Item-to-item neighbours: two items are near where the same members like both."""

import numpy as np
import scipy.sparse as sp
from pydantic import Field, NonNegativeFloat, PositiveInt

from penchant.collaborative.itemtoitem import ItemToItem, ItemToItemConfig, liked_matrix, strongest
from penchant.data.community import Community
from penchant.training.options import Options
from penchant.vectors import chunks

CELLS_AT_ONCE = 16_000_000
"""Similarities held dense in memory at one time."""


class NeighboursConfig(ItemToItemConfig):
    """What makes two items near."""

    neighbours: PositiveInt = 200
    """Nearest items that each item keeps and is scored by."""
    shrinkage: NonNegativeFloat = 10.0
    """Added to the denominator, so that two items with one member in common are not near for that alone."""
    popularity_exponent: float = Field(default=0.5, ge=0, le=1)
    """Share of the denominator taken by the item scored; 0.5 is the cosine, less favours popular items."""
    max_history: PositiveInt = 1_000
    """Only so many of each member's last events count: time and memory grow with the square of a history."""


class Neighbours(ItemToItem):
    """Item-based nearest neighbours with the shrunk cosine.

    The similarity of items i and j is i·j / (|i|^(2-2e) |j|^(2e) + shrinkage), over the columns of members' likes, with
    e the popularity exponent of the item scored, j. Method: Deshpande and Karypis, Item-Based Top-N Recommendation
    Algorithms (2004); shrinkage after Bell and Koren (2007).
    """

    name = "neighbours"
    config_type = NeighboursConfig

    def fit(self, community: Community, options: Options) -> "Neighbours":
        """Find each item's nearest items."""
        config = self.config
        liked = liked_matrix(community, config.event_weights, config.max_history)
        item_count = liked.shape[1]
        by_item = liked.T.tocsr()
        squares = np.asarray(liked.power(2).sum(axis=0), dtype=np.float32).ravel()
        scored, history = squares**config.popularity_exponent, squares ** (1 - config.popularity_exponent)
        kept = []
        for part in chunks(item_count, max(1, CELLS_AT_ONCE // max(item_count, 1))):
            near = (by_item[part] @ liked).tocsr()
            rows = np.repeat(np.arange(near.shape[0]), np.diff(near.indptr))
            near.data /= scored[part][rows] * history[near.indices] + config.shrinkage
            near.data[near.indices == rows + part.start] = 0
            kept.append(strongest(near, config.neighbours))
        weights = sp.vstack(kept, format="csr").T.tocsr() if kept else sp.csr_matrix((0, 0), dtype=np.float32)
        self.learned(weights, np.arange(item_count), item_count)
        return self
