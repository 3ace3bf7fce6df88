"""A saved model is a folder: arrays in safetensors, everything else in JSON, a manifest with checksums written last.

Never a pickle. A folder without a manifest was interrupted and is refused; so is one whose bytes have changed.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from safetensors.numpy import load_file, save_file

from penchant.errors import ArtifactError, PenchantError, StorageError

FORMAT: Final = 1
"""The number of this layout; a build made with another is refused with the reason."""

MANIFEST: Final = "manifest.json"
_ARRAYS: Final = "arrays.safetensors"
_SPARSE: Final = ("data", "indices", "indptr", "shape")


@dataclass(frozen=True)
class Artifact:
    """What one saved folder holds."""

    kind: str
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    matrices: dict[str, sp.csr_matrix] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)


def save_artifact(
    folder: Path | str,
    kind: str,
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    matrices: Mapping[str, sp.csr_matrix] | None = None,
    meta: Mapping[str, Any] | None = None,
    files: Sequence[str] = (),
) -> None:
    """Write a model's folder; what stood there before under the same names is replaced.

    Args:
        folder: made if absent.
        kind: what this is, such as `ease`; `load_artifact` must name the same.
        arrays: dense arrays by name.
        matrices: sparse matrices by name.
        meta: anything JSON can hold: configuration, ids, numbers.
        files: names of files of another format already written to the folder (ONNX, LightGBM text), to be checked too.

    Raises:
        StorageError: the folder cannot be written.
    """
    folder = Path(folder)
    tensors = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    for name, matrix in (matrices or {}).items():
        parts = (matrix.data, matrix.indices, matrix.indptr, np.array(matrix.shape, dtype=np.int64))
        tensors |= {f"{name}/{part}": np.ascontiguousarray(values) for part, values in zip(_SPARSE, parts, strict=True)}
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MANIFEST).unlink(missing_ok=True)
        save_file(tensors, folder / _ARRAYS)
        manifest = {
            "kind": kind,
            "format": FORMAT,
            "sparse": sorted(matrices or {}),
            "sha256": {name: file_sha256(folder / name) for name in (_ARRAYS, *files)},
            "meta": dict(meta or {}),
        }
        write_atomically(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, allow_nan=False).encode())


def load_artifact(folder: Path | str, kind: str) -> Artifact:
    """Read back what `save_artifact` wrote, checking every byte against the manifest.

    Raises:
        ArtifactError: the folder is absent, unfinished, changed, of another kind, or of another format.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest["kind"] != kind:
        raise ArtifactError(f"{folder} holds a {manifest['kind']!r}; a {kind!r} was wanted")
    for name, expected in manifest["sha256"].items():
        path = folder / name
        if not path.is_file():
            raise ArtifactError(f"{path} is missing from a saved {kind}; build it again")
        if file_sha256(path) != expected:
            raise ArtifactError(f"{path} has changed since it was saved (checksum differs); build it again")
    tensors = load_file(folder / _ARRAYS)
    matrices = {}
    for name in manifest["sparse"]:
        data, indices, indptr, shape = (tensors.pop(f"{name}/{part}") for part in _SPARSE)
        matrices[name] = sp.csr_matrix((data, indices, indptr), shape=tuple(int(size) for size in shape))
    return Artifact(kind, tensors, matrices, manifest["meta"])


def read_manifest(folder: Path | str) -> dict[str, Any]:
    """The manifest of a saved folder: its kind, format, checksums and meta.

    Raises:
        ArtifactError: there is none, it cannot be read, or it is of another format.
    """
    path = Path(folder) / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ArtifactError(f"{folder} holds no finished model (no {MANIFEST}); build it again") from None
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read ({error}); build it again") from error
    if manifest.get("format") != FORMAT:
        raise ArtifactError(
            f"{folder} is of format {manifest.get('format')}; this version of Penchant reads format {FORMAT}: "
            "build it again"
        )
    return manifest


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees all of it or none of it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with storage_errors(path):
        try:
            with partial.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def folder_written_atomically(folder: Path) -> Iterator[Path]:
    """A scratch folder that takes the place of `folder` when the block ends well, and vanishes when it does not."""
    scratch = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    with storage_errors(folder):
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            yield scratch
            if folder.exists():
                shutil.rmtree(folder)
            scratch.rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn refusals to write, the operating system's and those that libraries pass on, into `StorageError`."""
    try:
        yield
    except PenchantError:
        raise
    except Exception as error:
        number = _system_error(error)
        if number is None and not isinstance(error, OSError):
            raise
        advice = {
            28: "the disk is full; free some space and run the same command again",
            122: "the disk quota is used up; free some space and run the same command again",
            27: "a file there may not grow so large; raise the limit and run the same command again",
            13: "there is no permission to write there; choose another folder or change its permissions",
            30: "the file system is read-only; choose another folder",
        }.get(number or 0, "see the reason in brackets")
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise StorageError(f"cannot write {path}: {advice} ({reason})") from error


def _system_error(error: Exception) -> int | None:
    """The number of the operating system's error behind an exception; None where there is none."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    # Libraries in Rust (Polars, safetensors) pass it on in their own exceptions, NumPy as a count of what was written.
    if found := re.search(r"\(os error (\d+)\)", str(error)):
        return int(found[1])
    return 28 if re.search(r"\d+ requested and \d+ written", str(error)) else None
