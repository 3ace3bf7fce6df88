import gzip
import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant.benchmarks import search as bench
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult
from penchant.benchmarks.search_pairs import BM25, FROZEN, FUSION, pair_auc, read_pairs, run_pairs
from penchant.errors import ConfigError, ReadError
from penchant.search import GraderConfig, Judgements

sys.path += [str(Path(__file__).parent.parent / part) for part in ("recommend", "search")]

from shelves import asked, bazaar
from word_encoder import WordEncoder

OTHERS = {BM25, FROZEN, FUSION, WITHOUT_LANGUAGE_MODEL}


def written(folder: Path, judged: Judgements, learned: int) -> Path:
    """A folder of judgements whose first queries are for training."""
    folder.mkdir()
    bazaar().write_csv(folder / "items.csv")
    splits = ["train" if place < learned else "dev" for place in range(len(judged))]
    queries = pl.DataFrame({"query_id": map(str, range(len(judged))), "query": judged.queries, "split": splits})
    queries.write_csv(folder / "queries.csv")
    judged.table.join(queries, on="query").select("query_id", "item_id", "grade").write_csv(folder / "judgements.csv")
    return folder


@pytest.mark.slow
def test_a_catalogue_is_searched_beside_every_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_encoders", lambda: (WordEncoder(), WordEncoder()))
    result = bench.run(str(written(tmp_path / "bazaar", asked(), 110)))
    assert (result.name, result.data, result.protocol, result.seeds) == ("search", "bazaar", "catalogue", [0])
    assert set(result.baselines) == set(result.differences) == OTHERS
    keys = {"ndcg@10", "recall@10", "mrr@10", "ndcg@10_judged"}
    assert set(result.metrics) == keys | {"gain_over_bm25", "gain_over_frozen"}
    assert all(set(figures) == keys for figures in result.baselines.values())
    ours = result.metrics["ndcg@10"].mean
    others = {name: figures["ndcg@10"].mean for name, figures in result.baselines.items()}
    assert ours > max(others.values()), "titles lack the names that queries use, and the judgements teach them"
    assert result.metrics["gain_over_bm25"].mean == pytest.approx(ours / others[BM25])
    assert result.metrics["gain_over_frozen"].mean == pytest.approx(ours / max(others[FROZEN], others[FUSION]))
    for name, found in result.differences.items():
        assert found["ndcg@10"].value == pytest.approx(ours - others[name], abs=1e-6)
    steps = {row["system"]: row for row in result.tables["on training queries held out"]}
    assert steps["penchant"]["queries"] == 110
    assert set(steps) == {"penchant", WITHOUT_LANGUAGE_MODEL}
    result.write(tmp_path / "out.json")
    assert BenchResult.read(tmp_path / "out.json") == result


def pairs_folder(folder: Path) -> Path:
    """Graded pairs in QBQTC's form: other subject, same subject, same words."""
    rng, titles = np.random.default_rng(0), bazaar()["title"].to_list()
    folder.mkdir()
    for name, count in (("dev", 300), ("test_public", 100)):
        with gzip.open(folder / f"{name}.json.gz", "wt", encoding="utf-8") as stream:
            for number in range(count):
                title = titles[rng.integers(240)]
                grade = int(rng.integers(3))
                first, second, kind, _, _ = title.split()
                query = ["unrelated words", f"{kind} shop", f"{first} {second} {kind}"][grade]
                row = {"id": number, "query": query, "title": title, "label": str(grade)}
                stream.write(json.dumps(row) + "\n")
    return folder


def test_pairs_are_graded_beside_every_baseline(tmp_path: Path) -> None:
    config = GraderConfig(folds=2, trees=15, learning_rate=0.2, columns=1 << 10)
    folder = pairs_folder(tmp_path / "pairs")
    result = run_pairs(folder, WordEncoder(), WordEncoder(), (0,), tuned=False, config=config)
    assert set(result.baselines) == set(result.differences) == OTHERS
    assert result.metrics["macro_f1"].mean > 0.95
    assert result.baselines[BM25]["macro_f1"].mean > 0.8
    frozen = result.baselines[FROZEN]["pair_auc"].mean
    assert result.metrics["gain_over_frozen"].mean == pytest.approx(result.metrics["pair_auc"].mean - frozen)


def test_pairwise_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    rng = np.random.default_rng(0)
    truth, scores = rng.integers(3, size=60), rng.integers(10, size=60).astype(np.float32)
    right = [
        (scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j])
        for i in range(60)
        for j in range(60)
        if truth[i] > truth[j]
    ]
    assert pair_auc(scores, truth.tolist()) == pytest.approx(np.mean(right))


def test_protocols_and_folders_that_are_not_there_are_refused(tmp_path: Path) -> None:
    folder = pairs_folder(tmp_path / "pairs")
    with pytest.raises(ConfigError, match="has the protocol pairs or pairs-tuned; there is no 'catalogue'"):
        bench.run(str(folder), protocol="catalogue")
    with pytest.raises(ConfigError, match="no folder 'nowhere'"):
        bench.run("nowhere")
    (folder / "dev.json.gz").unlink()
    with pytest.raises(ReadError, match=r"has no file dev\.json"):
        read_pairs(folder, "dev")
    (folder / "dev.json").write_text('{"query": "a"}\n', encoding="utf-8")
    with pytest.raises(ReadError, match="line 1: no pair with query, title and label"):
        read_pairs(folder, "dev")
    only = written(tmp_path / "judged", asked(20), 20)
    with pytest.raises(ConfigError, match="are of the splits train; train and dev are wanted"):
        bench.run(str(only))
