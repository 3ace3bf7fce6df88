"""Checksums and fingerprints of a build made anew after files of it were rewritten, so that it stays whole.

Every record of files is a JSON mapping from names to SHA-256: `sha256` in the manifest of a saved model, `files` in the
record of a stage, and the same within the record of a build.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from penchant.artifacts import file_sha256, write_atomically
from penchant.data.columns import TABLES
from penchant.data.community import Community

_RECORDS: Final = ("manifest.json", "stage.json", "build.json")
"""In the order in which they take each other in, where they lie in one folder."""


def fingerprints(build: Path) -> dict[str, str]:
    """The fingerprint of each table of the community that a build keeps; none where it keeps none."""
    folder = build / "community"
    if not all((folder / f"{name}.parquet").is_file() for name in TABLES):
        return {}
    community = Community(**{name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES})
    return {name: community.fingerprint(name) for name in TABLES}


def follow(build: Path, before: Mapping[str, str]) -> list[Path]:
    """Let models that name the community they were fitted on name it as it is now; the files that changed.

    Args:
        build: its folder.
        before: the fingerprints before the community was rewritten.
    """
    after = fingerprints(build)
    renamed = {old.encode(): after[name].encode() for name, old in before.items() if after.get(name) != old}
    changed = []
    for path in build.rglob("*.json") if renamed else ():
        content = path.read_bytes()
        for old, new in renamed.items():
            content = content.replace(old, new)
        if content != path.read_bytes():
            write_atomically(path, content)
            changed.append(path)
    return changed


def reseal(build: Path, changed: Iterable[Path]) -> int:
    """Bring the records of a build up to date with files of it that were rewritten; how many records changed.

    Args:
        build: its folder.
        changed: the files.
    """
    touched = {path.resolve() for path in changed}
    if not touched:
        return 0
    records = [path for name in _RECORDS for path in build.rglob(name)]
    records.sort(key=lambda path: (-len(path.parts), _RECORDS.index(path.name)))
    count = 0
    for path in records:
        document = json.loads(path.read_bytes())
        # Every one of them is looked at: a record of a build holds those of all its stages.
        renewed = [_renewed(files, folder, touched) for files, folder in _sealed(document, path.parent)]
        if any(renewed):
            indent = 1 if path.name != "manifest.json" else None
            write_atomically(path, json.dumps(document, ensure_ascii=False, indent=indent).encode())
            touched.add(path.resolve())
            count += 1
    return count


def _sealed(document: dict[str, Any], folder: Path) -> list[tuple[dict[str, str], Path]]:
    if "stages" in document:
        return [(stage["files"], folder / stage["name"]) for stage in document["stages"]]
    return [(document[name], folder) for name in ("sha256", "files") if isinstance(document.get(name), dict)]


def _renewed(files: dict[str, str], folder: Path, touched: set[Path]) -> bool:
    stale = [name for name in files if (folder / name).resolve() in touched]
    for name in stale:
        files[name] = file_sha256(folder / name)
    return bool(stale)
