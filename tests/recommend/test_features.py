from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from penchant.data.community import Community
from penchant.data.drift import Change, DriftVerdict
from penchant.data.interactions import EventWeights, Histories, histories
from penchant.data.segments import NOBODY, Segments
from penchant.data.social import SocialVectors
from penchant.data.strata import SCHEMA, Strata
from penchant.data.vocabulary import Vocabulary
from penchant.recommend.candidates import Candidates
from penchant.recommend.features import ItemFacts, feature_names, table
from penchant.recommend.verdicts import Told, Verdict, Verdicts
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
    batch: Histories, facts: ItemFacts = FACTS, *, told: Verdict | None = None, members: list[int] | None = None
) -> list[dict[str, float]]:
    """The features of items d and e for one history, by name."""
    ready = None if told is None else Told(Verdicts.of(told), SHOP, EventWeights(), facts).table
    rows = table(
        D_AND_E, np.array([1.0, 3.0], dtype=np.float32), batch, facts,
        told=ready, members=np.array(members) if members is not None else None,
    )  # fmt: skip
    names = feature_names(D_AND_E.sources, text=facts.vectors is not None, told=Verdicts.of(told).names)
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


def test_segments_tell_how_much_they_like_an_item_and_how_much_more_than_elsewhere() -> None:
    # Of the four members m1 and m3 like d; m1 is a segment alone.
    of_member = np.array([7 if name == "m1" else 3 for name in SHOP.member_ids.ids], dtype=np.int32)
    told = Segments(SHOP.member_ids, of_member, (), float("nan"))
    alone, e = seen(M0, told=told, members=[SHOP.member_ids.row("m1")])
    together, _ = seen(M0, told=told, members=[SHOP.member_ids.row("m0")])
    assert alone["liked in the segment"] == pytest.approx((1 + 5 / 2) / (1 + 5), abs=1e-5)
    assert alone["liked in the segment against elsewhere"] > 0 > together["liked in the segment against elsewhere"]
    assert e["liked in the segment"] == 0, "nobody likes e"
    assert e["liked in the segment against elsewhere"] == pytest.approx(0, abs=1e-6)
    nobody = Segments(SHOP.member_ids, np.full(len(of_member), NOBODY, dtype=np.int32), (), float("nan"))
    assert np.isnan(seen(M0, told=nobody, members=[0])[0]["liked in the segment"])


def test_a_change_marks_what_the_member_turned_to_and_from() -> None:
    told = DriftVerdict("m0", Change.ABRUPT, probability=0.8, before=("toys",), after=("pots", "no such thing"))
    d, e = seen(M0, told=told, members=[SHOP.member_ids.row("m0")])
    assert d["sureness of a change"] == pytest.approx(0.8)
    assert (d["what the member turned to"], e["what the member turned to"]) == (1, 0), "d is home > pots, by its end"
    assert (d["what the member turned from"], e["what the member turned from"]) == (1, 0)
    other, _ = seen(M0, told=told, members=[SHOP.member_ids.row("m1")])
    assert np.isnan(other["sureness of a change"])
    unsure = DriftVerdict("m0", None)
    assert np.isnan(seen(M0, told=unsure, members=[SHOP.member_ids.row("m0")])[0]["what the member turned to"])


def test_social_vectors_tell_closeness_and_what_friends_like_also_over_other_rows() -> None:
    # The vectors know the items in another order, and not the first of them.
    ids = SHOP.item_ids.ids.to_list()
    known = [SHOP.item_ids.id(int(item)) for item in D_AND_E.items[::-1]]
    told = SocialVectors(
        SHOP.member_ids, Vocabulary(known, name="item"),
        np.eye(len(SHOP.member_ids), 2, dtype=np.float32), np.array([[0.5, 0], [0.25, 0]], dtype=np.float32),
        sp.csr_matrix(([3.0], ([0], [1])), shape=(len(SHOP.member_ids), 2), dtype=np.float32),
    )  # fmt: skip
    d, e = seen(M0, told=told, members=[0])
    assert (d["social closeness"], e["social closeness"]) == (0.25, 0.5)
    assert (d["friends' likes"], e["friends' likes"]) == (3, 0)
    ready = Told(Verdicts.of(told), SHOP, EventWeights(), FACTS)
    assert [ids[item] for item in ready.friends_items(0)] == [known[1]]
    assert not len(ready.friends_items(-1)), "a stranger has no friends here"


def test_each_member_of_a_batch_gets_their_own_row_whoever_else_is_asked() -> None:
    batch = histories(SHOP)
    offsets = 2 * np.arange(len(batch) + 1)
    several = Candidates(D_AND_E.sources, offsets, np.tile(D_AND_E.items, len(batch)), np.tile(SCORES, (len(batch), 1)))
    blended: Floats = np.tile(np.array([1.0, 3.0], dtype=np.float32), len(batch))
    together = table(several, blended, batch, FACTS)
    for member in range(len(batch)):
        alone = table(D_AND_E, blended[:2], batch.rows(np.array([member])), FACTS)
        np.testing.assert_allclose(together[2 * member : 2 * member + 2], alone, rtol=1e-5)
