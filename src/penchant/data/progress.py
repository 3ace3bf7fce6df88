"""A progress bar for reading, shown only where reading takes long."""

import logging
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LOG: Final = logging.getLogger("penchant.read")
_PATIENCE: Final = 2.0
"""Seconds before anything is shown."""

_LINES_APART: Final = 10.0
"""Seconds between lines in a log."""


class ReadingProgress:
    """A bar on a terminal, a line now and then in a log; nothing at all in the first two seconds.

    Args:
        size: bytes to read; zero where that is not known.
        shown: false for silence.
    """

    def __init__(self, size: int, *, shown: bool = True) -> None:
        self.size = size
        self._shown = shown
        self._next = time.monotonic() + _PATIENCE
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, bytes_read: int, rows: int, name: str) -> None:
        """Tell how far reading is: bytes and rows in all, and the file at hand."""
        if not self._shown or (self._bar is None and time.monotonic() < self._next):
            return
        if sys.stderr.isatty():
            self._draw(bytes_read, rows, name)
        else:
            self._next = time.monotonic() + _LINES_APART
            done = f" ({bytes_read / self.size:.0%})" if self.size else ""
            _LOG.info("reading %s: %s rows so far%s", name, f"{rows:,}", done)

    def _draw(self, bytes_read: int, rows: int, name: str) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]}"))
            self._bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(name, total=self.size or None, rows="")
        assert self._task is not None
        self._bar.update(self._task, completed=bytes_read, description=name, rows=f"{rows:,}")
