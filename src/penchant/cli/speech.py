"""Help texts in both languages, side by side where the option is declared."""

import inspect
import re
from collections.abc import Sequence
from typing import Final

from penchant.errors import ConfigError
from penchant.language import Lang, Phrase, system_language
from penchant.settings import settings

_CHINESE: Final[dict[str, str]] = {}


def both(en: str, zh: str) -> str:
    """A help text: comes back in English, as typer wants a plain string, and is found again in Chinese by `translated`.

    >>> translated(both("How many items.", "多少件商品。"), "zh")
    '多少件商品。'
    """
    english = inspect.cleandoc(en)
    _CHINESE[english] = inspect.cleandoc(zh)
    return english


def translated(text: str, lang: Lang) -> str:
    """A help text in a language; one that was never given in Chinese stays as it is."""
    return _CHINESE.get(text, text) if lang == "zh" else text


def take_everywhere_options(arguments: Sequence[str]) -> tuple[list[str], Lang, bool]:
    """Take `--lang` and `--debug` out of a command line, wherever they stand before a bare `--`.

    Returns:
        What is left, the language, and whether errors keep their traceback.

    Raises:
        ConfigError: a language that Penchant does not speak.

    >>> take_everywhere_options(["build", "shop.ws", "--lang", "zh", "--debug"])
    (['build', 'shop.ws'], 'zh', True)
    """
    left: list[str] = []
    chosen: str | None = settings().lang
    debug = False
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            left += [argument, *waiting]
        elif argument == "--debug":
            debug = True
        elif argument == "--lang":
            chosen = next(waiting, "")
        elif argument.startswith("--lang="):
            chosen = argument.removeprefix("--lang=")
        else:
            left.append(argument)
    return left, _language(chosen), debug


def _language(chosen: str | None) -> Lang:
    if chosen is None:
        return system_language()
    if chosen == "en":
        return "en"
    if chosen == "zh":
        return "zh"
    raise ConfigError(f"Penchant speaks en (English) and zh (中文), not {chosen!r}; use --lang en or --lang zh")


HEADINGS: Final = {
    "usage": Phrase("Usage: ", "用法："),
    "more": Phrase("[OPTIONS]", "[选项]"),
    "command": Phrase("COMMAND …", "命令 …"),
    "commands": Phrase("Commands", "命令"),
    "arguments": Phrase("Arguments", "参数"),
    "options": Phrase("Options", "选项"),
    "everywhere": Phrase("With every command", "所有命令通用"),
    "examples": Phrase("Example", "示例"),
    "default": Phrase("default: {value}", "默认：{value}"),
    "required": Phrase("required", "必填"),
}

_COMPLAINTS: Final = (
    (re.compile(r"^Missing (?:argument|option|parameter):? '?(?P<what>[^']+?)'?\.?$"), "缺少 {what}"),
    (re.compile(r"^No such option: (?P<what>\S+)(?: \(Possible options: (?P<near>.+)\))?"), "没有选项 {what}"),
    (re.compile(r"^No such command '(?P<what>[^']*)'\.?(?: Did you mean (?P<near>.+)\?)?"), "没有命令 {what}"),
    (re.compile(r"^Invalid value for '(?P<what>[^']+)': (?P<why>.+)$"), "{what} 的值无效：{why}"),
    (re.compile(r"^Got unexpected extra argument(?:s|\(s\))? \((?P<what>.+)\)$"), "多余的参数：{what}"),
    (re.compile(r"^Option '(?P<what>[^']+)' requires an argument\.?$"), "选项 {what} 需要一个值"),
)


def complaint(message: str, lang: Lang) -> str:
    """What the option parser says of a wrong command line, on one line and in a language.

    >>> complaint("Missing argument 'WORKSPACE'.", "zh")
    '缺少 WORKSPACE'
    """
    message = " ".join(message.split())
    if lang == "zh":
        for pattern, chinese in _COMPLAINTS:
            found = pattern.match(message)
            if found:
                parts = found.groupdict()
                near = f"；是否想用 {parts['near']}" if parts.get("near") else ""
                return chinese.format(**parts) + near
    return message
