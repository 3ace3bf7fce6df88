"""Progress of long work over texts: a bar on a terminal, plain lines in a log, nothing where the work is short."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from penchant.language import Phrase, system_language

_SHORT_SECONDS: Final = 2.0
_LOG_SECONDS: Final = 15.0
_COUNTED: Final = Phrase("{what}: {done:,} of {total:,}", "{what}：{done:,} / {total:,}")

_nested: ContextVar[bool] = ContextVar("nested", default=False)


@contextmanager
def progress(what: Phrase, total: int, *, shown: bool = True, console: Console | None = None) -> Iterator[Callable]:
    """Yield a function to call with how many more are done.

    The first to open one shows it; work inside that reports progress of its own stays silent.

    >>> with progress(Phrase("Counting", "计数"), 3, shown=False) as advance:
    ...     advance(3)
    """
    if not shown or _nested.get():
        yield lambda count: None
        return
    token = _nested.set(True)
    reporter = _Reporter(what(system_language()), total, console or Console(stderr=True))
    try:
        yield reporter.advance
    finally:
        _nested.reset(token)
        reporter.close()


class _Reporter:
    def __init__(self, what: str, total: int, console: Console) -> None:
        self.what, self.total, self.console = what, total, console
        self.done = 0
        self.started = self.told = time.monotonic()
        self.bar: Progress | None = None

    def advance(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=self.done)
        elif self.console.is_terminal and now - self.started > _SHORT_SECONDS and self.done < self.total:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self.bar = Progress(*columns, console=self.console, transient=True)
            self.bar.add_task(self.what, total=self.total, completed=self.done)
            self.bar.start()
        elif not self.console.is_terminal and now - self.told > _LOG_SECONDS:
            self.told = now
            line = _COUNTED(system_language(), what=self.what, done=self.done, total=self.total)
            self.console.print(line, highlight=False)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()
