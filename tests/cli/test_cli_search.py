"""`penchant search`: what the library finds, for people and for scripts."""

import json
from pathlib import Path
from typing import Any

import pytest

from penchant.cli.app import main
from penchant.data.community import Community
from penchant.search import Searcher
from penchant.workspace import Workspace


@pytest.fixture(scope="module")
def searcher(built_workspace: Path) -> Searcher:
    from penchant.text import load_encoder

    return Workspace.open(built_workspace).require_current().searcher(encoder=load_encoder("minilm"))


@pytest.fixture(scope="module")
def community(built_workspace: Path) -> Community:
    return Workspace.open(built_workspace).require_current().community


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_answer_is_that_of_the_library_with_reasons_and_strategy(
    built_workspace: Path, searcher: Searcher, community: Community, capsys: pytest.CaptureFixture[str]
) -> None:
    title = community.titles[7]
    told = answer(["search", str(built_workspace), title, "-k", "4", "--lang", "en"], capsys)
    found = searcher.search(title, 4, lang="en")
    assert [(pick["item_id"], pick["reason"]) for pick in told["picks"]] == [
        (pick.item_id, pick.reason) for pick in found
    ]
    assert title == told["picks"][0]["title"]
    assert told["strategy"] == found.strategy


def test_filters_and_members_reach_the_search(
    built_workspace: Path, searcher: Searcher, community: Community, capsys: pytest.CaptureFixture[str]
) -> None:
    item = community.items.row(7, named=True)
    words = ["search", str(built_workspace), item["title"], "--category", item["categories"][0]]
    words += ["--max-price", str(item["price"]), "--min-price", "0.5", "--for", community.member_ids.id(0)]
    told = answer(words, capsys)
    prices = dict(zip(community.items["item_id"], community.items["price"], strict=True))
    categories = dict(zip(community.items["item_id"], community.items["categories"], strict=True))
    assert told["picks"]
    for pick in told["picks"]:
        assert 0.5 <= prices[pick["item_id"]] <= item["price"]
        assert item["categories"][0] in categories[pick["item_id"]]
    assert told["member_id"] == community.member_ids.id(0)


def test_people_read_titles_reasons_and_that_nothing_was_found(
    built_workspace: Path, community: Community, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["search", str(built_workspace), community.titles[7], "-k", "2", "--lang", "zh"]) == 0
    shown = capsys.readouterr()
    assert f"1. {community.titles[7]}" in shown.out
    assert "策略：词语与语义" in shown.err
    assert main(["search", str(built_workspace), "?!", "--lang", "zh"]) == 0
    shown = capsys.readouterr()
    assert "没有找到任何物品。" in shown.out
    assert "查询中没有词语" in shown.err


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--for", "nobody"], "no member has the id 'nobody'"),
        (["--category", "nothing"], "no item has the category 'nothing'"),
        (["--tag", "nothing"], "no item has the tag 'nothing'"),
        (["--min-price", "5", "--max-price", "3"], "the lowest price 5 is above the highest 3"),
    ],
)
def test_what_cannot_be_is_an_error_with_its_reason(
    more: list[str], complaint: str, built_workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["search", str(built_workspace), "tent", *more]) == 2
    assert complaint in capsys.readouterr().err
