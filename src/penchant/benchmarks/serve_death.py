"""A service that is killed while it is written to: what it acknowledged must be there, each event once."""

import json
import secrets
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from sqlalchemy import func, select

from penchant.benchmarks.serve_process import Running
from penchant.data import schema
from penchant.workspace import Workspace


@dataclass
class Deaths:
    """What came of killing a service again and again."""

    rounds: int = 0
    acknowledged: int = 0
    """Events."""
    lost: int = 0
    doubled: int = 0
    ready_seconds: list[float] = field(default_factory=list)


def kill_again_and_again(workspace: Workspace, log: Path, rounds: int, *options: str, seconds: float = 0.6) -> Deaths:
    """Kill a service under write load, start it again, and count the events that it had acknowledged.

    Two writers send batches; a batch without an answer is sent again under the same name once the service is back, as
    a client with retries does, so that each event must be there exactly once.

    Args:
        workspace: with a build.
        log: where the log goes.
        rounds: how often it is killed.
        options: of the command line.
        seconds: of load before each death.
    """
    deaths = Deaths()
    # Events of another run, which the data may hold, have other names.
    run = secrets.token_hex(4)
    service = Running(workspace, log, *options)
    service.start()
    stop = threading.Event()
    acknowledged: list[set[str]] = [set(), set()]
    writers = [
        threading.Thread(target=_write, args=(service, f"w{run}{number}", acknowledged[number], stop), daemon=True)
        for number in range(2)
    ]
    try:
        for writer in writers:
            writer.start()
        for turn in range(rounds):
            # Not always at the same moment of a write.
            time.sleep(seconds * (0.5 + (turn * 0.37) % 1))
            service.kill()
            deaths.ready_seconds.append(service.start())
            deaths.rounds += 1
        time.sleep(seconds)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
        service.stop()
    wanted = set().union(*acknowledged)
    counts = counts_of(workspace, f"w{run}")
    deaths.acknowledged = len(wanted)
    deaths.lost = sum(name not in counts for name in wanted)
    deaths.doubled = sum(counts.get(name, 0) > 1 for name in wanted)
    return deaths


def _write(service: Running, name: str, acknowledged: set[str], stop: threading.Event) -> None:
    turn = 0
    while not stop.is_set():
        turn += 1
        names = [f"{name}-{turn}-{place}" for place in range(5)]
        events = [{"member_id": name, "item_id": None, "kind": "search", "text": name} for name in names]
        body = json.dumps({"events": events}).encode()
        while not stop.is_set():
            request = urllib.request.Request(
                f"http://127.0.0.1:{service.port}/v1/events",
                body,
                {
                    "Authorization": f"Bearer {service.key}",
                    "Content-Type": "application/json",
                    "Idempotency-Key": f"{name}-{turn}",
                },
            )
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    told = json.loads(answer.read())
                if told["added"] + told["repeated"] == len(names):
                    acknowledged.update(names)
                break
            except (OSError, HTTPException, ValueError):
                time.sleep(0.02)


def counts_of(workspace: Workspace, name: str) -> dict[str, int]:
    """How often each text that begins with a name is in the store, without the dots at its end.

    Args:
        workspace: whose.
        name: what the texts begin with.
    """
    events = schema.events.c
    query = select(events.text, func.count().label("times")).where(
        events.kind == "search", events.text.like(f"{name}%")
    )
    with workspace.store() as store, store.database.reading() as connection:
        return {row.text.rstrip("."): row.times for row in connection.execute(query.group_by(events.text))}
