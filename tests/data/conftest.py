"""What the tests of reading share: a folder that is quickly filled, and read with its rejected rows."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from penchant.data.community import Community
from penchant.data.readers import read_community
from penchant.data.rejections import ReadSummary

ITEMS = "item_id,title\np1,Kettle\np2,Lamp\n"
EVENTS = "member_id,item_id,kind,at\nm1,p1,buy,2026-01-05\n"


@dataclass
class Read:
    """A reading, with the lines of its `rejected.jsonl`."""

    community: Community
    summary: ReadSummary
    rejected: list[dict[str, Any]]

    def reasons(self, table: str = "events") -> list[tuple[int, str]]:
        """Line and reason of each rejected row of a table, by line."""
        return sorted((row["line"], row["reason"]) for row in self.rejected if row["table"] == table)

    def column(self, name: str, table: str = "events") -> list[Any]:
        """One column of a table of the community, with ids."""
        frames = {"events": lambda: self.community.with_ids("events"), "ties": lambda: self.community.with_ids("ties")}
        return frames.get(table, lambda: getattr(self.community, table))()[name].to_list()


ReadFiles = Callable[..., Read]
CheckAccounts = Callable[[ReadSummary, list[dict[str, Any]]], None]


@pytest.fixture(scope="session")
def check_accounts() -> CheckAccounts:
    """Holds a reading to its accounts: rows in = accepted + rejected by table, each rejected row in the log once."""

    def check(summary: ReadSummary, rejected: list[dict[str, Any]]) -> None:
        for name, table in summary.tables.items():
            assert table.rows == table.accepted + table.rejected.total(), name
            logged = [row for row in rejected if row["table"] == name]
            assert len(logged) == table.rejected.total(), name
            assert len({(row["file"], row["line"]) for row in logged}) == len(logged), name

    return check


@pytest.fixture
def read_files(tmp_path: Path, check_accounts: CheckAccounts) -> ReadFiles:
    """Writes files into a folder and reads it; two items and one event stand in for tables of which nothing is said.

    Every reading is held to its accounts.
    """

    def write_and_read(files: dict[str, str | bytes | None] | None = None, **options: Any) -> Read:
        files = dict(files or {})
        for table, content in (("items", ITEMS), ("events", EVENTS)):
            if not any(name.startswith(table) for name in files) and "[tables]" not in str(files.get("penchant.toml")):
                files[f"{table}.csv"] = content
        folder = tmp_path / "shop"
        shutil.rmtree(folder, ignore_errors=True)
        for name, content in files.items():
            if content is None:
                continue
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        log = tmp_path / "rejected.jsonl"
        reading = read_community(folder, rejected=log, **options)
        rejected = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        check_accounts(reading.summary, rejected)
        return Read(reading.community, reading.summary, rejected)

    return write_and_read
