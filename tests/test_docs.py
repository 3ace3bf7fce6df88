"""What the docs say is run: the commands of both READMEs, their Python, and the reference of commands."""

import re
import runpy
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer

from penchant.cli.app import app, main
from penchant.data.community import Community

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh.md")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [block for written, block in fenced if written == language]


def commands(page: str) -> list[list[str]]:
    """Every `penchant` line of a page's blocks of shell, comments left out, as words."""
    lines = [line for block in blocks(page, "") for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("penchant ")]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """The folder that a README has its reader make."""
    items, events = blocks(request.param, "csv")
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "items.csv").write_text(items, encoding="utf-8")
    (folder / "events.csv").write_text(events, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize(("shop", "page"), [(page, page) for page in READMES], indirect=["shop"])
def test_the_commands_of_the_readme_work_one_after_the_other(shop: Path, page: str, capsys) -> None:
    called = commands(page)
    assert [words[1] for words in called] == ["read", "build", "recommend", "member", "report"]
    for words in called:
        assert main(words[1:]) == 0, f"{' '.join(words)}: {capsys.readouterr().err}"
    assert (shop.parent / "shop.ws" / "report.html").stat().st_size > 100_000


@pytest.mark.parametrize(("shop", "page"), [(page, page) for page in READMES], indirect=["shop"])
def test_the_python_of_the_readme_recommends_with_reasons(shop: Path, page: str, capsys) -> None:
    (code,) = blocks(page, "python")
    exec(compile(code, page, "exec"), {})
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2, "two of the four items are left to recommend"
    assert "Because" in told[0] or "因为" in told[0]


def test_the_reference_of_commands_is_current() -> None:
    reference = runpy.run_path(str(ROOT / "docs" / "commands.py"))["reference"]()
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == reference, "run python docs/commands.py"


def test_the_reference_names_every_command() -> None:
    named = {words.split()[0] for words in runpy.run_path(str(ROOT / "docs" / "commands.py"))["COMMANDS"]}
    assert named == set(typer.main.get_command(app).commands)


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table whose first column is headed so, without the marks of code."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (table,) = (
        block for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE) if block.startswith(f"| {heading}")
    )
    found = [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
    return found[2:]


def documented(default: object) -> str:
    """A default as the docs write it."""
    if default is None or isinstance(default, bool):
        return str(default).lower()
    return repr(default).replace("'", '"')


def test_the_rules_of_the_tiers_are_documented_with_their_defaults() -> None:
    from penchant.interests.strata import StrataConfig

    config = StrataConfig()
    rules = {name: getattr(config, name) for name in StrataConfig.model_fields if name not in ("weights", "latent")}
    rules |= {f"latent.{name}": getattr(config.latent, name) for name in type(config.latent).model_fields}
    told = {name: default for name, default, _ in rows("docs/interests.md", "rule")}
    assert told == {name: documented(default) for name, default in rules.items()}


def test_every_tier_is_documented() -> None:
    from penchant.data.strata import Tier

    assert [name for name, _ in rows("docs/interests.md", "tier")] == [tier.value for tier in Tier]


def test_the_modes_of_fine_tuning_are_documented_with_their_defaults() -> None:
    from typing import get_args

    from penchant.text.tuning.config import FinetuneConfig
    from penchant.text.tuning.modes import Mode
    from penchant.text.tuning.task import TaskKind

    told = {mode: (int(epochs), float(rate)) for mode, _, epochs, rate, _ in rows("docs/finetuning.md", "mode")}
    configs = {mode: FinetuneConfig(mode=mode) for mode in get_args(Mode)}
    assert told == {mode: (config.passes, config.rate) for mode, config in configs.items()}
    assert {kind for kind, *_ in rows("docs/finetuning.md", "kind")} == set(get_args(TaskKind))


def test_the_options_of_fine_tuning_are_documented_with_their_defaults() -> None:
    from penchant.text.tuning.config import FinetuneConfig

    told = {name: default for name, default, _ in rows("docs/finetuning.md", "field")}
    config = FinetuneConfig()
    assert told.keys() == FinetuneConfig.model_fields.keys()
    in_words = {"tasks", "adapter", "contrastive", "epochs", "learning_rate", "head_learning_rate", "probe_first"}
    plain = {name: default for name, default in told.items() if name not in in_words}
    assert plain == {name: documented(getattr(config, name)) for name in plain}
    assert told["adapter"].startswith(f"rank {config.adapter.rank}, alpha {config.adapter.alpha:g}")
    assert told["contrastive"].startswith(f"{config.contrastive.texts_per_label} texts a label")


@pytest.fixture(scope="module")
def outdoor_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `shop` and `shop.ws`, built as far as interests: what docs/interests.md is about."""
    from penchant.cli.read import read_into
    from penchant.data.folder import write_folder
    from penchant.pipeline import build
    from penchant.stages import STAGES
    from penchant.training.options import Options
    from penchant.workspace import Workspace

    folder = tmp_path_factory.mktemp("outdoor")
    write_folder(_outdoor_community(), folder / "shop", form="csv")
    workspace = Workspace.create(folder / "shop.ws", settings='[build]\nencoder = "minilm"\n')
    read_into(workspace, folder / "shop")
    build(workspace, options=Options(threads=1, progress=False), stages=STAGES[:3])
    return folder


def _outdoor_community() -> Community:
    """Two members who buy of three kinds, of 25 items each; some texts are labelled, and some held back."""
    kinds = {
        "Home > Kitchen": ("pan", "kettle", "bread knife", "bowl", "whisk"),
        "Outdoor > Camping": ("tent", "sleeping bag", "gas stove", "camp chair", "lantern"),
        "Books > Crime": ("thriller", "detective novel", "murder mystery", "noir story", "whodunit"),
    }
    made = [(f"{word} number {turn}", kind) for kind, words in kinds.items() for word in words for turn in range(5)]
    ids = [f"p{row}" for row in range(len(made))]
    items = pl.DataFrame(
        {"item_id": ids, "title": [title for title, _ in made], "categories": [[kind] for _, kind in made]}
    )
    start = datetime(2026, 1, 1, tzinfo=UTC)
    events = pl.DataFrame(
        {
            "member_id": ["m1"] * 30 + ["m2"] * 30,
            "item_id": [f"p{25 + turn % 25}" for turn in range(30)] + [f"p{turn % 25}" for turn in range(30)],
            "kind": ["buy"] * 60,
            "at": [start + timedelta(days=turn % 30) for turn in range(60)],
        }
    )
    texts = [(f"a {word} for you", kind, "train") for kind, words in kinds.items() for word in words]
    texts += [(f"my new {word}", kind, "test") for kind, words in kinds.items() for word in words]
    labels = pl.DataFrame(
        {
            "text": [text for text, *_ in texts],
            "labels": [[kind] for _, kind, _ in texts],
            "split": [part for *_, part in texts],
        }
    )
    return Community.from_tables(items, events, labels=labels)


def test_the_commands_of_interests_work_one_after_the_other(
    outdoor_shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(outdoor_shop)
    called = commands("docs/interests.md")
    group = typer.main.get_command(app).commands["interests"]  # type: ignore[attr-defined]
    assert {words[2] for words in called} == set(group.commands)
    told = {}
    for words in called:
        assert main([*words[1:], "--lang", "en"]) == 0, f"{' '.join(words)}: {capsys.readouterr().err}"
        told[" ".join(words[2:4]) if words[2] != "explain" else f"explain {words[4]}"] = capsys.readouterr().out
    assert "Outdoor > Camping" in told["strata shop.ws"]
    assert "1 members hold Outdoor" in told["audience shop.ws"]
    assert "Home > Kitchen" in told["label labeller"]
    assert Path("to-label.jsonl").read_text(encoding="utf-8").count("\n") == 5
    assert Path("tree.yaml").is_file()


def test_the_python_of_interests_runs(
    outdoor_shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(outdoor_shop)
    names: dict[str, Any] = {}
    for code in blocks("docs/interests.md", "python"):
        exec(compile(code, "docs/interests.md", "exec"), names)
    assert names["mine"].core[0].label.startswith("Outdoor")
    assert names["said"].labels(0) == ("Outdoor > Camping",)
    assert names["said"].unsure[1]
    assert "".join(text for text, _ in names["why"].highlights) == "a tent for two"
    weights = dict(names["why"].highlights)
    assert max(weights, key=weights.__getitem__) == "tent"
    again = names["again"].probabilities(["a tent for two"])
    assert abs(again - names["said"].probabilities[:1]).max() < 1e-5


def test_the_python_of_fine_tuning_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("docs/finetuning.md", "python")
    names: dict[str, Any] = {}
    exec(compile(code, "docs/finetuning.md", "exec"), names)
    model, texts = names["model"], ["a light tent", "frying pan"]
    assert model.predict(texts).argmax(1).tolist() == [0, 1]
    assert names["vectors"].shape == (1, model.width)
    # The pretrained model is found by name, and reads texts as the encoder did that it was tuned from.
    assert abs(names["again"].predict(texts) - model.predict(texts)).max() < 1e-4


PAGES = [str(path.relative_to(ROOT)) for folder in (ROOT, ROOT / "docs") for path in sorted(folder.glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}, which is not there"
