"""The commands that answer from a build: recommend, similar, explain, member, report, build."""

import json
from pathlib import Path
from typing import Any

import pytest

from penchant.cli.app import main
from penchant.stages import STAGES
from penchant.workspace import Workspace


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    """What a command answers in JSON; standard output holds nothing else."""
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def asker(built_workspace: Path) -> str:
    """Id of the member with the most events."""
    community = Workspace.open(built_workspace).require_current().community
    member = community.events["member"].value_counts(sort=True)["member"][0]
    return community.member_ids.id(member)


def test_recommendations_are_those_of_the_library_with_reasons(
    built_workspace: Path, asker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ranking = Workspace.open(built_workspace).require_current().recommender().recommend(asker, 4, lang="zh")
    told = answer(["recommend", str(built_workspace), asker, "-k", "4", "--lang", "zh"], capsys)
    assert [pick["item_id"] for pick in told["picks"]] == [pick.item_id for pick in ranking]
    assert [pick["reason"] for pick in told["picks"]] == [pick.reason for pick in ranking]
    assert told["strategy"] == ranking.strategy
    assert all(pick["evidence"] for pick in told["picks"])


def test_recommendations_for_people_show_titles_reasons_and_strategy_in_the_language(
    built_workspace: Path, asker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recommend", str(built_workspace), asker, "-k", "3", "--lang", "zh"]) == 0
    shown = capsys.readouterr()
    ranking = Workspace.open(built_workspace).require_current().recommender().recommend(asker, 3, lang="zh")
    for place, pick in enumerate(ranking, start=1):
        assert f"{place}. {pick.title}" in shown.out
        assert pick.reason in shown.out
    assert f"策略：{ranking.strategy}" in shown.err


def test_similar_items_leave_the_item_itself_out(built_workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(["recommend", "similar", str(built_workspace), "p000003", "-k", "5"], capsys)
    ids = [pick["item_id"] for pick in told["picks"]]
    assert len(ids) == 5
    assert "p000003" not in ids


def test_what_goes_with_an_item_is_that_of_the_library(
    built_workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recommender = Workspace.open(built_workspace).require_current().recommender()
    told = answer(["recommend", "goes-with", str(built_workspace), "p000003", "-k", "3"], capsys)
    assert [(pick["item_id"], pick["reason"]) for pick in told["picks"]] == [
        (pick.item_id, pick.reason) for pick in recommender.goes_with("p000003", 3)
    ]
    assert told["picks"][0]["reason"].startswith("Liked by ")


def test_explanation_shares_fall_and_add_up(
    built_workspace: Path, asker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (pick,) = answer(["recommend", str(built_workspace), asker, "-k", "1"], capsys)["picks"]
    told = answer(["recommend", "explain", str(built_workspace), asker, pick["item_id"], "-k", "1000"], capsys)
    shares = [piece["share"] for piece in told["pieces"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert pick["evidence"][0]["item_id"] in {piece.get("item_id") for piece in told["pieces"]}


def test_explanation_for_people_has_a_row_for_each_piece(
    built_workspace: Path, asker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (pick,) = answer(["recommend", str(built_workspace), asker, "-k", "1"], capsys)["picks"]
    assert main(["recommend", "explain", str(built_workspace), asker, pick["item_id"], "-k", "3"]) == 0
    shown = capsys.readouterr().out
    assert pick["title"] in shown
    assert shown.count("%") == 3


def test_member_shows_what_the_store_knows_and_what_to_recommend(
    built_workspace: Path, asker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = answer(["member", str(built_workspace), asker, "--events", "3", "-k", "2"], capsys)
    with Workspace.open(built_workspace).store() as store:
        history = store.history(asker)
        ties = store.ties_of(asker)
    assert told["member"]["member_id"] == asker
    assert told["events"] == len(history) == sum(told["kinds"].values())
    assert [event["item_id"] for event in told["history"]] == history["item_id"].tail(3).reverse().to_list()
    assert len(told["ties"]) == len(ties)
    assert len(told["recommendations"]["picks"]) == 2
    assert told["tastes"][0]["share"] == max(taste["share"] for taste in told["tastes"])


def test_member_is_shown_in_chinese_without_english_headings(
    built_workspace: Path, asker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["member", str(built_workspace), asker, "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    for heading in (f"会员 {asker}", "加入时间", "偏好：", "最近的行为", "当前推荐"):
        assert heading in shown
    for english in ("joined", "Tastes", "Latest events", "Recommended"):
        assert english not in shown


def test_member_without_a_build_says_what_is_missing(
    tmp_path: Path, small_community: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace.create(tmp_path / "shop.ws")
    with workspace.store() as store:
        store.write(small_community)
    assert main(["member", str(workspace.path), "m1"]) == 0
    shown = capsys.readouterr().out
    assert f"penchant build {workspace.path}" in shown.replace("\n", " ")
    assert main(["recommend", str(workspace.path), "m1"]) == 3
    assert "no build yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["recommend", "{}", "nobody"], "no member has the id 'nobody'"),
        (["recommend", "similar", "{}", "nothing"], "no item has the id 'nothing'"),
        (["recommend", "goes-with", "{}", "nothing"], "no item has the id 'nothing'"),
        (["recommend", "explain", "{}", "nobody", "p000001"], "no member has the id 'nobody'"),
        (["member", "{}", "nobody"], "no member has the id 'nobody'"),
    ],
)
def test_unknown_ids_are_named(
    words: list[str], complaint: str, built_workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(built_workspace) for word in words]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("words", [["build"], ["report"], ["recommend"], ["member"]])
def test_folder_that_is_no_workspace_is_an_error_of_its_own(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["m1"] if words[0] in ("recommend", "member") else []
    assert main([*words, str(tmp_path), *more]) == 3
    assert "is no workspace" in capsys.readouterr().err


def test_report_is_written_where_it_was_asked_for(
    built_workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = answer(["report", str(built_workspace), "--out", str(tmp_path / "page.html"), "--lang", "zh"], capsys)
    assert Path(told["report"]).stat().st_size == told["bytes"] > 1_000_000
    assert told["lang"] == "zh"


def test_builds_are_listed_with_the_one_that_answers(built_workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (told,) = answer(["build", str(built_workspace), "--list"], capsys)
    assert told["current"] is True
    assert [stage["name"] for stage in told["stages"]] == [stage.name for stage in STAGES]
    assert main(["build", str(built_workspace), "--list", "--lang", "zh"]) == 0
    assert "✓" in capsys.readouterr().out


def test_unknown_build_cannot_be_used(built_workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(built_workspace), "--use", "0099"]) == 3
    assert "no finished build '0099'; it has 0001" in capsys.readouterr().err
