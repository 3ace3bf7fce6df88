"""Interests in tiers as features of profiles: each is counted right, parts segments, names them, and drives actions."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from penchant.data.community import Community
from penchant.data.strata import SCHEMA, Strata, Tier
from penchant.data.vocabulary import Vocabulary
from penchant.errors import InputError
from penchant.members.actions import next_actions, read_actions
from penchant.members.features import TIERS, told
from penchant.members.profiles import Profiles
from penchant.members.profiling import profiles
from penchant.members.recipe import MembersConfig, train
from penchant.members.segments import SegmentConfig, Segmenter
from penchant.members.value import ValueConfig

NOW = datetime(2026, 6, 30, tzinfo=UTC)
MEMBERS = 80


@pytest.fixture(scope="module")
def shop() -> Community:
    """Members who all do the same, so that nothing but tiers can part them."""
    items = pl.DataFrame({"item_id": ["a"], "title": ["a"]})
    rows = [(f"m{member:02}", "a", "view", NOW - timedelta(days=day)) for member in range(MEMBERS) for day in range(5)]
    return Community.from_tables(items, pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row"))


def strata(shop: Community, held: dict[int, list[Tier]], unsure: tuple[int, ...] = ()) -> Strata:
    rows = [
        {"member": member, "label": label, "tier": tier.value, "share": 0.2, "lower": 0.1, "upper": 0.3, "evidence": []}
        for member, found in held.items()
        for label, tier in enumerate(found)
    ]
    counts = np.full(len(shop.members), 9.0)
    counts[list(unsure)] = 1.0
    labels = tuple(f"L{number}" for number in range(9))
    ids = Vocabulary(shop.member_ids.ids, name="member")
    return Strata(ids, labels, pl.DataFrame(rows, schema=SCHEMA), counts, 5.0, NOW)


def test_tiers_are_counted_and_of_those_who_hardly_came_nothing_is_said(shop: Community) -> None:
    held = {0: [Tier.CORE, Tier.CORE, Tier.FADING], 1: [Tier.EMERGING], 2: [Tier.LATENT]}
    made = profiles(shop, strata=strata(shop, held, unsure=(2,)))
    assert [made["m00"][name] for name in TIERS] == [2, 0, 0, 1, 0]
    assert [made["m01"][name] for name in TIERS] == [0, 0, 1, 0, 0]
    assert [made["m02"][name] for name in TIERS] == [None] * 5
    assert [made["m03"][name] for name in TIERS] == [0] * 5
    assert not set(TIERS) & set(profiles(shop).names), "without strata no feature stands there empty"
    assert not profiles(shop).tells("core_interests")
    with pytest.raises(InputError, match="give the strata learned from it"):
        profiles(shop, strata=strata(shop.with_events(shop.events), held).__class__(
            Vocabulary(["x"], name="member"), (), pl.DataFrame(schema=SCHEMA), np.ones(1), 1.0, None
        ))  # fmt: skip


@pytest.mark.parametrize("tier", Tier)
def test_each_tier_parts_members_who_are_alike_in_all_else(shop: Community, tier: Tier) -> None:
    truth = np.arange(MEMBERS) % 2
    held = {member: [tier] * 3 for member in range(MEMBERS) if truth[member]}
    config = SegmentConfig(least=2, most=2)
    blind = Segmenter(config).fit(profiles(shop)).segments
    seeing = Segmenter(config).fit(profiles(shop, strata=strata(shop, held))).segments
    assert blind is not None
    assert blind.reason is not None, "all are alike without tiers"
    assert seeing is not None
    assert adjusted_rand_score(truth, seeing.of_member) == 1
    mine = seeing["m01"]
    assert mine is not None
    strongest = mine.traits[0]
    assert (strongest.feature, strongest.value) == (f"{tier.value}_interests", 3)
    assert told(strongest.feature, "en") in mine.told.en
    assert told(strongest.feature, "zh") in mine.told.zh
    assert mine.name.en != seeing["m00"].name.en  # type: ignore[union-attr]


def test_a_rule_may_ask_for_tiers_and_finds_nobody_where_nothing_tells_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        (f"m{member:02}", "a", "buy", NOW - timedelta(days=float(rng.uniform(0, 400))), 10.0)
        for member in range(50)
        for _ in range(8)
    ]
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at", "amount"], orient="row")
    shop = Community.from_tables(pl.DataFrame({"item_id": ["a"], "title": ["a"]}), events)
    small = MembersConfig(value=ValueConfig(trees=10, models=1), segments=SegmentConfig(least=2, most=2, resamples=2))
    rules = tmp_path / "rules.yaml"
    rules.write_text("- {action: win them back, when: {fading_interests: '>= 2'}}\n- {action: nothing}\n")
    held = strata(shop, {3: [Tier.FADING, Tier.FADING], 4: [Tier.FADING]})
    for given, wanted in ((held, ["m03"]), (None, [])):
        found = train(shop, small, strata=given)
        assert found.worth is not None
        actions = next_actions(found.profiles, found.worth, read_actions(rules))
        assert [
            member for member, action in zip(found.profiles.members, actions, strict=True) if action.en != "nothing"
        ] == wanted


def test_tiers_come_back_from_a_folder(shop: Community, tmp_path: Path) -> None:
    made = profiles(shop, strata=strata(shop, {0: [Tier.CORE]}))
    made.save(tmp_path)
    assert Profiles.load(tmp_path)["m00"]["core_interests"] == 1
