"""MovieLens from each of its four kinds of files."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from penchant.data.public import import_data, load
from penchant.data.public.fetch import fetch_100k, unpack_wheel
from penchant.errors import ColumnError, ConfigError, ReadError
from penchant.language import Phrase
from penchant.settings import settings

INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t12\t3\t881250949\n2\t267\t5\t891717742\n"
ITEM = (
    "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    "12\tUsual Suspects, The\t1995\tCrime Thriller\n267\tunkonwn\tunkonwn\tunknown\n"
)
USER = (
    "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n"
    "1\t24\tM\ttechnician\t85711\n2\t53\tF\tother\t94043\n"
)


def english(counts: dict[Phrase, int]) -> dict[str, int]:
    return {reason("en"): count for reason, count in counts.items()}


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", "-").replace("_", ".")).write_text(content, encoding="utf-8")
    return folder


def atomic_folder(folder: Path) -> Path:
    folder.mkdir()
    for name, content in (("inter", INTER), ("item", ITEM), ("user", USER)):
        (folder / f"ml-100k.{name}").write_text(content)
    return folder


def test_movielens_small_comes_from_an_installed_package():
    found = import_data("movielens-small")
    community = found.community
    assert (len(community.members), len(community.items), len(community.events)) == (671, 9066, 100_004)
    assert english(found.changed) == {"films without a title, named by their number": 5}
    film = community.items.row(community.item_ids.row("50"), named=True)
    assert film["title"] == "The Usual Suspects (1995)"
    assert film["categories"] == ["Crime", "Mystery", "Thriller"]
    assert film["year"] == 1995
    first = community.with_ids("events").filter(member_id="1", item_id="31").row(0, named=True)
    assert (first["kind"], first["amount"]) == ("rate", 2.5)
    assert first["at"] == datetime(2009, 12, 14, 2, 52, 24, tzinfo=UTC)


def test_ratings_and_movies_files_are_told_by_their_names(tmp_path):
    write(
        tmp_path,
        movies_csv='movieId,title,genres\n1,"Net, The (1995)",Crime|Thriller\n2,Alien,(no genres listed)\n',
        ratings_csv="userId,movieId,rating,timestamp\n7,1,4.5,964982703\n7,2,1.0,964982704\n7,99,1.0,964982704\n",
        tags_csv="userId,movieId,tag,timestamp\n7,1,Hackers,1\n8,1,hackers,1\n8,1,phones,1\n",
    )
    found = import_data(tmp_path)
    items = found.community.items
    assert items["title"].to_list() == ["The Net (1995)", "Alien"]
    assert items["categories"].to_list() == [["Crime", "Thriller"], []]
    assert items["tags"].to_list() == [["hackers", "phones"], None]
    assert items["year"].to_list() == [1995, None]
    assert found.community.events["amount"].to_list() == [4.5, 1.0]
    assert english(found.rejected) == {"ratings of films without a row": 1}


def test_atomic_files_are_read_with_members_attributes(tmp_path):
    community = load(atomic_folder(tmp_path / "films"))
    assert community.titles == ["The Usual Suspects (1995)", "Film 267"]
    assert community.items["categories"].to_list() == [["Crime", "Thriller"], []]
    assert community.member("1")["occupation"] == "technician"
    assert community.member("2")["age"] == 53
    assert community.now == datetime(1998, 4, 4, 19, 22, 22, tzinfo=UTC)


def test_grouplens_own_100k_files_are_read_in_latin_1(tmp_path):
    (tmp_path / "u.item").write_bytes("1|Lés amis (1994)|01-Jan-1994||http://x|0|1|1\n".encode("latin-1"))
    (tmp_path / "u.genre").write_text("unknown|0\nDrama|1\nFilm-Noir|2\n\n")
    (tmp_path / "u.user").write_text("1|24|M|technician|85711\n")
    (tmp_path / "u.data").write_text("1\t1\t3\t881250949\n")
    community = load(tmp_path)
    assert community.titles == ["Lés amis (1994)"]
    assert community.items["categories"].to_list() == [["Drama", "Film-Noir"]]
    assert community.events["amount"].to_list() == [3.0]


def test_a_wheel_is_unpacked_whole_or_refused(tmp_path):
    wheel = tmp_path / "recbole-1.2.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in (("inter", INTER), ("item", ITEM)):
            archive.writestr(f"recbole/dataset_example/ml-100k/ml-100k.{name}", content)
    with pytest.raises(ReadError, match="does not hold recbole/dataset_example/ml-100k/"):
        unpack_wheel(wheel, tmp_path / "films")
    assert not (tmp_path / "films").exists()
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("recbole/dataset_example/ml-100k/ml-100k.user", USER)
    assert len(load(wheel).events) == 2


def test_the_name_finds_the_set_in_the_data_folder_then_in_the_cache(tmp_path):
    atomic_folder(tmp_path / "ml-100k")
    assert len(load("ml-100k", data=tmp_path, cache=tmp_path / "none").events) == 2
    (tmp_path / "data").mkdir()
    (tmp_path / "ml-100k").rename(tmp_path / "data" / "ml-100k")
    assert len(load("ml-100k", data=tmp_path / "none", cache=tmp_path).events) == 2


def test_a_failed_download_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    said: list[str] = []
    with pytest.raises(ReadError, match=r"could not be fetched.*put ml-100k.inter, ml-100k.item, ml-100k.user into"):
        fetch_100k(tmp_path / "films", said.append)
    assert "recbole==1.2.1" in said[0]
    assert not (tmp_path / "films").exists()


def test_what_is_neither_a_name_nor_a_path_is_refused_with_the_names():
    with pytest.raises(ConfigError, match=r"no data set is called 'movielens-tiny'.*movielens-small, ml-100k"):
        load("movielens-tiny")


def test_a_missing_column_is_named(tmp_path):
    write(tmp_path, movies_csv="movieId,name,genres\n1,Alien,\n", ratings_csv="userId,movieId,rating,timestamp\n")
    with pytest.raises(ColumnError, match=r"movies.csv has no column title; it has movieId, name, genres"):
        load(tmp_path)


@pytest.mark.data
def test_the_real_100k_has_its_known_counts():
    folders = [settings().cache / "data" / "ml-100k", *([settings().data / "ml-100k"] if settings().data else [])]
    folder = next((folder for folder in folders if folder.is_dir()), None)
    if folder is None:
        pytest.skip("MovieLens 100k is not on this machine; `penchant data ml-100k` fetches it")
    found = import_data(folder)
    assert repr(found.community) == "Community(members=943, items=1682, events=100000, ties=0, labels=0)"
    assert english(found.changed) == {"films without a title, named by their number": 1}
    assert found.community.events["amount"].value_counts(sort=True).rows()[0] == (4.0, 34_174)
