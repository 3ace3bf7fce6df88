"""Models from the Hugging Face hub, downloaded once into its own cache; without network a clear error, and soon."""

import os
from pathlib import Path
from typing import Final

from penchant.errors import WeightsError
from penchant.text.weights import Weights, prompts_of, suggestion

_TIMEOUT_SECONDS: Final = 5.0
_FILES: Final = ["*.json", "*.safetensors", "*.txt", "*.model", "1_Pooling/*"]
_E5_PROMPTS: Final = {"query": "query: ", "passage": "passage: "}


def download(name: str, *, licence: str | None = None) -> Weights:
    """The weights of a hub model; what is in the hub's cache already needs no network.

    Raises:
        WeightsError: there is no such model, or the hub is out of reach.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        try:
            folder = Path(snapshot_download(name, allow_patterns=_FILES, local_files_only=True))
        except LocalEntryNotFoundError:
            _reach(name)
            folder = Path(snapshot_download(name, allow_patterns=_FILES))
    except HFValidationError as error:
        raise WeightsError(f"{name!r} is neither a folder nor the name of a model{suggestion(name)}") from error
    except RepositoryNotFoundError as error:
        raise WeightsError(f"the Hugging Face hub has no model {name!r}{suggestion(name)}") from error
    except OSError as error:
        raise WeightsError(f"the model {name!r} cannot be downloaded ({error}){suggestion(name)}") from error
    if not (folder / "config.json").is_file():
        raise WeightsError(
            f"{name!r} has not been downloaded whole: {folder} has no config.json; remove that folder and run again"
        )
    prompts = prompts_of(folder)
    if name.startswith("intfloat/") and "e5" in name and "instruct" not in name:
        # The E5 models want their prompts but their folders do not name them.
        prompts = _E5_PROMPTS | prompts
    # The folder of a snapshot is named by its commit, which pins every byte of it.
    return Weights(name, folder, folder.name[:12], licence, prompts)


def _reach(name: str) -> None:
    """Ask the hub for a sign of life first: its client would retry for minutes where there is no network."""
    from huggingface_hub import constants, get_session

    reason = "HF_HUB_OFFLINE is set"
    if not constants.HF_HUB_OFFLINE:
        try:
            get_session().head(os.environ.get("HF_ENDPOINT", constants.ENDPOINT), timeout=_TIMEOUT_SECONDS)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        else:
            return
    raise WeightsError(
        f"{name!r} is no local folder and no packaged model, and the Hugging Face hub is out of reach ({reason})"
        f"{suggestion(name)}"
    )
