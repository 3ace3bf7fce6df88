"""The importers of shop, music and review data: small files as their publishers write them."""

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from penchant.data.public import NAMES, import_data, load
from penchant.errors import ColumnError, ReadError
from penchant.language import Phrase
from penchant.settings import Settings


@pytest.fixture(scope="module")
def public_data() -> Path:
    folder = os.environ.get("PENCHANT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("the public data sets are not here: PENCHANT_DATA names no folder")
    return Path(folder)


def english(counts: dict[Phrase, int]) -> dict[str, int]:
    return {reason("en"): count for reason, count in counts.items()}


INVOICES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE  HANGING HEART ,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536366,85123a,WHITE HANGING HEART,2,2010-12-01 09:00:00,2.95,17850.0,United Kingdom
536367,85123A,wrongly marked 23343,2,2010-12-02 09:00:00,2.55,13047.0,France
C536379,85123A,WHITE HANGING HEART,-1,12/3/2010 9:41,2.55,17850.0,United Kingdom
536370,POST,POSTAGE,3,2010-12-01 08:45:00,18.0,12583.0,France
C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527.0,United Kingdom
536371,22960,"JAM MAKING SET, WITH JARS",6,2010-12-01 09:00:00,4.25,,United Kingdom
536372,22960,?,6,2010-12-01 09:00:00,4.25,17850.0,United Kingdom
536374,23444,Next Day Carriage,1,2010-12-01 09:00:00,15.0,17850.0,United Kingdom
536375,22960,"JAM MAKING SET, WITH JARS",1,2010-12-01 09:00:00,4.35,17850.0,United Kingdom
536373,22632,HAND WARMER,6,soon,1.85,17850.0,United Kingdom
"""


def test_retail_invoices_become_buys_and_returns(tmp_path):
    (tmp_path / "online_retail.csv").write_text(INVOICES)
    found = import_data(tmp_path)
    community = found.community
    events = community.with_ids("events")
    assert events["kind"].to_list() == ["buy"] * 5 + ["return"]
    assert events["amount"].to_list() == [15.3, 5.9, 25.5, 4.35, 5.1, 2.55]
    assert events["item_id"].to_list() == ["85123A", "85123A", "22960", "22960", "85123A", "85123A"]
    assert events["at"][5] == datetime(2010, 12, 3, 9, 41, tzinfo=UTC)
    assert english(found.rejected) == {
        "lines without a customer": 1,
        "lines for no product (postage, discounts)": 3,
        "lines without a date, quantity or price": 1,
    }
    assert community.members.select("member_id", "country").rows() == [("13047", "France"), ("17850", "United Kingdom")]


def test_a_product_is_named_by_its_most_common_description_that_is_no_note(tmp_path):
    (tmp_path / "online_retail.csv").write_text(INVOICES)
    items = import_data(tmp_path / "online_retail.csv").community.items
    assert items.select("item_id", "title", "price").rows() == [
        ("22960", "Jam Making Set, With Jars", 4.3),
        ("85123A", "White Hanging Heart", 2.55),
    ]


def lastfm_folder(folder: Path) -> Path:
    files = {
        "artists.dat": 'id\tname\turl\tpictureURL\n1\tMALICE MIZER\tu\tp\n2\tBjörk "live"\tu\t\n',
        "user_artists.dat": "userID\tartistID\tweight\n2\t1\t13883\n2\t2\t7\n",
        "user_friends.dat": "userID\tfriendID\n2\t10\n10\t2\n",
        "user_taggedartists.dat": (
            "userID\tartistID\ttagID\tday\tmonth\tyear\n2\t1\t1\t1\t4\t2009\n2\t1\t2\t1\t4\t2009\n"
            "10\t1\t2\t1\t5\t2009\n10\t2\t1\t1\t6\t1956\n10\t99\t1\t1\t6\t2010\n"
        ),
    }
    for name, content in files.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
    (folder / "tags.dat").write_bytes("tagID\ttagValue\n1\tMetal\n2\tbúgó\n".encode("latin-1"))
    return folder


def test_lastfm_listens_are_plays_and_tags_are_dated_reviews(tmp_path):
    found = import_data(lastfm_folder(tmp_path))
    events = found.community.with_ids("events")
    assert events.select("member_id", "item_id", "kind", "amount", "text").rows() == [
        ("2", "1", "review", None, "metal, búgó"),
        ("10", "1", "review", None, "búgó"),
        ("2", "1", "play", 13883.0, None),
        ("2", "2", "play", 7.0, None),
    ]
    assert events["at"].dt.strftime("%F").to_list() == ["2009-04-01", "2009-05-01", "2011-05-09", "2011-05-09"]
    assert english(found.rejected) == {"tags of artists without a row": 1, "tags dated before 2005": 1}
    assert english(found.changed) == {"plays without a date, set to the last day": 2}


def test_lastfm_friends_are_one_tie_a_pair_and_tags_are_ordered_by_members(tmp_path):
    community = load(lastfm_folder(tmp_path))
    assert community.with_ids("ties").rows() == [("2", "10", "friend", None)]
    assert community.titles == ["MALICE MIZER", 'Björk "live"']
    assert community.items["tags"].to_list() == [["búgó", "metal"], ["metal"]]


def test_lastfm_atomic_files_are_told_by_their_names(tmp_path):
    (tmp_path / "lastfm.inter").write_text("user_id:token\tartist_id:token\n2\t51\n3\t51\n")
    (tmp_path / "lastfm.item").write_text("artist_id:token\tname:token_seq\n51\tDuran Duran\n")
    (tmp_path / "lastfm.net").write_text("source_id:token\ttarget_id:token\n2\t3\n3\t2\n3\t5\n")
    community = load(tmp_path)
    assert repr(community) == "Community(members=3, items=1, events=2, ties=2, labels=0)"
    assert community.events["at"].n_unique() == 1, "an order in time would leak the listening counts"


def test_reviews_become_labelled_texts(tmp_path):
    (tmp_path / "online_shopping_10_cats.csv").write_text(
        "\ufeffcat,label,review\n书籍,1,\ufeff很好 \n水果,0,\n水果,0,烂了\n水果,0,一般\n平板,0,一般\n平板,7,一般般\n",
        encoding="utf-8",
    )
    found = import_data(tmp_path)
    assert found.community.labels.select("text", "labels").rows() == [
        ("很好", ["书籍 > 正面"]),
        ("烂了", ["水果 > 负面"]),
        ("一般", ["水果 > 负面", "平板 > 负面"]),
    ]
    assert found.community.titles == ["书籍", "水果", "平板"]
    assert english(found.rejected) == {"reviews without a text": 1, "reviews without a category or label": 1}
    assert english(found.changed) == {"reviews of the same text, joined": 1}


def test_a_damaged_gzip_is_an_error_that_names_the_file(tmp_path):
    folder = lastfm_folder(tmp_path)
    cut = (folder / "user_artists.dat.gz").read_bytes()[:20]
    (folder / "user_artists.dat.gz").write_bytes(cut)
    with pytest.raises((ReadError, ColumnError), match=r"user_artists\.dat\.gz"):
        load(folder)


def test_a_set_that_is_not_here_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(ReadError, match=r"the set retail is not at .*retail; put its files there"):
        load("retail", data=tmp_path)


def test_a_set_that_is_not_shipped_asks_for_the_data_folder(monkeypatch):
    monkeypatch.delenv("PENCHANT_DATA", raising=False)
    monkeypatch.setattr("penchant.data.public.catalogue.settings", Settings)
    with pytest.raises(ReadError, match=r"lastfm is not shipped and PENCHANT_DATA is not set; let it name the folder"):
        load("lastfm")


def test_every_name_has_a_line_in_both_languages():
    assert all(line.en.strip() and line.zh.strip() and line.en != line.zh for line in NAMES.values())


@pytest.mark.data
def test_the_real_retail_set_has_its_known_counts(public_data):
    found = import_data("retail", data=public_data)
    assert repr(found.community) == "Community(members=4363, items=3675, events=404830, ties=0, labels=0)"
    assert english(found.rejected) == {
        "lines without a customer": 135_080,
        "lines for no product (postage, discounts)": 1999,
    }
    kinds = dict(found.community.events["kind"].cast(pl.String).value_counts().iter_rows())
    assert kinds == {"buy": 396_292, "return": 8538}
    assert not any("?" in title or len(title) < 5 for title in found.community.titles)


@pytest.mark.data
def test_the_real_lastfm_set_has_its_known_counts(public_data):
    found = import_data("lastfm", data=public_data)
    assert repr(found.community) == "Community(members=1892, items=17632, events=177031, ties=12717, labels=0)"
    assert english(found.rejected) == {"tags of artists without a row": 1538, "tags dated before 2005": 5}
    listens = load("lastfm-recbole", data=public_data)
    assert repr(listens) == "Community(members=1892, items=17632, events=92834, ties=12717, labels=0)"
    plays = found.community.events.filter(pl.col("kind") == "play").select("member", "item").sort("member", "item")
    assert plays.equals(listens.events.select("member", "item").sort("member", "item"))


@pytest.mark.data
def test_the_real_reviews_have_their_known_counts(public_data):
    found = import_data("reviews-zh", data=public_data)
    labels = found.community.labels
    assert len(labels) + sum(found.rejected.values()) + sum(found.changed.values()) == 62_774
    categories = labels["labels"].list.first().str.split(" > ").list.first()
    assert categories.n_unique() == 10
    assert not labels["text"].str.contains("\ufeff", literal=True).any()
