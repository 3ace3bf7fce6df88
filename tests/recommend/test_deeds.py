import pytest

from penchant.data.columns import EventKind
from penchant.recommend.deeds import DEEDS


def test_every_kind_of_event_can_be_told() -> None:
    assert set(DEEDS) == set(EventKind)


@pytest.mark.parametrize("deed", [*DEEDS.values()], ids=lambda deed: deed.bare)
def test_every_telling_names_the_titles_once(deed: object) -> None:
    for frequency in ("once", "recently", "often"):
        for lang in ("en", "zh"):
            told = deed.tell(lang, "“T”", frequency)  # type: ignore[attr-defined]
            assert told.count("“T”") == 1
            assert "{" not in told


def test_ratings_are_told_with_their_number() -> None:
    rate = DEEDS[EventKind.RATE]
    assert rate.tell("en", "“Heat”", "recently", 4.0) == "recently gave “Heat” a 4"
    assert rate.tell("zh", "《Heat》", "recently", 4.5) == "最近给《Heat》打了 4.5 分"
    assert rate.tell("zh", "《Heat》", "once") == "给《Heat》评过分"


def test_often_and_recently_are_told_apart() -> None:
    play = DEEDS[EventKind.PLAY]
    assert [play.tell("zh", "《A》", frequency) for frequency in ("once", "recently", "often")] == [
        "播放过《A》", "最近播放了《A》", "常播放《A》",
    ]  # fmt: skip
    assert play.tell("en", "“A”", "often") == "often played “A”"


def test_verbs_without_their_object_read_in_a_relative_clause() -> None:
    assert DEEDS[EventKind.CART].bare == "put in your cart"
    assert DEEDS[EventKind.HIDE].perfect == "hidden"
