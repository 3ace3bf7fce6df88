"""How well clusters agree with planted ones or with each other, and how far apart they stand."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penchant.errors import InputError, TooLittleDataError


@dataclass(frozen=True)
class Agreement:
    """How far two ways of grouping the same rows agree; the names of the groups do not matter."""

    ari: float
    """Adjusted Rand index (Hubert and Arabie, 1985): 1 where they are the same, about 0 where by chance."""
    nmi: float
    """Normalised mutual information, arithmetic mean: 1 where they are the same, 0 where independent."""


def agreement(first: ArrayLike, second: ArrayLike) -> Agreement:
    """Compare two groupings of the same rows; rows in no cluster (-1) count as a group of their own.

    Args:
        first: (rows,) group of each row.
        second: (rows,) group of each row, in the same order.

    Raises:
        InputError: the lengths differ.
        TooLittleDataError: there are fewer than two rows.

    >>> agreement([0, 0, 1, 1], [1, 1, 0, 0])
    Agreement(ari=1.0, nmi=1.0)
    """
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    one, other = np.asarray(first), np.asarray(second)
    if one.shape != other.shape or one.ndim != 1:
        raise InputError(f"groupings of shapes {one.shape} and {other.shape}; give both a group for the same rows")
    if len(one) < 2:
        raise TooLittleDataError(f"{len(one)} rows cannot be grouped; give at least two")
    return Agreement(float(adjusted_rand_score(one, other)), float(normalized_mutual_info_score(one, other)))


def silhouette(
    vectors: NDArray[np.floating],
    clusters: ArrayLike,
    *,
    metric: Literal["cosine", "euclidean"] = "cosine",
    sample: int = 5000,
    seed: int = 0,
) -> float:
    """Mean silhouette (Rousseeuw, 1987): from -1 to 1, above 0 where rows stand nearer their own cluster than the next.

    Args:
        vectors: (rows, width).
        clusters: (rows,) cluster of each row; rows in none (-1) are left out.
        metric: distance between rows.
        sample: all distances are needed, so at most this many rows are drawn.
        seed: of the draw.

    Raises:
        InputError: there are not as many clusters as rows.
        TooLittleDataError: there are fewer than two clusters, or no cluster with two rows.

    >>> vectors = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    >>> silhouette(vectors, [0, 0, 1, 1]) > 0.9 > 0 > silhouette(vectors, [0, 1, 0, 1])
    True
    """
    from sklearn.metrics import silhouette_score

    cluster = np.asarray(clusters)
    if len(cluster) != len(vectors):
        raise InputError(f"{len(cluster)} clusters for {len(vectors)} vectors; give one for each")
    rows = np.flatnonzero(cluster >= 0)
    if len(rows) > sample:
        rows = np.random.default_rng(seed).choice(rows, sample, replace=False)
    count = len(np.unique(cluster[rows]))
    if count < 2 or count >= len(rows):
        raise TooLittleDataError(f"{count} clusters of {len(rows)} rows; at least two, one with two rows, are needed")
    return float(silhouette_score(vectors[rows], cluster[rows], metric=metric))
