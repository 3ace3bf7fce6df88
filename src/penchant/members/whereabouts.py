"""Where a member stands in the builds of a workspace."""

from pathlib import Path
from typing import Final

import polars as pl

MEMBERS_FILE: Final = Path("community") / "members.parquet"


def build_folders(folder: Path) -> list[Path]:
    """The folders of a workspace's builds, finished or not."""
    return sorted(path for path in (folder / "builds").glob("*") if path.is_dir())


def place_in(build: Path, member_id: str) -> tuple[int | None, int | None, int | None]:
    """A member's row in a build, None where they are in it not; and how many members and items it has."""
    if not (build / MEMBERS_FILE).is_file():
        return None, None, None
    members = pl.read_parquet(build / MEMBERS_FILE, columns=["member_id"])["member_id"]
    items = pl.scan_parquet(build / "community" / "items.parquet").select(pl.len()).collect().item()
    found = (members == member_id).arg_true()
    return (int(found[0]) if len(found) else None), len(members), int(items)
