"""A bounded number of neighbours from a sparse matrix: the sampler of graphs too large to pass over whole."""

import numpy as np
import scipy.sparse as sp

from penchant.vectors import Rows


def sampled(matrix: sp.csr_matrix, rows: Rows, fanout: int, rng: np.random.Generator) -> sp.csr_matrix:
    """Some rows of a matrix with at most `fanout` cells each, weighed up so that their sums are right on average.

    A row with more cells is parted into `fanout` equal stretches and one cell drawn from each: every cell is as likely
    as any other, and a hub costs no more than anyone else. Neighbour sampling: Hamilton, Ying and Leskovec, Inductive
    Representation Learning on Large Graphs (NeurIPS 2017).

    >>> hub = sp.csr_matrix(np.ones((1, 1000), dtype=np.float32))
    >>> drawn = sampled(hub, np.array([0]), 10, np.random.default_rng(0))
    >>> drawn.nnz, float(drawn.sum())
    (10, 1000.0)
    """
    starts = matrix.indptr[rows].astype(np.int64)
    degrees = matrix.indptr[np.asarray(rows) + 1].astype(np.int64) - starts
    taken = np.minimum(degrees, fanout)
    offsets = np.concatenate([[0], np.cumsum(taken)])
    owner = np.repeat(np.arange(len(rows)), taken)
    place = np.arange(offsets[-1]) - offsets[owner]
    full = degrees[owner] <= fanout
    drawn = ((place + rng.random(len(place))) * (degrees[owner] / np.maximum(taken[owner], 1))).astype(np.int64)
    cells = starts[owner] + np.where(full, place, np.minimum(drawn, degrees[owner] - 1))
    values = matrix.data[cells] * (degrees[owner] / np.maximum(taken[owner], 1)).astype(np.float32)
    shape = (len(rows), matrix.shape[1])
    return sp.csr_matrix((values.astype(np.float32), matrix.indices[cells], offsets), shape=shape)
