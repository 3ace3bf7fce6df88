from datetime import UTC, datetime, timedelta

import polars as pl

from penchant.data.community import Community
from penchant.report.stories import BUSY, FRESH, NARROW, QUIET, TYPICAL, WIDE, tell, telling_members

START = datetime(2026, 3, 2, tzinfo=UTC)


def crowd(*, with_categories: bool = True) -> Community:
    """Sixty members: m00 to m58 with 12 to 70 events over a mix of categories, "one" with 20 of one category alone."""
    categories = [["Tea"], ["Coffee"], ["Bread"], ["Jam"], ["Tea", "Coffee"]]
    items = pl.DataFrame(
        {
            "item_id": [f"i{row}" for row in range(50)],
            "title": [f"Item {row}" for row in range(50)],
            "categories": [categories[row % 5] if with_categories else None for row in range(50)],
        },
        schema_overrides={"categories": pl.List(pl.String)},
    )
    rows = [
        (f"m{member:02}", f"i{turn % 50}", "view", START + timedelta(hours=100 * member + turn))
        for member in range(59)
        for turn in range(12 + member)
    ]
    rows += [("one", f"i{5 * (turn % 10)}", "buy", START + timedelta(hours=turn)) for turn in range(20)]
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row")
    return Community.from_tables(items, events)


def test_five_different_members_are_chosen_by_activity_and_taste() -> None:
    community = crowd()
    chosen = telling_members(community)
    assert [why for _, why in chosen] == [BUSY, TYPICAL, NARROW, WIDE, QUIET]
    assert len({member for member, _ in chosen}) == 5
    ids = {why: community.member_ids.id(member) for member, why in chosen}
    assert ids[NARROW] == "one"
    events = {why: (community.events["member"] == member).sum() for member, why in chosen}
    assert events[BUSY] > events[TYPICAL] > events[QUIET]


def test_without_categories_the_newest_member_is_shown_in_place_of_tastes() -> None:
    community = crowd(with_categories=False)
    chosen = telling_members(community)
    assert [why for _, why in chosen] == [BUSY, TYPICAL, FRESH, QUIET]
    assert community.member_ids.id({why: member for member, why in chosen}[FRESH]) == "m58"


def test_choice_is_the_same_each_time(small_community: Community) -> None:
    assert telling_members(small_community) == telling_members(small_community)


def test_community_without_events_has_nobody_to_tell_of(small_community: Community) -> None:
    assert telling_members(small_community.with_events(small_community.events.head(0))) == []


def test_story_has_the_latest_events_first_and_shares_of_all() -> None:
    community = crowd()
    story = tell(community, community.member_ids.row("one"), NARROW, latest=3)
    assert story.events == 20
    assert [told.title for told in story.history] == ["Item 45", "Item 40", "Item 35"]
    assert story.tastes == (("Tea", 1.0),)
    assert story.last - story.first == timedelta(hours=19)


def test_search_is_told_with_the_words_searched_for(small_community: Community) -> None:
    story = tell(small_community, 0, TYPICAL)
    assert story.history[0].events == (("search", None),)
    assert story.history[0].title == "锅 or tent"


def test_events_in_a_row_with_one_item_are_told_together_in_order_of_time() -> None:
    items = pl.DataFrame({"item_id": ["a", "b"], "title": ["Kettle", "Lamp"]})
    steps = [("a", "view", 0), ("a", "cart", 1), ("b", "view", 2), ("a", "buy", 3), ("a", "rate", 30)]
    events = pl.DataFrame(
        {
            "member_id": ["m"] * len(steps),
            "item_id": [item for item, _, _ in steps],
            "kind": [kind for _, kind, _ in steps],
            "at": [START + timedelta(hours=hours) for _, _, hours in steps],
            "amount": [None, None, None, None, 4.0],
        }
    )
    history = tell(Community.from_tables(items, events), 0, TYPICAL).history
    assert [(told.title, [kind for kind, _ in told.events]) for told in history] == [
        ("Kettle", ["rate"]),
        ("Kettle", ["buy"]),
        ("Lamp", ["view"]),
        ("Kettle", ["view", "cart"]),
    ]
