"""How long data are kept: events, what members wrote, and lines of logs, each for its own number of days."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from penchant.artifacts import storage_errors
from penchant.members.audit import AuditLog
from penchant.members.home import Home
from penchant.members.privacy import PrivacyConfig
from penchant.members.seals import fingerprints, follow, reseal
from penchant.members.traces import files_of
from penchant.members.whereabouts import build_folders

_TIMES: Final = ("time", "at")
_STAMP: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}")


class Expired(NamedTuple):
    """What was past its time and is gone."""

    events: int
    texts: int
    lines: int
    """Of logs, and of rejected rows."""


def expire(home: Home, config: PrivacyConfig, *, now: datetime | None = None) -> Expired:
    """Delete what is past its time, in the store, in the communities that builds keep, and in logs.

    Args:
        home: the workspace.
        config: how long each is kept.
        now: the present; the clock's by default.

    Raises:
        WorkspaceBusyError: the workspace is being built or read into.
    """
    now = now or datetime.now(UTC)
    events, texts, logs = (
        None if days is None else now - timedelta(days=days)
        for days in (config.keep_events_days, config.keep_texts_days, config.keep_logs_days)
    )
    with home.lock():
        with home.store() as store:
            gone, emptied = store.expire(events=events, texts=texts)
        for build in build_folders(home.path):
            before = fingerprints(build)
            changed = _expired_snapshot(build, events, texts)
            reseal(build, [*changed, *(follow(build, before) if changed else ())])
        lines = 0 if logs is None else sum(_expired_lines(path, logs) for path in _logs(home.path))
        AuditLog(home.path).add("expire", events=gone, texts=emptied, lines=lines)
    return Expired(gone, emptied, lines)


def _expired_snapshot(build: Path, events: datetime | None, texts: datetime | None) -> list[Path]:
    path = build / "community" / "events.parquet"
    if not path.is_file():
        return []
    table = pl.read_parquet(path)
    kept = table if events is None else table.filter(pl.col("at") >= events)
    if texts is not None:
        old = (pl.col("at") < texts) & pl.col("text").is_not_null()
        kept = kept.filter(~(old & pl.col("item").is_null()))
        kept = kept.with_columns(text=pl.when(old).then(None).otherwise(pl.col("text")))
    if kept.equals(table):
        return []
    partial = path.with_name(f".{path.name}.partial")
    with storage_errors(path):
        kept.write_parquet(partial, compression="zstd")
        partial.replace(path)
    return [path]


def _logs(folder: Path) -> list[Path]:
    return [
        path
        for path in files_of(folder)
        if path.suffix in (".log", ".jsonl") and not path.is_relative_to(folder / "builds")
    ]


def _expired_lines(path: Path, before: datetime) -> int:
    """Drop the lines of a log that say they are older; where lines tell no time, the file's own age counts."""
    with storage_errors(path):
        lines = path.read_bytes().splitlines(keepends=True)
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        kept = [line for line in lines if (_time_of(line.decode("utf-8", "replace")) or written) >= before]
        if len(kept) < len(lines):
            with path.open("r+b") as stream:
                stream.write(b"".join(kept))
                stream.truncate()
    return len(lines) - len(kept)


def _time_of(line: str) -> datetime | None:
    told = _STAMP.match(line)
    text = told[0] if told else None
    if text is None and line.startswith("{"):
        try:
            document = json.loads(line)
            text = next((document[name] for name in _TIMES if isinstance(document.get(name), str)), None)
        except ValueError:
            return None
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
