"""The clock of single answers: every figure is there, and checking reasons is what it costs."""

import sys
from pathlib import Path

import pytest

from penchant.benchmarks import recommend as bench
from penchant.benchmarks import speed
from penchant.errors import ConfigError

sys.path.append(str(Path(__file__).parent.parent / "recommend"))

from word_encoder import WordEncoder


def test_answers_are_timed_and_sizes_follow_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_encoder", WordEncoder)
    monkeypatch.setattr(speed, "ASKED", 6)
    result = bench.run("simulated:3000", protocol="speed", seeds=(0, 1))
    assert result.seeds == [0], "a clock needs no second seed"
    assert result.tables["sizes"] == [{"items": 300, "members": 30}]
    times = {name: figure.mean for name, figure in result.metrics.items()}
    assert set(times) == {
        "recommend_ms", "recommend_checked_ms", "search_ms", "search_rerank_ms", "encode_query_ms", "nearest_ms",
        "nearest_recall@10",
    }  # fmt: skip
    assert 0 < times["recommend_ms"] < times["recommend_checked_ms"]
    assert times["search_ms"] > times["encode_query_ms"] > 0
    assert times["nearest_recall@10"] > 0.9


def test_a_number_that_is_none_is_told() -> None:
    with pytest.raises(ConfigError, match="names no number of events"):
        bench.run("simulated:many", protocol="speed", seeds=(0,))
