import numpy as np
import pytest

from penchant.collaborative.recency import Recency, counted_weights, later_events, latest
from penchant.data.interactions import DAY, Histories

TWO = Histories.of_items([[1, 2, 3], [4, 5]], at=[[0.0, 2 * DAY, 4 * DAY], [100 * DAY, 101 * DAY]])


def test_without_half_lives_nothing_fades() -> None:
    assert Recency().fade(TWO) is TWO


def test_days_count_from_each_histories_own_last_event() -> None:
    assert Recency(half_life_days=2).fade(TWO).weights.tolist() == pytest.approx([0.25, 0.5, 1, 2**-0.5, 1])


def test_events_count_those_that_came_later() -> None:
    assert Recency(half_life_events=1).fade(TWO).weights.tolist() == [0.25, 0.5, 1, 0.5, 1]


def test_both_half_lives_multiply() -> None:
    both = Recency(half_life_days=2, half_life_events=1).fade(TWO).weights
    assert both.tolist() == pytest.approx([0.25 * 0.25, 0.5 * 0.5, 1, 0.5 * 2**-0.5, 1])


def test_events_of_one_moment_are_of_one_age() -> None:
    batch = Histories.of_items([[1, 2, 3], [4, 5, 6]], at=[[0.0, 5.0, 5.0], [5.0, 5.0, 5.0]])
    assert later_events(batch).tolist() == [2, 0, 0, 0, 0, 0]


def test_dislikes_fade_too() -> None:
    batch = Histories(np.array([0, 2]), np.array([1, 2]), np.array([0.0, DAY]), np.array([-1, 1], np.float32))
    assert Recency(half_life_days=1).fade(batch).weights.tolist() == [-0.5, 1]


def test_empty_histories_pass_through() -> None:
    nobody = Histories.of_items([[], [1], []])
    assert Recency(half_life_days=1).fade(nobody).weights.tolist() == [1]
    assert Recency(half_life_days=1).fade(Histories.of_items([])).items.tolist() == []
    assert latest(Histories.of_items([]), 3).items.tolist() == []


def test_the_latest_events_are_kept_history_by_history() -> None:
    kept = latest(Histories.of_items([[1, 2, 3], [], [4], [5, 6]]), 2)
    assert kept.items.tolist() == [2, 3, 4, 5, 6]
    assert kept.offsets.tolist() == [0, 2, 2, 3, 5]


def test_counted_weights_add_up_to_the_matrix() -> None:
    rng = np.random.default_rng(1)
    lengths = rng.integers(0, 9, 20)
    total = int(lengths.sum())
    batch = Histories(
        np.concatenate([[0], np.cumsum(lengths)]),
        rng.integers(0, 4, total),
        np.sort(rng.random(total)),
        rng.choice([-1, -0.5, 0, 0.3, 1], total).astype(np.float32),
    )
    summed = np.zeros((20, 4), dtype=np.float32)
    np.add.at(summed, (batch.owners, batch.items), counted_weights(batch))
    np.testing.assert_allclose(summed, batch.matrix(4).toarray(), atol=1e-6)
