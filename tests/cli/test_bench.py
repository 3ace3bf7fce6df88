"""`penchant bench`: what is refused before the measuring begins."""

from pathlib import Path

import pytest

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
    assert "no benchmark is called 'speed'; there are encode, finetune, recommend, build" in complaint


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
