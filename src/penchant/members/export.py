"""Everything that is held about one member, as one JSON document for them to have."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl
from safetensors.numpy import load_file

from penchant.members.audit import AuditLog
from penchant.members.home import Home
from penchant.members.needles import Needles
from penchant.members.scrubbing import OWNED, OWNED_IDS, is_of_members
from penchant.members.traces import TABLE_FILES, files_of, read_table, traces
from penchant.members.whereabouts import build_folders, place_in

_STORE: Final = ("store.db", "store.db-wal", "store.db-shm")


def export_member(home: Home, member_id: str) -> dict[str, Any]:
    """Everything held about a member: the store's rows, what each build holds, logs and rejected rows.

    The export itself is noted in the audit log.

    Args:
        home: the workspace.
        member_id: whose.

    Returns:
        JSON's own types alone: `member`, `events`, `ties`, `verdicts` and `labels` of the store; `builds`, by version
        and file; `elsewhere`, with file, place and value; `audit`.

    Raises:
        UnknownIdError: the store has no such member.
    """
    with home.store() as store:
        member, history = store.member(member_id), store.history(member_id)
        ties, verdicts = store.ties_of(member_id), store.verdicts_of(member_id)
        written = set(history["text"].drop_nulls())
        community = store.read()
    labels = community.labels.filter(pl.col("text").is_in(written))
    audit = AuditLog(home.path)
    audit.add("export", member_id)
    needles = Needles.of(member_id, written, ids=community.item_ids.ids)
    elsewhere = [
        {"file": str(trace.path), "place": trace.place, "value": _plain(trace.value)}
        for trace in traces(home.path, needles)
        if trace.path.name not in _STORE and trace.path.parts[0] != "builds"
    ]
    return {
        "member_id": member_id,
        "member": _plain(member),
        "events": _plain(history.to_dicts()),
        "ties": _plain(ties.to_dicts()),
        "verdicts": _plain(verdicts.to_dicts()),
        "labels": _plain(labels.to_dicts()),
        "builds": {build.name: held for build in build_folders(home.path) if (held := _held_by(build, needles))},
        "elsewhere": elsewhere,
        "audit": audit.of(member_id),
    }


def _held_by(build: Path, needles: Needles) -> dict[str, Any]:
    """What a build holds of a member, by file."""
    row, members, items = place_in(build, needles.member_id)
    held: dict[str, Any] = {}
    for path in files_of(build):
        name = str(path.relative_to(build))
        if path.suffix in TABLE_FILES:
            table = read_table(path)
            if len(rows := _rows_of(table, row, needles)):
                held[name] = _plain(rows.to_dicts())
        elif path.suffix == ".safetensors" and row is not None and members:
            own = {
                array: _plain(values[row].tolist())
                for array, values in load_file(path).items()
                if values.ndim and len(values) == members and is_of_members(path, array, members, items)
            }
            if own:
                held[name] = own
    for trace in traces(build, needles):
        if trace.path.suffix == ".json":
            held[str(trace.path)] = _plain(trace.value)
    return held


def _rows_of(table: pl.DataFrame, row: int | None, needles: Needles) -> pl.DataFrame:
    conditions = list(_conditions(table, row, needles))
    return table.filter(pl.any_horizontal(conditions)) if conditions else table.clear()


def _conditions(table: pl.DataFrame, row: int | None, needles: Needles) -> Iterator[pl.Expr]:
    for name in OWNED:
        if row is not None and name in table.columns and table.schema[name].is_integer():
            yield pl.col(name) == row
    for name in OWNED_IDS:
        if name in table.columns and table.schema[name] == pl.String:
            yield pl.col(name) == needles.member_id


def _plain(value: Any) -> Any:
    """A value in JSON's own types."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
