"""Wishes in search: filters and lifts from sentences."""

import polars as pl
import pytest

from penchant.search import Searcher

ITEMS = pl.DataFrame(
    {
        "item_id": ["a", "b", "c", "d"],
        "title": ["Red cast iron pan", "Blue cast iron pan", "Cast iron pan, lightweight", "Steel kettle"],
        "price": [120.0, 80.0, 90.0, 30.0],
        "categories": [["Pans"], ["Pans"], ["Pans"], ["Kettles"]],
    }
)


@pytest.fixture(scope="module")
def searcher() -> Searcher:
    return Searcher().fit(ITEMS)


def found(searcher: Searcher, *sentences: str) -> list[str]:
    ranking, wishes = searcher.search("iron pan"), None
    for sentence in sentences:
        wishes = searcher.wish(sentence, wishes, shown=ranking)
        ranking = searcher.search("iron pan", wishes=wishes)
    return [pick.item_id for pick in ranking]


def test_sentences_narrow_an_answer_in_both_languages(searcher: Searcher) -> None:
    assert set(found(searcher)) == {"a", "b", "c"}
    assert set(found(searcher, "under 100")) == {"b", "c"}
    assert found(searcher, "under 100", "不要蓝色") == ["c"]
    assert set(found(searcher, "under 100", "价格无所谓，不要蓝色")) == {"a", "c"}


def test_what_is_a_matter_of_degree_comes_first(searcher: Searcher) -> None:
    assert found(searcher, "preferably blue")[0] == "b"
    assert found(searcher, "lighter")[0] == "c"


def test_an_answer_names_its_wishes_and_the_one_to_blame(searcher: Searcher) -> None:
    wishes = searcher.wish("under 100")
    assert searcher.search("iron pan", wishes=wishes).strategy.endswith("; wishes: price at most 100")
    nothing = searcher.search("pan", wishes=searcher.wish("不要锅，预算10元"), lang="zh")
    assert not nothing.picks
    assert nothing.strategy.endswith("去掉“价格不超过 10”即有符合的物品")


def test_items_that_were_put_since_are_read_too() -> None:
    searcher = Searcher().fit(ITEMS)
    searcher.wish("red")
    searcher.put(pl.DataFrame({"item_id": ["e"], "title": ["Green iron pan"], "categories": [["Woks"]]}))
    wishes = searcher.wish("woks")
    assert [pick.item_id for pick in searcher.search("iron pan", wishes=wishes)] == ["e"]
