"""Sentences on the command line, and members who came after the build."""

import io
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from penchant.cli.app import main
from penchant.workspace import Workspace


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    """What a command answers in JSON."""
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def prices(built_workspace: Path) -> dict[str, float]:
    items = Workspace.open(built_workspace).require_current().community.items
    return dict(zip(items["item_id"], items["price"], strict=True))


def test_wishes_narrow_a_list_and_are_shown(
    built_workspace: Path, prices: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    ceiling = sorted(price for price in prices.values() if price is not None)[len(prices) // 3]
    words = ["recommend", str(built_workspace), "m000001", "-k", "4", "--wish", f"under {ceiling:g}"]
    told = answer(words, capsys)
    assert [wish["told"] for wish in told["wishes"]] == [f"price at most {ceiling:g}"]
    assert all(prices[pick["item_id"]] <= ceiling for pick in told["ranking"]["picks"])
    assert main([*words, "--wish", "价格无所谓", "--lang", "zh"]) == 0
    shown = capsys.readouterr()
    assert "没有要求。" in shown.out
    assert main([*words, "--lang", "en"]) == 0
    assert f"1. price at most {ceiling:g} (you said “under {ceiling:g}”)" in capsys.readouterr().out


def test_refine_reads_line_by_line_and_takes_back_by_number(
    built_workspace: Path,
    prices: dict[str, float],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("再便宜一点\n-1\n\nunder 1\n"))
    told = answer(["recommend", "refine", str(built_workspace), "m000001", "-k", "4"], capsys)
    assert [turn["sentence"] for turn in told] == [None, "再便宜一点", "-1"]
    first, cheaper, back = ([pick["item_id"] for pick in turn["ranking"]["picks"]] for turn in told)
    assert max(prices[item] for item in cheaper) < max(prices[item] for item in first)
    assert back == first


def test_search_takes_sentences_too(
    built_workspace: Path, prices: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    title = Workspace.open(built_workspace).require_current().community.titles[7]
    told = answer(["search", str(built_workspace), title, "--wish", "不超过一万", "--wish", "再便宜一点"], capsys)
    assert [wish["facet"] for wish in told["wishes"]] == ["price"]
    assert all(prices[pick["item_id"]] <= told["wishes"][0]["most"] for pick in told["ranking"]["picks"])


def test_a_member_newer_than_the_build_is_answered_from_the_store(
    built_workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace.open(shutil.copytree(built_workspace, tmp_path / "copy.ws"))
    item = workspace.require_current().community.item_ids.id(3)
    events = pl.DataFrame(
        {"member_id": ["newcomer"], "item_id": [item], "kind": ["like"], "at": [datetime(2026, 3, 1, tzinfo=UTC)]}
    )
    with workspace.store() as store:
        store.append_events(events, unknown_members="add")
        store.upsert_items(pl.DataFrame({"item_id": ["later"], "title": ["came later"]}))
        store.append_events(events.with_columns(pl.lit("later").alias("item_id")))
    told = answer(["recommend", str(workspace.path), "newcomer", "-k", "3"], capsys)
    assert len(told["picks"]) == 3
    assert told["member_id"] == "newcomer"
    assert item not in [pick["item_id"] for pick in told["picks"]]
    known = answer(["member", str(workspace.path), "newcomer", "-k", "3"], capsys)
    assert known["recommendations"]["picks"] == told["picks"]
    assert main(["recommend", str(workspace.path), "nobody"]) == 2
    assert "no member has the id 'nobody'" in capsys.readouterr().err
