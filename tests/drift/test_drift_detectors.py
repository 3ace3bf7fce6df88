"""Every streaming detector: quiet where nothing changes, at the rate stated, and found where something does."""

import numpy as np
import pytest

from penchant.drift.detectors import DETECTORS, calibrated, detect, detector
from penchant.errors import ConfigError

RNG = np.random.default_rng(4)
QUIET = RNG.normal(size=(40, 14))
MOVED = RNG.normal(size=(40, 14)) + 4 * (np.arange(14) >= 9)


@pytest.mark.parametrize("name", DETECTORS)
class TestContract:
    def test_a_threshold_is_a_false_alarm_rate(self, name):
        threshold = calibrated(name, QUIET, rate=0.05)
        assert (detect(name, QUIET) > threshold).mean() <= 0.05

    def test_a_change_scores_above_quiet_windows(self, name):
        scores = detect(name, np.concatenate([QUIET, MOVED]))
        assert scores[40:, 9:12].max(axis=1).mean() > scores[:40, 9:12].max(axis=1).mean()

    def test_the_verb_is_update_then_drift_detected(self, name):
        running = detector(name, -1e9)
        assert running.update(0.3) is running
        assert running.drift_detected
        assert not detector(name, float("inf")).update(9.0).drift_detected

    def test_windows_without_a_value_are_passed_over(self, name):
        values = np.full((1, 5), np.nan)
        values[0, 2:] = [0.0, 0.1, 5.0]
        assert np.isnan(detect(name, values)[0, :2]).all()


@pytest.mark.parametrize("name", ["CUSUM", "Bayesian online"])
def test_our_own_find_most_changes_at_few_false_alarms(name):
    # Brought to the scale of both together, as a scan does.
    scores = detect(name, np.concatenate([QUIET, MOVED]))
    threshold = np.quantile(scores[:40], 0.98)
    assert (scores[40:, 9:11] > threshold).any(axis=1).mean() > 0.7


def test_an_unknown_detector_is_named():
    with pytest.raises(ConfigError, match="Page-Hinkley"):
        detector("Page–Hinkley")
