from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from penchant.data.community import Community
from penchant.data.interactions import EventWeights, Histories, histories
from penchant.data.strata import SCHEMA, Strata
from penchant.recommend.candidates import Candidates
from penchant.recommend.features import ItemFacts, feature_names, table, tiered
from penchant.vectors import Floats, unit_rows

MONDAY = datetime(2026, 1, 5, 21, 30, tzinfo=UTC)
# m0: a (twice), b and, on Monday evening, c. Others like d: once 40 days before, twice within the month.
ROWS = [
    ("m0", "a", "buy", MONDAY - timedelta(days=3)),
    ("m0", "a", "view", MONDAY - timedelta(days=2)),
    ("m0", "b", "buy", MONDAY - timedelta(minutes=30)),
    ("m0", "c", "buy", MONDAY),
    ("m1", "d", "buy", MONDAY - timedelta(days=40)),
    ("m1", "d", "buy", MONDAY - timedelta(days=9)),
    ("m2", "d", "buy", MONDAY - timedelta(days=5)),
    ("m2", "d", "hide", MONDAY - timedelta(days=1)),
    ("m3", "d", "buy", MONDAY + timedelta(days=1)),
]
SHOP = Community.from_tables(
    pl.DataFrame(
        {
            "item_id": ["a", "b", "c", "d", "e"],
            "title": ["A", "B", "C", "D", "E"],
            "price": [10.0, 1000.0, None, 200.0, None],
            "categories": [["home"], ["home > pans"], ["toys"], ["home > pots", "toys"], None],
            "created_at": [None, None, None, MONDAY - timedelta(days=50), None],
        },
        schema_overrides={"created_at": pl.Datetime("us", "UTC"), "categories": pl.List(pl.String)},
    ),
    pl.DataFrame(ROWS, schema=["member_id", "item_id", "kind", "at"], orient="row"),
)
VECTORS = unit_rows(np.array([[1, 0], [0, 1], [0, 1], [1, 1], [-1, 0]], dtype=np.float32))
FACTS = ItemFacts.of(SHOP, EventWeights(), VECTORS)
SCORES = np.array([[1.0, 0.5], [2.0, 0.1]], dtype=np.float32)
D_AND_E = Candidates(("ease", "als"), np.array([0, 2]), np.array([3, 4]), SCORES)


def strata(member: str, label: str, tier: str, share: float) -> Strata:
    labels = ("home", "home > pots")
    row = {"member": SHOP.member_ids.row(member), "label": labels.index(label), "tier": tier, "share": share}
    held = pl.DataFrame([{**row, "lower": 0.0, "upper": 1.0, "evidence": []}], schema=SCHEMA)
    return Strata(SHOP.member_ids, labels, held, np.ones(len(SHOP.member_ids)), 1.0)


def seen(
    batch: Histories, facts: ItemFacts = FACTS, *, told: Strata | None = None, members: list[int] | None = None
) -> list[dict[str, float]]:
    """The features of items d and e for one history, by name."""
    rows = table(
        D_AND_E, np.array([1.0, 3.0], dtype=np.float32), batch, facts,
        strata=told, members=np.array(members) if members is not None else None,
    )  # fmt: skip
    names = feature_names(D_AND_E.sources, text=facts.vectors is not None, tiers=told is not None)
    assert rows.shape == (2, len(names))
    assert rows.dtype == np.float32
    return [dict(zip(names, row.tolist(), strict=True)) for row in rows]


M0 = histories(SHOP, np.array([SHOP.member_ids.row("m0")]))


def test_scores_and_their_places_among_the_candidates() -> None:
    d, e = seen(M0)
    assert (d["ease"], e["ease"], d["als"]) == (1.0, 2.0, 0.5)
    assert (d["rank by ease"], e["rank by ease"]) == (1, 0)
    assert (d["rank by als"], e["rank by als"]) == (0, 1)
    assert (d["blend"], d["rank by blend"], e["rank by blend"]) == (1.0, 1, 0)


def test_likes_are_counted_up_to_the_members_last_event_and_what_comes_later_is_not() -> None:
    d, e = seen(M0)
    assert d["likes lately"] == pytest.approx(np.log1p(2))
    assert d["trend of likes"] == pytest.approx(np.log(3 / 2))
    assert d["likes"] == pytest.approx(np.log1p(4))
    assert d["days since anyone liked it"] == pytest.approx(5)
    assert d["age of the item"] == pytest.approx(50), "since it came into the catalogue, not since the first like"
    assert np.isnan(e["age of the item"])
    assert np.isnan(e["days since anyone liked it"])


def test_the_price_is_compared_with_what_the_member_likes() -> None:
    d, e = seen(M0)
    assert d["price against the member's own"] == pytest.approx(np.log(200) - (np.log(10) + np.log(1000)) / 2)
    assert np.isnan(e["price against the member's own"])


def test_categories_count_with_those_above_them() -> None:
    d, e = seen(M0)
    # d is in home, home > pots and toys; m0's likes are two thirds home, none pots, a third toys.
    assert d["categories the member likes"] == pytest.approx((2 / 3 + 0 + 1 / 3) / 3)
    assert np.isnan(e["categories the member likes"])


def test_texts_are_compared_with_recent_and_long_run_tastes() -> None:
    items = [0, 0, 0, 1, 2, 1, 2, 1]
    d, _ = seen(Histories.of_items([items]))
    assert d["closeness to recent taste"] == pytest.approx(np.sqrt(0.5))
    assert d["closeness to long-run taste"] > d["closeness to recent taste"]
    assert "closeness to recent taste" not in seen(M0, ItemFacts.of(SHOP, EventWeights(), None))[0]


def test_the_moment_is_that_of_the_last_event() -> None:
    d, _ = seen(M0)
    assert (d["hour"], d["weekday"]) == (21, 0)
    assert d["events of the member"] == 4
    assert d["days of the member"] == pytest.approx(3)
    assert d["events in the last hour"] == 2


def test_a_member_without_events_is_asked_about_now_and_has_no_tastes() -> None:
    d, _ = seen(Histories.of_items([[]]))
    assert (d["hour"], d["weekday"], d["events of the member"]) == (21, 1, 0)
    assert np.isnan(d["price against the member's own"])
    assert np.isnan(d["mainstream taste"])
    assert d["categories the member likes"] == 0


def test_tiers_are_those_of_the_items_labels_for_this_member() -> None:
    told = strata("m0", "home", "core", 0.7)
    own = [SHOP.member_ids.row("m0")]
    d, e = seen(M0, told=told, members=own)
    assert d["core interest"] == pytest.approx(0.7), "d lies below home"
    assert (d["fading interest"], e["core interest"]) == (0, 0)
    other, _ = seen(M0, told=told, members=[SHOP.member_ids.row("m1")])
    assert other["core interest"] == 0
    for strangers in ([-1], None):
        assert np.isnan(seen(M0, told=told, members=strangers)[0]["core interest"])
    assert tiered(feature_names((), text=False, tiers=True))
    assert not tiered(feature_names((), text=False, tiers=False))


def test_each_member_of_a_batch_gets_their_own_row_whoever_else_is_asked() -> None:
    batch = histories(SHOP)
    offsets = 2 * np.arange(len(batch) + 1)
    several = Candidates(D_AND_E.sources, offsets, np.tile(D_AND_E.items, len(batch)), np.tile(SCORES, (len(batch), 1)))
    blended: Floats = np.tile(np.array([1.0, 3.0], dtype=np.float32), len(batch))
    together = table(several, blended, batch, FACTS)
    for member in range(len(batch)):
        alone = table(D_AND_E, blended[:2], batch.rows(np.array([member])), FACTS)
        np.testing.assert_allclose(together[2 * member : 2 * member + 2], alone, rtol=1e-5)
