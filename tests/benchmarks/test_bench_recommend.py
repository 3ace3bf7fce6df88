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
    assert set(result.baselines) == SOURCES | {bench.BLEND, WITHOUT_LANGUAGE_MODEL}
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
    rows = result.tables["settings and weights"]
    settings = [row for row in rows if row["source"] != bench.RANKER]
    assert len(settings) == 2 * 7
    for seed in (0, 1):
        assert sum(float(row["weight"] or 0) for row in settings if row["seed"] == seed) == pytest.approx(1)
    # 60 members are too few for a ranker, which is said and not passed over.
    assert result.differences[bench.BLEND]["ndcg@10"].value == 0
    told = [str(row["settings"]) for row in rows if row["source"] == bench.RANKER]
    assert len(told) == 2
    assert all("a ranker is learned from 200 members held out, and there are 60" in sentence for sentence in told)
    assert "what the ranker goes by" not in result.tables
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
    assert set(table) == {"penchant", "again", bench.BLEND, WITHOUT_LANGUAGE_MODEL} | SOURCES
    assert table["penchant"] != result.metrics["ndcg@10"].mean


@pytest.mark.slow
def test_a_ranker_stands_beside_the_blend_whichever_of_the_two_is_ours(folder: Path) -> None:
    larger = shop(members=210, events=8)
    larger.with_ids("events").select("member_id", "item_id", "kind", "at").write_parquet(folder / "events.parquet")
    result = bench.run(str(folder), protocol="last", seeds=(0,))
    (row,) = (row for row in result.tables["settings and weights"] if row["source"] == bench.RANKER)
    used = float(row["weight"] or 0) > 0
    ours = result.metrics["ndcg@10"].mean
    assert ours == result.baselines[bench.RANKER if used else bench.BLEND]["ndcg@10"].mean
    assert result.baselines[bench.RANKER]["ndcg@10"].mean != result.baselines[bench.BLEND]["ndcg@10"].mean
    features = result.tables["what the ranker goes by"]
    shares = [float(row["share of the gain"] or 0) for row in features]
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)


def test_a_protocol_that_is_not_offered_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="no protocol 'leave-two-out'; there are random, last, time"):
        bench.run("movielens-small", protocol="leave-two-out")


def test_published_figures_stand_only_beside_the_data_and_protocol_they_were_made_with() -> None:
    assert set(bench.PUBLISHED) == {("ml-100k", "random")}
    assert bench.PUBLISHED["ml-100k", "random"]["BPR"].figures == {"ndcg@10": 0.277}
