"""Commands whose `--help` speaks the chosen language and ends with an example."""

import sys
from typing import Any, Final

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from penchant.cli.face import screen
from penchant.cli.speech import HEADINGS, both, translated
from penchant.language import Lang

_EVERYWHERE: Final = (
    (
        "--lang en|zh",
        both("Language of all that is shown; by default the system's.", "界面语言；默认随系统设置。"),
    ),
    ("--debug", both("Show the full traceback of an error.", "出错时显示完整的回溯信息。")),
    ("--help", both("Show this help.", "显示本帮助。")),
)


class HelpfulCommand(TyperCommand):
    """A command with help in English and Chinese; its examples are the lines of `epilog`."""

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        lang = language_of(ctx)
        console = screen(sys.stdout)
        _title(console, f"{ctx.command_path} {_usage(self.params, lang)}", lang)
        _paragraphs(console, translated(self.help or "", lang))
        _parameters(console, self.params, lang)
        _rows(console, HEADINGS["everywhere"](lang), [(name, translated(told, lang)) for name, told in _EVERYWHERE])
        _examples(console, self.epilog, lang)


class HelpfulGroup(TyperGroup):
    """A group of commands; where its first word names none of them, `default_command` gets the whole line."""

    default_command: str | None = None
    order: tuple[str, ...] = ()
    """The order in which help lists the commands; others come after."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if self.default_command and (not args or args[0] not in (*self.commands, "--help")):
            args = [self.default_command, *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        lang = language_of(ctx)
        console = screen(sys.stdout)
        default = self.commands.get(self.default_command or "")
        usage = _usage(default.params, lang) if default else HEADINGS["command"](lang)
        _title(console, f"{ctx.command_path} {usage}", lang)
        _paragraphs(console, translated(self.help or "", lang))
        if default:
            _parameters(console, default.params, lang)
        names = sorted(self.commands, key=lambda name: (*self.order, name).index(name))
        shown = [self.commands[name] for name in names if name != self.default_command]
        rows = [(command.name or "", _first_sentence(translated(command.help or "", lang))) for command in shown]
        _rows(console, HEADINGS["commands"](lang), rows)
        _rows(console, HEADINGS["everywhere"](lang), [(name, translated(told, lang)) for name, told in _EVERYWHERE])
        _examples(console, self.epilog, lang)


def language_of(ctx: typer.Context) -> Lang:
    """The language of a running command line; English where it was started without `main`."""
    return getattr(ctx.find_root().obj, "lang", "en")


def _usage(params: list[Any], lang: Lang) -> str:
    """What must be written, in order, and whether there are options beside it."""
    words = [_word(param) for param in params if isinstance(param, TyperArgument)]
    needed = [_spelling(param) for param in _options(params) if param.required]
    more = [HEADINGS["more"](lang)] if any(not param.required for param in _options(params)) else []
    return " ".join([*words, *needed, *more])


def _word(argument: TyperArgument) -> str:
    name = argument.metavar or str(argument.name).upper()
    return name if argument.required else f"[{name}]"


def _options(params: list[Any]) -> list[TyperOption]:
    return [param for param in params if isinstance(param, TyperOption) and not param.hidden and param.name != "help"]


def _title(console: Console, usage: str, lang: Lang) -> None:
    console.print(Text.assemble((HEADINGS["usage"](lang), "bold"), usage), soft_wrap=True)
    console.print()


def _paragraphs(console: Console, told: str) -> None:
    for paragraph in told.split("\n\n"):
        console.print(Padding(Text(_in_one_line(paragraph)), (0, 0, 0, 2), expand=False))
        console.print()


def _parameters(console: Console, params: list[Any], lang: Lang) -> None:
    arguments = [(_word(param), _told(param, lang)) for param in params if isinstance(param, TyperArgument)]
    _rows(console, HEADINGS["arguments"](lang), arguments)
    _rows(console, HEADINGS["options"](lang), [(_spelling(option), _told(option, lang)) for option in _options(params)])


def _spelling(option: TyperOption) -> str:
    names = ", ".join(sorted(option.opts, key=len))
    if option.is_flag:
        return names
    return f"{names} {option.metavar or option.bare_type().upper()}"


def _told(param: TyperArgument | TyperOption, lang: Lang) -> str:
    told = translated(param.help or "", lang)
    if isinstance(param, TyperOption) and param.required:
        return f"{told} [{HEADINGS['required'](lang)}]"
    if param.show_default and param.default not in (None, False, "", ()):
        value = getattr(param.default, "value", param.default)
        return f"{told} [{HEADINGS['default'](lang, value=value)}]"
    return told


def _rows(console: Console, heading: str, rows: list[tuple[str, str]]) -> None:
    if not rows:
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(overflow="fold")
    for name, told in rows:
        table.add_row(Text(name), Text(told))
    console.print(Text(heading, style="bold"))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    console.print()


def _examples(console: Console, epilog: str | None, lang: Lang) -> None:
    if epilog:
        console.print(Text(HEADINGS["examples"](lang), style="bold"))
        for line in translated(epilog, lang).splitlines():
            console.print(Text.assemble(("  $ ", "dim"), line), soft_wrap=True)


def _first_sentence(told: str) -> str:
    """The first paragraph of a help text, without its full stop."""
    return _in_one_line(told.split("\n\n", 1)[0]).rstrip(".。")


def _in_one_line(paragraph: str) -> str:
    """Lines of source joined: by a space in English, by nothing where Chinese runs on.

    >>> _in_one_line("one\\ntwo"), _in_one_line("一，\\n二")
    ('one two', '一，二')
    """
    joined = ""
    for line in paragraph.splitlines():
        joined += f" {line}" if joined and joined[-1].isascii() else line
    return joined
