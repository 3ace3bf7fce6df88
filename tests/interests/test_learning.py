"""Fewer labels reach the same accuracy, planted errors are found, copies are not asked twice, and labelling ends."""

import numpy as np
import pytest

from penchant.errors import InputError, TooLittleDataError
from penchant.interests.learning import (
    StopConfig,
    SuggestConfig,
    fit_predict,
    held_out,
    suggest,
    suspects,
    when_to_stop,
    worth,
)
from penchant.vectors import unit_rows


def clusters(count: int, seed: int = 0, spread: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """Points of six classes of very unequal size around centres, two of them close together."""
    rng = np.random.default_rng(seed)
    centres = unit_rows(np.random.default_rng(9).standard_normal((6, 16)).astype(np.float32))
    centres[5] = unit_rows(centres[4:5] + 0.5 * centres[5:6])[0]
    labels = rng.choice(6, size=count, p=[0.4, 0.3, 0.02, 0.04, 0.14, 0.1])
    points = centres[labels] + spread * rng.standard_normal((count, 16)).astype(np.float32) / 4
    return unit_rows(points), labels


def accuracy_after(method: str, wanted: int, seed: int) -> float:
    vectors, labels = clusters(1500)
    rng = np.random.default_rng(seed)
    labelled = rng.permutation(len(labels))[:10]
    config = SuggestConfig(method=method)  # type: ignore[arg-type]
    while len(labelled) < wanted:
        said = fit_predict(vectors, labelled, labels[labelled], 6)
        more = suggest(said, vectors, labelled, 10, config, rng=rng)
        assert not set(more) & set(labelled)
        labelled = np.concatenate([labelled, more])
    said = fit_predict(vectors, labelled, labels[labelled], 6)
    rest = np.setdiff1d(np.arange(len(labels)), labelled)
    return float((said[rest].argmax(1) == labels[rest]).mean())


@pytest.mark.parametrize("method", ["margin", "entropy", "change"])
def test_chosen_labels_teach_more_than_random_ones(method: str) -> None:
    chosen = np.mean([accuracy_after(method, 60, seed) for seed in range(4)])
    random = np.mean([accuracy_after("random", 60, seed) for seed in range(4)])
    assert chosen > random + 0.01


def test_copies_of_one_doubtful_text_are_suggested_once() -> None:
    rng = np.random.default_rng(0)
    vectors = np.vstack([np.tile([[1.0, 0.0, 0.0]], (30, 1)), unit_rows(rng.standard_normal((10, 3)))])
    said = np.tile([[0.5, 0.5]], (40, 1)).astype(np.float32)
    picked = suggest(said, vectors.astype(np.float32), np.array([], dtype=int), 5, SuggestConfig(diversity=8))
    assert (picked < 30).sum() <= 1
    assert len(set(picked.tolist())) == 5


def test_texts_that_are_all_the_same_are_still_suggested() -> None:
    same = np.ones((20, 3), dtype=np.float32)
    picked = suggest(np.full((20, 2), 0.5, dtype=np.float32), same, np.array([0, 1]), 4)
    assert len(set(picked.tolist()) - {0, 1}) == 4


def test_no_more_is_suggested_than_is_left() -> None:
    vectors, _ = clusters(6)
    picked = suggest(np.full((6, 2), 0.5, dtype=np.float32), vectors, np.array([0, 1, 2]), 10)
    assert sorted(picked.tolist()) == [3, 4, 5]


def test_worth_is_least_where_the_model_is_sure() -> None:
    said = np.array([[0.98, 0.01, 0.01], [0.4, 0.35, 0.25], [0.6, 0.3, 0.1]], dtype=np.float32)
    for method in ("margin", "entropy", "change"):
        assert np.argsort(worth(said, np.ones((3, 2), dtype=np.float32), method)).tolist() == [0, 2, 1]


def test_planted_label_errors_are_found_and_few_others_are_accused() -> None:
    vectors, labels = clusters(1200, spread=0.5)
    rng = np.random.default_rng(3)
    wrong = rng.permutation(len(labels))[:100]
    given = labels.copy()
    given[wrong] = (labels[wrong] + rng.integers(1, 6, len(wrong))) % 6
    found = suspects(held_out(vectors, given, 6), given)
    rows = [suspect.row for suspect in found]
    assert len(set(rows) & set(wrong)) > 75
    assert np.mean([row in set(wrong) for row in rows[:60]]) > 0.9
    right = [suspect.likely == labels[suspect.row] for suspect in found if suspect.row in set(wrong)]
    assert np.mean(right) > 0.9


def test_right_labels_are_hardly_ever_accused() -> None:
    vectors, labels = clusters(1200, spread=0.2)
    assert len(suspects(held_out(vectors, labels, 6), labels)) < 12


def test_labelling_goes_on_while_answers_change_and_ends_when_they_settle() -> None:
    rng = np.random.default_rng(0)
    settled = rng.integers(0, 4, 500)
    rounds = [np.where(rng.random(500) < share, rng.integers(0, 4, 500), settled) for share in (0.5, 0.3, 0.1)]
    assert not when_to_stop(rounds).stop
    verdict = when_to_stop([*rounds, settled, settled, settled], StopConfig(rounds=2))
    assert verdict.stop
    assert verdict.agreements[0] < 0.7 < verdict.agreements[-1] == 1.0


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="3 rows of probabilities, 2 vectors"):
        suggest(np.ones((3, 2), dtype=np.float32), np.ones((2, 2), dtype=np.float32), np.array([0]), 1)
    with pytest.raises(InputError, match="for 1 labels"):
        suspects(np.ones((3, 2), dtype=np.float32), np.array([0]))
    with pytest.raises(TooLittleDataError, match="cannot be parted in 5"):
        held_out(np.ones((3, 2), dtype=np.float32), np.array([0, 1, 0]), 2)
