from functools import cache

import numpy as np
import pytest
from scorer_contract import ScorerContract, community_of

from penchant.collaborative import NextItems, Popularity, SequenceConfig, SequenceScorer
from penchant.data.community import Community
from penchant.data.interactions import Histories
from penchant.errors import ConfigError, TooLittleDataError
from penchant.training.options import Options

SMALL = {"width": 16, "layers": 1, "dropout": 0.3, "learning_rate": 2e-3, "fewest_steps": 100}
QUICK = {"width": 16, "layers": 1, "dropout": 0.0, "learning_rate": 1e-2, "weight_decay": 0.0, "epochs": 6}
RING = 10


class TestTransformerKeepsTheContract(ScorerContract):
    scorer = SequenceScorer

    @classmethod
    def made(cls) -> SequenceScorer:
        return SequenceScorer(SequenceConfig(**SMALL))


class TestGruKeepsTheContract(ScorerContract):
    scorer = SequenceScorer

    @classmethod
    def made(cls) -> SequenceScorer:
        return SequenceScorer(SequenceConfig(cell="gru", lift=1.0, **SMALL))


def ring_walks(members: int = 60, steps: int = 12) -> Community:
    """Members who walk around a ring of items, every second one the other way round."""
    rows = [
        (f"m{member:02}", f"p{(member // 2 + (step if member % 2 else -step)) % RING}", "play", float(step))
        for member in range(members)
        for step in range(steps)
    ]
    return community_of(rows)


@cache
def walker(**settings: object) -> SequenceScorer:
    """A model of the walks, fitted once for all tests that ask the same."""
    return fitted(ring_walks(), **settings)


def fitted(community: Community, **settings: object) -> SequenceScorer:
    return SequenceScorer(SequenceConfig(**{**QUICK, **settings})).fit(community, Options(seed=1))  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", ["transformer", "gru"])
def test_it_reads_an_order_in_which_the_last_item_alone_is_at_a_loss(cell: str) -> None:
    walks = ring_walks()
    asked = Histories.of_items([[2, 3, 4], [6, 5, 4]], at=[[0.0, 86_400.0, 172_800.0]] * 2)
    after = NextItems().fit(walks, Options()).score(asked)
    assert np.sort(after[0])[-2:] == pytest.approx(np.sort(after[1])[-2:], rel=0.2)
    scores = walker(cell=cell).score(asked)
    assert scores.argmax(axis=1).tolist() == [5, 3]


@pytest.mark.parametrize("cell", ["transformer", "gru"])
def test_losses_are_those_of_the_probabilities(cell: str) -> None:
    scorer = walker(cell=cell, fewest_steps=250)
    day = 86_400.0
    history = Histories.of_items([[2, 3, 4, 5], [], [7, 7, 7, 7]], at=[[0, day, 2 * day, 3 * day], [], [0.0] * 4])
    losses = scorer.log_loss(history)
    assert losses[:4] == pytest.approx([np.log(RING), np.log(2), 0, 0], abs=0.35)
    assert losses[4:].mean() > 2
    before = scorer.score(Histories.of_items([[2, 3, 4]], at=[[0, day, 2 * day]]))[0].astype(np.float64)
    assert losses[3] == pytest.approx(np.log(np.exp(before).sum()) - before[5], abs=1e-4)


def test_an_event_costs_the_same_whatever_comes_after_it() -> None:
    scorer = walker(max_length=6)
    rng = np.random.default_rng(0)
    items = rng.integers(0, RING, 40).tolist()
    whole = scorer.log_loss(Histories.of_items([items]))
    assert np.isfinite(whole).all()
    # The first window holds six events; from there on every window is cut at places that do not depend on the end.
    np.testing.assert_allclose(scorer.log_loss(Histories.of_items([items[:6]])), whole[:6], rtol=1e-5)
    np.testing.assert_allclose(scorer.log_loss(Histories.of_items([items[:25]])), whole[:25], rtol=1e-5)


def test_events_that_say_nothing_of_taste_are_not_foreseen_and_do_not_change_what_is() -> None:
    scorer = walker()
    plain = Histories.of_items([[2, 3, 4]])
    mixed = Histories(
        np.array([0, 5]),
        np.array([2, 9, 3, 8, 4]),
        np.array([0.0, 0.0, 1.0, 1.0, 2.0]),
        np.array([1, 0, 1, -1, 1], np.float32),
    )
    losses = scorer.log_loss(mixed)
    assert np.isnan(losses).tolist() == [False, True, False, True, False]
    np.testing.assert_allclose(losses[[0, 2, 4]], scorer.log_loss(plain), rtol=1e-5)


def test_time_between_events_is_seen_only_where_it_is_asked_for() -> None:
    # The second event comes a second or a day after the first, and that alone tells the third.
    rows = []
    for member in range(60):
        quick = member % 2 == 0
        second = 1 / 86_400 if quick else 1.0
        third = "quick" if quick else "slow"
        rows += [(f"m{member:02}", "a", "play", 0.0), (f"m{member:02}", "b", "play", second)]
        rows += [(f"m{member:02}", third, "play", second + 1.0)]
    community = community_of(rows, ["a", "b", "quick", "slow"])
    asked = Histories.of_items([[0, 1], [0, 1]], at=[[0.0, 1.0], [0.0, 86_400.0]])
    seeing = fitted(community).score(asked)
    assert seeing.argmax(axis=1).tolist() == [2, 3]
    blind = fitted(community, relative_time=False).score(asked)
    np.testing.assert_allclose(blind[0], blind[1], atol=1e-6)


def of_two_kinds(*, vectors: bool, **settings: object) -> np.ndarray:
    """Scores of one unseen item of each kind, for a history of the first kind; members keep to their kind."""
    rng = np.random.default_rng(2)
    kinds = np.arange(22) % 2
    rows = [
        (f"m{member:02}", f"p{2 * int(item) + member % 2:02}", "play", float(step))
        for member in range(30)
        for step, item in enumerate(rng.permutation(10)[:6])
    ]
    community = community_of(rows, [f"p{item:02}" for item in range(22)])
    texts = np.stack([1.0 - kinds, 1.0 * kinds, rng.normal(0, 0.3, 22), rng.normal(0, 0.3, 22)], axis=1)
    config = SequenceConfig(**{**QUICK, "dropout": 0.2, "fewest_steps": 100, **settings})  # type: ignore[arg-type]
    scorer = SequenceScorer(config, vectors=texts.astype(np.float32) if vectors else None)
    return scorer.fit(community, Options(seed=1)).score(Histories.of_items([[0, 4, 8]]))[0, [20, 21]]


def test_an_item_nobody_has_touched_is_reached_through_its_text() -> None:
    own, other = of_two_kinds(vectors=True)
    assert own > other + 1
    assert of_two_kinds(vectors=False).tolist() == [0, 0]


def test_texts_stand_in_better_where_items_own_vectors_were_left_out() -> None:
    own, other = of_two_kinds(vectors=True, own_left_out=0.0)
    trained_own, trained_other = of_two_kinds(vectors=True, own_left_out=0.5)
    assert trained_own - trained_other > 1.2 * (own - other)


def test_text_vectors_can_be_made_when_fitting_and_must_be_one_an_item() -> None:
    community = ring_walks(members=4)
    asked = []

    def make(of: Community) -> np.ndarray:
        asked.append(of)
        return np.eye(RING, dtype=np.float32)

    SequenceScorer(SequenceConfig(**QUICK), vectors=make).fit(community, Options())
    assert asked == [community]
    with pytest.raises(ConfigError, match=r"shape \(3, 8\); give one row for each of the 10 items"):
        SequenceScorer(vectors=np.zeros((3, 8), np.float32)).fit(community, Options())


def test_a_sample_of_the_items_teaches_what_all_of_them_do() -> None:
    asked = Histories.of_items([[2, 3, 4], [6, 5, 4]], at=[[0.0, 86_400.0, 172_800.0]] * 2)
    sampled = walker(compared=4)
    assert sampled.score(asked).argmax(axis=1).tolist() == [5, 3]
    assert sampled.losses != walker().losses


def test_a_longer_horizon_foresees_what_comes_later_too() -> None:
    asked = Histories.of_items([[2, 3, 4]], at=[[0.0, 86_400.0, 172_800.0]])
    near, far = walker().score(asked)[0], walker(horizon=3).score(asked)[0]
    assert near[5] - near[6] > 2 * abs(far[5] - far[6])
    assert min(far[5], far[6]) > far[1] + 2, "two steps on is likely too, backwards is not"


def test_lift_takes_off_what_is_popular_with_everyone() -> None:
    rows = [(f"m{member:02}", "hit", "play", 0.0) for member in range(40)]
    rows += [
        (f"m{member:02}", f"p{(member + step) % 4}", "play", float(step)) for member in range(40) for step in (1, 2)
    ]
    community = community_of(rows, ["hit", "p0", "p1", "p2", "p3"])
    asked = Histories.of_items([[1]])
    plain, lifted = fitted(community).score(asked)[0], fitted(community, lift=1.0).score(asked)[0]
    popular = Popularity().fit(community, Options()).score(asked)[0]
    assert popular.argmax() == 0
    assert plain[0] - plain[1:].mean() > lifted[0] - lifted[1:].mean() + 2


def test_only_the_last_events_of_a_history_are_read() -> None:
    scorer = walker(max_length=3)
    long, short = Histories.of_items([[9, 9, 9, 2, 3, 4]]), Histories.of_items([[2, 3, 4]])
    np.testing.assert_allclose(scorer.score(long), scorer.score(short), rtol=1e-5)
    assert not scorer.contributions(long, np.array([5]))[0, :3].any()


def test_leaving_an_event_out_moves_a_score_as_its_contribution_says() -> None:
    scorer = walker()
    whole = Histories.of_items([[2, 3, 4]])
    parts = scorer.contributions(whole, np.array([5]))[0]
    drops = [
        scorer.score(whole)[0, 5] - scorer.score(Histories.of_items([kept], at=[at]))[0, 5]
        for kept, at in (([3, 4], [1.0, 2.0]), ([2, 4], [0.0, 2.0]), ([2, 3], [0.0, 1.0]))
    ]
    np.testing.assert_allclose(np.diff(parts), np.diff(drops), atol=1e-4)


def test_what_a_setting_changes_is_learned_or_not() -> None:
    walks = ring_walks(members=20)
    plain = fitted(walks, fewest_steps=5)
    for changed in (
        {"layers": 2}, {"heads": 4}, {"width": 8}, {"dropout": 0.2}, {"smoothing": 0.2}, {"epochs": 9},
        {"weight_decay": 0.5}, {"learning_rate": 1e-3}, {"batch_size": 5}, {"max_length": 4}, {"fewest_steps": 9},
    ):  # fmt: skip
        assert fitted(walks, **{"fewest_steps": 5, **changed}).losses[-1] != plain.losses[-1], changed


def test_impossible_settings_and_an_indifferent_community_are_refused() -> None:
    with pytest.raises(ValueError, match="3 heads do not divide a width of 16"):
        SequenceConfig(width=16, heads=3)
    hides = community_of([("a", "x", "hide", 0.0), ("a", "y", "hide", 1.0)])
    with pytest.raises(TooLittleDataError, match="needs events that say what members like"):
        SequenceScorer().fit(hides, Options())


def test_ten_thousand_events_of_one_member_on_one_item_in_one_moment_stay_cheap() -> None:
    rows = [("bot", "x", "view", 0.0)] * 10_000 + [("a", "y", "buy", 0.0)]
    community = community_of(rows)
    scorer = fitted(community, epochs=1, fewest_steps=5)
    history = Histories.of_items([[0] * 10_000], at=[[0.0] * 10_000])
    assert scorer.score(history).shape == (1, 2)
    assert scorer.contributions(history, np.arange(2)).shape == (2, 10_000)
    assert np.isfinite(scorer.log_loss(history)).all()
