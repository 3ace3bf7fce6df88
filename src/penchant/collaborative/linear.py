"""EASE: the best linear item-to-item model that may not use an item to predict itself."""

import logging

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from penchant.collaborative.itemtoitem import ItemToItem, ItemToItemConfig, liked_matrix
from penchant.data.community import Community
from penchant.errors import TooLittleDataError, TrainingError
from penchant.training.options import Options
from penchant.vectors import Floats

log = logging.getLogger(__name__)


class EaseConfig(ItemToItemConfig):
    """What EASE learns."""

    regularization: PositiveFloat = 300.0
    """Added to every item's own count; more for smaller or noisier data."""
    fewest_likes: PositiveInt = 2
    """Items that fewer members like are not modelled: what one member does tells nothing of what goes together."""
    max_items: PositiveInt = 15_000
    """Only so many of the most popular items are modelled: the matrix is dense, its memory square, its time cubic."""


class Ease(ItemToItem):
    """Ridge regression from each member's other items to each item, solved for all items at once.

    With G = XᵀX + λI and P its inverse, the weights are B = -P / diag(P) by columns with a zero diagonal. Method:
    Steck, Embarrassingly Shallow Autoencoders for Sparse Data (WWW 2019).

    >>> from datetime import datetime
    >>> import polars as pl
    >>> cups = Community.from_tables(
    ...     pl.DataFrame({"item_id": ["cup", "saucer", "hat"], "title": ["Cup", "Saucer", "Hat"]}),
    ...     pl.DataFrame({"member_id": ["a", "a", "b", "b", "c"], "item_id": ["cup", "saucer", "cup", "saucer", "hat"],
    ...                   "kind": "buy", "at": datetime(2026, 1, 5)}),
    ... )
    >>> Ease(EaseConfig(regularization=1.0)).fit(cups, Options()).neighbours(0, k=2)[0].tolist()
    [1]
    """

    name = "ease"
    config_type = EaseConfig

    def fit(self, community: Community, options: Options) -> "Ease":
        """Learn the item-to-item weights from everyone's likes.

        Raises:
            TooLittleDataError: nobody likes anything.
            TrainingError: the system cannot be solved.
        """
        liked = liked_matrix(community, self.config.event_weights)
        counts = np.bincount(liked.indices, minlength=liked.shape[1])
        if not counts.any():
            raise TooLittleDataError("EASE needs events that say what members like; every weight here is zero or less")
        known = np.flatnonzero(counts >= min(self.config.fewest_likes, counts.max()))
        columns = np.sort(known[np.lexsort((known, -counts[known]))][: self.config.max_items])
        left_out = np.count_nonzero(counts) - len(columns)
        if len(columns) < len(known):
            log.warning(
                "EASE models the %d most popular of %d items (max_items), which hold %.1f%% of all likes; "
                "it scores the other %d zero",
                len(columns), np.count_nonzero(counts), 100 * counts[columns].sum() / counts.sum(), left_out,
            )  # fmt: skip
        used = liked[:, columns]
        gram = (used.T @ used).toarray()
        gram[np.diag_indices_from(gram)] += self.config.regularization
        inverse = _symmetric_inverse(gram.astype(np.float32))
        inverse /= -np.diag(inverse)
        inverse[np.diag_indices_from(inverse)] = 0
        self.learned(inverse, columns, liked.shape[1], left_out_items=int(left_out))
        return self


def _symmetric_inverse(matrix: Floats) -> Floats:
    """The inverse of a symmetric positive definite matrix, by Cholesky, in the matrix's own memory."""
    from scipy.linalg import lapack

    # The transpose is the same matrix in the order of memory that LAPACK works in, so nothing is copied.
    factor, failed = lapack.spotrf(matrix.T, lower=False, overwrite_a=True)
    if not failed:
        inverse, failed = lapack.spotri(factor, lower=False, overwrite_c=True)
    if failed:
        raise TrainingError("EASE's system cannot be solved in single precision; raise its regularization")
    for row in range(len(inverse)):
        inverse[row + 1 :, row] = inverse[row, row + 1 :]
    return inverse.T
