"""The summary in two languages, and the log of rejected rows."""

import json

import polars as pl
import pytest

from penchant.data.progress import ReadingProgress
from penchant.data.rejections import REASONS, ReadSummary, Reason, RejectionLog, shortened


def rejected(*rows: tuple[int, str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "line": [line for line, _ in rows],
            "reason": [reason for _, reason in rows],
            "detail": [f"at {line}" for line, _ in rows],
            "row": [{"member_id": "会员", "text": None}] * len(rows),
        }
    )


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_told_in_both_languages(reason):
    phrase = REASONS[reason]
    assert phrase.en.isascii()
    assert any("\u4e00" <= character <= "\u9fff" for character in phrase.zh)
    assert sum(other == phrase for other in REASONS.values()) == 1


def test_rows_are_written_as_they_come_and_counted_by_reason(tmp_path):
    summary = ReadSummary()
    path = tmp_path / "new" / "rejected.jsonl"
    with RejectionLog(summary, path) as log:
        log.add("events", "a.csv", rejected((3, "bad_time"), (4, "bad_id"), (5, "bad_time")))
        log.add("events", "a.csv", rejected())
        log.add("events", "b.csv", rejected(*((line, "bad_time") for line in range(9))))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 12
    row = {"member_id": "会员", "text": None}
    assert lines[0] == {
        "table": "events",
        "file": "a.csv",
        "line": 3,
        "reason": "bad_time",
        "detail": "at 3",
        "row": row,
    }
    counts = summary.tables["events"]
    assert counts.rejected == {"bad_time": 11, "bad_id": 1}
    assert counts.examples["bad_time"] == ["a.csv, line 3: at 3", "a.csv, line 5: at 5", "b.csv, line 0: at 0"]
    assert summary.rejected == 12
    assert f"with its file, line and reason: {path}" in summary.text("en")


def test_a_log_without_a_path_only_counts():
    summary = ReadSummary()
    with RejectionLog(summary, None) as log:
        log.add("items", "a.csv", rejected((3, "bad_time")))
    assert summary.tables["items"].rejected == {"bad_time": 1}
    assert "with its file" not in summary.text("en")


def test_an_empty_summary_has_no_lines():
    assert ReadSummary().text("zh") == ""


def test_what_is_short_stays_as_it_is():
    cells = pl.DataFrame({"x": ["会" * 5, "会" * 6, None]}).select(shortened(pl.col("x"), 5))
    assert cells["x"].to_list() == ["会" * 5, "会" * 5 + "… (6 characters)", None]


class Clock:
    """A clock that is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("penchant.data.progress.time.monotonic", lambda: self.now)


def test_a_log_hears_of_long_reading_now_and_then(monkeypatch, caplog):
    caplog.set_level("INFO", "penchant.read")
    clock = Clock(monkeypatch)
    with ReadingProgress(1000) as progress:
        for seconds in (1, 1.5, 2.5, 3, 8, 13):
            clock.now = 100 + seconds
            progress.update(500, 12_345, "events.csv")
    assert caplog.messages == ["reading events.csv: 12,345 rows so far (50%)"] * 2


def test_silence_can_be_asked_for(monkeypatch, caplog):
    caplog.set_level("INFO", "penchant.read")
    clock = Clock(monkeypatch)
    with ReadingProgress(1000, shown=False) as progress:
        clock.now += 60
        progress.update(500, 1, "events.csv")
    assert caplog.messages == []


def test_a_terminal_shows_a_bar_after_two_seconds(monkeypatch, capsys):
    clock = Clock(monkeypatch)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with ReadingProgress(1000) as progress:
        progress.update(100, 1, "items.csv")
        assert progress._bar is None
        clock.now += 3
        progress.update(500, 12_345, "events.csv")
        progress.update(600, 23_456, "events.csv")
    shown = capsys.readouterr().err
    assert "events.csv" in shown
    assert "items.csv" not in shown
