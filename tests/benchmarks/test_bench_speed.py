"""The clock of single answers: every figure is there, and checking reasons is what it costs."""

import sys
from pathlib import Path

import pytest

from penchant.benchmarks import nearest, search, speed
from penchant.benchmarks import recommend as bench
from penchant.errors import ConfigError

sys.path.append(str(Path(__file__).parent.parent / "recommend"))

from word_encoder import WordEncoder


def test_answers_are_timed_and_sizes_follow_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_encoder", WordEncoder)
    monkeypatch.setattr(speed, "ASKED", 6)
    result = bench.run("simulated:3000", protocol="speed", seeds=(0, 1))
    assert result.seeds == [0], "a clock needs no second seed"
    assert result.tables["sizes"] == [{"items": 300, "members": 30, "events": 3000}]
    times = {name: figure.mean for name, figure in result.metrics.items()}
    both = {
        f"{name}{unit}"
        for name in ("recommend", "recommend_checked", "list", "search", "encode_query")
        for unit in ("_ms", "_cpu_ms")
    }
    assert set(times) == both | {"search_open_ms"}
    assert 0 < times["list_cpu_ms"] < times["recommend_checked_cpu_ms"]
    assert times["search_ms"] > times["encode_query_ms"] > 0
    assert 0 < times["search_open_ms"] < 1_000


@pytest.mark.parametrize(("wanted", "tried"), [(0.9, [64]), (2.0, [64, 128])], ids=["found", "never found"])
def test_the_index_of_vectors_looks_at_no_more_than_it_must(
    monkeypatch: pytest.MonkeyPatch, wanted: float, tried: list[int]
) -> None:
    monkeypatch.setattr(nearest, "ASKED", 20)
    monkeypatch.setattr(nearest, "TRIED", (64, 128))
    monkeypatch.setattr(nearest, "WANTED", wanted)
    result = search.run("simulated:6000", protocol="nearest", seeds=(0,))
    found = {name: figure.mean for name, figure in result.metrics.items()}
    assert [row["looked at"] for row in result.tables["candidates looked at"]] == tried
    assert 0.9 < found["nearest_recall@10"] <= 1
    assert 0 < found["nearest_ms"] < 50


def test_vectors_are_wanted_by_number() -> None:
    with pytest.raises(ConfigError, match="write simulated:1000000"):
        search.run("simulated:some", protocol="nearest")


def test_a_number_that_is_none_is_told() -> None:
    with pytest.raises(ConfigError, match="names no number of events"):
        bench.run("simulated:many", protocol="speed", seeds=(0,))
