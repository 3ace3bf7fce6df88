"""Saved folders: what goes in comes out, and what was interrupted or changed is refused."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from penchant.artifacts import (
    MANIFEST,
    file_sha256,
    folder_written_atomically,
    load_artifact,
    read_manifest,
    save_artifact,
    storage_errors,
    write_atomically,
)
from penchant.errors import ArtifactError, StorageError


def save(folder: Path, **options) -> None:
    matrix = sp.csr_matrix(np.array([[0, 1.5, 0], [2, 0, 0]], dtype=np.float32))
    arrays = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3).T, "ids": np.array([], dtype=np.int64)}
    save_artifact(folder, "ease", arrays=arrays, matrices={"m": matrix}, meta={"名": "值", "k": 3}, **options)


def test_what_was_saved_comes_back(tmp_path):
    save(tmp_path / "a" / "b")
    loaded = load_artifact(tmp_path / "a" / "b", "ease")
    assert loaded.arrays["weights"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert loaded.arrays["weights"].dtype == np.float32
    assert (loaded.arrays["ids"].dtype, loaded.arrays["ids"].shape) == (np.int64, (0,))
    assert loaded.matrices["m"].toarray().tolist() == [[0, 1.5, 0], [2, 0, 0]]
    assert loaded.meta == {"名": "值", "k": 3}
    assert set(loaded.arrays) == {"weights", "ids"}


def test_saving_again_replaces(tmp_path):
    save(tmp_path)
    save_artifact(tmp_path, "ease", meta={"second": True})
    assert load_artifact(tmp_path, "ease").meta == {"second": True}
    assert load_artifact(tmp_path, "ease").arrays == {}


def test_another_kind_format_or_place_is_refused(tmp_path):
    save(tmp_path)
    with pytest.raises(ArtifactError, match="holds a 'ease'; a 'als' was wanted"):
        load_artifact(tmp_path, "als")
    with pytest.raises(ArtifactError, match=r"no finished model \(no manifest.json\); build it again"):
        load_artifact(tmp_path / "nowhere", "ease")
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(ArtifactError, match="is of format 99; this version of Penchant reads format 1"):
        load_artifact(tmp_path, "ease")
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_manifest(tmp_path)


def test_changed_missing_and_cut_files_are_refused(tmp_path):
    (tmp_path / "trees.txt").write_text("tree")
    save(tmp_path, files=["trees.txt"])
    (tmp_path / "trees.txt").write_text("twee")
    with pytest.raises(ArtifactError, match=r"trees.txt has changed since it was saved \(checksum differs\)"):
        load_artifact(tmp_path, "ease")
    (tmp_path / "trees.txt").unlink()
    with pytest.raises(ArtifactError, match=r"trees.txt is missing from a saved ease"):
        load_artifact(tmp_path, "ease")
    save(tmp_path)
    arrays = tmp_path / "arrays.safetensors"
    arrays.write_bytes(arrays.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=r"arrays.safetensors has changed"):
        load_artifact(tmp_path, "ease")


def test_an_interrupted_save_leaves_no_manifest(tmp_path, monkeypatch):
    save(tmp_path)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("penchant.artifacts.save_file", die)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path)
    with pytest.raises(ArtifactError, match="no finished model"):
        load_artifact(tmp_path, "ease")


def test_numbers_that_json_does_not_have_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Out of range float values"):
        save_artifact(tmp_path, "ease", meta={"loss": float("nan")})


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "current"
    write_atomically(path, b"one")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(StorageError, match=r"cannot write .*current: the disk is full; free some space"):
        write_atomically(path, b"two")
    assert path.read_bytes() == b"one"
    assert [child.name for child in tmp_path.iterdir()] == ["current"]


def stop_halfway(target: Path) -> None:
    with folder_written_atomically(target) as scratch:
        (scratch / "x").write_text("two")
        raise RuntimeError("halfway")


def test_a_folder_takes_its_place_only_when_the_block_ends_well(tmp_path):
    target = tmp_path / "model"
    with folder_written_atomically(target) as scratch:
        (scratch / "x").write_text("one")
        assert not target.exists()
    with pytest.raises(RuntimeError, match="halfway"):
        stop_halfway(target)
    assert (target / "x").read_text() == "one"
    with folder_written_atomically(target) as scratch:
        (scratch / "y").write_text("three")
    assert [child.name for child in target.iterdir()] == ["y"]
    assert [child.name for child in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EACCES, "there is no permission"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EIO, "see the reason in brackets"),
    ],
)
def test_the_systems_refusals_say_what_to_do(number, advice):
    reason = os.strerror(number)
    with pytest.raises(StorageError, match=f"cannot write x: {advice}.*{reason}"), storage_errors(Path("x")):
        raise OSError(number, reason)


def test_checksums_are_sha256(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert file_sha256(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
