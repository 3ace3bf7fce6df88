import json
from pathlib import Path

import pytest

from penchant.cli.app import main
from penchant.data.community import Community
from penchant.data.folder import write_folder
from penchant.workspace import Workspace


@pytest.fixture
def shop(tmp_path: Path, small_community: Community) -> Path:
    """The small community as a folder of CSV files."""
    write_folder(small_community, tmp_path / "shop")
    return tmp_path / "shop"


def test_what_is_read_is_what_is_stored(shop: Path, tmp_path: Path, small_community: Community) -> None:
    assert main(["read", str(shop), "--into", str(tmp_path / "shop.ws")]) == 0
    with Workspace.open(tmp_path / "shop.ws").store() as store:
        stored = store.read()
    assert repr(stored) == repr(small_community)
    assert stored.titles == small_community.titles


def test_rejected_rows_are_told_counted_and_kept_with_their_reason(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (shop / "events.csv").open("a") as stream:
        stream.write("m1,nothing-like-it,buy,2026-02-01T00:00:00Z,,\nm1,p1,buy,yesterday,,\n")
    assert main(["read", str(shop), "--into", str(tmp_path / "shop.ws"), "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    assert "拒绝 2 行" in shown
    assert "1 × 无法识别时间" in shown
    rejected = tmp_path / "shop.ws" / "rejected.jsonl"
    assert str(rejected) in shown.replace("\n", "")
    assert {json.loads(line)["reason"] for line in rejected.read_text().splitlines()} == {"bad_time", "unknown_item"}
    kept = json.loads((tmp_path / "shop.ws" / "reading.json").read_text())
    assert kept["tables"]["events"]["rejected"] == {"bad_time": 1, "unknown_item": 1}


def test_answer_in_json_has_nothing_beside_it(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], small_community: Community
) -> None:
    assert main(["read", str(shop), "--into", str(tmp_path / "shop.ws"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["stored"]["events"] == told["tables"]["events"]["accepted"] == len(small_community.events)


def test_reading_again_replaces_what_was_there(shop: Path, tmp_path: Path) -> None:
    command = ["read", str(shop), "--into", str(tmp_path / "shop.ws")]
    assert main(command) == 0
    lines = (shop / "events.csv").read_text().splitlines(keepends=True)
    (shop / "events.csv").write_text("".join(lines[:51]))
    assert main(command) == 0
    with Workspace.open(tmp_path / "shop.ws").store() as store:
        assert store.counts()["events"] == 50


def test_bad_input_leaves_what_the_workspace_held(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], small_community: Community
) -> None:
    command = ["read", str(shop), "--into", str(tmp_path / "shop.ws")]
    assert main(command) == 0
    (shop / "events.csv").write_text("member_id,item_id,kind,at\n")
    assert main(command) == 2
    assert "no rows" in capsys.readouterr().err
    with Workspace.open(tmp_path / "shop.ws").store() as store:
        assert store.counts()["events"] == len(small_community.events)


def test_columns_are_mapped_by_the_workspaces_own_settings(shop: Path, tmp_path: Path) -> None:
    text = (shop / "events.csv").read_text()
    (shop / "events.csv").write_text(text.replace("member_id", "CustomerID", 1))
    workspace = Workspace.create(tmp_path / "shop.ws")
    workspace.config_path.write_text('[columns.events]\nmember_id = "CustomerID"\n')
    assert main(["read", str(shop), "--into", str(workspace.path)]) == 0


def test_members_need_no_table_of_their_own(shop: Path, tmp_path: Path, small_community: Community) -> None:
    (shop / "members.csv").unlink()
    assert main(["read", str(shop), "--into", str(tmp_path / "shop.ws")]) == 0
    with Workspace.open(tmp_path / "shop.ws").store() as store:
        assert store.counts()["members"] == len(small_community.members)


def test_folder_that_is_no_workspace_is_left_alone(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", str(shop), "--into", str(shop)]) == 3
    assert "no workspace" in capsys.readouterr().err


def test_workspace_that_is_busy_says_so(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.create(tmp_path / "shop.ws")
    with workspace.lock():
        assert main(["read", str(shop), "--into", str(workspace.path)]) == 3
    assert "working in" in capsys.readouterr().err
