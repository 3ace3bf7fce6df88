"""Unit rows, chunks and the best k of a row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from penchant.vectors import chunks, kth_largest, top_k, unit_rows

# Few different values, so that there are many ties.
SIZES = array_shapes(min_dims=2, max_dims=2, max_side=8)
SCORES = arrays(np.float32, SIZES, elements=st.sampled_from([-np.inf, -1, 0, 0.5, 2]))


@given(scores=SCORES, k=st.integers(1, 10), seed=st.integers(0, 99))
def test_the_best_k_are_those_of_a_full_sort(scores, k, seed):
    rank = np.random.default_rng(seed).permutation(scores.shape[1])
    for found, values in zip(top_k(scores, k, tie_rank=rank).tolist(), scores, strict=True):
        best_first = sorted(range(len(values)), key=lambda column, values=values: (-values[column], rank[column]))
        assert found == [column if values[column] > -np.inf else -1 for column in best_first[:k]]


def test_ties_go_by_column_where_no_rank_is_given():
    assert top_k(np.ones((1, 5), dtype=np.float32), 3).tolist() == [[0, 1, 2]]


def test_rows_get_length_one_and_zeros_stay():
    matrix = np.array([[3, 4], [0, 0], [-1e-9, 0]], dtype=np.float32)
    np.testing.assert_allclose(unit_rows(matrix), [[0.6, 0.8], [0, 0], [-1, 0]], rtol=1e-6)
    assert unit_rows(matrix).dtype == np.float32


@pytest.mark.parametrize(("total", "size", "lengths"), [(0, 3, []), (3, 3, [3]), (7, 3, [3, 3, 1])])
def test_chunks_cover_everything_once(total, size, lengths):
    parts = list(chunks(total, size))
    assert [part.stop - part.start for part in parts] == lengths
    assert [row for part in parts for row in range(total)[part]] == list(range(total))


@given(
    st.lists(st.sampled_from([-np.inf, 0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=400),
    st.integers(1, 12),
)
def test_the_kth_largest_is_that_of_a_full_sort_also_among_many(values, k):
    found = np.array(values, dtype=np.float32)
    k = min(k, len(found))
    assert kth_largest(found, k) == np.sort(found)[len(found) - k]
