"""Vectors on disk: remembered, killed, damaged, shared and forgotten."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import numpy as np
import pytest
from encoder_contract import TEXTS, EncoderContract
from hypothesis import given, settings

from penchant.errors import StorageError
from penchant.text.cache import CachedEncoder, VectorFile, text_keys
from penchant.text.encoder import Encoder
from penchant.text.transformer import TransformerEncoder
from penchant.vectors import Floats, unit_rows


class Counting:
    """An encoder of random vectors, seeded by the text, that counts what it is asked for."""

    def __init__(self, name: str = "counting", width: int = 8) -> None:
        self.name, self.width = name, width
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        rows = [
            np.random.default_rng(list(text.encode("utf-8", "surrogatepass"))).normal(size=self.width) for text in texts
        ]
        return unit_rows(np.array(rows, dtype=np.float32).reshape(-1, self.width))


class TestCachedEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self, random_encoder: TransformerEncoder, tmp_path: Path) -> Encoder:
        return CachedEncoder(random_encoder, tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> VectorFile:
    return VectorFile(tmp_path, "counting", 8)


def test_a_text_is_encoded_once_in_any_process(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    vectors = CachedEncoder(first, tmp_path).encode([*TEXTS, *TEXTS])
    again = CachedEncoder(second, tmp_path).encode([*TEXTS[::-1], "new"])
    assert sorted(first.asked) == sorted(TEXTS)
    assert second.asked == ["new"]
    assert (again[:-1][::-1] == vectors[: len(TEXTS)]).all()
    assert (vectors == Counting().encode([*TEXTS, *TEXTS])).all()


def test_encoders_of_other_names_or_widths_do_not_share(tmp_path: Path) -> None:
    CachedEncoder(Counting("a"), tmp_path).encode(["x"])
    for other in (Counting("b"), Counting("a/b"), Counting("a-b"), Counting("a", width=9)):
        CachedEncoder(other, tmp_path).encode(["x"])
        assert other.asked == ["x"]


def test_texts_that_differ_in_anything_have_vectors_of_their_own(tmp_path: Path) -> None:
    texts = ["a", "A", "a ", " a", "a\x00", "", "\ud83d", "\ufffd"]
    cached = CachedEncoder(Counting(), tmp_path)
    cached.encode(texts)
    assert len(cached) == len(texts)


def test_forgotten_texts_leave_no_trace_on_the_disk(tmp_path: Path) -> None:
    counting = Counting()
    cached = CachedEncoder(counting, tmp_path)
    vectors = cached.encode(["keep", "erase", "keep too"])
    bystander = CachedEncoder(counting, tmp_path)
    assert len(bystander) == 3
    assert cached.forget(["erase", "never held"]) == 1
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert vectors[1].tobytes() not in content
    assert text_keys(["erase"]).tobytes() not in content
    assert vectors[0].tobytes() in content
    counting.asked.clear()
    # Another reader that was open all along does not serve it either.
    assert (bystander.encode(["keep", "erase", "keep too"]) == vectors).all()
    assert counting.asked == ["erase"]
    assert CachedEncoder(counting, tmp_path).forget([]) == 0


def test_a_tail_torn_by_a_crash_is_dropped(tmp_path: Path) -> None:
    cached = CachedEncoder(Counting(), tmp_path)
    vectors = cached.encode(["a", "b", "c"])
    folder = cached.vectors.folder
    for name, cut in (("vectors.f32", 5), ("keys.bin", 3)):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:-cut])
        counting = Counting()
        again = CachedEncoder(counting, tmp_path)
        assert len(again) == 2
        assert (again.encode(["a", "b", "c"]) == vectors).all()
        assert len(counting.asked) == 1
        # The hole is mended: the next one has them all.
        assert len(CachedEncoder(Counting(), tmp_path)) == 3


def test_vectors_written_without_their_keys_do_not_count(tmp_path: Path) -> None:
    cached = CachedEncoder(Counting(), tmp_path)
    cached.encode(["a"])
    with (cached.vectors.folder / "vectors.f32").open("ab") as stream:
        stream.write(os.urandom(100))
    counting = Counting()
    again = CachedEncoder(counting, tmp_path)
    assert (again.encode(["a", "b"]) == Counting().encode(["a", "b"])).all()
    assert counting.asked == ["b"]
    assert (CachedEncoder(Counting(), tmp_path).encode(["b", "a"]) == Counting().encode(["b", "a"])).all()


@pytest.mark.parametrize("name", ["vectors.f32", "keys.bin"])
def test_a_changed_byte_is_seen_and_the_text_encoded_again(tmp_path: Path, name: str) -> None:
    cached = CachedEncoder(Counting(), tmp_path)
    texts = [f"text {number}" for number in range(20)]
    vectors = cached.encode(texts)
    path = cached.vectors.folder / name
    content = bytearray(path.read_bytes())
    for position in np.random.default_rng(0).integers(0, len(content), 6):
        content[position] ^= 0x40
    path.write_bytes(content)
    counting = Counting()
    again = CachedEncoder(counting, tmp_path)
    assert (again.encode(texts) == vectors).all()
    assert 1 <= len(counting.asked) <= 6
    counting.asked.clear()
    assert (CachedEncoder(counting, tmp_path).encode(texts) == vectors).all()
    assert counting.asked == []


def test_files_of_noise_give_no_vectors(tmp_path: Path) -> None:
    cached = CachedEncoder(Counting(), tmp_path)
    for name in ("vectors.f32", "keys.bin"):
        (cached.vectors.folder / name).write_bytes(os.urandom(5_000))
    assert (CachedEncoder(Counting(), tmp_path).encode(TEXTS) == Counting().encode(TEXTS)).all()


WORKER = """
import sys
from test_vector_cache import Counting
from penchant.text.cache import CachedEncoder
cached = CachedEncoder(Counting(), sys.argv[1])
for start in range(int(sys.argv[2]), 100_000, 50):
    cached.encode([f"text {number}" for number in range(start, start + 50)])
    print(start, flush=True)
    if start >= int(sys.argv[3]):
        break
"""


def start_worker(folder: Path, first: int, last: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", WORKER, str(folder), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_a_killed_process_leaves_what_it_had_written(tmp_path: Path) -> None:
    for kill_after in (3, 8):
        worker = start_worker(tmp_path, 0, 100_000)
        assert worker.stdout is not None
        for _ in range(kill_after):
            done = int(worker.stdout.readline())
        os.kill(worker.pid, signal.SIGKILL)
        worker.communicate(timeout=60)
        counting = Counting()
        texts = [f"text {number}" for number in range(done + 50)]
        assert (CachedEncoder(counting, tmp_path).encode(texts) == Counting().encode(texts)).all()
        assert counting.asked == []


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    workers = [start_worker(tmp_path, first, first + 450) for first in (0, 500, 250)]
    for worker in workers:
        worker.communicate(timeout=120)
        assert worker.returncode == 0
    counting = Counting()
    texts = [f"text {number}" for number in range(1_000)]
    assert (CachedEncoder(counting, tmp_path).encode(texts) == Counting().encode(texts)).all()
    assert counting.asked == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "erase", "read", "reopen"]), st.lists(st.integers(0, 12), max_size=6)),
        max_size=12,
    )
)
def test_any_history_of_writes_and_erasures_reads_like_a_dictionary(steps: list[tuple[str, list[int]]]) -> None:
    with TemporaryDirectory() as place:
        file = VectorFile(Path(place), "counting", 4)
        wanted: dict[int, np.ndarray] = {}
        for turn, (act, numbers) in enumerate(steps):
            keys = text_keys([str(number) for number in numbers])
            if act == "add":
                vectors = np.random.default_rng(turn).normal(size=(len(numbers), 4)).astype(np.float32)
                file.append(keys, vectors)
                wanted |= dict(zip(numbers, vectors, strict=True))
            elif act == "erase":
                assert file.erase(keys) == len(wanted.keys() & set(numbers))
                wanted = {number: vector for number, vector in wanted.items() if number not in numbers}
            elif act == "reopen":
                file = VectorFile(Path(place), "counting", 4)
            found, known = file.read(text_keys([str(number) for number in range(13)]))
            assert np.flatnonzero(known).tolist() == sorted(wanted)
            assert all((found[number] == vector).all() for number, vector in wanted.items())
            assert len(file) == len(wanted)


def test_many_vectors_are_read_fast(file: VectorFile) -> None:
    import time

    texts = [f"text {number}" for number in range(100_000)]
    keys = text_keys(texts)
    vectors = unit_rows(np.random.default_rng(0).normal(size=(len(texts), 8)).astype(np.float32))
    file.append(keys, vectors)
    start = time.process_time()
    found, known = VectorFile(file.folder.parent, "counting", 8).read(keys[::-1])
    assert time.process_time() - start < 3
    assert known.all()
    assert (found[::-1] == vectors).all()


def test_a_full_disk_is_told_and_what_was_written_stays(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="the size of files is limited through it")
    counting = Counting()
    cached = CachedEncoder(counting, tmp_path)
    vectors = cached.encode(["a", "b"])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(StorageError, match="cannot write"):
            cached.encode([f"text {number}" for number in range(100)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    counting.asked.clear()
    again = CachedEncoder(counting, tmp_path)
    assert (again.encode(["a", "b"]) == vectors).all()
    assert counting.asked == []
    again.encode(["c"])
    assert (CachedEncoder(Counting(), tmp_path).encode(["c", "b"]) == Counting().encode(["c", "b"])).all()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot write"):
        CachedEncoder(Counting(), tmp_path / "file")
