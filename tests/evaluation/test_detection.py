"""Alarms against planted changes, and many tests at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from penchant.errors import ConfigError, InputError, TooLittleDataError
from penchant.evaluation.classification import auc
from penchant.evaluation.detection import adjusted_p_values, alarm_threshold, judge_streams, window_auc


def streams(*rows):
    """Alarms drawn as text: `!` is an alarm."""
    return np.array([[mark == "!" for mark in row] for row in rows])


def test_each_kind_of_stream_is_judged_by_its_rule():
    alarms = streams(
        "...!..",  # change at 3, alarm at once
        "....!.",  # change at 3, alarm a window later
        ".....!",  # change at 3, too late: a miss, but no false alarm
        ".!.!..",  # change at 3, found, and a false alarm before
        "......",  # change at 3, missed
        ".!!...",  # nothing changed
        "......",  # nothing changed
    )
    found = judge_streams(alarms, np.array([3, 3, 3, 3, 3, -1, -1]))
    assert found.precision == pytest.approx(3 / 5)
    assert found.recall == pytest.approx(3 / 5)
    assert found.f1 == pytest.approx(6 / (6 + 2 + 2))
    assert found.delay == pytest.approx(1 / 3)
    assert found.false_alarm_rate == pytest.approx(3 / (5 * 3 + 2 * 6))
    assert found.windows_between_false_alarms == pytest.approx(9)
    assert found.blip_alarms is None


def test_an_alarm_for_a_blip_is_false_and_counted_apart():
    alarms = streams("..!...", "......", "!.....")
    found = judge_streams(alarms, np.full(3, -1), blips=np.array([2, 2, 2]))
    assert found.blip_alarms == pytest.approx(1 / 3)
    assert found.precision == 0
    assert found.delay is None


def test_no_alarm_at_all_has_no_false_ones():
    found = judge_streams(streams("....", "...."), np.array([1, -1]))
    assert (found.f1, found.recall, found.false_alarm_rate) == (0, 0, 0)
    assert found.windows_between_false_alarms is None


def test_a_wider_reach_makes_late_alarms_hits():
    alarms = streams("....!.")
    assert judge_streams(alarms, np.array([1])).recall == 0
    assert judge_streams(alarms, np.array([1]), hit_windows=4).delay == 3


def test_alarming_always_finds_all_and_is_seldom_right():
    onsets = np.array([3, 4, -1, -1, -1, -1])
    found = judge_streams(np.ones((6, 8), dtype=bool), onsets)
    assert found.recall == 1
    assert found.precision == pytest.approx(2 / 8)
    assert found.false_alarm_rate == 1


def test_window_auc_takes_the_windows_that_the_protocol_names():
    rng = np.random.default_rng(0)
    scores = rng.random((4, 6))
    onsets = np.array([2, 4, -1, 3])
    positive = np.concatenate([scores[0, 2:4], scores[1, 4:6], scores[3, 3:5]])
    negative = np.concatenate([scores[0, :2], scores[1, :4], scores[2], scores[3, :3]])
    truth = np.repeat([True, False], [len(positive), len(negative)])
    assert window_auc(scores, onsets) == pytest.approx(auc(truth, np.concatenate([positive, negative])))
    severe = np.array([True, False, False, False])
    positive = scores[0, 2:4]
    truth = np.repeat([True, False], [len(positive), len(negative)])
    assert window_auc(scores, onsets, positives=severe) == pytest.approx(
        auc(truth, np.concatenate([positive, negative]))
    )


def test_windows_without_a_score_are_left_out():
    scores = np.array([[np.nan, 0.1, 0.9, 0.8], [np.nan, 0.2, 0.1, 0.3]])
    assert window_auc(scores, np.array([2, -1])) == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200), st.floats(0, 0.99))
@settings(max_examples=100, deadline=None)
def test_the_threshold_keeps_to_its_rate_and_is_the_lowest_score_that_does(scores, rate):
    scores = np.array(scores)
    threshold = alarm_threshold(scores, rate)
    assert (scores > threshold).mean() <= rate + 1e-9
    lower = scores[scores < threshold]
    if len(lower):
        assert (scores > lower.max()).mean() > rate


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
@settings(max_examples=100, deadline=None)
def test_adjusted_p_values_equal_scipys(p_values):
    assert adjusted_p_values(p_values) == pytest.approx(false_discovery_control(p_values))


def test_false_discoveries_stay_within_the_rate():
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(100):
        p_values = np.concatenate([rng.random(180), rng.random(20) * 1e-4])
        found = adjusted_p_values(p_values) <= 0.1
        assert found[180:].all()
        shares.append(found[:180].sum() / found.sum())
    # 180 of 200 are no discovery, so .09 is expected; without adjustment it would be .47.
    assert 0.06 < np.mean(shares) < 0.12


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: judge_streams(streams("..."), np.array([1, 2])), InputError, "give an onset per stream"),
        (lambda: judge_streams(streams("..."), np.array([3])), InputError, "onsets go from 3 to 3 in streams of 3"),
        (
            lambda: judge_streams(streams("..."), np.array([1]), blips=np.array([1])),
            InputError,
            "both an onset and a blip",
        ),
        (lambda: judge_streams(np.ones((0, 3)), np.ones(0, dtype=int)), TooLittleDataError, "no stream to judge"),
        (lambda: window_auc(np.ones((1, 3)), np.array([-1])), TooLittleDataError, "got 0 and 3"),
        (lambda: alarm_threshold([], 0.02), TooLittleDataError, "got none"),
        (lambda: alarm_threshold([0.1], 1.0), ConfigError, "a rate of 1.0"),
        (lambda: adjusted_p_values([0.1, 1.1]), InputError, "must be from 0 to 1"),
    ],
)
def test_what_cannot_be_judged_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
