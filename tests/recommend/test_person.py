from datetime import timedelta

import polars as pl
import pytest
from shops import START, shop, with_more

from penchant.data.interactions import EventWeights, histories
from penchant.errors import UnknownIdError
from penchant.recommend.person import Person

SHOP = shop()
WEIGHTS = EventWeights()


def test_a_member_is_their_events_in_order_of_time() -> None:
    person = Person.member(SHOP, "m4", WEIGHTS)
    expected = histories(SHOP, [SHOP.member_ids.row("m4")])
    assert person.history.items.tolist() == expected.items.tolist()
    assert person.history.at.tolist() == expected.at.tolist()
    assert person.history.weights.tolist() == expected.weights.tolist()
    assert person.events["item"].to_list() == expected.items.tolist()
    assert (person.member_id, person.now) == ("m4", SHOP.now)


def test_an_unknown_member_is_called_one() -> None:
    with pytest.raises(UnknownIdError, match="no member has the id 'nobody'"):
        Person.member(SHOP, "nobody", WEIGHTS)


def test_searches_are_no_part_of_a_history() -> None:
    events = pl.concat(
        [
            SHOP.with_ids("events"),
            pl.DataFrame({"member_id": ["m4"], "kind": ["search"], "at": [START], "text": ["tent"]}).cast(
                {"kind": SHOP.events["kind"].dtype, "at": SHOP.events["at"].dtype}
            ),
        ],
        how="diagonal",
    )
    searched = type(SHOP).from_tables(SHOP.items, events)
    assert len(Person.member(searched, "m4", WEIGHTS).events) == len(Person.member(SHOP, "m4", WEIGHTS).events)


def test_a_stranger_with_a_members_events_has_the_members_history() -> None:
    member = Person.member(SHOP, "m4", WEIGHTS)
    events = SHOP.with_ids("events").filter(pl.col("member_id") == "m4").select("item_id", "kind", "at")
    stranger = Person.stranger(SHOP, WEIGHTS, events=events.sample(fraction=1, shuffle=True, seed=0))
    assert stranger.history.items.tolist() == member.history.items.tolist()
    assert stranger.history.weights.tolist() == member.history.weights.tolist()
    assert stranger.member_id is None
    assert stranger.now == member.events["at"][-1]


def test_liked_items_come_after_earlier_events_and_times_may_lack_a_zone() -> None:
    late = START.replace(tzinfo=None) + timedelta(days=400)
    events = pl.DataFrame({"item_id": ["dress-1"], "kind": ["rate"], "at": [late], "amount": [4]})
    person = Person.stranger(SHOP, WEIGHTS, items=["dress-2"], events=events)
    assert [SHOP.item_ids.id(int(row)) for row in person.history.items] == ["dress-1", "dress-2"]
    assert person.history.at[0] == person.history.at[1]
    assert person.events["amount"].to_list() == [4.0, None]


def test_an_item_that_is_not_in_the_community_is_named() -> None:
    with pytest.raises(UnknownIdError, match="no item has the id 'unicorn'"):
        Person.stranger(SHOP, WEIGHTS, items=["unicorn"])


def test_nothing_known_is_an_empty_history() -> None:
    person = Person.stranger(SHOP, WEIGHTS, text="")
    assert len(person.history) == 1
    assert person.history.items.tolist() == []
    assert person.text is None


def test_without_an_item_all_its_events_are_gone() -> None:
    more = with_more(SHOP, [("m4", "camping-0", kind, START + timedelta(days=60)) for kind in ("view", "buy", "share")])
    person = Person.member(more, "m4", WEIGHTS)
    row = more.item_ids.row("camping-0")
    left = person.without(row)
    assert row not in left.history.items
    assert len(left.events) == len(left.history.items) == (person.history.items != row).sum()
    assert left.history.weights.tolist() == person.history.weights[person.history.items != row].tolist()
