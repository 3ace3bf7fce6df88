from datetime import timedelta

import polars as pl
from shops import START, frame, shop

from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.recommend.rules import RulesConfig, closed, seen

KINDS = [kind.value for kind in EventKind if kind != EventKind.SEARCH]


def one_event_each() -> Community:
    """A member for each kind of event, with one event of it; the item is named for the kind."""
    rows = [("m-" + kind, kind, kind, START) for kind in KINDS]
    return Community.from_tables(pl.DataFrame({"item_id": KINDS, "title": KINDS}), frame(rows))


def shut_kinds(config: RulesConfig) -> set[str]:
    community = one_event_each()
    shut = seen(community.events, (len(KINDS), len(KINDS)), config)
    return {community.item_ids.id(int(item)) for item in shut.indices}


def test_what_was_only_shown_or_looked_at_may_be_shown_again() -> None:
    assert set(KINDS) - shut_kinds(RulesConfig()) == {"show", "view", "click", "cart"}


def test_the_kinds_that_make_an_item_seen_can_be_chosen_but_hidden_items_stay_hidden() -> None:
    assert shut_kinds(RulesConfig(seen_kinds=frozenset({EventKind.VIEW}))) == {"view", "hide"}


def test_a_bought_item_may_return_where_purchases_repeat_unless_it_was_hidden_or_returned() -> None:
    rows = [("m", item, "buy", START) for item in ("milk", "bread", "shoes", "lamp")]
    rows += [("m", "bread", "review", START), ("m", "shoes", "return", START), ("m", "lamp", "hide", START)]
    rows += [("m", "film", "rate", START)]
    ids = ["milk", "bread", "shoes", "lamp", "film"]
    community = Community.from_tables(pl.DataFrame({"item_id": ids, "title": ids}), frame(rows))

    def shut(**settings: bool) -> set[str]:
        matrix = seen(community.events, (1, 5), RulesConfig(**settings))
        return {ids[item] for item in matrix.indices}

    assert shut() == set(ids)
    assert shut(repeat_purchases=True) == {"shoes", "lamp", "film"}


def test_repeating_is_judged_for_each_member_and_item() -> None:
    rows = [("a", "x", "buy", START), ("b", "x", "review", START), ("a", "y", "review", START)]
    community = Community.from_tables(pl.DataFrame({"item_id": ["x", "y"], "title": ["x", "y"]}), frame(rows))
    assert seen(community.events, (2, 2), RulesConfig(repeat_purchases=True)).toarray().tolist() == [[0, 1], [1, 0]]


def test_several_events_with_one_item_shut_it_once() -> None:
    rows = [("m", "x", "buy", START + timedelta(days=day)) for day in range(3)]
    community = Community.from_tables(pl.DataFrame({"item_id": ["x"], "title": ["x"]}), frame(rows))
    assert seen(community.events, (1, 1), RulesConfig()).toarray().tolist() == [[1]]


def test_unavailable_and_blocked_items_are_closed_to_all() -> None:
    community = shop()
    items = community.items.with_columns(
        available=pl.when(pl.col("item_id") == "dress-1").then(False).when(pl.col("item_id") == "dress-2").then(True)
    )
    community = Community.from_tables(items, community.with_ids("events"))
    off = closed(community, RulesConfig(blocked=frozenset({"kitchen-0", "no such item"})))
    assert {community.item_ids.id(int(row)) for row in off.nonzero()[0]} == {"dress-1", "kitchen-0"}
