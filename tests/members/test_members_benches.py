"""`penchant bench members`: every protocol has its module, and the one on scale measures what it says."""

from importlib import import_module

import pytest

from penchant.benchmarks.members import PROTOCOLS, run
from penchant.errors import ConfigError, TooLittleDataError


def test_every_protocol_leads_to_a_function() -> None:
    for module, function in PROTOCOLS.values():
        assert callable(getattr(import_module(f"penchant.benchmarks.{module}"), function))
    with pytest.raises(ConfigError, match="no protocol 'nonsense'"):
        run("simulated:3000", protocol="nonsense")


def test_scale_measures_profiles_their_going_on_segments_and_anomalies() -> None:
    found = run("simulated:3000", protocol="scale").metrics
    assert found["members"].mean == 300
    assert 1 <= found["refreshed"].mean <= 3, "who did the last thousandth of the events"
    assert found["anomaly_days"].mean > 300
    for name in ("profiles_s", "refresh_s", "segments_s", "anomalies_s", "anomalies_peak_mb"):
        assert found[name].mean > 0


def test_sentiment_wants_texts_of_known_polarity() -> None:
    with pytest.raises(TooLittleDataError):
        run("simulated:3000", protocol="sentiment")
