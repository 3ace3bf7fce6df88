"""Plans and their choice: what is planted is followed, and members who have not changed are left in peace."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted_tastes import ITEMS, KINDS, tastes

from penchant.collaborative.linear import Ease, EaseConfig
from penchant.data.attention import PLANS, Plan
from penchant.drift.plans import performances, plan_scores, planned
from penchant.drift.strategy import Strategy, StrategyConfig
from penchant.errors import InputError, NotFittedError, TooLittleDataError
from penchant.training.options import Options

WINDOWS, EVENTS = 8, 5


@pytest.fixture(scope="module")
def scorer() -> Ease:
    return Ease(EaseConfig()).fit(tastes(members=60, events=40), Options(threads=1, progress=False))


def streams(count: int, seed: int, *, drifting: bool) -> tuple[np.ndarray, np.ndarray]:
    """(streams, windows, events) of a kind each, half of them of another from the middle on; and odds that know."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(len(KINDS), size=(count, 1)).repeat(WINDOWS, axis=1)
    odds = rng.normal(-3, 1, (count, WINDOWS, 2)).astype(np.float32)
    if drifting:
        half = np.arange(count) % 2 == 0
        kinds[half, WINDOWS // 2 :] = (
            kinds[half, WINDOWS // 2 :] + 1 + rng.integers(len(KINDS) - 1, size=(half.sum(), 1))
        ) % len(KINDS)
        odds[half, WINDOWS // 2] += 6
    # Some of everything, as real members have.
    noise = rng.random((count, WINDOWS, EVENTS)) < 0.2
    mixed = np.where(noise, rng.integers(len(KINDS), size=noise.shape), kinds[:, :, None])
    return (mixed * ITEMS + rng.integers(ITEMS, size=noise.shape)).astype(np.int32), odds


def test_plans_differ_in_how_much_of_the_past_counts(scorer: Ease) -> None:
    first, second = 0, 3
    # Two windows of one kind and one of another; what has not been met yet is looked at.
    kinds, places = np.array([first, first, second])[:, None], np.array([[0], [EVENTS], [0]]) + np.arange(EVENTS)
    past = (kinds * ITEMS + places)[None]

    def leaning(plan: Plan, half_life: float = 1.0) -> float:
        scores = plan_scores(scorer, past.astype(np.int32), plan, half_life=half_life)[0]
        old, new = (scores[kind * ITEMS + 2 * EVENTS : (kind + 1) * ITEMS].mean() for kind in (first, second))
        return float(new - old)

    assert leaning(Plan.REGULAR) < 0 < leaning(Plan.RECENT)
    assert leaning(Plan.REGULAR) < leaning(Plan.DECAY)
    assert leaning(Plan.DECAY, 0.3) > leaning(Plan.DECAY, 3.0)
    assert leaning(Plan.BRIDGE) > leaning(Plan.REGULAR)


def test_performance_is_that_of_the_window_to_come(scorer: Ease) -> None:
    items, _ = streams(40, 1, drifting=True)
    reached = performances(scorer, items, k=10, repeats=True)
    assert np.isnan(reached[:, 0]).all()
    middle = WINDOWS // 2
    drifted = reached[::2]
    regular, recent = (PLANS.index(plan) for plan in (Plan.REGULAR, Plan.RECENT))
    # Nobody foresees the window of the change itself; after it the last window tells more than all the past.
    assert np.nanmean(drifted[:, middle, recent]) < 0.3
    assert np.nanmean(drifted[:, middle + 1, recent]) > np.nanmean(drifted[:, middle + 1, regular]) + 0.1


def test_a_strategy_beats_every_fixed_plan_and_leaves_the_stable_in_peace(scorer: Ease) -> None:
    strategy = Strategy(StrategyConfig(k=10, trees=80))
    items, odds = streams(300, 2, drifting=True)
    strategy.fit(scorer, items, odds, repeats=True)
    fresh, told = streams(200, 3, drifting=True)
    reached = strategy.tried(scorer, fresh, repeats=True)
    chosen = strategy.choose(reached, told)
    taken = np.take_along_axis(reached[:, 2:], chosen[:, 1:-1, None], axis=2)[:, :, 0]
    fixed = [float(np.nanmean(reached[:, 2:, place])) for place in range(len(PLANS))]
    oracle = float(np.nanmean(reached[:, 2:].max(axis=2)))
    assert max(fixed) < float(np.nanmean(taken)) < oracle
    still, calm = streams(100, 4, drifting=False)
    quiet = strategy.tried(scorer, still, repeats=True)
    kept = np.take_along_axis(quiet[:, 2:], strategy.choose(quiet, calm)[:, 1:-1, None], axis=2)[:, :, 0]
    assert float(np.nanmean(kept)) > 0.98 * float(np.nanmean(quiet[:, 2:, PLANS.index(Plan.REGULAR)]))


def test_caution_keeps_to_the_usual_plan(scorer: Ease) -> None:
    items, odds = streams(200, 2, drifting=True)
    bold = Strategy(StrategyConfig(k=10, trees=80)).fit(scorer, items, odds, repeats=True)
    shy = Strategy(StrategyConfig(k=10, caution=1.0)).fit(scorer, items, odds, repeats=True)
    reached = bold.tried(scorer, items, repeats=True)
    assert len(np.unique(bold.choose(reached, odds))) > 1
    assert len(np.unique(shy.choose(reached, odds))) == 1


def test_it_comes_back_as_it_was_and_tells_of_one_member(scorer: Ease, tmp_path: Path) -> None:
    items, odds = streams(200, 2, drifting=True)
    strategy = Strategy(StrategyConfig(k=10, trees=80)).fit(scorer, items, odds, repeats=True)
    strategy.save(tmp_path)
    again = Strategy.load(tmp_path)
    reached = strategy.tried(scorer, items, repeats=True)
    assert np.array_equal(again.choose(reached, odds), strategy.choose(reached, odds))
    one = again.choice(reached[0], odds[0])
    assert one.plan in PLANS
    assert set(one.expected) == set(PLANS)


def test_what_cannot_be_is_refused(scorer: Ease) -> None:
    items, odds = streams(4, 2, drifting=True)
    with pytest.raises(TooLittleDataError, match="windows to learn plans from"):
        Strategy().fit(scorer, items[:, :3], odds[:, :3], repeats=True)
    with pytest.raises(NotFittedError):
        Strategy().expected(np.zeros((1, 3, 4), np.float32), np.zeros((1, 3, 2), np.float32))
    fitted = Strategy(StrategyConfig(k=10, trees=80)).fit(scorer, *streams(100, 2, drifting=True), repeats=True)
    with pytest.raises(InputError, match="windows must agree"):
        fitted.expected(np.zeros((1, 3, 4), np.float32), np.zeros((1, 4, 2), np.float32))


def test_recent_rests_on_the_last_window_alone() -> None:
    events = pl.DataFrame({"item_id": list("abcdef")})
    assert planned(events, Plan.RECENT, 2)["item_id"].to_list() == ["e", "f"]
    assert len(planned(events, Plan.REGULAR, 2)) == 6
