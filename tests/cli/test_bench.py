"""`penchant bench`: what is refused before the measuring begins."""

from pathlib import Path

import pytest

from penchant.benchmarks.result import BenchResult
from penchant.cli.app import main


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and the complaint of a benchmark that cannot start."""
    code = main(["bench", *words, "--lang", "en"])
    shown = capsys.readouterr()
    assert shown.out == ""
    return code, shown.err


def test_an_unknown_name_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    code, complaint = refused(["speed", "--data", "ml-100k"], capsys)
    assert code == 2
    assert "no benchmark is called 'speed'; there are encode, finetune, " in complaint


def test_a_result_that_could_not_be_written_is_refused_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, complaint = refused(
        ["recommend", "--data", "absent-data", "--json", str(tmp_path / "absent" / "out.json")], capsys
    )
    assert code == 3
    assert "cannot write" in complaint
    assert "out.json" in complaint
    code, complaint = refused(["recommend", "--data", "absent-data", "--json", str(tmp_path)], capsys)
    assert code == 2
    assert "--json names the folder" in complaint
    assert list(tmp_path.iterdir()) == []


def test_data_must_be_named_and_a_run_has_at_least_one_seed(capsys: pytest.CaptureFixture[str]) -> None:
    code, complaint = refused(["recommend"], capsys)
    assert code == 2
    assert "--data" in complaint
    code, complaint = refused(["recommend", "--data", "ml-100k", "--seeds", "0"], capsys)
    assert code == 2
    assert "--seeds" in complaint


@pytest.mark.slow
def test_a_benchmark_is_printed_in_the_chosen_language_and_written_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    words = ["bench", "build", "--data", "simulated:200", "--protocol", "parquet", "--seeds", "1", "--json", str(out)]
    assert main([*words, "--lang", "zh"]) == 0
    shown = capsys.readouterr()
    assert "build，数据 simulated:200，协议 parquet，随机种子 0" in shown.out
    assert "内存峰值" in shown.out
    assert f"结果已写入 {out}" in shown.err
    result = BenchResult.read(out)
    assert (result.name, result.data, result.protocol, result.seeds) == ("build", "simulated:200", "parquet", [0])
    assert result.seconds > 0
