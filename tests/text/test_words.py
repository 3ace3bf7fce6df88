"""Words of both languages."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from penchant.text.words import STOP_WORDS, segment, stem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("这款铸铁锅很好用，炒菜不粘", ["款", "铸铁", "锅", "炒菜", "粘"]),
        ("Two-person tents (2 pcs.)", ["two", "person", "tent", "2", "pcs"]),
        ("苹果 iPhone15手机壳", ["苹果", "iphone15", "手机", "壳"]),
        ("ＡＢＣ　１２３", ["abc", "123"]),
        ("John's boxes weren't U.S.A.-made", ["john", "box", "usa", "made"]),
        ("3.5 inch, v1.2.3, 1,000", ["3.5", "inch", "v1", "1", "000"]),
        ("café CAFÉ cafe\u0301", ["café", "café", "café"]),
        ("русские слова 한국어", ["русские", "слова", "한국어"]),
        ("x" * 65 + " pan", ["pan"]),
        ("🙂👍 ，。！", []),
        ("", []),
    ],
)
def test_texts_come_apart_into_words(text: str, words: list[str]) -> None:
    assert segment(text) == words


def test_long_chinese_words_also_give_the_words_inside() -> None:
    assert {"中国", "科学", "科学院", "中国科学院"} <= set(segment("中国科学院"))


@pytest.mark.parametrize("text", ["The Who", "It", "你好吗", "是的"])
def test_a_text_of_stop_words_keeps_them(text: str) -> None:
    assert segment(text)
    assert segment(text + " 铸铁锅 pan")[-1] == "pan"


def test_other_stop_words_may_be_given() -> None:
    assert segment("the red pan", stop_words=frozenset({"red"})) == ["the", "pan"]


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("pans", "pan"),
        ("batteries", "battery"),
        ("dresses", "dress"),
        ("watches", "watch"),
        ("brushes", "brush"),
        ("boxes", "box"),
        ("shoes", "shoe"),
        ("houses", "house"),
        ("movies", "movie"),
        ("ties", "tie"),
    ],
)
def test_plurals_meet_their_singulars(plural: str, singular: str) -> None:
    assert stem(plural) == singular


@pytest.mark.parametrize("word", ["glass", "bus", "gas", "series", "iris", "canvas's", "15s", "вас", "锅s"])
def test_words_that_are_no_plurals_stay(word: str) -> None:
    assert stem(word) == word


@given(st.text(max_size=200))
def test_any_text_gives_words_without_spaces(text: str) -> None:
    for word in segment(text):
        assert word
        assert word == word.strip()
        assert not word.isspace()


@given(st.lists(st.sampled_from(sorted(STOP_WORDS | {"锅", "pan", "dress"})), max_size=20))
def test_words_keep_their_order_and_their_number_at_most(words: list[str]) -> None:
    found = [word for word in segment(" ".join(words)) if word in {"锅", "pan", "dress"}]
    assert found == [word for word in words if word in {"锅", "pan", "dress"}]
