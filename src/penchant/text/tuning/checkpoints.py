"""The folder of a run: which run it is of, and the checkpoint from which it goes on."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from penchant.artifacts import storage_errors, write_atomically
from penchant.errors import ConfigError
from penchant.text.tuning.place import Place

STATE: Final = "model.safetensors"
"""What has been learned, in a checkpoint."""


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; one that was cut short lacks its last file and does not count."""
    found = [path for path in folder.glob("checkpoint-*") if _is_whole(path)]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _is_whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / "trainer_state.json").read_bytes())
    except (OSError, ValueError):
        return False
    return (checkpoint / STATE).is_file()


def opened(folder: Path, place: Place, fingerprint: str) -> Path | None:
    """Make the folder ready; the checkpoint to go on from, if any."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        run = folder / "run.json"
        checkpoint = last_checkpoint(folder) if place.resume else None
        if checkpoint is not None:
            said = json.loads(run.read_bytes())["fingerprint"] if run.exists() else None
            if said != fingerprint:
                raise ConfigError(
                    f"{folder} holds an interrupted run of another configuration or other examples; finish that one, "
                    "choose another folder, or start over with resume=False"
                )
        else:
            for old in folder.glob("checkpoint-*"):
                shutil.rmtree(old)
        write_atomically(run, json.dumps({"fingerprint": fingerprint}).encode())
    return checkpoint


def sequence_fingerprint(parts: Sequence[str]) -> str:
    """Sixteen hexadecimal digits that change with any of the parts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode(errors="surrogatepass"))
        digest.update(b"\0")
    return digest.hexdigest()[:16]
