"""Sparse matrices made and merged part by part, so that what is held at one time has a bound."""

from collections.abc import Callable, Iterable

import numpy as np
import scipy.sparse as sp

from penchant.vectors import Floats, Rows

Shape = tuple[int, int]


def gathered(
    parts: Iterable[tuple[Rows, Rows, Floats]], shape: Shape, *, add: bool, into: sp.csr_matrix | None = None
) -> sp.csr_matrix:
    """A sparse matrix of cells that come in parts; cells named twice are added, or the largest of them kept.

    Args:
        parts: rows, columns and values of a part at a time.
        shape: of the matrix.
        add: whether values of one cell are added; else the largest counts.
        into: cells that are there already; it may be smaller than the shape.

    >>> part = (np.array([0, 0]), np.array([1, 1]), np.array([2.0, 3.0], dtype=np.float32))
    >>> gathered([part], (1, 2), add=False).toarray().tolist(), gathered([part], (1, 2), add=True).toarray().tolist()
    ([[0.0, 3.0]], [[0.0, 5.0]])
    """
    total = grown(into, shape) if into is not None else sp.csr_matrix(shape, dtype=np.float32)
    for rows, columns, values in parts:
        block = _summed(rows, columns, values, shape) if add else _largest(rows, columns, values, shape)
        total = (total + block if add else total.maximum(block)).tocsr()
    total.sort_indices()
    return total.astype(np.float32)


def grown(matrix: sp.csr_matrix, shape: Shape) -> sp.csr_matrix:
    """The same cells in a matrix of more rows and columns."""
    pointers = np.concatenate([matrix.indptr, np.full(shape[0] - matrix.shape[0], matrix.indptr[-1])])
    return sp.csr_matrix((matrix.data, matrix.indices, pointers), shape=shape)


def kept_cells(matrix: sp.csr_matrix, keep: Callable[[Rows, Rows], np.ndarray]) -> sp.csr_matrix:
    """The cells of which `keep(rows, columns)` is true."""
    cells = matrix.tocoo()
    chosen = keep(cells.row, cells.col)
    return sp.csr_matrix((cells.data[chosen], (cells.row[chosen], cells.col[chosen])), shape=matrix.shape)


def scaled(matrix: sp.csr_matrix, rows: Floats | None = None, columns: Floats | None = None) -> sp.csr_matrix:
    """A matrix with its rows and columns multiplied by factors, in float32."""
    values = matrix.data.astype(np.float32)
    if rows is not None:
        values = values * np.repeat(rows, np.diff(matrix.indptr)).astype(np.float32)
    if columns is not None:
        values = values * columns[matrix.indices].astype(np.float32)
    return sp.csr_matrix((values, matrix.indices, matrix.indptr), shape=matrix.shape)


def _summed(rows: Rows, columns: Rows, values: Floats, shape: Shape) -> sp.csr_matrix:
    return sp.csr_matrix((values, (rows, columns)), shape=shape, dtype=np.float32)


def _largest(rows: Rows, columns: Rows, values: Floats, shape: Shape) -> sp.csr_matrix:
    cells, place = np.unique(rows.astype(np.int64) * shape[1] + columns, return_inverse=True)
    best = np.zeros(len(cells), dtype=np.float32)
    np.maximum.at(best, place, values)
    return sp.csr_matrix((best, (cells // shape[1], cells % shape[1])), shape=shape)
