from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from shops import START

from penchant.collaborative import Popularity
from penchant.data.columns import EVENTS
from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.data.verdicts import Evidence
from penchant.language import Lang
from penchant.recommend.person import Person
from penchant.recommend.reasons import Part, Teller
from penchant.training.options import Options

NOW = START + timedelta(days=100)
TITLES = ["Alien", "Brazil", "Casablanca", "Dune"]
A, B, C, D = range(4)


def asked(events: list[tuple[str, str, datetime, float | None]], *, text: str | None = None) -> Person:
    """A stranger who did these things; the last day is the present."""
    table = pl.DataFrame(
        events,
        schema={"item_id": pl.String, "kind": EVENTS["kind"], "at": EVENTS["at"], "amount": pl.Float64},
        orient="row",
    )
    return Person.stranger(community(), EventWeights(), events=table, text=text)


def community() -> Community:
    played = {"member_id": ["a", "b", "a"], "item_id": ["Dune", "Dune", "Brazil"], "kind": "play", "at": [NOW] * 3}
    rows = pl.DataFrame(played)
    return Community.from_tables(pl.DataFrame({"item_id": TITLES, "title": TITLES}), rows)


def teller(*, works: bool = True) -> Teller:
    shop = community()
    return Teller(shop.titles, shop.item_ids, Popularity().fit(shop, Options()), works)


def told(person: Person, item: int, found: list[Part], lang: Lang) -> tuple[str, tuple[Evidence, ...]]:
    return teller().reason(person, item, found, sum(part.value for part in found), lang)


def told_of_goods(person: Person, item: int, found: list[Part], lang: Lang) -> tuple[str, tuple[Evidence, ...]]:
    return teller(works=False).reason(person, item, found, sum(part.value for part in found), lang)


LONG_AGO = START
FRESH = NOW - timedelta(days=3)


def test_one_item_is_named_with_its_verb() -> None:
    person = asked([("Alien", "buy", LONG_AGO, None), ("Casablanca", "view", NOW, None)])
    found = [Part(2.0, "ease", A), Part(1.0, "popularity")]
    reason, evidence = told(person, D, found, "en")
    assert reason == "Because you bought “Alien”."
    assert told(person, D, found, "zh")[0] == "因为你买过《Alien》。"
    assert [(piece.item_id, piece.kind, piece.at, piece.source) for piece in evidence] == [
        ("Alien", "buy", LONG_AGO, "ease")
    ]
    assert evidence[0].share == pytest.approx(2 / 3)


def test_shares_are_of_the_whole_score_whatever_may_be_named() -> None:
    person = asked([("Alien", "buy", LONG_AGO, None), ("Casablanca", "view", NOW, None)])
    reason, evidence = teller().reason(person, D, [Part(1.0, "ease", A)], 4.0, "en")
    assert evidence[0].share == 0.25
    slight, _ = teller().reason(person, D, [Part(1.0, "ease", A)], 40.0, "en")
    assert (reason, slight) == (
        "Because you bought “Alien”.", "Because of all that you have bought, above all “Alien”.",
    )  # fmt: skip


def test_two_deeds_are_told_apart_by_how_often_and_how_lately() -> None:
    often = [("Alien", "play", LONG_AGO + timedelta(days=day), None) for day in range(3)]
    person = asked([*often, ("Brazil", "save", FRESH, None), ("Casablanca", "view", NOW, None)])
    found = [Part(2.0, "ease", A), Part(1.5, "als", B)]
    assert told(person, D, found, "zh")[0] == "因为你常播放《Alien》，最近收藏了《Brazil》。"
    assert told(person, D, found, "en")[0] == "Because you often played “Alien” and recently saved “Brazil”."


def test_equal_deeds_are_told_together_and_goods_have_their_own_marks() -> None:
    person = asked([("Alien", "buy", LONG_AGO, None), ("Brazil", "buy", LONG_AGO, None), ("Dune", "view", NOW, None)])
    found = [Part(2.0, "ease", A), Part(1.5, "als", B)]
    assert told_of_goods(person, D, found, "zh")[0] == "因为你买过“Alien”和“Brazil”。"
    assert told(person, D, found, "en")[0] == "Because you bought “Alien” and “Brazil”."


def test_a_second_item_that_carries_little_is_not_named() -> None:
    person = asked([("Alien", "buy", LONG_AGO, None), ("Brazil", "buy", LONG_AGO, None)])
    _, evidence = told(person, D, [Part(2.0, "ease", A), Part(0.5, "als", B)], "en")
    assert [piece.item_id for piece in evidence] == ["Alien"]


def test_ratings_are_named_and_what_was_rated_low_is_passed_over() -> None:
    person = asked([("Alien", "rate", LONG_AGO, 1.0), ("Brazil", "rate", LONG_AGO, 5.0), ("Dune", "view", NOW, None)])
    reason, evidence = told(person, D, [Part(2.0, "ease", A), Part(1.5, "als", B)], "en")
    assert reason == "Because you gave “Brazil” a 5."
    assert [piece.item_id for piece in evidence] == ["Brazil"]
    only = told(person, D, [Part(2.0, "ease", A)], "en")
    assert only[0] == "Because you gave “Alien” a 1.", "it is the truth, and there is no other"


def test_where_many_items_carry_a_little_each_they_are_told_as_a_whole() -> None:
    person = asked([("Alien", "rate", LONG_AGO, 5.0), ("Brazil", "rate", LONG_AGO, 5.0), ("Dune", "view", NOW, None)])
    found = [Part(0.05, "ease", A), Part(0.04, "ease", B), Part(5.0, "popularity")]
    assert told(person, D, found, "en")[0] == ("Because of all that you have rated, above all “Alien” and “Brazil”.")
    assert told(person, D, found, "zh")[0] == "综合你评过分的内容，尤其是《Alien》和《Brazil》。"


def test_text_is_named_where_text_carried_the_score() -> None:
    person = asked([("Alien", "read", LONG_AGO, None), ("Dune", "view", NOW, None)])
    found = [Part(2.0, "text", A)]
    assert told(person, D, found, "en")[0] == "Its description is close to “Alien”, which you read."
    assert told(person, D, found, "zh")[0] == "内容与你读过的《Alien》相近。"


def test_words_come_before_a_weaker_history_and_are_cut() -> None:
    person = asked(
        [("Alien", "read", LONG_AGO, None), ("Dune", "view", NOW, None)], text="something \n quiet " + "x" * 60
    )
    reason, evidence = told(person, D, [Part(2.0, "words"), Part(1.0, "ease", A)], "en")
    assert reason == "Its description is close to what you wrote: “something quiet " + "x" * 24 + "…”."
    assert evidence[0].text == person.text
    other, _ = told(person, D, [Part(2.0, "ease", A), Part(1.0, "words")], "en")
    assert other == "Because you read “Alien”."


def test_popularity_is_the_reason_where_nothing_else_is() -> None:
    person = asked([])
    assert told(person, D, [Part(1.0, "popularity")], "en")[0] == "Popular: 2 members like it."
    assert told(person, D, [Part(1.0, "popularity")], "zh")[0] == "热门：有 2 位会员喜欢。"
    assert told(person, D, [], "en")[0] == "Chosen from what is left: 2 members like it."
    assert told(person, B, [Part(1.0, "popularity")], "en")[0] == "One member likes it."
    assert told(person, A, [], "en") == ("New here: nobody has tried it yet.", ())


def test_the_event_told_is_the_one_that_counts() -> None:
    person = asked(
        [
            ("Alien", "buy", LONG_AGO, None),
            ("Alien", "view", LONG_AGO + timedelta(days=1), None),
            ("Dune", "view", NOW, None),
        ]
    )
    _, evidence = told(person, D, [Part(1.0, "ease", A)], "en")
    assert evidence[0].kind == "buy"
    assert np.isclose(evidence[0].share, 1.0)


EQUAL = [(title, "rate", LONG_AGO + timedelta(days=day), 4.0) for day, title in enumerate(TITLES)]


def list_of_reasons(person: Person, found: list[Part], total: float, length: int = 4) -> list[list[str | None]]:
    """Ids that each reason of a list names, where all its items rest on the same parts."""
    named: Counter[str] = Counter()
    reasons = []
    for _ in range(length):
        _, evidence = teller().reason(person, D, found, total, "en", named_before=named)
        reasons.append([piece.item_id for piece in evidence])
        named.update(piece.item_id for piece in evidence if piece.item_id is not None)
    return reasons


def test_events_that_carry_about_as_much_are_named_in_turn() -> None:
    found = [Part(1.0, "ease", A), Part(0.9, "ease", B), Part(0.8, "als", C), Part(0.7, "als", D)]
    assert list_of_reasons(asked(EQUAL), found, 3.4) == [
        ["Alien", "Brazil"], ["Casablanca", "Dune"], ["Alien", "Brazil"], ["Casablanca", "Dune"],
    ]  # fmt: skip
    assert list_of_reasons(asked(EQUAL), found[:3], 2.7, 2) == [["Alien", "Brazil"], ["Casablanca"]]


def test_an_event_is_named_as_often_as_its_part_is_large() -> None:
    found = [Part(1.0, "ease", A), Part(0.6, "ease", B), Part(0.55, "ease", C)]
    named = Counter(name for reason in list_of_reasons(asked(EQUAL), found, 2.15, 20) for name in reason)
    assert named["Alien"] > named["Brazil"] >= named["Casablanca"] > 0.4 * named["Alien"]


def test_an_event_that_carries_most_is_named_each_time_and_beside_it_what_the_list_has_not_named() -> None:
    found = [Part(1.0, "ease", A), Part(0.3, "ease", B), Part(0.2, "als", C), Part(0.05, "als", D)]
    assert list_of_reasons(asked(EQUAL), found, 1.55) == [
        ["Alien"], ["Alien", "Brazil"], ["Alien", "Casablanca"], ["Alien"],
    ]  # fmt: skip


def test_for_the_sake_of_variety_nothing_slight_is_named_alone_where_something_carries_more() -> None:
    found = [Part(0.15, "ease", A), Part(0.09, "ease", B)]
    assert list_of_reasons(asked(EQUAL), found, 1.0) == [["Alien"], ["Alien", "Brazil"], ["Alien"], ["Alien"]]
    more = [Part(0.15, "ease", A), Part(0.11, "ease", B), Part(0.1, "ease", C)]
    assert list_of_reasons(asked(EQUAL), more, 1.0, 3) == [["Alien", "Brazil"], ["Casablanca"], ["Alien", "Brazil"]]


def test_what_is_left_of_a_whole_when_the_strongest_is_passed_over_is_not_told_as_above_all() -> None:
    person = asked([("Alien", "rate", LONG_AGO, 1.0), ("Brazil", "rate", LONG_AGO, 5.0), ("Dune", "view", NOW, None)])
    found = [Part(5.0, "ease", A), Part(0.1, "als", B)]
    assert told(person, D, found, "en")[0] == "Because of all that you have rated, “Brazil” among it."


def test_what_is_not_the_strongest_of_a_whole_is_not_told_as_above_all() -> None:
    found = [Part(0.03, "ease", A), Part(0.03, "ease", B), Part(0.02, "ease", C)]
    before = Counter({"Alien": 1, "Brazil": 1})
    reason = teller().reason(asked(EQUAL), D, found, 1.0, "en", named_before=before)[0]
    assert reason == "Because of all that you have rated, “Casablanca” among it."
    assert teller().reason(asked(EQUAL), D, found, 1.0, "zh", named_before=before)[0] == (
        "综合你评过分的内容，其中包括《Casablanca》。"
    )
