"""The store goes away in each of its ways: writes are refused soon, answers go on, and it is well by itself."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fastapi.testclient import TestClient
from service_served import Served

from penchant.benchmarks.serve_outage import filled, small_disk
from penchant.benchmarks.serve_stores import without_store
from penchant.benchmarks.serve_times import Times
from penchant.errors import StorageError
from penchant.service.app import create_app
from penchant.service.settings import ServiceSettings
from penchant.workspace import Workspace

EVENT = {"member_id": "m1", "item_id": "p1", "kind": "buy"}
SETTINGS = "\n[service]\nlanguage_model = false\npoll_seconds = 0.2\nlimits = {store_seconds = 1.0}\n"


@pytest.mark.slow
def test_without_either_store_in_any_way_writes_wait_answers_go_on_and_nothing_is_lost(
    shop: Workspace, tmp_path: Path
) -> None:
    shop.config_path.write_text(shop.config_path.read_text() + SETTINGS)
    # Not in a folder of pytest's: a second pytest that starts shuts those to the user whom PostgreSQL runs as.
    with TemporaryDirectory(prefix="penchant-outage-", ignore_cleanup_errors=True) as place:
        found = without_store(Workspace.open(shop.path), tmp_path / "log", Path(place), Times(outage=4.0))
    metrics, _, tables = found
    names = [str(row["store"]) for row in tables["outages"] if "left out" not in row]
    assert "sqlite-held" in names
    for name in names:
        assert metrics[f"refuse_s_{name}"] < 4.5, name
        assert metrics[f"recover_s_{name}"] < 5, name
        assert metrics[f"ready_s_{name}"] < 5, name
        assert metrics[f"failed_answers_{name}"] == 0, name
        assert metrics[f"without_retry_after_{name}"] == 0, name
        assert (metrics[f"lost_{name}"], metrics[f"doubled_{name}"]) == (0, 0), name


def test_a_store_that_hangs_is_waited_for_once_and_then_refused_at_once(shop: Workspace) -> None:
    import sqlite3
    import time

    settings = ServiceSettings(language_model=False, limits={"store_seconds": 0.5})
    with TestClient(create_app(shop, settings), raise_server_exceptions=False) as client:
        served = Served(client, shop)
        with sqlite3.connect(shop.path / "store.db", isolation_level=None) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            took = []
            for _ in range(4):
                started = time.monotonic()
                answer = client.post("/v1/events", json={"events": [EVENT]}, headers={"Idempotency-Key": "k"})
                took.append(time.monotonic() - started)
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) >= 1
                assert served.picks("m1", k=3)
            assert took[0] > 0.4, "it is waited for"
            assert took[-1] < 0.3, "and not by everybody"
            holder.execute("ROLLBACK")
        answer = client.post("/v1/events", json={"events": [EVENT]}, headers={"Idempotency-Key": "k"})
        while answer.status_code == 503:
            time.sleep(0.1)
            answer = client.post("/v1/events", json={"events": [EVENT]}, headers={"Idempotency-Key": "k"})
        told = answer.json()
        assert told["added"] + told["repeated"] == 1
        assert (served.state.live.history("m1")["kind"] == "buy").sum() == 1


def test_a_small_disk_is_full_when_it_is_filled(tmp_path: Path) -> None:
    try:
        with small_disk(tmp_path / "disk", 2) as disk:
            away, back = filled(disk)
            away()
            with pytest.raises(OSError, match="No space"):
                (disk / "more").write_bytes(b"x" * 100_000)
            back()
            (disk / "more").write_bytes(b"x" * 100_000)
            assert shutil.disk_usage(disk).free < 2_000_000
    except StorageError as error:
        pytest.skip(str(error))
