"""Progress: nothing for short work, a bar on a terminal, lines in a log, and only the outermost of nested work."""

import io

import pytest
from rich.console import Console

from penchant.language import Phrase
from penchant.text import progress as module
from penchant.text.progress import progress

COUNTING = Phrase("Counting", "计数")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set by the test."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "system_language", lambda: "en")
    return now


def count(clock: list[float], console: Console, step_seconds: float, *, shown: bool = True) -> None:
    with progress(COUNTING, 1_000, shown=shown, console=console) as advance:
        for _ in range(10):
            clock[0] += step_seconds
            advance(100)


def test_short_work_says_nothing(clock: list[float]) -> None:
    for terminal in (True, False):
        out = io.StringIO()
        count(clock, Console(file=out, force_terminal=terminal), 0.1)
        assert out.getvalue() == ""


def test_a_log_gets_a_line_now_and_then(clock: list[float]) -> None:
    out = io.StringIO()
    count(clock, Console(file=out, width=80), 10.0)
    assert out.getvalue().splitlines() == [
        f"Counting: {done} of 1,000" for done in ("200", "400", "600", "800", "1,000")
    ]


def test_a_log_may_be_chinese(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "system_language", lambda: "zh")
    out = io.StringIO()
    count(clock, Console(file=out, width=80), 4.0)
    assert out.getvalue().splitlines()[0] == "计数：400 / 1,000"


def test_a_terminal_gets_a_bar(clock: list[float]) -> None:
    out = io.StringIO()
    count(clock, Console(file=out, force_terminal=True, width=80), 1.0)
    assert "Counting" in out.getvalue()
    assert "/1000" in out.getvalue()


def test_it_can_be_silenced(clock: list[float]) -> None:
    out = io.StringIO()
    count(clock, Console(file=out, width=80), 10.0, shown=False)
    assert out.getvalue() == ""


def test_only_the_outermost_is_shown(clock: list[float]) -> None:
    out = io.StringIO()
    console = Console(file=out, width=80)
    with progress(Phrase("Outer", "外"), 2, console=console) as advance:
        for _ in range(2):
            count(clock, console, 10.0)
            advance(1)
    assert out.getvalue().splitlines() == ["Outer: 1 of 2", "Outer: 2 of 2"]
    count(clock, console, 20.0)
    assert "Counting" in out.getvalue()


def test_it_ends_with_the_work_even_where_that_fails(clock: list[float]) -> None:
    with pytest.raises(ZeroDivisionError), progress(COUNTING, 2, console=Console(file=io.StringIO())):
        _ = 1 / 0
    out = io.StringIO()
    count(clock, Console(file=out, width=80), 20.0)
    assert "Counting" in out.getvalue()
