"""What members buy, told by how it sells to everybody."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from penchant.data.community import Community
from penchant.members.value_models import ridge
from penchant.members.wares import WARES, wares

NOW = datetime(2026, 6, 30, tzinfo=UTC)
ITEMS = pl.DataFrame({"item_id": ["filter", "gift", "never"], "title": ["filter", "gift", "never"]})


def shop(rows: list[tuple[str, str | None, str, int, float]]) -> Community:
    """A community of events: member, item, kind, days before NOW, amount."""
    events = pl.DataFrame(
        [(member, item, kind, NOW - timedelta(days=days), amount) for member, item, kind, days, amount in rows],
        schema=["member_id", "item_id", "kind", "at", "amount"],
        orient="row",
    )
    return Community.from_tables(ITEMS, events, pl.DataFrame({"member_id": ["a", "b", "c", "nobody"]}))


ROWS: list[tuple[str, str | None, str, int, float]] = [
    ("a", "filter", "buy", 90, 10.0),
    ("a", "filter", "buy", 50, 10.0),
    ("a", "filter", "buy", 10, 10.0),
    ("b", "filter", "buy", 80, 10.0),
    ("b", "filter", "buy", 20, 10.0),
    ("c", "gift", "buy", 70, 100.0),
]


def of(told: np.ndarray, name: str) -> list[float]:
    return told[:, list(WARES).index(name)].tolist()


def test_each_number_means_what_it_is_called() -> None:
    told = wares(shop(ROWS), NOW)
    assert of(told, "wares_buyers")[:3] == pytest.approx([np.log(2), np.log(2), 0])
    # Two buyers of filters, both more than once, and five more who never came back.
    assert of(told, "wares_repeated")[:3] == pytest.approx([2 / 7, 2 / 7, 0])
    assert of(told, "wares_away")[0] == pytest.approx((np.log1p(10) + np.log1p(20)) / 2)
    assert of(told, "wares_last")[:3] == pytest.approx([10, 10, 70])
    assert of(told, "wares_amount")[:3] == pytest.approx([np.log1p(10), np.log1p(10), np.log1p(100)])
    # Two of five filters in the last thirty days of ninety; no gift at all.
    assert of(told, "wares_demand")[:3] == pytest.approx([np.log(3 / (5 / 3 + 1))] * 2 + [np.log(1 / (1 / 3 + 1))])
    assert np.isnan(told[3]).all()


def test_views_searches_and_what_comes_later_say_nothing() -> None:
    more: list[tuple[str, str | None, str, int, float]] = [
        ("nobody", "gift", "view", 5, 0.0), ("nobody", None, "search", 5, 0.0), ("c", "filter", "buy", -5, 10.0),
    ]  # fmt: skip
    np.testing.assert_array_equal(wares(shop(ROWS + more), NOW), wares(shop(ROWS), NOW))
    assert np.isnan(wares(shop(ROWS).with_events(shop(ROWS).events.head(0)), NOW)).all()


def test_a_straight_line_follows_nobody_beyond_what_it_has_seen() -> None:
    features = np.linspace(1, 10, 50, dtype=np.float32)[:, None]
    far = np.array([[1e6]], dtype=np.float32)
    bound, free = ridge(features, features[:, 0], within=2.0), ridge(features, features[:, 0])
    assert bound(far)[0] == pytest.approx(bound(far * 1000)[0])
    assert bound(far)[0] < 20 < free(far)[0]
