"""Real processes: killed under load, stopped with grace, without a store for a while."""

import json
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
from service_shop import community

from penchant.benchmarks.serve_death import kill_again_and_again
from penchant.benchmarks.serve_process import Running
from penchant.workspace import Workspace

EVENT = {"member_id": "m1", "item_id": "p1", "kind": "buy"}


@pytest.fixture
def quiet(shop: Workspace) -> Workspace:
    """A shop that is served without a language model."""
    path = shop.config_path
    path.write_text(path.read_text() + "\n[service]\nlanguage_model = false\npoll_seconds = 0.2\n")
    return Workspace.open(shop.path)


def on_postgres(shop_folder: Path, url: str, folder: Path) -> Workspace:
    shutil.copytree(shop_folder, folder)
    (folder / "penchant.toml").write_text(f'[store]\nurl = "{url}"\n[service]\nlanguage_model = false\n')
    workspace = Workspace.open(folder)
    with workspace.store() as store:
        store.write(community())
    return workspace


@pytest.mark.slow
def test_what_was_acknowledged_outlives_kill_9_on_sqlite(quiet: Workspace, tmp_path: Path) -> None:
    deaths = kill_again_and_again(quiet, tmp_path / "log", 2, seconds=0.3)
    assert deaths.acknowledged > 20
    assert (deaths.lost, deaths.doubled) == (0, 0)


@pytest.mark.slow
def test_an_event_at_one_worker_changes_the_answers_of_all_and_outlives_their_death(
    shop_folder: Path, postgres_url: str, tmp_path: Path
) -> None:
    workspace = on_postgres(shop_folder, postgres_url, tmp_path / "pg.ws")
    with Running(workspace, tmp_path / "log", "--workers", "2") as service:
        for turn in range(6):
            before = service.ask("GET", "/v1/members/m1/recommendations?k=1")[1]["picks"][0]["item_id"]
            assert service.ask("POST", "/v1/events", {"events": [EVENT | {"item_id": before}]})[0] == 200
            # Each request is a new connection, and either worker may take it.
            for _ in range(4):
                after = service.ask("GET", "/v1/members/m1/recommendations?k=20")[1]
                assert before not in [pick["item_id"] for pick in after["picks"]], turn
        service.kill()
        service.start()
        found = service.ask("GET", "/v1/members/m1/evidence")[1]
        assert sum(event["kind"] == "buy" for event in found["events"]) == 6


@pytest.mark.slow
def test_a_stop_finishes_what_has_begun_and_a_start_is_quick(quiet: Workspace, tmp_path: Path) -> None:
    service = Running(quiet, tmp_path / "log")
    assert service.start() < 15
    codes: list[int] = []

    def send() -> None:
        for _ in range(200):
            try:
                codes.append(service.ask("POST", "/v1/events", {"events": [EVENT]})[0])
            except OSError:
                return

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    assert service.stop() in (0, -signal.SIGTERM)
    for thread in threads:
        thread.join()
    acknowledged = codes.count(200)
    assert acknowledged > 10
    assert set(codes) <= {200, 503}
    with quiet.store() as store:
        bought = (store.history("m1")["kind"] == "buy").sum()
    assert bought >= acknowledged
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if line.startswith("{")]
    assert any(line["what"] == "Application shutdown complete." for line in lines)


@pytest.mark.slow
def test_without_its_store_it_answers_from_memory_refuses_writes_and_recovers(quiet: Workspace, tmp_path: Path) -> None:
    with Running(quiet, tmp_path / "log") as service:
        assert service.ask("GET", "/v1/members/m1/recommendations")[0] == 200
        # The folder of the database goes away: SQLite can open neither file nor log.
        names = ("store.db", "store.db-wal", "store.db-shm")
        away = tmp_path / "away"
        away.mkdir()
        held = [name for name in names if (quiet.path / name).exists()]
        import sqlite3

        # Another process holds it alone, as a disk that does not answer would.
        with sqlite3.connect(quiet.path / "store.db", isolation_level=None) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            started = time.monotonic()
            status, told = service.ask("GET", "/v1/members/m1/recommendations?k=3")
            assert (status, len(told["picks"])) == (200, 3)
            assert time.monotonic() - started < 2
            holder.execute("ROLLBACK")
        assert held
        assert service.ask("POST", "/v1/events", {"events": [EVENT]})[0] == 200
