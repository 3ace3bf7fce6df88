import sys
from pathlib import Path

import polars as pl
import pytest

from penchant.benchmarks import recommend as bench
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult
from penchant.errors import ConfigError

sys.path.append(str(Path(__file__).parent.parent / "recommend"))

from shops import shop
from word_encoder import WordEncoder

SOURCES = {"popularity", "ease", "als", "neighbours", "cooccurrence", "next", "text"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop of three kinds of thing as a folder, and an encoder that needs no weights."""
    monkeypatch.setattr(bench, "_encoder", WordEncoder)
    community = shop(members=60, events=10)
    target = tmp_path / "shop"
    target.mkdir()
    community.items.select("item_id", "title").write_csv(target / "items.csv")
    community.with_ids("events").select("member_id", "item_id", "kind", "at").write_parquet(target / "events.parquet")
    return target


@pytest.mark.slow
def test_every_source_and_the_system_without_a_language_model_stand_beside_ours(folder: Path, tmp_path: Path) -> None:
    result = bench.run(str(folder), protocol="last", seeds=(0, 1))
    assert (result.name, result.data, result.protocol, result.seeds) == ("recommend", "shop", "last", [0, 1])
    assert set(result.baselines) == SOURCES | {WITHOUT_LANGUAGE_MODEL}
    keys = {"ndcg@10", "recall@10", "hit@10", "mrr", "coverage"}
    assert set(result.metrics) == keys | {"gain_over_best_candidate", "reasons_valid"}
    assert all(set(figures) == keys for figures in result.baselines.values())
    ours = result.metrics["ndcg@10"].mean
    assert ours > 1.5 * result.baselines["popularity"]["ndcg@10"].mean
    best = max(figures["ndcg@10"].mean for name, figures in result.baselines.items() if name in SOURCES)
    assert 0 < result.metrics["gain_over_best_candidate"].mean <= ours / best + 1e-9
    assert result.metrics["reasons_valid"].mean > 0.95
    for name, differences in result.differences.items():
        found = differences["ndcg@10"]
        assert found.value == pytest.approx(ours - result.baselines[name]["ndcg@10"].mean, abs=1e-6)
        assert found.low <= found.value <= found.high
    settings = result.tables["settings and weights"]
    assert len(settings) == 2 * 7
    for seed in (0, 1):
        assert sum(float(row["weight"] or 0) for row in settings if row["seed"] == seed) == pytest.approx(1)
    assert "all purchases, repeated ones too" not in result.tables, "nobody bought anything twice"
    result.write(tmp_path / "out.json")
    assert BenchResult.read(tmp_path / "out.json") == result


@pytest.mark.slow
def test_where_purchases_repeat_all_of_them_are_judged_too(folder: Path) -> None:
    events = pl.read_parquet(folder / "events.parquet")
    again = events.filter(pl.col("kind") == "buy").with_columns(pl.col("at") + pl.duration(days=20))
    pl.concat([events, again]).write_parquet(folder / "events.parquet")
    result = bench.run(str(folder), protocol="last", seeds=(0,))
    table = {row["system"]: row["ndcg@10"] for row in result.tables["all purchases, repeated ones too"]}
    assert set(table) == {"penchant", "again", WITHOUT_LANGUAGE_MODEL} | SOURCES
    assert table["penchant"] != result.metrics["ndcg@10"].mean


def test_a_protocol_that_is_not_offered_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="no protocol 'leave-two-out'; there are random, last, time"):
        bench.run("movielens-small", protocol="leave-two-out")


def test_published_figures_stand_only_beside_the_data_and_protocol_they_were_made_with() -> None:
    assert set(bench.PUBLISHED) == {("ml-100k", "random")}
    assert bench.PUBLISHED["ml-100k", "random"]["BPR"].figures == {"ndcg@10": 0.277}
