"""The JSON of a benchmark, key by key, and its printed tables."""

import inspect
import io
import json
import math
import socket
from pathlib import Path

import pytest
from pydantic import ValidationError
from rich.console import Console

import penchant.benchmarks
from penchant.benchmarks import BENCHMARKS, benchmark
from penchant.benchmarks.printing import show
from penchant.benchmarks.result import (
    WITHOUT_LANGUAGE_MODEL,
    BenchResult,
    Figure,
    Machine,
    Published,
    data_name,
    figures,
)
from penchant.errors import StorageError
from penchant.evaluation.bootstrap import Difference
from penchant.evaluation.report import comparison_tables

REQUIRED = {
    "name", "data", "protocol", "metrics", "baselines", "published", "seconds", "peak_rss_mb", "seeds", "versions",
    "machine",
}  # fmt: skip


def result(**changes):
    """A small result with something of everything."""
    fields = {
        "name": "recommend",
        "data": "ml-100k",
        "protocol": "random",
        "metrics": figures([{"ndcg@10": 0.33, "coverage": 0.4}, {"ndcg@10": 0.35, "coverage": 0.4}]),
        "baselines": {
            "EASE": figures([{"ndcg@10": 0.31}, {"ndcg@10": 0.33}]),
            WITHOUT_LANGUAGE_MODEL: figures([{"ndcg@10": 0.328}]),
        },
        "published": {"RecBole BPR": Published(source="RecBole's results page", **{"ndcg@10": 0.277})},
        "seconds": 12.5,
        "peak_rss_mb": 900.0,
        "seeds": [0, 1],
    }
    return BenchResult(**(fields | changes))


def printed(shown, lang="en"):
    """What a terminal of 100 columns would show."""
    stream = io.StringIO()
    show(shown, Console(file=stream, width=100), lang)
    return stream.getvalue()


def test_the_json_has_exactly_the_promised_keys(tmp_path):
    result().write(tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    assert set(document) == REQUIRED
    assert document["metrics"]["ndcg@10"] == pytest.approx({"mean": 0.34, "sd": 0.02 / math.sqrt(2)})
    assert document["baselines"]["EASE"]["ndcg@10"]["mean"] == pytest.approx(0.32)
    assert document["published"] == {"RecBole BPR": {"source": "RecBole's results page", "ndcg@10": 0.277}}
    assert set(document["machine"]) == {"cpu", "cores", "memory_gb", "system"}
    assert document["versions"]["penchant"]
    assert document["seeds"] == [0, 1]


def test_differences_and_tables_join_the_json_where_there_are_some(tmp_path):
    full = result(
        differences={"EASE": {"ndcg@10": Difference(0.02, 0.01, 0.03, 0.001)}},
        tables={"stages": [{"stage": "read", "seconds": 1.5, "rows": 3, "skipped": False, "note": None}]},
    )
    full.write(tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    assert set(document) == REQUIRED | {"differences", "tables"}
    assert document["differences"]["EASE"]["ndcg@10"] == {"value": 0.02, "low": 0.01, "high": 0.03, "p_value": 0.001}
    assert BenchResult.read(tmp_path / "out.json") == full


def test_a_written_result_reads_back_the_same(tmp_path):
    result().write(tmp_path / "out.json")
    assert BenchResult.read(tmp_path / "out.json") == result()


def test_nothing_in_the_json_names_the_machine_or_its_folders(tmp_path):
    text = result(data=data_name(tmp_path / "shop")).model_dump_json()
    assert str(tmp_path) not in text
    assert str(Path.home()) + "/" not in text
    assert f'"{socket.gethostname()}"' not in text


def test_the_machine_is_this_one():
    machine = Machine.here()
    assert machine.cores >= 1
    assert machine.cpu
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        total_kb = int(meminfo.read_text().split()[1])
        assert machine.memory_gb == pytest.approx(total_kb * 1024 / 1e9, rel=0.05)


@pytest.mark.parametrize("strange", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused_everywhere(strange):
    with pytest.raises(ValidationError, match="finite"):
        Figure(mean=strange, sd=0)
    with pytest.raises(ValidationError, match="finite"):
        Published(source="a paper", mrr=strange)
    with pytest.raises(ValidationError, match="finite"):
        result(seconds=strange)
    with pytest.raises(ValidationError, match="finite"):
        result(tables={"stages": [{"seconds": strange}]})
    with pytest.raises(ValidationError, match="not finite"):
        result(differences={"EASE": {"mrr": Difference(0.1, strange, 0.2, 0.5)}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "/home/anna/shop"}, "give a name, not a path"),
        ({"metrics": {}}, "neither a metric nor a table"),
        ({"seeds": []}, "at least 1 item"),
        ({"host": "anna-laptop"}, "Extra inputs are not permitted"),
        ({"published": {"A paper": {"ndcg@10": 0.2}}}, "Field required"),
        ({"differences": {"ALS": {}}}, r"\['ALS'\], which are not among the baselines"),
        ({"metrics": {"mrr": {"mean": 0.1, "sd": -0.1}}}, "greater than or equal to 0"),
    ],
)
def test_a_result_of_another_shape_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        result(**changes)


def test_one_seed_has_no_spread_and_three_have_that_of_a_sample():
    assert Figure.of([0.4]).sd == 0
    assert Figure.of([1, 2, 3]).sd == pytest.approx(1)


def test_a_result_that_cannot_be_written_says_where(tmp_path):
    with pytest.raises(StorageError, match=r"cannot write .*out\.json"):
        result().write(tmp_path / "absent" / "out.json")


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["without the language model", "RecBole BPR (published)", "protocol random", "95% interval", "900 MB"]),
        ("zh", ["不使用语言模型", "RecBole BPR（已发表）", "协议 random", "95% 置信区间", "内存峰值 900 MB"]),
    ],
)  # fmt: skip
def test_the_table_shows_ours_baselines_published_and_differences(lang, words):
    text = printed(result(differences={"EASE": {"ndcg@10": Difference(0.02, 0.011, 0.03, 0.001)}}), lang)
    for word in [*words, "0.340 ±0.014", "0.277", "+0.020", "[+0.011, +0.030]", "RecBole's results page"]:
        assert word in text


def test_many_metrics_make_several_tables_and_none_is_cut_off():
    names = [f"metric_{number}@10" for number in range(17)]
    text = printed(result(metrics=figures([dict.fromkeys(names, 0.5)]), published={}, baselines={}))
    assert all(name in text for name in names)


def test_a_benchmarks_own_table_is_printed_with_every_column():
    text = printed(result(tables={"stages": [{"stage": "read", "seconds": 1.5}, {"stage": "fit", "rows": 1234567}]}))
    for word in ("stages", "1.500", "1,234,567", "rows"):
        assert word in text


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_in_the_registry_can_be_run_by_the_command(name):
    signature = inspect.signature(benchmark(name))
    required = [name for name, each in signature.parameters.items() if each.default is each.empty]
    assert required == ["data"]
    assert {"protocol", "seeds"} <= set(signature.parameters)


def test_every_module_with_a_run_is_in_the_registry():
    folder = Path(penchant.benchmarks.__file__).parent
    modules = {path.stem for path in folder.glob("*.py") if "\ndef run(" in path.read_text(encoding="utf-8")}
    assert modules == set(BENCHMARKS)


def test_names_of_systems_stay_whole_on_eighty_columns() -> None:
    keys = [f"metric_of_some_length_{place}" for place in range(6)]
    rows = {"without the language model": dict.fromkeys(keys, "0.123 ±0.004"), "ours": {"another": "1.000"}}
    console = Console(width=80, record=True)
    for table in comparison_tables(rows):
        console.print(table)
    lines = console.export_text().splitlines()
    assert all("without the language model" in line for line in lines if "0.123" in line)
    assert all(any(key in line for line in lines) for key in [*keys, "another"])
