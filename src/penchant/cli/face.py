"""How a command speaks: results on standard output, progress and errors on standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import datetime
from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from penchant.language import Lang, Phrase

MIDDLE_WIDTH = 100
"""Columns where the output is no terminal, so that a log keeps whole words."""


class Screen(Console):
    """A console that raises when its reader has gone (`penchant … | head`), where rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


STOPPED: Final = Phrase("Stopped.", "已停止。")


@dataclass
class Face:
    """The language and the consoles of one run of the command line; every command finds it with `face(ctx)`."""

    lang: Lang = "en"
    debug: bool = False
    when_interrupted: Phrase = STOPPED
    """What to say on Ctrl-C; a command that can be continued says how."""
    interrupted_fields: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.out = screen(sys.stdout)
        self.err = screen(sys.stderr)

    def say(self, phrase: Phrase, **fields: object) -> None:
        """A sentence of the result, on standard output."""
        self.line(phrase(self.lang, **fields))

    def heading(self, phrase: Phrase, **fields: object) -> None:
        """A line that stands over a part of the result."""
        self.out.print(Text(phrase(self.lang, **fields), style="bold"))

    def line(self, text: str) -> None:
        """A line of the result that is in the right language already."""
        self.out.print(Text(text), soft_wrap=not self.out.is_terminal)

    def note(self, phrase: Phrase, **fields: object) -> None:
        """A sentence about the work itself, on standard error, so that a pipe gets results alone."""
        self.err.print(Text(phrase(self.lang, **fields), style="dim"), soft_wrap=not self.err.is_terminal)

    def table(
        self,
        headings: Sequence[Phrase],
        rows: Iterable[Sequence[object]],
        *,
        title: Phrase | None = None,
        right: Sequence[int] = (),
    ) -> None:
        """A table of the result; the columns in `right` are numbers, aligned to the right."""
        table = Table(title=title(self.lang) if title else None, title_justify="left", title_style="bold", box=None)
        for column, heading in enumerate(headings):
            table.add_column(
                heading(self.lang),
                justify="right" if column in right else "left",
                overflow="fold",
                no_wrap=column in right,
                header_style="bold",
            )
        for row in rows:
            table.add_row(*(Text(_shown(cell)) for cell in row))
        self.out.print(table)

    def json(self, answer: Any) -> None:
        """The result for scripts: one JSON value, the same in both languages except for sentences."""
        sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=2, default=_plain) + "\n")


def face(ctx: typer.Context) -> Face:
    """The face of the running command line."""
    found = ctx.find_root().obj
    return found if isinstance(found, Face) else Face()


def screen(stream: Any) -> Screen:
    """A console on a stream, as wide as the terminal or, where there is none, wide enough for whole words."""
    console = Screen(file=stream, highlight=False)
    return console if console.is_terminal else Screen(file=stream, highlight=False, width=MIDDLE_WIDTH)


def _shown(cell: object) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    if isinstance(cell, bool):
        return "✓" if cell else "–"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:,.3f}" if abs(cell) < 10 else f"{cell:,.1f}"
    return str(cell)


def _plain(value: Any) -> Any:
    """What JSON has no word for: dataclasses, times, paths, numbers of numpy."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    return str(value)
