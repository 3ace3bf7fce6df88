import numpy as np
import pytest
import scipy.sparse as sp

from penchant.collaborative import itemtoitem
from penchant.collaborative.itemtoitem import FEW, stored, strongest, times


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


@pytest.mark.parametrize("count", [1, FEW, FEW + 1], ids="{} histories".format)
@pytest.mark.parametrize("kept", ["dense", "sparse"])
def test_few_histories_are_added_up_to_the_product_that_many_have(count: int, kept: str) -> None:
    rng = np.random.default_rng(1)
    taken = sp.random_array((count, 30), density=0.2, rng=rng, dtype=np.float32).tocsr()
    weights = sp.random_array((30, 50), density=0.3, rng=rng, dtype=np.float32).tocsr()
    weights.data[::7] *= -1
    owners = np.repeat(np.arange(count), np.diff(taken.indptr))
    whole = weights if kept == "sparse" else weights.toarray()
    found = times(owners, taken.indices.astype(np.int64), taken.data, count, whole)
    np.testing.assert_allclose(found, (taken @ weights).toarray(), atol=1e-6)
    cells, lengths = stored(weights, np.array([4, 2, 4]))
    assert lengths.tolist() == np.diff(weights.indptr)[[4, 2, 4]].tolist()
    np.testing.assert_array_equal(weights.data[cells], np.concatenate([weights[[row]].data for row in (4, 2, 4)]))
