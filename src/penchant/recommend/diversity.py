"""Diversity: lists whose items differ, by maximal marginal relevance or a determinantal point process."""

from typing import Final, Literal, Protocol

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.community import Community
from penchant.vectors import Floats

Values = NDArray[np.float64]
ALIKE: Final = 0.9
"""How like one another two items with the same features are."""
_LEAST: Final = 1e-10
"""Below this much of its own, an item is a copy of what the list holds."""


class DiversityConfig(BaseModel):
    """How far, and by which method, the items of a list are made to differ."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["none", "mmr", "dpp"] = "none"
    """`mmr` counts an item's nearest neighbour in the list against it; `dpp` counts what the whole list leaves new."""
    trade_off: float = Field(default=0.7, ge=0, le=1)
    """What relevance counts for, the rest being difference: 1 orders by score alone."""
    over: Literal["auto", "text", "categories"] = "auto"
    """What items differ in: vectors of their texts, or categories; `auto` takes texts where there is an encoder."""
    pool: PositiveInt = 100
    """Best items by score that are chosen from; relevance is scaled to 0 … 1 over them."""


class Spread(Protocol):
    """What each candidate is worth beside those already taken."""

    def values(self) -> Values:
        """(candidates,) larger is better next."""

    def take(self, candidate: int) -> None:
        """Put a candidate into the list."""


class ByScore:
    """The score alone."""

    def __init__(self, relevance: Values) -> None:
        self._relevance = relevance

    def values(self) -> Values:
        """(candidates,) their relevance."""
        return self._relevance

    def take(self, candidate: int) -> None:
        """Nothing changes."""


class Mmr:
    """Maximal marginal relevance (Carbonell and Goldstein, 1998).

    An item is worth `trade_off` times its relevance less the rest times its cosine with the nearest item taken.

    >>> close = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    >>> spread = Mmr(np.array([1.0, 0.9, 0.2]), close, trade_off=0.5)
    >>> spread.take(0)
    >>> spread.values().argmax().item()
    2
    """

    def __init__(self, relevance: Values, similarity: Values, trade_off: float) -> None:
        self._relevance = trade_off * relevance
        self._similarity = (1 - trade_off) * similarity
        self._nearest = np.zeros(len(relevance))

    def values(self) -> Values:
        """(candidates,) relevance less likeness."""
        return self._relevance - self._nearest

    def take(self, candidate: int) -> None:
        """Put a candidate into the list."""
        self._nearest = np.maximum(self._nearest, self._similarity[candidate])


class Dpp:
    """Greedy MAP of a determinantal point process, by an incremental Cholesky factor (Chen, Zhang and Zhou, 2018).

    Each step adds the item that raises `trade_off` times the sum of relevance, plus the rest times the logarithm of
    the volume that the items' vectors span, the most. The cosine is mapped from -1 … 1 to 0 … 1 as in the paper.
    """

    def __init__(self, relevance: Values, similarity: Values, trade_off: float) -> None:
        self._relevance = trade_off * relevance
        self._weight = 1 - trade_off
        self._kernel = (1 + similarity) / 2
        self._left = np.diag(self._kernel).copy()
        """(candidates,) squared distance of each from the span of those taken."""
        self._factor = np.empty((0, len(relevance)))

    def values(self) -> Values:
        """(candidates,) what each adds."""
        return self._relevance + self._weight * np.log(np.maximum(self._left, _LEAST))

    def take(self, candidate: int) -> None:
        """Put a candidate into the list; a copy of what it holds spans nothing new."""
        if self._left[candidate] <= _LEAST:
            return
        projected = self._factor[:, candidate] @ self._factor
        row = (self._kernel[candidate] - projected) / np.sqrt(self._left[candidate])
        self._factor = np.vstack([self._factor, row])
        self._left = self._left - row**2


def spread(config: DiversityConfig, scores: Floats, features: Floats | sp.csr_matrix | None) -> Spread:
    """What to choose by.

    Args:
        config: method and trade-off.
        scores: (candidates,) finite.
        features: (candidates, width) unit rows; None orders by score.
    """
    if features is None or config.method == "none":
        return ByScore(scores.astype(np.float64))
    low, high = float(scores.min()), float(scores.max())
    relevance = (scores.astype(np.float64) - low) / (high - low if high > low else 1)
    dense = np.asarray(features.toarray() if isinstance(features, sp.csr_matrix) else features, dtype=np.float64)
    # Two items are never one, though their features be the same, as those of a category's are.
    similarity = ALIKE * (dense @ dense.T)
    np.fill_diagonal(similarity, 1)
    return (Mmr if config.method == "mmr" else Dpp)(relevance, similarity, config.trade_off)


def category_features(community: Community) -> sp.csr_matrix:
    """(items, categories) unit rows: items share as much as their category paths do, level by level."""
    named = (
        community.items.select(pl.int_range(pl.len()).alias("row"), pl.col("categories"))
        .explode("categories")
        .drop_nulls()
    )
    levels = named["categories"].str.split(PATH_SEPARATOR)
    depths = range(1, max(levels.list.len().to_list(), default=0) + 1)
    cells = pl.concat(
        [
            named.clear(),
            *(
                named.with_columns(levels.list.head(depth).list.join(PATH_SEPARATOR)).filter(levels.list.len() >= depth)
                for depth in depths
            ),
        ]
    ).unique()
    at = cells["categories"].rank("dense").to_numpy().astype(np.int64) - 1
    shape = (len(community.items), int(at.max()) + 1 if len(at) else 0)
    matrix = sp.csr_matrix((np.ones(len(at), np.float32), (cells["row"].to_numpy(), at)), shape=shape)
    lengths = np.sqrt(np.asarray(matrix.sum(axis=1)).ravel())
    return sp.csr_matrix(sp.diags_array(1 / np.where(lengths > 0, lengths, 1)) @ matrix, dtype=np.float32)
