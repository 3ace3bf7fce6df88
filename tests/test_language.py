"""Two languages, side by side."""

import pytest

from penchant.language import Phrase, system_language, written_language


def test_a_phrase_is_filled_in_the_language_asked_for():
    phrase = Phrase("{n:,} of {what}", "{what}：{n:,} 个")
    assert (phrase("en", n=1200, what="items"), phrase("zh", n=1200, what="物品")) == (
        "1,200 of items",
        "物品：1,200 个",
    )


def test_a_field_may_have_any_name():
    assert Phrase("{lang} {self}", "{lang}{self}")("zh", lang="a", self="b") == "ab"


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "ZH_tw"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "zh_CN"}, "zh"),
        ({"LANG": "zh_CN", "LC_ALL": ""}, "zh"),
    ],
)
def test_the_environment_tells_the_language(monkeypatch, environment, lang):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert system_language() == lang


@pytest.mark.parametrize("name", ["zh_CN", "Chinese (Simplified)_China"])
def test_where_the_environment_says_nothing_the_locale_does(monkeypatch, name):
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("locale.getlocale", lambda: (name, "UTF-8"))
    assert system_language() == "zh"
    monkeypatch.setattr("locale.getlocale", lambda: (None, None))
    assert system_language() == "en"


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("夏季连衣裙", "zh"),
        ("iPhone 手机保护壳", "zh"),
        ("Haier 冰", "en"),
        ("2024!", "en"),
        ("été 😀", "en"),
        ("", "en"),
        ("㐀㐁", "zh"),
    ],
)
def test_a_texts_script_tells_its_language(text, lang):
    assert written_language(text) == lang
