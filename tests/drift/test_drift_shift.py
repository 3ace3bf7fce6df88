"""Untrained measures: right by brute force, calm where nothing has changed, loud where something has."""

import numpy as np
import pytest

from penchant.drift import shift
from penchant.errors import ConfigError, InputError, TooLittleDataError

RNG = np.random.default_rng(0)
SAME = [(RNG.normal(size=(30, 4)), RNG.normal(size=(10, 4))) for _ in range(60)]
MOVED = [(RNG.normal(size=(30, 4)), RNG.normal(1.2, size=(10, 4))) for _ in range(20)]


@pytest.mark.parametrize("measure", [shift.mmd, shift.energy_distance])
def test_unbiased_measures_are_zero_on_average_and_their_p_values_even(measure):
    values = [measure(past, recent, permutations=60, seed=seed) for seed, (past, recent) in enumerate(SAME)]
    mean = np.mean([value.value for value in values])
    assert abs(mean) < 3 * np.std([value.value for value in values]) / np.sqrt(len(values))
    assert 0.35 < np.mean([value.p_value for value in values]) < 0.65
    assert np.mean([measure(*pair, permutations=60).p_value for pair in MOVED]) < 0.05


def test_the_gaussian_sees_a_change_of_spread_that_the_mean_does_not():
    past, recent = RNG.normal(size=(80, 2)), 3 * RNG.normal(size=(40, 2))
    assert shift.mmd(past, recent, permutations=100).p_value < 0.02
    assert shift.mmd(past, recent, kernel="linear", permutations=100).p_value > 0.02


def test_energy_of_many_windows_is_that_of_each():
    vectors = RNG.normal(size=(50, 3)).astype(np.float32)
    items = RNG.integers(50, size=(4, 5, 6)).astype(np.int32)
    found = shift.energy_distances(items, vectors)
    for stream in range(4):
        for window in range(1, 5):
            past, recent = vectors[items[stream, :window].ravel()], vectors[items[stream, window]]
            assert found[stream, window] == pytest.approx(shift.energy_distance(past, recent).value, abs=2e-3)
    assert np.isnan(found[:, 0]).all()


def test_cosine_topics_and_nearest_pairs_rise_with_change():
    east, north = np.eye(2, dtype=np.float32)[[0] * 4], np.eye(2, dtype=np.float32)[[1] * 4]
    assert shift.cosine_shift(east, north).value == 1.0 > shift.cosine_shift(east, east).value == 0.0
    assert shift.nearest_pairs(east, north).value == 1.0
    assert shift.topic_shift(np.array([5, 0]), np.array([0, 5])).value == pytest.approx(np.log(2))
    assert shift.multinomial_ratio([20, 0], [0, 20]).value > shift.multinomial_ratio([3, 0], [0, 3]).value > 0


def test_the_events_that_carry_the_shift_are_named():
    past = np.tile([1.0, 0.0, 0.0], (6, 1))
    recent = np.array([[1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0], [0, 1.0, 0]])
    assert sorted(shift.items_responsible(past, recent, most=2).tolist()) == [1, 3]


def test_each_measure_names_the_events_that_it_rests_on():
    rng = np.random.default_rng(0)
    past, recent = rng.normal(0, 0.1, (30, 2)), rng.normal(0, 0.1, (10, 2))
    # Far out on either side, so that no mean moves.
    recent[[2, 7]] = [[3.0, 0.0], [-3.0, 0.0]]
    for measure in ("mmd", "energy"):
        assert sorted(shift.items_responsible(past, recent, most=2, by=measure).tolist()) == [2, 7]
    strange = np.eye(3)[[0, 0, 2]]
    assert shift.items_responsible(np.eye(3)[[0, 1, 0]], strange, most=1, by="nearest").tolist() == [2]
    with pytest.raises(ConfigError, match="cosine, mmd, energy, nearest"):
        shift.items_responsible(past, recent, by="odd")
    assert shift.topics_responsible([8, 0, 3, 0], [8, 6, 3, 0], most=1).tolist() == [1]


def test_too_little_and_unlike_samples_are_refused():
    with pytest.raises(TooLittleDataError, match="2 of either"):
        shift.mmd(np.zeros((1, 2)), np.zeros((5, 2)))
    with pytest.raises(InputError, match="one width"):
        shift.mmd(np.zeros((3, 2)), np.zeros((5, 3)))
