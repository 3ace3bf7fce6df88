"""`penchant interests`: what a build says of members and texts, and the way from labelled texts to a labeller."""

import io
import json
import random
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest

from penchant.cli.app import main
from penchant.cli.interests_train import labeller_config
from penchant.data.community import Community
from penchant.interests.audience import audience
from penchant.interests.interests import Interests
from penchant.interests.taxonomy import Taxonomy
from penchant.text.tuning.modes import Mode
from penchant.workspace import Workspace

SUBJECTS = {
    "kitchen": ["kettle", "frying pan", "saucepan", "casserole", "colander"],
    "camping": ["tent", "sleeping bag", "head torch", "gas stove", "rucksack"],
    "music": ["guitar", "violin", "drum kit", "flute", "piano stool"],
}


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    """What a command answers in JSON; standard output holds nothing else."""
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def lines(words: list[str], capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """What a command answers in lines of JSON."""
    assert main([*words, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def interests(built_workspace: Path) -> Interests:
    return Workspace.open(built_workspace).require_current().interests()


@pytest.fixture
def told(interests: Interests) -> str:
    """Id of the member with the most interests in tiers of their own doing."""
    strata = interests.strata
    row = strata.table.filter(strata.table["tier"] != "latent")["member"].value_counts(sort=True)["member"][0]
    return strata.member_ids.id(row)


@pytest.fixture
def hidden(interests: Interests) -> str:
    """Id of a member of whom there is too little to tell."""
    return interests.strata.member_ids.id(int(interests.strata.evidence_counts.argmin()))


# -- members --


def test_tiers_are_those_of_the_build(
    built_workspace: Path, interests: Interests, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(["interests", "strata", str(built_workspace), told], capsys)
    wanted = interests.strata[told].interests
    assert [(one["label"], one["tier"]) for one in found["interests"]] == [(one.label, one.tier) for one in wanted]
    assert found["interests"][0]["interval"][0] <= found["interests"][0]["share"]
    assert found["interests"][0]["evidence"][0]["title"] == wanted[0].evidence[0].title
    assert found["note"] is None


def test_tiers_for_people_come_with_intervals_evidence_and_their_source(
    built_workspace: Path, interests: Interests, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["interests", "strata", str(built_workspace), told, "--lang", "zh"]) == 0
    shown = capsys.readouterr()
    first = interests.strata[told].interests[0]
    assert first.label in shown.out
    assert f"{first.share:.0%}" in shown.out
    assert "核心" in shown.out or "常规" in shown.out
    assert interests.source.why("zh") in shown.err


def test_too_little_to_tell_is_said(built_workspace: Path, hidden: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["interests", "strata"], ["member"]):
        assert main([*command, str(built_workspace), hidden, "--lang", "en"]) == 0
        assert "oo little to tell: " in capsys.readouterr().out
    assert main(["interests", "explain", str(built_workspace), hidden, "--lang", "zh"]) == 0
    assert "依据太少" in capsys.readouterr().out


def test_member_shows_tiers_beside_tastes(
    built_workspace: Path, interests: Interests, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(["member", str(built_workspace), told], capsys)
    assert len(found["interests"]["interests"]) == len(interests.strata[told].interests)
    assert found["tastes"]
    assert main(["member", str(built_workspace), told, "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    assert "兴趣分层" in shown
    assert "层级" in shown
    assert "偏好：" in shown


def test_an_audience_is_that_of_the_library(
    built_workspace: Path, interests: Interests, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    label = interests.strata[told].interests[0].label
    wanted = audience(interests.strata, label, ["core", "regular"])  # type: ignore[list-item]
    spelled = label.replace(" > ", ">")
    found = answer(
        ["interests", "audience", str(built_workspace), spelled, "--tiers", "core,regular", "-k", "1"], capsys
    )
    ids = [interests.strata.member_ids.id(row) for row in wanted.members.tolist()]
    assert [one["member_id"] for one in found["members"]] == ids
    assert told in ids
    assert found["expected"] == pytest.approx(wanted.expected)
    assert main(["interests", "audience", str(built_workspace), label, "--lang", "en"]) == 0
    shown = capsys.readouterr().out
    assert "with 90% confidence" in shown
    assert "What else they hold" in shown


def test_an_explanation_names_the_rule_and_the_events(
    built_workspace: Path, interests: Interests, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = interests.strata[told].interests[0]
    found = answer(["interests", "explain", str(built_workspace), told, first.label, "--lang", "en"], capsys)
    assert all(one["label"].startswith(first.label) for one in found["interests"])
    assert "of what the member does" in found["interests"][0]["rule"]
    assert [one["item_id"] for one in found["interests"][0]["evidence"]] == [one.item_id for one in first.evidence]
    assert main(["interests", "explain", str(built_workspace), told, "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    assert first.evidence[0].item_id is not None
    assert first.evidence[0].item_id in shown
    assert "至少占会员行为的" in shown


def test_an_interest_that_is_not_held_is_told(
    built_workspace: Path, interests: Interests, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    held = {one.label for one in interests.strata[told].interests}
    label = next(leaf for leaf in interests.taxonomy.leaves if leaf not in held)
    assert main(["interests", "explain", str(built_workspace), told, label, "--lang", "en"]) == 0
    assert f"holds {label} in no tier" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["strata", "{}", "nobody"], "no member has the id 'nobody'"),
        (["explain", "{}", "nobody"], "no member has the id 'nobody'"),
        (["explain", "{}", "m000001", "No such thing"], "has no label 'No such thing'"),
        (["audience", "{}", "No such thing"], "has no label 'No such thing'"),
        (["audience", "{}", "a > > b"], "has an empty level"),
        (["audience", "{}", "Baby", "--tiers", "core,hot"], "'hot' is no tier; name some of core, regular"),
        (["audience", "{}", "Baby", "--tiers", ","], "names no tier"),
        (["explain", "{}"], "either a member (MEMBER) or a text (--text)"),
        (["explain", "{}", "m000001", "--text", "x"], "either a member (MEMBER) or a text (--text)"),
        (["explain", "{}", "--text", " "], "the text is blank"),
        (["explain", "{}", "--text", "x", "--method", "magic"], "gradients or occlusion; got 'magic'"),
        (["label", "{}"], "there is no text to label"),
        (["train", "{}", "--into", "{}"], "holds something else than a labeller"),
        (["train", "nowhere.csv", "--into", "new-folder"], "there is no file nowhere.csv"),
        (["train", "{}", "--into", "new-folder", "--mode", "magic"], "--mode takes one of full, lora"),
        (["train", "{}", "--into", "new-folder", "--tracker", "magic"], "--tracker takes one of tensorboard, wandb"),
        (["train", "{}", "--into", "new-folder", "--tracker", "wandb"], "say where, with --logs FOLDER"),
        (["suggest", "{}", "--loop", "--json"], "--loop talks to a person"),
        (["discover", "nowhere.txt"], "there is no file nowhere.txt"),
    ],
)
def test_what_is_handed_in_wrongly_is_named(
    words: list[str], complaint: str, built_workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["interests", *(word.format(built_workspace) for word in words), "--lang", "en"]) == 2
    assert complaint in capsys.readouterr().err


def test_a_workspace_without_a_build_says_what_is_missing(
    tmp_path: Path, small_community: Community, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace.create(tmp_path / "shop.ws")
    for words in (["strata", str(workspace.path), "m1"], ["label", str(workspace.path), "锅"]):
        assert main(["interests", *words]) == 3
        assert "no build yet" in capsys.readouterr().err
    assert main(["interests", "label", str(tmp_path), "锅"]) == 3
    assert "holds no finished model" in capsys.readouterr().err


# -- texts --


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of labelled texts in three splits."""
    rng, rows = random.Random(0), {}
    for place in range(90):
        subject = list(SUBJECTS)[place % 3]
        text = f"{rng.choice(['a', 'my', 'that old'])} {' and '.join(rng.sample(SUBJECTS[subject], 2))}"
        rows[text] = {
            "text": text,
            "labels": [f"things > {subject}"],
            "split": ["train", "dev", "test"][place // 3 % 3],
        }
    path = tmp_path_factory.mktemp("texts") / "texts.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows.values()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a labeller that `train` wrote, and what it told."""
    folder, told = tmp_path_factory.mktemp("labeller") / "labeller", io.StringIO()
    words = ["interests", "train", str(texts), "--into", str(folder), "--encoder", "minilm", "--lang", "zh"]
    with redirect_stdout(told):
        assert main(words) == 0
    return folder, told.getvalue()


@pytest.fixture(scope="module")
def labeller(trained: tuple[Path, str]) -> Path:
    return trained[0]


def test_training_tells_how_good_it_is_on_what_was_kept_back(
    texts: Path, trained: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, told = trained
    assert "准确率" in told
    assert {line.split()[0] for line in told.splitlines() if line.split()} >= {"dev", "test"}
    more = texts.with_name("more.csv")
    more.write_text("text,labels\n" + "".join(f"a {word},things > garden\n" for word in ("rake", "spade", "hoe")))
    words = ["interests", "train", str(texts), "--into", str(folder), "--encoder", "minilm", "--texts", str(more)]
    found = answer(words, capsys)
    assert found["quality"]["test"]["accuracy"] > 0.9
    assert found["quality"]["test"]["texts"] > 15
    assert found["labels"] == ["things", *(f"things > {subject}" for subject in sorted([*SUBJECTS, "garden"]))]


@pytest.mark.parametrize("mode", get_args(Mode))
def test_every_mode_but_frozen_tunes_the_language_model(mode: str) -> None:
    tuned = labeller_config(mode).tuned
    assert (None if mode == "frozen" else mode) == (tuned and tuned.mode)


def test_a_tuning_keeps_its_logs_where_the_command_says(texts: Path, tmp_path: Path, capsys) -> None:
    words = ["interests", "train", str(texts), "--into", str(tmp_path / "labeller"), "--encoder", "minilm"]
    found = answer([*words, "--mode", "prompt", "--logs", str(tmp_path / "logs")], capsys)
    assert found["quality"]["test"]["accuracy"] > 0.8
    # With a split dev there is one tuning, on all that is learned from.
    assert [folder.name for folder in (tmp_path / "logs").iterdir()] == ["whole"]
    assert list((tmp_path / "logs" / "whole").rglob("events.out.tfevents*"))


def test_nothing_is_learned_from_what_a_member_wrote_who_refused(
    unbuilt: Workspace, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["interests", "train", str(unbuilt.path), "--texts", str(texts), "--into", str(tmp_path / "labeller")]
    before = answer(words, capsys)["unlabelled"]
    with unbuilt.store() as store:
        store.upsert_members(pl.DataFrame({"member_id": ["asked", "refused"], "consent": [True, False]}))
        said = {"item_id": ["p1"] * 2, "kind": ["review"] * 2, "at": [datetime(2026, 5, 4, tzinfo=UTC)] * 2}
        texts_of = {"member_id": ["asked", "refused"], "text": ["I like my rake", "I like my spade"]}
        store.append_events(pl.DataFrame({**said, **texts_of}))
    assert answer(words, capsys)["unlabelled"] == before + 1, "the text of whoever agreed, and no other"


def test_texts_are_labelled_with_probabilities_in_lines(
    labeller: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = tmp_path / "more.txt"
    more.write_text("a flute and a guitar\n\na tent\n", encoding="utf-8")
    found = lines(["interests", "label", str(labeller), "a saucepan", " ", "--file", str(more)], capsys)
    assert [one["text"] for one in found] == ["a saucepan", " ", "a flute and a guitar", "a tent"]
    assert found[0]["labels"] == ["things > kitchen"]
    assert found[2]["labels"] == ["things > music"]
    assert found[0]["probabilities"]["things"] >= found[0]["probabilities"]["things > kitchen"] > 0.5
    assert (found[1]["labels"], found[1]["unsure"]) == ([], True)
    assert main(["interests", "label", str(labeller), " ", "--lang", "zh"]) == 0
    assert "不确定" in capsys.readouterr().out


def test_a_build_labels_texts_as_its_labeller_does(
    built_workspace: Path, interests: Interests, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = lines(["interests", "label", str(built_workspace), "a quiet double-door fridge"], capsys)
    assert interests.labeller is not None
    assert found["labels"] == list(interests.labeller.label(["a quiet double-door fridge"]).labels(0))


def test_words_that_speak_for_a_label_are_told(labeller: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "my saucepan, colander and kettle"
    words = ["interests", "explain", str(labeller), "--text", text]
    found = answer([*words, "--method", "occlusion"], capsys)
    assert found["label"] == "things > kitchen"
    assert "".join(piece["text"] for piece in found["pieces"]) == text
    weights = {piece["text"]: piece["weight"] for piece in found["pieces"]}
    assert max(weights, key=lambda word: weights[word]) in ("saucepan", "colander", "kettle")
    assert all(-1 <= weight <= 1 for weight in weights.values())
    assert main([*words, "--lang", "en"]) == 0
    shown = capsys.readouterr()
    assert "things > kitchen: " in shown.out
    assert "+1.00" in shown.out
    assert "integrated gradients" in shown.err


def test_subjects_are_found_and_written_as_a_tree(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tmp_path / "tree.yaml"
    found = answer(["interests", "discover", str(texts), "--into", str(tree), "--encoder", "minilm"], capsys)
    labels = [one["label"] for one in found["subjects"]]
    assert Taxonomy.from_yaml(tree).labels == tuple(labels)
    assert sum(one["size"] for one in found["subjects"] if " > " not in one["label"]) <= found["texts"]
    assert 0 <= found["left_out"] < 0.5
    assert found["namer"] == "words"


def test_an_endpoint_that_is_to_name_subjects_must_be_configured(
    texts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PENCHANT_ENDPOINT_BASE_URL", raising=False)
    words = ["interests", "discover", str(texts), "--encoder", "minilm", "--names", "endpoint"]
    assert main([*words, "--lang", "en"]) == 2
    assert "PENCHANT_ENDPOINT_BASE_URL" in capsys.readouterr().err


# -- the loop --


@pytest.fixture
def unbuilt(tmp_path: Path, small_community: Community) -> Workspace:
    """A workspace with items, two labels and no build."""
    workspace = Workspace.create(tmp_path / "shop.ws", settings='[build]\nencoder = "minilm"\n')
    with workspace.store() as store:
        store.write(small_community)
    return workspace


def labels_of(workspace: Workspace) -> list[tuple[str | None, str | None, list[str]]]:
    with workspace.store() as store:
        return store.read().labels.select("text", "item_id", "labels").rows()


def test_texts_to_label_are_named_and_written(
    unbuilt: Workspace, tmp_path: Path, small_community: Community, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "next.jsonl"
    words = ["interests", "suggest", str(unbuilt.path), "-k", "4", "--out", str(out)]
    found = answer(words, capsys)
    assert len({row["item_id"] for row in found}) == 4
    assert all(row["text"] == small_community.item_texts[int(row["item_id"][1:])] for row in found)
    assert "p7" not in {row["item_id"] for row in found}, "it is labelled already"
    assert [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] == found
    assert main([*words, "--lang", "en"]) == 2
    assert "may hold labels; name a new file" in capsys.readouterr().err


def test_the_loop_keeps_each_answer_and_helps_with_wrong_ones(
    unbuilt: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = labels_of(unbuilt)
    said = ["2", "", "pots", "a >> b", "99", "?", "+pots>iron", "pots > iron", "q"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(said) + "\n"))
    assert main(["interests", "suggest", str(unbuilt.path), "--loop", "-k", "3", "--lang", "en"]) == 0
    shown = capsys.readouterr().out
    for told in ("no label 'pots'; write +pots", "has an empty level", "no number 99", "4 texts have a label", "1/3"):
        assert told in " ".join(shown.split())
    added = labels_of(unbuilt)[len(before) :]
    assert [row[2] for row in added[1:]] == [["pots > iron"], ["pots > iron"]]
    assert len({row[1] for row in added}) == 3
    assert all(row[0] for row in added)


def test_the_loop_stopped_by_a_key_keeps_what_was_answered(
    unbuilt: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Keyboard(io.StringIO):
        def readline(self, *_: Any) -> str:
            if line := super().readline():
                return line
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Keyboard("+pots\n1\n"))
    before = len(labels_of(unbuilt))
    assert main(["interests", "suggest", str(unbuilt.path), "--loop", "--lang", "zh"]) == 130
    assert len(labels_of(unbuilt)) == before + 2
    assert "均已保存" in capsys.readouterr().err


def test_the_loop_writes_to_a_file_and_goes_on_from_there(
    unbuilt: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, before = tmp_path / "labels.jsonl", labels_of(unbuilt)
    words = ["interests", "suggest", str(unbuilt.path), "--loop", "--out", str(out), "-k", "2", "--lang", "en"]
    texts: list[str] = []
    for answers in ("+pots\n+tents\nq\n", "pots\nq\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(answers))
        assert main(words) == 0
        texts = [json.loads(line)["text"] for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(set(texts)) == 3
    assert labels_of(unbuilt) == before
    assert f"train {unbuilt.path} --texts {out}" in " ".join(capsys.readouterr().out.split())
