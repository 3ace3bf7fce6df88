from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from penchant.data.community import Community
from penchant.report.glance import glance

START = datetime(2026, 3, 2, tzinfo=UTC)


def community(rows: list[tuple[str, str, str, float]], categories: dict[str, list[str]] | None = None) -> Community:
    """A community of (member, item, kind, days after START) and, where given, categories by item."""
    ids = sorted({item for _, item, _, _ in rows} | set(categories or {}))
    items = pl.DataFrame(
        {"item_id": ids, "title": ids, "categories": [(categories or {}).get(item) for item in ids]},
        schema_overrides={"categories": pl.List(pl.String)},
    )
    events = pl.DataFrame(
        {
            "member_id": [row[0] for row in rows],
            "item_id": [row[1] for row in rows],
            "kind": [row[2] for row in rows],
            "at": [START + timedelta(days=row[3]) for row in rows],
        },
        schema_overrides={
            "member_id": pl.String,
            "item_id": pl.String,
            "kind": pl.String,
            "at": pl.Datetime("us", "UTC"),
        },
    )
    return Community.from_tables(items, events)


def test_events_of_every_kind_add_up_over_time(small_community: Community) -> None:
    seen = glance(small_community)
    assert sum(seen.kinds.values()) == seen.over_time["events"].sum() == len(small_community.events)
    assert list(seen.kinds.values()) == sorted(seen.kinds.values(), reverse=True)


def test_searches_count_as_events_and_touch_no_item(small_community: Community) -> None:
    seen = glance(small_community)
    assert seen.kinds["search"] == 24
    assert seen.seen_items <= seen.items == 18


@pytest.mark.parametrize(
    ("days", "step"), [(0, "1h"), (2.9, "1h"), (30, "1d"), (400, "1w"), (3000, "1mo"), (9000, "1q")]
)
def test_bars_are_as_wide_as_the_span_of_time_wants(days: float, step: str) -> None:
    seen = glance(community([("m", "a", "buy", 0), ("m", "a", "buy", days)]))
    assert seen.step == step
    assert seen.over_time["events"].sum() == 2


def test_top_tenth_is_the_share_of_the_most_popular_items() -> None:
    rows = [("m", "hit", "view", day) for day in range(81)] + [("m", f"rare{item}", "view", 0) for item in range(19)]
    seen = glance(community(rows))
    # 20 items: the tenth is two, the hit and one of the rare ones.
    assert seen.top_tenth_share == pytest.approx(0.82)
    assert seen.tail[0] == (0.0, 0.0)
    assert seen.tail[-1] == (1.0, 1.0)


def test_activity_classes_double_and_hold_every_member() -> None:
    rows = [(f"m{count}", "a", "view", 0) for count in (1, 2, 3, 4, 9) for _ in range(count)]
    activity = glance(community(rows)).activity
    assert activity.rows() == [(1, 1, 1), (2, 3, 2), (4, 7, 1), (8, 15, 1)]


def test_categories_are_cut_to_a_level_that_a_dozen_rows_can_cover() -> None:
    categories = {f"i{leaf}": [f"Shop > Shelf {leaf % 3} > Leaf {leaf}"] for leaf in range(60)}
    rows = [("m", item, "view", 0) for item in categories]
    found = glance(community(rows, categories)).categories
    assert found["category"].to_list() == ["Shop > Shelf 0", "Shop > Shelf 1", "Shop > Shelf 2"]
    assert found["events"].to_list() == [20, 20, 20]


def test_item_in_two_categories_counts_in_both() -> None:
    found = glance(community([("m", "film", "view", 0)], {"film": ["Drama", "Comedy"]})).categories
    assert sorted(found.rows()) == [("Comedy", 1, 1), ("Drama", 1, 1)]


def test_community_without_events_is_counted_too() -> None:
    seen = glance(community([], {"a": ["X"]}))
    assert (seen.events, seen.items, seen.first, seen.kinds) == (0, 1, None, {})
