"""What the docs say is run: the commands of both READMEs, their Python, and the reference of commands."""

import re
import runpy
import shlex
from pathlib import Path

import pytest
import typer

from penchant.cli.app import app, main

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


PAGES = [str(path.relative_to(ROOT)) for folder in (ROOT, ROOT / "docs") for path in sorted(folder.glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}, which is not there"
