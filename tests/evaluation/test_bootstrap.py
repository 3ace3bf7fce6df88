"""Intervals that hold the truth as often as they say, and p-values that agree with them."""

import numpy as np
import pytest

from penchant.errors import ConfigError, InputError, TooLittleDataError
from penchant.evaluation.bootstrap import interval, paired_difference, statistic_difference
from penchant.evaluation.classification import auc


def test_an_interval_agrees_with_the_normal_one_on_many_values():
    values = np.random.default_rng(0).normal(3, 2, 5000)
    found = interval(values)
    error = values.std() / np.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert [found.low, found.high] == pytest.approx([found.value - 1.96 * error, found.value + 1.96 * error], abs=0.01)


def test_ninety_percent_intervals_hold_the_truth_about_nine_times_in_ten():
    rng = np.random.default_rng(1)
    holds = 0
    for _ in range(300):
        found = interval(rng.exponential(1, 80), confidence=0.9, draws=400)
        holds += found.low <= 1 <= found.high
    assert 0.83 <= holds / 300 <= 0.94


def test_the_same_seed_gives_the_same_bounds_and_chunks_do_not_change_the_mean(monkeypatch):
    values = np.random.default_rng(2).random(100)
    assert interval(values, seed=5) == interval(values, seed=5)
    assert interval(values, seed=5) != interval(values, seed=6)
    whole = interval(values, draws=999)
    monkeypatch.setattr("penchant.evaluation.bootstrap.CELLS_AT_ONCE", 1000)
    assert interval(values, draws=999) == whole


def test_a_wider_confidence_gives_wider_bounds():
    values = np.random.default_rng(3).random(50)
    narrow, wide = interval(values, confidence=0.5), interval(values, confidence=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_pairing_sees_a_small_gain_that_unpaired_noise_would_hide():
    rng = np.random.default_rng(4)
    hardness = rng.normal(0, 1, 300)
    ours = hardness + 0.05 + rng.normal(0, 0.1, 300)
    theirs = hardness + rng.normal(0, 0.1, 300)
    better = paired_difference(ours, theirs)
    assert better.low > 0
    assert better.p_value < 0.01
    apart = paired_difference(ours, rng.permutation(theirs))
    assert apart.low < 0 < apart.high


def test_no_difference_gets_small_p_values_only_by_chance():
    rng = np.random.default_rng(5)
    p_values = [paired_difference(*rng.normal(size=(2, 60)), draws=400).p_value for _ in range(300)]
    assert np.mean(np.array(p_values) < 0.05) < 0.1
    assert 0.4 < np.mean(p_values) < 0.6


def test_the_p_value_agrees_with_the_interval_and_with_the_order_of_the_systems():
    rng = np.random.default_rng(6)
    for shift in (0.0, 0.1, 0.2, 0.3):
        ours, theirs = rng.normal(shift, 1, 200), rng.normal(0, 1, 200)
        one, other = paired_difference(ours, theirs), paired_difference(theirs, ours)
        assert (one.p_value < 0.05) == (one.low > 0 or one.high < 0)
        assert one.value == pytest.approx(-other.value)
        assert one.p_value == pytest.approx(other.p_value)


def test_equal_systems_differ_by_nothing():
    same = paired_difference([0.1, 0.5, 0.9], [0.1, 0.5, 0.9])
    assert (same.value, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def auc_gain(truth, ours, theirs):
    """How far one AUC is above another."""
    return auc(truth, ours) - auc(truth, theirs)


def test_a_difference_in_auc_has_an_interval():
    rng = np.random.default_rng(7)
    truth = rng.random(200) < 0.4
    found = statistic_difference(auc_gain, truth, truth + rng.normal(0, 0.5, 200), rng.random(200), draws=100)
    assert found.value > 0.2
    assert 0 < found.low < found.value < found.high


def test_resampling_whole_groups_widens_the_interval_of_dependent_rows():
    rng = np.random.default_rng(8)
    values = np.repeat(rng.normal(size=20), 30) + rng.normal(0, 0.1, 600)
    groups = np.repeat(np.arange(20), 30)
    shuffled = rng.permutation(600)

    def mean(sample):
        return float(sample.mean())

    by_row = statistic_difference(mean, values[shuffled], draws=300)
    by_group = statistic_difference(mean, values[shuffled], groups=groups[shuffled], draws=300)
    assert by_group.high - by_group.low > 3 * (by_row.high - by_row.low)
    assert by_group.value == by_row.value


def test_resamples_that_cannot_be_judged_are_drawn_again_or_refused():
    truth = np.array([True] + [False] * 5)
    scores = np.arange(6.0)
    assert np.isfinite(statistic_difference(auc_gain, truth, scores, -scores, draws=50).low)

    def only_the_whole(sample):
        return 1.0 if len(np.unique(sample)) == 6 else float("nan")

    with pytest.raises(TooLittleDataError, match="of 100 resamples could be judged"):
        statistic_difference(only_the_whole, scores, draws=50)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: interval([1.0]), TooLittleDataError, "at least 2 values"),
        (lambda: interval([1.0, np.nan, 2.0]), InputError, "1 of 3 values are not finite"),
        (lambda: interval([1.0, 2.0], confidence=95), ConfigError, "a confidence of 95"),
        (lambda: paired_difference([1.0, 2.0], [1.0, 2.0, 3.0]), InputError, "needs the same members in both"),
        (lambda: statistic_difference(np.dot, np.ones(3), np.ones(2)), InputError, r"lengths \[3, 2\]"),
        (
            lambda: statistic_difference(np.mean, np.ones(3), groups=np.zeros(3)),
            TooLittleDataError,
            "1 members cannot be resampled",
        ),
    ],
)
def test_what_cannot_be_resampled_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
