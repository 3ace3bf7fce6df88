"""`penchant members segments`, `value` and `sentiment`: what a build holds, and what can be told of newcomers."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from penchant.cli.app import main
from penchant.data.community import Community
from penchant.feelings import felt, sentiment_model
from penchant.members.recipe import SentimentConfig
from penchant.workspace import Workspace

GOOD = [f"很好用，非常满意，第{number}次买" for number in range(20)]
BAD = [f"太差了，很失望，要求退货{number}" for number in range(20)]


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def own(built_workspace: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(built_workspace, tmp_path / "own.ws"))


def test_segments_are_shown_compared_and_exported(
    built_workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = Workspace.open(built_workspace).require_current().members()
    shop = str(built_workspace)
    told = answer(["members", "segments", shop], capsys)
    assert [one["number"] for one in told["segments"]] == [one.number for one in held.segments]
    first, second = told["segments"][0]["number"], told["segments"][1]["number"]
    compared = answer(["members", "segments", shop, "--compare", str(first), str(second)], capsys)
    strongest = compared[0]
    of_member = held.segments.of_member
    values = held.profiles.column(strongest["feature"])
    assert strongest["segments"][str(first)] == pytest.approx(
        pl.Series(values[of_member == first]).fill_nan(None).mean()
    )
    target = tmp_path / "members.csv"
    assert main(["members", "segments", shop, "--export", str(first), "--to", str(target)]) == 0
    assert target.read_text().splitlines()[1:] == held.segments.members(first)
    capsys.readouterr()
    member = held.segments.members(second)[0]
    assert answer(["members", "segments", shop, "--member", member], capsys)["segment"]["number"] == second
    assert main(["members", "segments", shop, "--lang", "zh"]) == 0
    assert held.segments.segments[0].name.zh in capsys.readouterr().out
    assert main(["members", "segments", shop, "--export", "99"]) == 2
    assert "there is no segment 99" in capsys.readouterr().err
    assert main(["members", "segments", shop, "--flows"]) == 0


def test_a_newcomer_is_placed_by_what_they_did_since(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.open(own)
    build = workspace.require_current()
    held = build.members()
    like = held.segments.segments[0].typical[0]
    with workspace.store() as store:
        history = store.history(like).with_columns(pl.lit("newcomer").alias("member_id"))
        store.write(Community.from_tables(build.community.items, history))
    told = answer(["members", "segments", str(own), "--member", "newcomer"], capsys)
    assert told["newcomer"]
    assert told["segment"]["number"] == held.segments[like].number  # type: ignore[union-attr]
    assert main(["members", "segments", str(own), "--member", "newcomer"]) == 0
    assert main(["members", "segments", str(own), "--member", "nobody"]) == 2
    capsys.readouterr()
    with workspace.store() as store:
        store.upsert_members(pl.DataFrame({"member_id": ["newcomer"], "consent": [False]}))
    told = answer(["members", "segments", str(own), "--member", "newcomer"], capsys)
    assert told["segment"] is None, "who refused is placed by nothing that they did"


def test_private_counts_are_noise_that_is_drawn_once(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    true = {one.name.en: one.size for one in Workspace.open(own).require_current().segments()}

    def exported() -> dict[str, int]:
        assert main(["members", "segments", str(own), "--to", str(tmp_path / "table.csv")]) == 0
        with (tmp_path / "table.csv").open(encoding="utf-8") as stream:
            return {row["name"]: int(row["members"]) for row in csv.DictReader(stream)}

    assert exported() == true
    with (own / "penchant.toml").open("a") as stream:
        stream.write("\n[members.privacy]\nprivate_reports = true\nepsilon = 0.05\n")
    drawn = exported()
    assert drawn != true
    assert drawn.keys() == true.keys()
    assert exported() == drawn, "a second draw would cost anew"
    assert "spend" not in (tmp_path / "table.csv").read_text().splitlines()[0]
    assert main(["report", str(own)]) == 0
    page = (own / "report.html").read_text(encoding="utf-8")
    assert "differential privacy" in page
    assert "Map of the members" not in page
    capsys.readouterr()


def test_worth_is_told_with_reasons_and_what_to_do(built_workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = Workspace.open(built_workspace).require_current().members()
    words = ["members", "value", str(built_workspace)]
    assert main([*words, "--tier", "nonsense"]) == 2
    if held.worth is None:
        assert main(words) == 2
        assert held.too_little in " ".join(capsys.readouterr().err.split())
        return
    told = answer([*words, "-k", "3"], capsys)
    table = held.worth.table()
    assert [one["member_id"] for one in told] == table["member_id"].head(3).to_list()
    one = answer([*words, "--member", told[0]["member_id"]], capsys)
    assert one["churn"] == pytest.approx(1 - told[0]["returns"])
    assert one["reasons"]
    assert one["action"] == told[0]["action"]


def test_a_model_of_feelings_is_taught_and_read_by_builds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = [{"text": text, "labels": "正面"} for text in GOOD] + [{"text": text, "labels": "负面"} for text in BAD]
    texts = tmp_path / "labelled.jsonl"
    texts.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in labels), encoding="utf-8")
    words = ["members", "sentiment", str(texts), "--to", str(tmp_path / "feelings")]
    told = answer([*words, "--mode", "none", "--encoder", "minilm"], capsys)
    assert (told["taught"], told["held_out"]) == (36, 4)
    assert told["accuracy"] == 1
    items = pl.DataFrame({"item_id": ["p"], "title": ["锅"]})
    events = pl.DataFrame(
        {
            "member_id": ["m", "m"],
            "item_id": ["p", "p"],
            "kind": ["review", "review"],
            "at": [1_700_000_000, 1_700_000_001],
            "text": [GOOD[0], BAD[0]],
        }
    ).with_columns(pl.from_epoch("at"))
    community = felt(
        Community.from_tables(items, events), None, SentimentConfig(model=Path("feelings")), tmp_path
    )  # fmt: skip
    praise, blame = community.events["felt"].to_list()
    assert praise > 0 > blame
    assert main([*words, "--mode", "magic"]) == 2
    assert "there is no mode 'magic'" in capsys.readouterr().err
    few = tmp_path / "few.jsonl"
    few.write_text('{"text": "好", "labels": "正面"}', encoding="utf-8")
    assert main(["members", "sentiment", str(few), "--to", str(tmp_path / "x"), "--mode", "none"]) == 4
    assert "5 of each are wanted" in " ".join(capsys.readouterr().err.split())


def test_few_texts_teach_feelings_and_the_setting_named_is_read_from_any_workspace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"text": text, "labels": "正面"} for text in GOOD[:7]]
    rows += [{"text": text, "labels": "负面"} for text in BAD[:7]]
    Path("few.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    words = ["members", "sentiment", "few.jsonl", "--to", "shop.ws/feelings", "--mode", "none", "--encoder", "minilm"]
    assert main(words) == 0, "one text held out has no AUC"
    said = capsys.readouterr()
    assert "AUC" not in said.out
    told = "".join(said.err.split()).partition('model="')[2].partition('"')[0]
    assert sentiment_model(SentimentConfig(model=Path(told)), tmp_path / "shop.ws") == Path(told)


def test_nothing_that_members_wrote_who_refused_teaches_feelings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Workspace.create(tmp_path / "own.ws")
    reviews = [("refused", 5.0 if number % 2 else 1.0, f"{number}") for number in range(20)]
    members, stars, texts = zip(*reviews, strict=True)
    events = pl.DataFrame(
        {"member_id": members, "item_id": "p", "kind": "review", "amount": stars, "text": texts, "at": 1_700_000_000}
    ).with_columns(pl.from_epoch("at"))
    people = pl.DataFrame({"member_id": ["refused"], "consent": [False]})
    with shop.store() as store:
        store.write(Community.from_tables(pl.DataFrame({"item_id": ["p"], "title": ["锅"]}), events, people))
    words = ["members", "sentiment", str(shop.path), "--to", str(tmp_path / "feelings"), "--mode", "none"]
    assert main(words) == 4
    assert "0 texts of praise and 0 of blame" in " ".join(capsys.readouterr().err.split())
