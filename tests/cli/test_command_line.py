"""The command line as a whole: its help, its languages, its errors and exit codes."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from penchant.cli.app import app, main
from penchant.cli.speech import complaint, take_everywhere_options, translated
from penchant.errors import ConfigError, NotBuiltError, PenchantError, TooLittleDataError

HAN = re.compile(r"[\u4e00-\u9fff]")


def commands() -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    """Every command and group below the root, by its words."""

    def below(words: list[str], group: TyperGroup) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
        for name, command in group.commands.items():
            yield " ".join([*words, name]), command
            if isinstance(command, TyperGroup):
                yield from below([*words, name], command)

    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return below([], root)


COMMANDS = dict(commands())


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_help_in_both_languages_for_itself_and_each_option(words: str) -> None:
    command = COMMANDS[words]
    assert command.help, f"{words} has no help"
    assert HAN.search(translated(command.help, "zh")), f"the help of {words} has no Chinese"
    for param in command.params:
        told = getattr(param, "help", None)
        assert told, f"{words}: {param.name} has no help"
        assert HAN.search(translated(told, "zh")), f"{words}: {param.name} has no Chinese help"


@pytest.mark.parametrize("words", COMMANDS)
def test_every_help_ends_with_an_example_of_that_command(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words.split(), "--help", "--lang", "en"]) == 0
    shown = capsys.readouterr().out
    example = shown.split("Example\n")[1]
    assert "$ penchant " in example
    assert words.split()[0] in example


def test_help_speaks_chinese_on_request_and_has_no_english_heading_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--help", "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    assert "用法：penchant bench NAME" in shown
    assert "所有命令通用" in shown
    for heading in ("Usage", "Options", "Arguments", "Example", "required"):
        assert heading not in shown


@pytest.mark.parametrize(
    ("locale", "heading"), [("zh_CN.UTF-8", "命令"), ("en_GB.UTF-8", "Commands"), ("C", "Commands")]
)
def test_language_follows_the_locale(
    locale: str, heading: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "PENCHANT_LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", locale)
    assert main([]) == 0
    assert heading in capsys.readouterr().out


def test_language_option_may_stand_anywhere_but_not_behind_a_double_dash() -> None:
    assert take_everywhere_options(["--lang=zh", "build", "a.ws"]) == (["build", "a.ws"], "zh", False)
    words, _, debug = take_everywhere_options(["search", "--", "--debug"])
    assert (words, debug) == (["search", "--", "--debug"], False)


@pytest.mark.parametrize("wrong", [["--lang", "fr"], ["--lang=fr"], ["--lang"]])
def test_unknown_language_is_refused_with_those_that_there_are(wrong: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"speaks en \(English\) and zh"):
        take_everywhere_options(["build", *wrong])


@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        (["bench"], "Missing argument 'NAME'", "缺少 NAME"),
        (["bench", "x"], "Missing option '--data'", "缺少 --data"),
        (["bnech"], "No such command 'bnech'. Did you mean 'bench'?", "没有命令 bnech；是否想用 'bench'"),
        (["bench", "x", "--colour"], "No such option: --colour", "没有选项 --colour"),
        (["bench", "x", "--data", "d", "y"], "Got unexpected extra argument", "多余的参数：y"),
        (["bench", "x", "--data", "d", "--seeds", "many"], "Invalid value for '--seeds'", "--seeds 的值无效"),
    ],
)
def test_wrong_command_line_is_one_line_of_error_in_the_language_and_exit_code_two(
    words: list[str], english: str, chinese: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--lang", "en"]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert english in shown.err.splitlines()[0]
    assert shown.err.splitlines()[1].startswith("Try: penchant")
    assert main([*words, "--lang", "zh"]) == 2
    assert capsys.readouterr().err.startswith(f"错误：{chinese}")


def test_complaint_without_a_translation_is_still_shown() -> None:
    assert complaint("Something\n  new", "zh") == "Something new"


@pytest.fixture
def breaking() -> Iterator[list[BaseException]]:
    """A command `break` that raises what is put into the list; gone after the test."""
    to_raise: list[BaseException] = []

    @app.command("break")
    def _break() -> None:
        raise to_raise[0]

    yield to_raise
    app.registered_commands.pop()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PenchantError("wax"), 1),
        (ConfigError("wax"), 2),
        (NotBuiltError("wax"), 3),
        (TooLittleDataError("wax"), 4),
        (OSError(28, "No space left on device"), 3),
        (KeyError("wax"), 70),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_a_line_and_an_exit_code_without_a_traceback(
    error: BaseException, code: int, breaking: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    breaking.append(error)
    assert main(["break", "--lang", "en"]) == code
    shown = capsys.readouterr()
    assert not shown.out
    assert "Traceback" not in shown.err
    assert 1 <= len(shown.err.splitlines()) <= 2
    if code < 70:
        assert shown.err.startswith("Error: ")


def test_debug_shows_the_traceback_and_keeps_the_exit_code(
    breaking: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    breaking.append(ConfigError("wax"))
    assert main(["break", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_reader_that_goes_away_is_no_error() -> None:
    code = "import sys; from penchant.cli.app import main; sys.exit(main(['--help']))"
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_starting_the_command_line_loads_nothing_heavy() -> None:
    code = (
        "import sys; from penchant.cli.app import main; main(['--help']); "
        "print([name for name in ('torch', 'transformers', 'sklearn', 'plotly', 'implicit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
