"""Looks: what counts as one, what it weighs, and how many independent ones there are."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from penchant.data.community import Community
from penchant.data.interactions import Decay, EventWeights
from penchant.interests.looks import looks, tally

START = datetime(2026, 1, 1, tzinfo=UTC)


def community(rows: list[tuple[str, str, str, float]]) -> Community:
    """Events of (member, item, kind, minutes from the start)."""
    member, item, kind, minutes = zip(*rows, strict=True)
    return Community.from_tables(
        items=pl.DataFrame({"item_id": ["a", "b"], "title": ["Kettle", "Tent"]}),
        events=pl.DataFrame(
            {
                "member_id": member,
                "item_id": item,
                "kind": kind,
                "at": [START + timedelta(minutes=minute) for minute in minutes],
            }
        ),
    )


def test_view_cart_and_purchase_of_one_item_in_one_session_are_one_look_as_strong_as_the_purchase() -> None:
    found = looks(community([("m", "a", "view", 0), ("m", "a", "cart", 5), ("m", "a", "buy", 9)]), EventWeights())
    assert len(found) == 1
    assert found.weight[0] == pytest.approx(1.0)
    assert found.kind[0] == "buy"
    assert found.at[0] == (START + timedelta(minutes=9)).timestamp()


def test_half_an_hour_of_silence_opens_a_new_session_and_less_does_not() -> None:
    found = looks(community([("m", "a", "view", 0), ("m", "b", "view", 29), ("m", "a", "view", 60)]), EventWeights())
    assert found.session.tolist() == [1, 1, 2]


def test_another_member_at_the_same_minute_is_another_session() -> None:
    found = looks(community([("m", "a", "view", 0), ("n", "a", "view", 0)]), EventWeights())
    assert len(set(found.session.tolist())) == 2


def test_a_return_takes_weight_off_the_purchase_and_hiding_takes_all() -> None:
    found = looks(
        community([("m", "a", "buy", 0), ("m", "a", "return", 5), ("m", "b", "view", 6), ("m", "b", "hide", 7)]),
        EventWeights(),
    )
    assert found.weight.tolist() == pytest.approx([0.5, 0.0])


def test_a_scathing_review_is_no_sign_of_liking_and_a_glowing_one_keeps_its_weight() -> None:
    shop = community([("m", "a", "review", 0), ("m", "b", "review", 500), ("n", "a", "review", 1000)])
    found = looks(shop, EventWeights(), sentiment=np.array([-1.0, 0.0, np.nan], dtype=np.float32))
    assert found.weight.tolist() == pytest.approx([0.0, 0.5, 1.0])


def test_looks_of_some_members_are_those_of_all_members_cut_down() -> None:
    shop = community([("m", "a", "view", 0), ("n", "b", "buy", 3), ("o", "a", "like", 4)])
    some = looks(shop, EventWeights(), members=np.array([1]))
    assert (some.member.tolist(), some.item.tolist(), some.weight.tolist()) == ([1], [1], [1.0])


def counted(times_in_days: list[float], sessions: list[int], correlation: float, half_life: float | None = None):
    rows = [("m", "a", "buy", day * 1440 + place) for place, day in enumerate(times_in_days)]
    seen = looks(community(rows), EventWeights())
    seen = type(seen)(seen.member, seen.item, np.array(sessions)[: len(seen)], seen.at, seen.weight, seen.kind)
    labels = sp.csr_matrix([[1.0], [0.0]])
    return tally(seen, labels, 1, now=seen.at[-1], decay=Decay(half_life=half_life), session_correlation=correlation)


def test_independent_looks_of_equal_weight_count_one_each() -> None:
    assert counted([0, 1, 2, 3], [0, 1, 2, 3], 0.9).size[0] == pytest.approx(4)


def test_a_session_of_fully_alike_looks_counts_as_one_and_a_half_alike_pair_as_two_over_one_and_a_half() -> None:
    assert counted([0, 1], [0, 0], 1.0).size[0] == pytest.approx(1)
    assert counted([0, 1], [0, 0], 0.5).size[0] == pytest.approx(2 / 1.5)


def test_old_looks_beside_a_fresh_one_add_little_evidence() -> None:
    fresh, faded = counted([0, 60], [0, 1], 0.0), counted([0, 60], [0, 1], 0.0, half_life=10)
    assert fresh.size[0] == pytest.approx(2)
    assert 1 < faded.size[0] < 1.1


def test_counts_never_exceed_the_evidence() -> None:
    found = counted([0, 1, 5, 9], [0, 0, 1, 2], 0.3, half_life=3)
    assert found.counts[0, 0] == pytest.approx(found.size[0])
