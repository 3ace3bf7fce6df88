import numpy as np
import scipy.sparse as sp

from penchant.collaborative import itemtoitem
from penchant.collaborative.itemtoitem import strongest


def test_the_strongest_of_each_row_stay_and_equals_by_column() -> None:
    block = np.array([[3, 1, 2, 2], [0, -1, 0, 5], [1, 1, 1, 1]], dtype=np.float32)
    expected = [[3, 0, 2, 0], [0, 0, 0, 5], [1, 1, 0, 0]]
    assert strongest(block, 2).toarray().tolist() == expected
    assert strongest(sp.csr_matrix(block), 2).toarray().tolist() == expected


def test_stored_cells_and_whole_blocks_are_searched_alike() -> None:
    rng = np.random.default_rng(0)
    block = rng.choice([0, 0, 0, -1, 0.5, 0.7, 1], (40, 60)).astype(np.float32)
    stored = itemtoitem._strongest_stored(sp.csr_matrix(block), 5)
    np.testing.assert_array_equal(stored.toarray(), strongest(block, 5).toarray())
    assert (np.diff(stored.indptr) <= 5).all()


def test_asking_for_more_than_there_are_keeps_all_that_are_positive() -> None:
    block = np.array([[3, -1, 0]], dtype=np.float32)
    assert strongest(block, 9).toarray().tolist() == [[3, 0, 0]]
    assert strongest(sp.csr_matrix(block), 9).nnz == 1
