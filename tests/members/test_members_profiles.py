"""Profiles: each feature means what it is called, and odd events do no harm."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from letter_encoder import LetterEncoder

from penchant.data.community import Community
from penchant.errors import InputError
from penchant.members.features import FEATURES, told
from penchant.members.leanings import Writings
from penchant.members.profiles import Profiles
from penchant.members.profiling import ProfileConfig, profiles

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
ITEMS = pl.DataFrame(
    {
        "item_id": ["a", "b", "c"],
        "title": ["a", "b", "c"],
        "categories": [["Books > Crime"], ["Books > Poems"], ["Garden"]],
        "price": [1.0, 2.0, 30.0],
        "seller": ["x", "x", "y"],
    }
)


def made(
    rows: Sequence[tuple[str, str | None, str, int, float | None]], config: ProfileConfig | None = None, **more: object
) -> Profiles:
    """Profiles at NOW from events: member, item, kind, days ago, amount."""
    events = pl.DataFrame(
        [(member, item, kind, NOW - timedelta(days=days), amount, None) for member, item, kind, days, amount in rows],
        schema=["member_id", "item_id", "kind", "at", "amount", "text"],
        orient="row",
        infer_schema_length=None,
    ).with_columns(pl.col("text").cast(pl.String), pl.col("amount").cast(pl.Float64))
    members = pl.DataFrame({"member_id": ["m", "nobody"]})
    return profiles(Community.from_tables(ITEMS, events, members), config, at=NOW, **more)  # type: ignore[arg-type]


def test_recency_frequency_and_money() -> None:
    one = made([("m", "a", "buy", 100, 10.0), ("m", "b", "buy", 10, 20.0), ("m", "b", "view", 4, None)])["m"]
    assert one["recency_days"] == 4
    assert one["order_recency_days"] == 10
    assert one["tenure_days"] == 100
    assert (one["events"], one["orders"], one["events_30"], one["events_90"]) == (3, 2, 2, 2)
    assert (one["spend"], one["spend_90"], one["spend_per_order"]) == (30, 20, 15)
    assert one["order_gap_days"] == 90


def test_refunds_may_exceed_purchases_and_are_kept() -> None:
    one = made([("m", "a", "buy", 9, 10.0), ("m", "a", "return", 5, 25.0), ("m", "b", "buy", 3, -5.0)])["m"]
    assert one["spend"] == -20
    assert one["refunded"] == 3
    assert one["refunds"] == 0.5


def test_absurd_amounts_count_as_events_without_money() -> None:
    one = made([("m", "a", "buy", 9, 10.0), ("m", "b", "buy", 3, 1e15), ("m", "b", "buy", 2, float("inf"))])["m"]
    assert one["spend"] == 10
    assert one["events"] == 3


def test_events_of_the_future_are_left_out_and_counted() -> None:
    found = made([("m", "a", "buy", 9, 10.0), ("m", "a", "buy", -3, 10.0)])
    assert found.future == 1
    assert found["m"]["spend"] == 10


def test_who_did_nothing_has_counts_of_zero_and_nothing_else() -> None:
    nobody = made([("m", "a", "buy", 9, 10.0)])["nobody"]
    assert nobody["events"] == 0
    assert nobody["spend"] == 0
    assert nobody["recency_days"] is None
    assert nobody["price_level"] is None


def test_tastes_prices_and_repeats() -> None:
    one = made(
        [
            ("m", "a", "view", 9, None),
            ("m", "a", "view", 8, None),
            ("m", "c", "view", 7, None),
            ("m", None, "search", 7, None),
        ]
    )["m"]
    assert one["share:Books"] == pytest.approx(2 / 3)
    assert one["share:Garden"] == pytest.approx(1 / 3)
    assert one["seller:x"] == pytest.approx(2 / 3)
    assert one["seller:y"] == pytest.approx(1 / 3)
    few = made([("m", "a", "view", 9, None), ("m", "c", "view", 9, None), ("m", "b", "view", 8, None)],
        ProfileConfig(sellers=1, categories=0))  # fmt: skip
    assert few.shares == ("seller:x",)
    assert one["repeats"] == pytest.approx(1 / 3)
    assert one["price_level"] == pytest.approx((1 / 3 + 1 / 3 + 1) / 3)
    assert (one["breadth"], one["sellers"], one["searches"]) == (2, 2, 1)
    assert one["kind:view"] == 0.75


def test_the_clock_is_the_communitys_or_the_members_own() -> None:
    rows = [("m", "a", "view", 9, None), ("nobody", "a", "view", 9, None)]
    assert made(rows)["m"]["afternoon"] == 1
    shanghai = made(rows, ProfileConfig(utc_offset_hours=8))
    assert shanghai["m"]["evening"] == 1
    assert shanghai["m"]["hour:20"] == 1
    events = pl.DataFrame({"member_id": ["m", "n"], "item_id": "a", "kind": "view", "at": NOW})
    members = pl.DataFrame({"member_id": ["m", "n"], "zone": [8.0, -5.0]})
    two = profiles(Community.from_tables(ITEMS, events, members), ProfileConfig(offset_column="zone"))
    assert two["m"]["hour:20"] == 1
    assert two["n"]["hour:07"] == 1
    with pytest.raises(InputError, match="no column 'zone'"):
        made(rows, ProfileConfig(offset_column="zone"))


def test_vectors_lean_to_what_came_last() -> None:
    vectors = np.eye(3, dtype=np.float32)
    rows = [("m", "a", "buy", 400, 1.0), ("m", "c", "buy", 1, 1.0)]
    quick, slow = (made(rows, ProfileConfig(half_life_days=days), item_vectors=vectors) for days in (30, 10_000))
    assert quick.text is not None
    assert slow.text is not None
    assert quick.text[0, 2] > 0.99
    assert slow.text[0, 2] == pytest.approx(slow.text[0, 0], abs=0.05)
    assert not quick.text[1].any()
    with pytest.raises(InputError, match="2 vectors and 3 items"):
        made(rows, item_vectors=vectors[:2])


def test_what_members_write_leans_their_vector_as_much_as_settings_say() -> None:
    at = [NOW - timedelta(days=days) for days in (9, 1)]
    events = pl.DataFrame(
        {"member_id": "m", "item_id": ["a", "a"], "kind": ["view", "review"], "at": at, "text": [None, "of c"]}
    )
    community = Community.from_tables(ITEMS, events)
    writings = Writings(("of c", "never said"), np.eye(3, dtype=np.float32)[[2, 1]])
    leaned = []
    for written in (0.0, 1.0, 5.0):
        config = ProfileConfig(written=written)
        made = profiles(community, config, at=NOW, item_vectors=np.eye(3, dtype=np.float32), writings=writings)
        assert made.text is not None
        assert np.linalg.norm(made.text[0]) == pytest.approx(1)
        assert made.text[0, 1] == 0
        leaned.append(float(made.text[0, 2]))
    assert leaned[0] == 0
    assert leaned[1] == pytest.approx(2**-0.5, abs=0.02)
    assert leaned[2] > 0.97
    counted = Writings.of(community, LetterEncoder(), 1)
    assert counted is not None
    assert counted.texts == ("of c",)
    assert Writings.of(community.with_events(community.events.head(1)), LetterEncoder(), 1) is None


def test_profiles_come_back_as_they_were(tmp_path: Path) -> None:
    found = made([("m", "a", "buy", 9, 10.0)], item_vectors=np.eye(3, dtype=np.float32))
    found.save(tmp_path)
    again = Profiles.load(tmp_path)
    assert np.array_equal(again.values, found.values, equal_nan=True)
    assert np.array_equal(again.text, found.text)  # type: ignore[arg-type]
    assert (again.names, again.members, again.at) == (found.names, found.members, found.at)


def test_every_feature_has_a_name_in_both_languages() -> None:
    for name in [*FEATURES, "share:图书", "seller:某店", "hour:07", "kind:buy"]:
        assert ":" not in told(name, "en").split(" that are: ")[0]
        assert any("\u4e00" <= character <= "\u9fff" for character in told(name, "zh"))
