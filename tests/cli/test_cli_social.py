"""`penchant social`: what the library says, for people and for scripts, and a questionnaire on standard input."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from penchant.cli.app import main
from penchant.data.community import Community
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.errors import ConfigError
from penchant.social import Social
from penchant.social.answers import Answer
from penchant.social.questionnaire import Questionnaire
from penchant.workspace import Workspace


@pytest.fixture(scope="module")
def social(built_workspace: Path) -> Social:
    return Workspace.open(built_workspace).require_current().social()


@pytest.fixture(scope="module")
def tied(social: Social) -> str:
    """Id of a member with ties that may be shown, and likes."""
    graph = social.friends.graph
    row = next(
        row
        for row in range(graph.member_count)
        if graph.shown_ties[row].nnz > 2 and graph.events[row].nnz > 3 and len(social.friends.suggest(_id(social, row)))
    )
    return _id(social, row)


def _id(social: Social, row: int) -> str:
    return social.friends.community.member_ids.id(row)


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_suggestions_are_those_of_the_library(
    built_workspace: Path, social: Social, tied: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = answer(["social", "friends", str(built_workspace), tied, "-k", "3", "--lang", "zh"], capsys)
    found = social.friends.suggest(tied, 3, lang="zh")
    assert [(one["member_id"], one["reason"]) for one in told["picks"]] == [
        (one.member_id, one.reason) for one in found.picks
    ]
    assert told["strategy"] == found.strategy
    assert main(["social", "friends", str(built_workspace), tied, "-k", "1", "--lang", "en"]) == 0
    shown = capsys.readouterr()
    assert social.friends.suggest(tied, 1)[0].reason in " ".join(shown.out.split())
    assert "Strategy: friends in common" in " ".join(shown.err.split())


def test_items_come_with_reasons_and_what_carries_them(
    built_workspace: Path, social: Social, tied: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = answer(["social", "recommend", str(built_workspace), tied, "-k", "2", "--lang", "en"], capsys)
    assert [pick["item_id"] for pick in told["picks"]] == [pick.item_id for pick in social.model.recommend(tied, 2)]
    item = told["picks"][0]["item_id"]
    carried = answer(["social", "explain", str(built_workspace), tied, item, "--lang", "en"], capsys)
    assert [piece["kind"] for piece in carried["pieces"]] == [why.kind for why in social.model.explain(tied, item)][:10]
    assert main(["social", "explain", str(built_workspace), tied, item, "--lang", "zh"]) == 0
    assert social.model.community.titles[social.model.community.item_ids.row(item)] in capsys.readouterr().out


def test_a_questionnaire_reads_answers_and_recommends_after_each(
    built_workspace: Path, social: Social, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("like\n不喜欢\n"))
    assert main(["social", "questionnaire", str(built_workspace), "-k", "2", "--lang", "en"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    sheet = Questionnaire(social.newcomers, social.friends.community)
    for said in (Answer.LIKE, Answer.DISLIKE):
        question = sheet.next()
        assert question is not None
        assert question.text("en") in shown
        sheet = sheet.answered(question, said)
    assert sheet.recommend(1)[0].title in shown
    assert shown.count("1. ") >= 3


def test_what_is_no_answer_ends_with_an_error(
    built_workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("perhaps\n"))
    assert main(["social", "questionnaire", str(built_workspace)]) == 2
    assert "'perhaps'" in capsys.readouterr().err


def test_answers_so_far_give_the_next_question_for_scripts(
    built_workspace: Path, social: Social, tied: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "social",
        "questionnaire",
        str(built_workspace),
        "--friend",
        tied,
        "--answers",
        "3=like, 5=?",
        "--lang",
        "en",
    ]
    told = answer(words, capsys)
    sheet = Questionnaire.start(social.newcomers, social.friends.community, friends=[tied])
    sheet = sheet.answered(3, Answer.LIKE).answered(5, Answer.UNKNOWN)
    assert [(one["number"], one["answer"]) for one in told["answers"]] == [(3, "like"), (5, "don't know")]
    assert told["next"]["number"] == sheet.next().number
    assert told["ranking"]["strategy"] == sheet.strategy()
    assert main([*words[:-4], "--answers", "x=like"]) == 2
    assert "such as 12=like" in capsys.readouterr().err


def test_a_line_about_oneself_is_read(
    built_workspace: Path, social: Social, capsys: pytest.CaptureFixture[str]
) -> None:
    titles = social.friends.community.titles
    title = next(titles[int(row)] for row in social.newcomers.items if titles[int(row)].isascii())
    told = answer(["social", "questionnaire", str(built_workspace), "--about", title, "--lang", "en"], capsys)
    assert told["ranking"]["strategy"] == "newcomer: goes by what they say of themselves"
    assert title in [pick["title"] for pick in told["ranking"]["picks"]]


def test_a_community_without_ties_says_why_there_is_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from penchant.cli.read import read_into
    from penchant.pipeline import build
    from penchant.stages import STAGES
    from penchant.training.options import Options

    simulate(SimulatedConfig(events=400, members=20, friends=0, seed=2)).write(tmp_path / "data", form="csv")
    workspace = Workspace.create(tmp_path / "alone.ws", settings='[build]\nencoder = "minilm"\n')
    read_into(workspace, tmp_path / "data")
    # Without ties no text is read, so the encoder need not run.
    wanted = [replace(stage, after=()) for stage in STAGES if stage.name in ("community", "social")]
    build(workspace, options=Options(threads=1, progress=False), stages=wanted)
    assert main(["social", "friends", str(workspace.path), "m000001", "--lang", "en"]) == 3
    assert "no ties between members" in " ".join(capsys.readouterr().err.split())


def test_training_tells_what_was_found_and_keeps_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bazaar = simulate(SimulatedConfig(events=1_000, members=50, seed=4))
    bazaar.write(tmp_path / "data", form="csv")
    into = tmp_path / "kept"
    told = answer(["social", "train", str(tmp_path / "data"), "--into", str(into), "--encoder", "none"], capsys)
    assert told["graph"]["members"] == 50
    assert sum(told["weights"].values()) == pytest.approx(1, abs=0.2)
    kept = Social.load(into, bazaar.community)
    assert len(kept.newcomers.questions) == told["questions"]
    assert (
        main(["social", "train", str(tmp_path / "data"), "--into", str(into), "--encoder", "none", "--lang", "zh"]) == 0
    )
    assert "推荐会员的依据" in capsys.readouterr().out


def test_bad_ties_are_counted_and_change_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bazaar = simulate(SimulatedConfig(events=600, members=40, seed=4))
    bazaar.write(tmp_path / "data", form="csv")
    train = ["social", "train", str(tmp_path / "data"), "--into", str(tmp_path / "kept"), "--encoder", "none"]
    before = answer(train, capsys)
    ties = tmp_path / "data" / "ties.csv"
    header, first, *_ = ties.read_text().splitlines()
    columns = header.split(",")

    def row(**values: str) -> str:
        return ",".join(values.get(name, "") for name in columns)

    one, other, kind = (first.split(",")[columns.index(name)] for name in ("member_id", "other_id", "kind"))
    bad = [
        row(member_id=one, other_id="nobody", kind=kind),
        row(member_id=one, other_id=one, kind=kind),
        row(member_id=one, other_id=other, kind=kind),
    ]
    ties.write_text(ties.read_text().rstrip("\n") + "\n" + "\n".join(bad) + "\n")
    after = answer(train, capsys)
    counts, earlier = after["graph"].pop("counts"), before["graph"].pop("counts")
    # Ties to nobody and to oneself are rejected at the door, and what was said before counts once.
    assert counts["rows"] - earlier["rows"] == counts["repeated"] - earlier["repeated"] == 1
    assert after["graph"] == before["graph"]
    assert after["weights"] == before["weights"]


def test_nothing_is_trained_on_members_who_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Workspace.create(tmp_path / "own.ws")
    bazaar = simulate(SimulatedConfig(events=400, members=20)).community
    refused = bazaar.member_ids.id(int(bazaar.events["member"][0]))
    with shop.store() as store:
        store.write(bazaar)
        store.upsert_members(pl.DataFrame({"member_id": [refused], "consent": [False]}))
    seen: list[Community] = []

    def stopped(community: Community, *_: Any, **__: Any) -> None:
        seen.append(community)
        raise ConfigError("seen enough")

    monkeypatch.setattr("penchant.social.learn", stopped, raising=False)
    assert main(["social", "train", str(shop.path), "--encoder", "none", "--into", str(tmp_path / "model")]) == 2
    (taught,) = seen
    assert not (taught.events["member"] == taught.member_ids.row(refused)).any()
