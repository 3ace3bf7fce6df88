"""From a workspace on: who has changed, what follows, and lists that follow it; streams with planted changes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from planted_tastes import ITEMS, tastes
from test_drift_acting import CHANGED, CONFIG, OPTIONS

from penchant.cli.app import main
from penchant.data.attention import Attention, Plan
from penchant.data.community import Community
from penchant.data.strata import Tier
from penchant.drift.whole import learn
from penchant.interests import InterestsConfig
from penchant.interests import learn as learn_interests
from penchant.interests.strata import StrataConfig
from penchant.pipeline import Context, Stage, build
from penchant.recommend import RecommendConfig, train
from penchant.stages import STAGES
from penchant.workspace import Workspace

TURNED = "turned"


def _community() -> Community:
    """The members with their tastes, and one who has turned from pots to teapots."""
    plain = tastes()
    columns = ["member_id", "item_id", "kind", "at"]
    told = plain.events.select(
        pl.Series("member_id", [plain.member_ids.id(row) for row in plain.events["member"]]),
        pl.Series("item_id", [plain.item_ids.id(row) for row in plain.events["item"]]),
        pl.col("kind").cast(pl.String),
        "at",
    )
    turned = CHANGED.with_columns(pl.lit(TURNED).alias("member_id")).select(columns)
    return Community.from_tables(plain.items, pl.concat([told, turned.cast(told.schema)]))


def _drift(context: Context, folder: Path) -> None:
    learn(context.community, CONFIG, OPTIONS).save(folder)


def _recommend(context: Context, folder: Path) -> None:
    config = RecommendConfig(sources=("popularity", "ease"), tuning="none", ranker={"enabled": False})
    train(context.community, config, OPTIONS).save(folder)


def _interests(context: Context, folder: Path) -> None:
    config = InterestsConfig(
        source="categories", sentiment=False, teachers=1, strata=StrataConfig(change_growth=1000.0)
    )
    learn_interests(context.community, config, OPTIONS).save(folder)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Workspace.create(tmp_path_factory.mktemp("shop") / "tastes.ws")
    with made.store() as store:
        store.write(_community())
    plain = {stage.name: stage for stage in STAGES}
    stages = [plain["community"]]
    for name, run in (("interests", _interests), ("drift", _drift), ("recommend", _recommend)):
        stages.append(Stage(name, plain[name].title, lambda context: {}, run))
    build(made, options=OPTIONS, stages=stages)
    return made.path


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_who_turned_is_told_with_what_follows(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(["drift", "explain", str(workspace), TURNED], capsys)
    assert told["alarm"]
    assert (told["before"][0], told["after"][0]) == ("锅具", "茶具")
    assert told["plan"] == Workspace.open(workspace).require_current().attention(TURNED).plan != Plan.REGULAR
    assert main(["drift", "explain", str(workspace), TURNED, "--lang", "zh"]) == 0
    assert "应对：" in capsys.readouterr().out
    scanned = answer(["drift", "scan", str(workspace)], capsys)
    assert scanned["members"] == 61
    assert scanned["verdicts"][0]["member_id"] == TURNED


def test_lists_follow_the_plan_of_the_build_unless_told_otherwise(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(*words: str) -> tuple[list[str], str]:
        told = answer(["recommend", str(workspace), TURNED, "-k", "6", *words], capsys)
        return [pick["item_id"] for pick in told["picks"]], told["strategy"]

    def of_pots(items: list[str]) -> int:
        return sum(int(item[1:]) // ITEMS == 0 for item in items)

    planned, strategy = asked()
    plan = Workspace.open(workspace).require_current().attention(TURNED)
    assert plan is not None
    assert plan.told() in strategy
    as_ever, ordinary = asked("--plan", "regular")
    assert "all of the past counts" in ordinary
    assert of_pots(planned) < of_pots(as_ever)
    assert asked("--plan", "auto") == (planned, strategy)
    # Ten events ago they still bought pots; the judge of this build reads five.
    build_ = Workspace.open(workspace).require_current()
    assert build_.following(Plan.RECENT).window == 5
    with Workspace.open(workspace).store() as store:
        history = store.history(TURNED)
    wanted, other = (
        build_.recommender().recommend_for(events=history, k=6, attention=attention)
        for attention in (build_.following(Plan.RECENT), Attention(Plan.RECENT, window=40))
    )
    assert asked("--plan", "recent")[0] == [pick.item_id for pick in wanted] != [pick.item_id for pick in other]
    assert main(["recommend", str(workspace), TURNED, "--plan", "sometimes"]) != 0
    assert "auto, regular, decay, recent, bridge" in capsys.readouterr().err


def test_tiers_of_the_moment_take_the_verdict(workspace: Path) -> None:
    opened = Workspace.open(workspace)
    build_ = opened.require_current()
    with opened.store() as store:
        history = store.history(TURNED)
    told = build_.member_interests(TURNED, history)
    alone = build_.interests().fresh(build_.community.items, TURNED, history)
    assert told is not None
    assert "茶具" in {each.label for each in told.of(Tier.EMERGING)}
    assert "茶具" not in {each.label for each in alone.of(Tier.EMERGING)}


def test_streams_are_written_and_a_detector_is_judged(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["drift", "inject", str(workspace), "--into", str(tmp_path), "--window", "6", "--length", "8"]
    told = answer(words, capsys)
    streams = pl.read_parquet(tmp_path / "streams.parquet")
    answers = pl.read_parquet(tmp_path / "answers.parquet")
    assert len(answers) == told["streams"]
    assert len(streams) == told["streams"] * 48
    knowing = streams.select("stream", "window").unique().join(answers.with_columns(pl.col("stream")), on="stream")
    near = (pl.col("onset") >= 0) & (pl.col("window") >= pl.col("onset"))
    scores = tmp_path / "scores.csv"
    knowing.select("stream", "window", near.cast(pl.Float64).alias("score")).write_csv(scores)
    judged = answer([*words, "--scores", str(scores)], capsys)
    assert judged["yours"]["auc"] == 1.0
    assert judged["yours"]["f1"] > judged["alarm always"]["f1"]
    scores.write_text("stream,score\n1,2\n", encoding="utf-8")
    assert main([*words, "--scores", str(scores)]) != 0
    assert "needs the columns stream, window, score" in capsys.readouterr().err


def test_the_report_says_what_follows(workspace: Path) -> None:
    from penchant.report.drift_section import drift_section

    held = Workspace.open(workspace).require_current().drift()
    for lang, column, item in (("en", "what follows", "item"), ("zh", "应对", "物品")):
        tables = drift_section(held, lang).tables
        (changed,) = (table for table in tables if column in table.headings)
        row = next(row for row in changed.rows if row[0] == TURNED)
        assert held.attention(TURNED).told(lang) in row
        (pieces,) = (table for table in tables if item in table.headings)
        assert TURNED in pieces.title
        assert {title.split()[0] for title, _, _ in pieces.rows} == {"茶壶"}, "what they turned to is what says so"


def test_nothing_is_told_from_what_a_member_did_who_has_refused(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    community = _community()
    refused = pl.when(pl.col("member_id") == TURNED).then(False).otherwise(pl.col("consent"))
    with Workspace.open(workspace).store() as store:
        store.write(replace(community, members=community.members.with_columns(consent=refused)))
    assert main(["drift", "explain", str(workspace), TURNED, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["change"] is None
