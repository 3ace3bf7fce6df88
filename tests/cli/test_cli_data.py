import json
from pathlib import Path

import pytest

from penchant.cli.app import main
from penchant.data.readers import read


def test_list_names_every_set_in_the_language(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    for name in ("movielens-small", "ml-100k", "retail", "simulated"):
        assert name in shown
    assert "双语集市" in shown


def test_list_in_json_is_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "--json"]) == 0
    names = [entry["name"] for entry in json.loads(capsys.readouterr().out)]
    assert names[-1] == "simulated"
    assert len(set(names)) == len(names) > 4


@pytest.mark.parametrize("options", [[], ["--parquet"]])
def test_simulated_community_is_written_as_files_that_read_back_whole(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "bazaar"
    assert main(["data", "simulated", "--events", "600", "--into", str(folder), "--json", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"]["events"] == 600
    assert (folder / "answers").is_dir()
    community = read(folder)
    assert {name: len(table) for name, table in community.tables().items() if len(table)} == told["rows"]


def test_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert main(["data", "simulated", "--events", "600", "--seed", seed, "--into", str(tmp_path / name)]) == 0
    a, b, c = ((tmp_path / name / "events.csv").read_bytes() for name in "abc")
    assert a == b != c


def test_films_say_what_was_mended_and_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "movielens-small", "--into", str(tmp_path / "films"), "--lang", "en"]) == 0
    shown = capsys.readouterr().out
    assert "100,004" in shown
    assert "Mended: 5" in shown
    assert f"penchant read {tmp_path / 'films'} --into films.ws" in shown.replace("\n", " ")


def test_folder_that_holds_something_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "events.csv").write_text("mine")
    assert main(["data", "simulated", "--events", "600", "--into", str(tmp_path)]) == 2
    assert "not an empty folder" in capsys.readouterr().err
    assert (tmp_path / "events.csv").read_text() == "mine"


def test_unknown_set_is_named_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "movielens-tiny"]) == 2
    told = capsys.readouterr().err
    assert "movielens-tiny" in told
    assert "movielens-small" in told
