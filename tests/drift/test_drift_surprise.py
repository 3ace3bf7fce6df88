from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from penchant.collaborative.sequence import SequenceConfig, SequenceScorer
from penchant.data.community import Community
from penchant.data.interactions import Histories, histories
from penchant.drift.boosting import TreesConfig
from penchant.drift.injection import InjectionConfig
from penchant.drift.judge import Judge, JudgeConfig
from penchant.drift.learning import HELD, NEAR, LearnConfig, learn
from penchant.drift.metrics import judge_detector
from penchant.drift.surprise import Surprise, SurpriseConfig
from penchant.drift.windows import NOTHING
from penchant.errors import NotFittedError
from penchant.training.options import Options

OPTIONS = Options(threads=1, progress=False)
START = datetime(2026, 1, 1, tzinfo=UTC)
ITEMS, STEPS, MEMBERS = 24, 30, 60
QUICK = {"width": 16, "layers": 1, "dropout": 0.1, "learning_rate": 1e-2, "epochs": 6, "fewest_steps": 120}


def picks(member: int, rng: np.random.Generator, *, changes: bool) -> list[int]:
    """Thirty items of one member: half the members keep to a group of four, half take anything.

    Who changes does so after the twentieth event: to another group, or, of those who take anything, to nothing new.
    """
    if member % 2:
        return rng.integers(0, ITEMS, STEPS).tolist()
    group = member // 2 % 6
    later = (group + 3) % 6 if changes else group
    return [4 * (group if step < 20 else later) + int(rng.integers(4)) for step in range(STEPS)]


def community(seed: int = 0) -> Community:
    rng = np.random.default_rng(seed)
    rows = [
        (f"m{member:03}", step, item)
        for member in range(MEMBERS)
        for step, item in enumerate(picks(member, rng, changes=False))
    ]
    events = pl.DataFrame(
        {
            "member_id": [member for member, _, _ in rows],
            "item_id": [f"p{item:02}" for _, _, item in rows],
            "kind": "play",
            "at": [START + timedelta(hours=step) for _, step, _ in rows],
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )
    items = pl.DataFrame(
        {"item_id": [f"p{item:02}" for item in range(ITEMS)], "title": [f"Item {item}" for item in range(ITEMS)]}
    )
    return Community.from_tables(items, events)


def others(*, changes: bool) -> Histories:
    rng = np.random.default_rng(9)
    return Histories.of_items(
        [picks(member, rng, changes=changes) for member in range(MEMBERS)],
        at=[[3600.0 * step for step in range(STEPS)]] * MEMBERS,
    )


@pytest.fixture(scope="module", params=["gru", "transformer"])
def surprise(request: pytest.FixtureRequest) -> Surprise:
    config = SurpriseConfig(model=SequenceConfig(cell=request.param, **QUICK), left_out=0.3)
    return Surprise(config).fit(community(), Options(seed=3))


def onset_auc(values: np.ndarray) -> float:
    """How well the mean of the events 20 to 24 tells steady members who have just changed from all others."""
    means = values.reshape(MEMBERS, STEPS)[:, 20:24].mean(axis=1)
    return float(roc_auc_score(np.arange(MEMBERS) % 2 == 0, means))


def test_a_member_who_changes_surprises_and_one_who_is_hard_to_foresee_does_not(surprise: Surprise) -> None:
    found = surprise.surprise(others(changes=True))
    # The loss alone mistakes whoever takes anything for drifting.
    assert onset_auc(found.losses) < 0.85
    assert onset_auc(found.values) > 0.97
    noisy = found.values.reshape(MEMBERS, STEPS)[1::2, 15:]
    changed = found.values.reshape(MEMBERS, STEPS)[::2, 20:24]
    assert noisy.mean() < 0.7 < 1.5 < changed.mean()


def test_the_members_own_level_is_what_makes_the_difference(surprise: Surprise) -> None:
    plain = Surprise(surprise.config.model_copy(update={"own_level": False}))
    plain.model, plain._expected, plain._spread = surprise.model, surprise._expected, surprise._spread
    batch = others(changes=True)
    assert onset_auc(surprise.surprise(batch).values) > onset_auc(plain.surprise(batch).values) + 0.1


def test_members_who_stay_as_they_are_do_not_surprise(surprise: Surprise) -> None:
    values = surprise.surprise(others(changes=False)).values
    assert abs(values.mean()) < 0.25
    assert 0.6 < values.std() < 1.5


def test_a_value_is_final_once_its_event_has_happened(surprise: Surprise) -> None:
    whole = others(changes=True).rows(np.array([0]))
    known = Histories(np.array([0, 22]), whole.items[:22], whole.at[:22], whole.weights[:22])
    np.testing.assert_allclose(
        surprise.surprise(known).values, surprise.surprise(whole).values[:22], rtol=1e-4, atol=1e-4
    )


def test_more_strength_waits_longer_for_a_level_of_the_members_own(surprise: Surprise) -> None:
    noisy = others(changes=False).rows(np.array([1]))
    usual = {}
    for strength in (0.0, 10.0, 1000.0):
        other = Surprise(surprise.config.model_copy(update={"strength": strength}))
        other.model, other._expected = surprise.model, surprise._expected
        usual[strength] = other.surprise(noisy).usual[6:15].mean()
    assert usual[0.0] > usual[10.0] > usual[1000.0]


def test_usual_losses_are_measured_on_members_not_learned_from() -> None:
    config = SurpriseConfig(
        model=SequenceConfig(cell="gru", **{**QUICK, "width": 32, "fewest_steps": 90}), left_out=0.2
    )
    honest = Surprise(config).fit(community(), Options(seed=3))
    flattered = Surprise(config.model_copy(update={"left_out": 0.0})).fit(community(), Options(seed=3))
    batch = others(changes=False)
    assert abs(honest.surprise(batch).values.mean()) < abs(flattered.surprise(batch).values.mean())


def test_histories_with_nothing_to_foresee_are_answered(surprise: Surprise) -> None:
    hides = Histories(
        np.array([0, 0, 2, 3]), np.array([1, 2, 3]), np.array([0.0, 0.0, 5.0]), np.array([-1, 0, 1], np.float32)
    )
    found = surprise.surprise(hides)
    assert np.isnan(found.values).tolist() == [True, True, False]
    assert found.filled()[:2].tolist() == [0, 0]


def test_it_loads_to_the_same_surprises(surprise: Surprise, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match="call fit or load first"):
        Surprise().surprise(others(changes=True))
    surprise.save(tmp_path / "saved")
    loaded = Surprise.load(tmp_path / "saved")
    batch = others(changes=True)
    np.testing.assert_array_equal(loaded.surprise(batch).values, surprise.surprise(batch).values)
    assert loaded.config == surprise.config


def test_the_members_of_a_community_are_asked_at_once(surprise: Surprise) -> None:
    batch = histories(community())
    one = surprise.surprise(batch.rows(np.array([7]))).values
    np.testing.assert_allclose(surprise.surprise(batch).values[7 * STEPS : 8 * STEPS], one, rtol=1e-4, atol=1e-4)


def test_a_judge_that_foresees_finds_changes_that_only_order_tells() -> None:
    """Members who walk through the same items in a circle, forwards or backwards: only what comes next differs."""
    rng = np.random.default_rng(0)
    ring = 6

    def walk(step: int, count: int, at: int) -> list[int]:
        return ((at + step * np.arange(count)) % ring).tolist()

    walks = [walk(1 if member % 2 else -1, 60, int(rng.integers(ring))) for member in range(60)]
    items = pl.DataFrame(
        {"item_id": [f"p{item}" for item in range(ring)], "title": "Item", "categories": [["All"]] * ring}
    )
    days = [START + timedelta(days=day) for day in range(60)]
    rows = [
        (f"m{member:02}", f"p{item}", "play", at)
        for member, row in enumerate(walks)
        for item, at in zip(row, days, strict=True)
    ]
    shop = Community.from_tables(items, pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row"))
    trees = TreesConfig(trees=20)
    foreseeing = SurpriseConfig(model=SequenceConfig(cell="gru", **QUICK))
    streams = InjectionConfig(track="natural", window=6, length=8, severities=(1.0,), kinds=("untouched", "abrupt"))
    found = {}
    for name, surprise in (("with", foreseeing), ("without", None)):
        config = LearnConfig(streams=streams, folds=2, event_trees=trees, window_trees=trees, surprise=surprise)
        learned = learn(shop, histories(shop), np.arange(60), config, OPTIONS, questions=(NEAR, HELD))
        assert learned.held_out is not None
        found[name] = judge_detector(learned.held_out_odds[NEAR], learned.held_out, np.inf).metrics["auc"]
        judge = Judge(learned, JudgeConfig(learn=config))
        assert (learned.surprise_of(learned.table(learned.held_out.items[:2])[0]) is None) == (surprise is None)
    assert found["with"] > found["without"] + 0.05
    assert judge.threshold is not None


def test_fewer_items_compared_come_near_all() -> None:
    model = SequenceScorer(SequenceConfig(cell="gru", **QUICK)).fit(community(), OPTIONS)
    seen = others(changes=False)
    whole = model.log_loss(seen)
    np.testing.assert_array_equal(model.log_loss(seen, compared=ITEMS), whole)
    few = model.log_loss(seen, compared=ITEMS - 1)
    assert 0 < np.abs(few - whole).mean() < 0.5


def test_padded_windows_surprise_as_histories_do() -> None:
    surprise = Surprise(SurpriseConfig(model=SequenceConfig(cell="gru", **QUICK))).fit(community(), OPTIONS)
    seen = others(changes=True)
    seen = Histories(seen.offsets, seen.items, np.tile(np.arange(STEPS, dtype=float), MEMBERS), seen.weights)
    cut = seen.items.reshape(MEMBERS, 5, 6).astype(np.int32)
    found = surprise.of_windows(cut)
    np.testing.assert_allclose(found.ravel(), surprise.surprise(seen).filled(), atol=1e-5)
    cut[:, -1, 3:] = NOTHING
    short = surprise.of_windows(cut)
    assert (short[:, -1, 3:] == 0).all()
    np.testing.assert_allclose(short[:, :4], found[:, :4], atol=1e-5)
