import logging
from pathlib import Path

import numpy as np
import pytest
from scorer_contract import SIDE, ScorerContract, checkerboard, community_of

from penchant.collaborative import Ease, EaseConfig, Recency
from penchant.collaborative.itemtoitem import liked_matrix
from penchant.data.columns import EventKind
from penchant.data.interactions import EventWeights, Histories, histories
from penchant.errors import TooLittleDataError, TrainingError
from penchant.training.options import Options


class TestEaseKeepsTheContract(ScorerContract):
    scorer = Ease


def test_the_weights_are_those_of_the_paper() -> None:
    community, _ = checkerboard()
    config = EaseConfig(regularization=7.0)
    model = Ease(config).fit(community, Options())
    liked = liked_matrix(community, config.event_weights).toarray().astype(np.float64)[:, model.modelled_items]
    inverse = np.linalg.inv(liked.T @ liked + 7.0 * np.eye(liked.shape[1]))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(model.weights, expected, atol=1e-5)


def test_more_regularization_means_smaller_weights() -> None:
    community, _ = checkerboard()
    sizes = [
        np.abs(Ease(EaseConfig(regularization=strength)).fit(community, Options()).weights).sum()
        for strength in (1.0, 10.0, 100.0)
    ]
    assert sizes[0] > sizes[1] > sizes[2]


def test_too_many_items_are_cut_to_the_most_popular_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    rows = [(f"m{member}", f"p{item}", "buy", float(item)) for item in range(6) for member in range(6 - item)]
    community = community_of(rows)
    with caplog.at_level(logging.WARNING):
        model = Ease(EaseConfig(max_items=4, fewest_likes=1, regularization=1.0)).fit(community, Options())
    assert model.modelled_items.tolist() == [0, 1, 2, 3]
    assert model.left_out_items == 2
    assert "models the 4 most popular of 6 items" in caplog.text
    scores = model.score(histories(community))
    assert scores.shape == (6, 6)
    assert not scores[:, 4:].any()
    assert scores[:, :4].any()


def test_items_liked_by_a_single_member_are_not_modelled() -> None:
    rows = [
        (member, item, "buy", 0.0) for item, members in {"x": "ab", "y": "ab", "z": "a"}.items() for member in members
    ]
    assert Ease().fit(community_of(rows), Options()).modelled_items.tolist() == [0, 1]
    every = Ease(EaseConfig(fewest_likes=1)).fit(community_of(rows), Options())
    assert every.modelled_items.tolist() == [0, 1, 2]


def test_a_catalogue_within_the_limit_leaves_nothing_out(caplog: pytest.LogCaptureFixture) -> None:
    community, _ = checkerboard()
    with caplog.at_level(logging.WARNING):
        model = Ease().fit(community, Options())
    assert model.left_out_items == 0
    assert not caplog.records


def test_how_many_items_were_left_out_is_kept_in_the_folder(tmp_path: Path) -> None:
    rows = [(f"m{member}", f"p{item}", "buy", float(item)) for item in range(4) for member in range(4 - item)]
    Ease(EaseConfig(max_items=3, fewest_likes=1)).fit(community_of(rows), Options()).save(tmp_path / "ease")
    assert Ease.load(tmp_path / "ease").left_out_items == 1


def test_fading_turns_the_answer_towards_the_last_event() -> None:
    community, _ = checkerboard()
    # First an item of one colour, then one of the other.
    history = Histories.of_items([[0, 1]], at=[[0.0, 30 * 86_400.0]])
    even = Ease().fit(community, Options()).score(history)[0]
    faded = Ease(EaseConfig(recency=Recency(half_life_days=5))).fit(community, Options()).score(history)[0]
    assert faded[2:SIDE:2].sum() < 0.1 * faded[3:SIDE:2].sum()
    assert even[2:SIDE:2].sum() > 0.7 * even[3:SIDE:2].sum()


def test_event_weights_decide_what_is_learned() -> None:
    rows = [(member, item, "view", 0.0) for member in "abcd" for item in ("x", "y")] + [("a", "z", "buy", 1.0)]
    community = community_of(rows)
    blind = Ease(EaseConfig(event_weights=EventWeights(view=0.0))).fit(community, Options())
    assert blind.modelled_items.tolist() == [2]
    seeing = Ease(EaseConfig(regularization=0.5)).fit(community, Options())
    assert seeing.neighbours(0, k=1)[0].tolist() == [1]


def test_a_community_in_which_nobody_likes_anything_is_too_little() -> None:
    hidden = community_of([("a", "x", EventKind.HIDE.value, 0.0)])
    with pytest.raises(TooLittleDataError, match="events that say what members like"):
        Ease().fit(hidden, Options())


def test_a_system_that_cannot_be_solved_says_what_to_change() -> None:
    twins = community_of([(f"m{member}", item, "buy", 0.0) for member in range(3000) for item in ("x", "y")])
    with pytest.raises(TrainingError, match="raise its regularization"):
        Ease(EaseConfig(regularization=1e-6)).fit(twins, Options())


def test_neighbours_are_those_an_item_speaks_for() -> None:
    community, _ = checkerboard()
    rows, weights = Ease().fit(community, Options()).neighbours(3, k=5)
    assert all(row % 2 == 1 and row != 3 for row in rows)
    assert (np.diff(weights) <= 0).all()
    assert (weights > 0).all()
