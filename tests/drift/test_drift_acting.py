"""From a verdict to a plan, from a plan to another list: learned in a build, told in its answers."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted_tastes import ITEMS, KINDS, START, tastes

from penchant.data.attention import PLANS, Attention, Plan
from penchant.data.community import Community
from penchant.data.drift import Change, DriftVerdict
from penchant.data.strata import Tier
from penchant.drift.acting import learn_acting
from penchant.drift.boosting import TreesConfig
from penchant.drift.injection import InjectionConfig
from penchant.drift.judge import Judge, JudgeConfig
from penchant.drift.learning import LearnConfig
from penchant.drift.strategy import StrategyConfig
from penchant.drift.whole import Drift, DriftConfig, learn
from penchant.drift.windows import WindowConfig
from penchant.errors import TooLittleDataError
from penchant.interests.strata import StrataConfig, Stratifier
from penchant.recommend import RecommendConfig, train
from penchant.recommend.person import Person
from penchant.recommend.planned import attended
from penchant.recommend.recommender import Recommender
from penchant.training.options import Options

OPTIONS = Options(threads=1, progress=False)
TREES = TreesConfig(trees=60)
STREAMS = InjectionConfig(track="natural", window=5, length=10)
JUDGING = JudgeConfig(
    windows=WindowConfig(events=5),
    learn=LearnConfig(streams=STREAMS, event_trees=TREES, window_trees=TREES, surprise=None),
)
CONFIG = DriftConfig(fewest_members=30, judging=JUDGING, strategy=StrategyConfig(usual=Plan.REGULAR, caution=0.01))


@pytest.fixture(scope="module")
def community() -> Community:
    return tastes()


@pytest.fixture(scope="module")
def held(community: Community) -> Drift:
    return learn(community, CONFIG, OPTIONS)


@pytest.fixture(scope="module")
def recommender(community: Community) -> Recommender:
    return train(community, RecommendConfig(), OPTIONS)


def history(kinds: list[int], seed: int = 4) -> pl.DataFrame:
    """A member's events, one a day, with the first eight things of each kind: the others are left to recommend."""
    rng = np.random.default_rng(seed)
    items = [f"p{kind * ITEMS + int(rng.integers(8))}" for kind in kinds]
    days = [START + timedelta(days=day) for day in range(len(kinds))]
    return pl.DataFrame({"member_id": "new", "item_id": items, "kind": "buy", "at": days})


CHANGED, STEADY = history([0] * 50 + [3] * 10), history([2] * 60)


def test_whoever_changed_is_recommended_to_otherwise_and_whoever_did_not_as_ever(held: Drift) -> None:
    changed, steady = held.verdict("new", CHANGED), held.verdict("new", STEADY)
    assert changed.attention is not None
    assert steady.attention is not None
    assert changed.attention.plan != Plan.REGULAR
    assert steady.attention.plan == Plan.REGULAR
    assert changed.attention.window == 5
    assert held.attention("new", CHANGED) == changed.attention
    # Where nothing can be told there is no plan either.
    assert held.verdict("new", CHANGED.head(12)).attention is None


def test_a_plan_is_kept_with_the_build_and_can_be_switched_off(
    held: Drift, community: Community, tmp_path: Path
) -> None:
    held.save(tmp_path)
    again = Drift.load(tmp_path, community)
    assert again.attention("new", CHANGED) == held.attention("new", CHANGED)
    few = TreesConfig(trees=5)
    quick = LearnConfig(streams=STREAMS, folds=2, event_trees=few, window_trees=few)
    assert quick.surprise is not None
    wanted = {"act": "never", "surprise": False, "judging": JUDGING.model_copy(update={"learn": quick})}
    off = learn(tastes(members=30), CONFIG.model_copy(update=wanted), OPTIONS)
    assert off.judge is not None
    assert off.judge.learned.surprise is None
    assert off.acting is None
    assert off.verdict("new", CHANGED).attention is None


def test_a_plan_asked_for_by_name_has_the_lengths_of_the_judge(held: Drift, community: Community) -> None:
    assert held.following(Plan.RECENT) == Attention(Plan.RECENT, window=5) != Attention(Plan.RECENT)
    slow = CONFIG.model_copy(update={"strategy": StrategyConfig(half_life=7.0)})
    assert replace(held, config=slow).following(Plan.DECAY).half_life == 7.0
    nobody = learn(community, DriftConfig(judge="never"), OPTIONS)
    assert nobody.following(Plan.RECENT) == Attention(Plan.RECENT)


def test_a_cautious_strategy_goes_on_as_ever(held: Drift) -> None:
    assert held.judge is not None
    cautious = learn_acting(held.community, held.judge, StrategyConfig(usual=Plan.REGULAR, caution=1.0), OPTIONS)
    assert replace(held, acting=cautious).attention("new", CHANGED) == Attention(Plan.REGULAR, window=5)


def test_whether_only_the_changed_are_acted_on_is_a_setting(held: Drift) -> None:
    strategy = StrategyConfig(usual=Plan.RECENT)
    assert held.judge is not None
    # A strategy that would take everybody from the last window alone, unless another plan is better.
    eager = replace(held, acting=learn_acting(held.community, held.judge, strategy, OPTIONS))
    always = replace(eager, config=eager.config.model_copy(update={"act": "always"}))
    plans = [always.attention("new", history([kind] * 60)).plan for kind in range(6)]
    assert any(plan != Plan.REGULAR for plan in plans)
    assert all(eager.attention("new", history([kind] * 60)).plan == Plan.REGULAR for kind in range(6))
    assert eager.attention("new", CHANGED) == always.attention("new", CHANGED)


def test_plans_need_streams_to_learn_from(held: Drift, community: Community, tmp_path: Path) -> None:
    assert held.judge is not None
    held.judge.save(tmp_path)
    with pytest.raises(TooLittleDataError, match="not kept"):
        learn_acting(community, Judge.load(tmp_path), StrategyConfig(), OPTIONS)
    by_week = held.judge.with_config(windows=WindowConfig(by="calendar"))
    with pytest.raises(TooLittleDataError, match="by count"):
        learn_acting(community, by_week, StrategyConfig(), OPTIONS)


def test_the_plan_moves_the_list_to_the_new_interest_and_is_named(recommender: Recommender) -> None:
    turning = history([0] * 40 + [3] * 4).drop("member_id")

    def share(plan: Plan | None) -> float:
        attention = None if plan is None else Attention(plan, window=4)
        ranking = recommender.recommend_for(events=turning, k=7, attention=attention)
        if plan is not None:
            assert attention is not None
            assert attention.told() in ranking.strategy
        rows = [int(pick.item_id[1:]) // ITEMS for pick in ranking]
        return float(np.mean(np.array(rows) == 3))

    assert share(Plan.REGULAR) == share(None)
    assert share(Plan.RECENT) > share(None)
    assert share(Plan.DECAY) >= share(None)
    chinese = recommender.recommend_for(events=CHANGED.drop("member_id"), lang="zh", attention=Attention(Plan.BRIDGE))
    assert "过渡" in chinese.strategy
    nobody = recommender.recommend_for(attention=Attention(Plan.RECENT))
    assert "anew" not in nobody.strategy


def test_what_was_seen_stays_seen_under_every_plan(recommender: Recommender) -> None:
    seen = set(CHANGED["item_id"])
    for plan in PLANS:
        attention = Attention(plan, window=5)
        assert not seen & {
            p.item_id for p in recommender.recommend_for(events=CHANGED.drop("member_id"), attention=attention)
        }
    person = Person.stranger(recommender.community, recommender.config.event_weights, events=CHANGED.drop("member_id"))
    assert attended(person, None) is person
    recent = attended(person, Attention(Plan.RECENT, window=5)).history
    assert (recent.weights > 0).sum() == 5
    assert len(recent.items) == 60


def tiers(held: Drift, past: pl.DataFrame, config: StrataConfig, verdict: DriftVerdict | None) -> dict[str, Tier]:
    one = Community.from_tables(held.community.items, past, pl.DataFrame({"member_id": ["new"]}))
    stratifier = Stratifier.of_categories(held.community, config).fit(held.community)
    told = {} if verdict is None else {verdict.member_id: verdict}
    return {each.label: each.tier for each in stratifier.stratify(one, verdicts=told)["new"].interests}


def test_a_verdict_marks_what_emerges_and_what_fades(held: Drift) -> None:
    verdict = held.verdict("new", CHANGED)
    assert verdict.alarm
    # Strata that would call nothing a change of themselves.
    blind = StrataConfig(change_growth=1000.0)
    plain, told = (tiers(held, CHANGED, blind, said) for said in (None, verdict))
    assert plain[KINDS[0]] == Tier.CORE
    assert plain[KINDS[3]] == Tier.REGULAR
    assert (told[KINDS[0]], told[KINDS[3]]) == (Tier.FADING, Tier.EMERGING)
    assert tiers(held, CHANGED, blind, replace(verdict, member_id="somebody")) == plain
    assert tiers(held, CHANGED, blind, replace(verdict, change=Change.NONE)) == plain


def test_a_blip_is_no_new_interest(held: Drift) -> None:
    past = history([0] * 50 + [4] * 5 + [0] * 5)
    verdict = held.verdict("new", past)
    assert verdict.change == Change.BLIP
    plain, told = (tiers(held, past, StrataConfig(), said) for said in (None, verdict))
    assert plain[KINDS[4]] == Tier.EMERGING
    assert told[KINDS[4]] == Tier.REGULAR
