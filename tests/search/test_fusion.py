import numpy as np
import pytest
import scipy.sparse as sp

from penchant.search.candidates import Candidates
from penchant.search.fusion import FusionConfig, fuse, pick_fusion, ranked

ORDER = np.arange(6)


def found(lexical: list[float], cosine: list[float]) -> Candidates:
    words, meaning = np.array(lexical, dtype=np.float32), np.array(cosine, dtype=np.float32)
    by_words = np.where(words > 0, np.argsort(np.argsort(-words, kind="stable"), kind="stable"), -1)
    by_meaning = np.argsort(np.argsort(-meaning, kind="stable"), kind="stable")
    return Candidates("q", ("q",), np.arange(len(words)), words, meaning, meaning, by_words, by_meaning)


ONE = found([3.0, 2.0, 1.0, 0.0], [0.1, 0.2, 0.3, 0.9])


@pytest.mark.parametrize("method", ["rank", "score"])
def test_the_weight_goes_from_words_alone_to_meaning_alone(method: str) -> None:
    orders = [
        np.argsort(-fuse(ONE, FusionConfig(method=method, meaning=meaning)), kind="stable").tolist()  # type: ignore[arg-type]
        for meaning in (0.0, 1.0)
    ]
    assert orders == [[0, 1, 2, 3], [3, 2, 1, 0]]


def test_reciprocal_ranks_are_those_of_the_paper() -> None:
    scores = fuse(ONE, FusionConfig(meaning=0.5, constant=60))
    assert scores[0] == pytest.approx(0.5 / 61 + 0.5 / 64)
    assert scores[3] == pytest.approx(0.5 / 61), "not in the list by words"


def test_a_small_constant_lets_the_first_places_stand_out() -> None:
    both = found([3.0, 2.9, 2.8, 0.0, 0.0], [0.1, 0.8, 0.7, 0.9, 0.2])
    assert fuse(both, FusionConfig(constant=60)).argmax() == 1
    assert fuse(both, FusionConfig(constant=0.1)).argmax() in (0, 3)


def test_scores_tell_a_wide_lead_from_a_narrow_one_where_ranks_do_not() -> None:
    wide = found([9.0, 1.0, 0.5], [0.5, 0.55, 0.4])
    assert fuse(wide, FusionConfig(method="score")).argmax() == 0
    assert fuse(wide, FusionConfig(method="rank"))[0] == fuse(wide, FusionConfig(method="rank"))[1]


@pytest.mark.parametrize(("answer", "expected"), [(0, 0.0), (3, 1.0)])
def test_the_weight_is_picked_that_puts_the_answers_first(answer: int, expected: float) -> None:
    relevant = sp.csr_matrix(([1.0] * 3, (range(3), [answer] * 3)), shape=(3, 6))
    picked = pick_fusion([ONE] * 3, relevant, ORDER, FusionConfig(meaning=1 - expected), k=1)
    assert abs(picked.meaning - expected) < 0.5


def test_equal_scores_stand_in_the_order_of_ids_and_short_lists_are_filled_with_none() -> None:
    lists = ranked([np.zeros(3, dtype=np.float32)], [found([1, 1, 1], [0, 0, 0])], np.array([5, 0, 3, 1, 2, 4]), 5)
    assert lists.tolist() == [[1, 2, 0, -1, -1]]


def test_no_candidates_have_no_scores() -> None:
    assert fuse(found([], []), FusionConfig(method="score")).shape == (0,)
