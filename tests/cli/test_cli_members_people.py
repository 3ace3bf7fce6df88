"""`penchant members mask`, `export`, `forget`, `expire`, `anomalies`, `classify`: what the library says."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from penchant.cli.app import main
from penchant.data.consent import consenting
from penchant.members.anomalies import find_anomalies
from penchant.members.forgetting import remaining
from penchant.workspace import Workspace


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def own(built_workspace: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(built_workspace, tmp_path / "own.ws"))


def test_texts_are_masked_line_by_line_and_brought_back_by_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("打我手机13912345678\n没有什么\n")
    assert main(["members", "mask", str(texts)]) == 0
    assert capsys.readouterr().out == "打我手机[手机号]\n没有什么\n"
    key = str(tmp_path / "mask.key")
    assert main(["members", "mask", "--new-key", key]) == 0
    assert main(["members", "mask", "--new-key", key]) == 2, "a key is never written over"
    capsys.readouterr()
    assert main(["members", "mask", str(texts), "--key", key]) == 0
    sealed = capsys.readouterr().out
    assert "13912345678" not in sealed
    monkeypatch.setattr("sys.stdin", io.StringIO(sealed))
    assert main(["members", "mask", "--key", key, "--undo"]) == 0
    assert capsys.readouterr().out == texts.read_text()
    assert main(["members", "mask", str(texts), "--undo"]) == 2
    assert answer(["members", "mask", str(texts)], capsys)[0]["counts"] == {"mobile": 1}


def test_a_member_is_exported_and_then_forgotten(own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.open(own)
    community = workspace.require_current().community
    row = community.events.drop_nulls("text")["member"].value_counts(sort=True)["member"][0]
    member = community.member_ids.id(row)
    assert main(["members", "export", str(own), member, "--to", str(tmp_path / "held.json")]) == 0
    held = json.loads((tmp_path / "held.json").read_text())
    assert held["member_id"] == member
    with workspace.store() as store:
        assert len(held["events"]) == len(store.history(member))
    common = {*community.titles, *community.labels["text"], *community.events.filter(pl.col("member") != row)["text"]}
    texts = [event["text"] for event in held["events"] if event["text"] and event["text"] not in common]
    told = answer(["members", "forget", str(own), member, "--yes"], capsys)
    assert told["rows"] > len(held["events"])
    assert told["builds"] == ["0001"]
    assert remaining(workspace, member, texts) == []
    workspace.require_current().check()
    # What is left answers as before.
    other = community.member_ids.id((row + 1) % len(community.members))
    assert main(["recommend", str(own), other, "-k", "2"]) == 0
    assert main(["member", str(own), member]) == 2
    assert main(["members", "export", str(own), member]) == 2


def test_nobody_is_forgotten_without_a_yes(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert main(["members", "forget", str(own), "m000003"]) == 130
    with Workspace.open(own).store() as store:
        assert store.member("m000003")


def test_what_is_past_its_time_is_deleted_where_a_time_is_set(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["members", "expire", str(own)]) == 2
    assert "keep_events_days" in capsys.readouterr().err
    with (own / "penchant.toml").open("a") as stream:
        stream.write("\n[members.privacy]\nkeep_texts_days = 1\n")
    assert answer(["members", "expire", str(own)], capsys)["texts"] > 0


def test_anomalies_are_those_of_the_library_and_told_once(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.open(own)
    with workspace.store() as store:
        found = find_anomalies(consenting(store.read()))
    told = answer(["members", "anomalies", str(own), "--notify"], capsys)
    assert [(one["member_id"], one["kind"]) for one in told["alarms"]] == [
        (one.member_id, one.kind) for one in found.alarms
    ]
    assert told["told"]["new"] == len(found.alarms)
    assert answer(["members", "anomalies", str(own), "--notify"], capsys)["told"]["new"] == 0
    assert len(workspace.require_current().anomalies().alarms) == len(found.alarms), "the build holds the same"
    assert main(["members", "anomalies", str(own), "--member", "nobody"]) == 2
    assert main(["members", "anomalies", str(own), "--lang", "zh"]) == 0


def test_an_attribute_is_predicted_with_its_quality(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (own / "penchant.toml").open("a") as stream:
        stream.write("\n[members.classifier]\nrounds = 20\nfolds = 3\n")
    words = ["members", "classify", str(own), "buyer_kind", "--member", "m000003", "--comment", "等打折再买"]
    told = answer([*words, "--to", str(tmp_path / "all.csv")], capsys)
    classes = {one["name"] for one in told["report"]["metrics"]["per_class"]}
    assert classes == {"browser", "regular", "bargain"}
    assert sum(told["members"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert told["comments"][0]["possible"], "one comment rules out little"
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 81
    assert main(["members", "classify", str(own), "age_band"]) == 2
    assert "sensitive" in capsys.readouterr().err
    assert main(["members", "classify", str(own), "buyer_kind", "--member", "nobody"]) == 2
    assert main([*words, "--fairness", "age_band", "--lang", "zh"]) == 0
    told = capsys.readouterr().out
    assert "漏判率" in told
    assert "推荐曝光" in told, "what is recommended to each group"


def test_whoever_refused_has_no_tiers(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Workspace.open(own).store() as store:
        members = store.read().members
    refused = members["member_id"].filter(~members["consent"].fill_null(True))
    assert len(refused)
    for member in refused[:3]:
        assert answer(["interests", "strata", str(own), member], capsys)["interests"] == []
