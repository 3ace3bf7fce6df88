"""Small numerical work that every floor shares: unit rows, the best k of a row, chunks."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
_STRIDE: Final = 8


def unit_rows(matrix: Floats) -> Floats:
    """The matrix with every row scaled to length one; rows of zeros stay zeros.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def chunks(total: int, size: int) -> Iterator[slice]:
    """Slices that cover `range(total)` in order, none longer than `size`.

    >>> list(chunks(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))


def kth_largest(values: Floats, k: int) -> float:
    """The k-th largest of some values, k no more than there are.

    Of many, the k-th largest of every eighth is a bound from below: few lie above it, and those are looked through.

    >>> kth_largest(np.arange(1000, dtype=np.float32), 3)
    997.0
    """
    if len(values) > _STRIDE * k * 4:
        some = values[::_STRIDE]
        values = values[values >= np.partition(some, len(some) - k)[len(some) - k]]
    return float(np.partition(values, len(values) - k)[len(values) - k])


def best_places(values: Floats, count: int) -> Rows:
    """Places of the `count` largest values, or of all, in no order; which of several that equal the last is open.

    >>> sorted(best_places(np.array([0.5, 0.1, 0.9, 0.2], dtype=np.float32), 2).tolist())
    [0, 2]
    """
    if count >= len(values):
        return np.arange(len(values))
    bound = kth_largest(values, count)
    pool = np.flatnonzero(values >= bound)
    # Many may equal the bound, as where a source says the same of most items.
    is_above = values[pool] > bound
    above = pool[is_above]
    return np.concatenate([above, pool[~is_above][: count - len(above)]])


def top_k(scores: Floats, k: int, *, tie_rank: Rows | None = None) -> Rows:
    """Columns of the k largest scores of each row, best first; equal scores by smaller `tie_rank`.

    Args:
        scores: (rows, columns); minus infinity marks what must not be picked.
        k: how many; fewer come back where there are fewer columns.
        tie_rank: (columns,) the order among equals, such as the rank of an item's id; the column number if absent.

    Returns:
        (rows, min(k, columns)) column numbers, -1 where the score is minus infinity.

    >>> top_k(np.array([[0.1, 0.9, 0.9, -np.inf]], dtype=np.float32), 4).tolist()
    [[1, 2, 0, -1]]
    """
    columns = scores.shape[1]
    k = min(k, columns)
    order = np.arange(columns) if tie_rank is None else tie_rank
    picked = np.empty((len(scores), k), dtype=np.int64)
    for row, values in enumerate(scores):
        if k < columns:
            # All that equal the k-th best stay in, so that the tie rule decides among them.
            bound = kth_largest(values, k)
            pool = np.flatnonzero(values >= bound)
        else:
            pool = np.arange(columns)
        best = pool[np.lexsort((order[pool], -values[pool]))][:k]
        picked[row] = np.where(np.isneginf(values[best]), -1, best)
    return picked
