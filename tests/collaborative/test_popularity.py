import numpy as np
import pytest
from scorer_contract import ScorerContract, community_of

from penchant.collaborative import Popularity, PopularityConfig
from penchant.data.interactions import EventWeights, Histories
from penchant.training.options import Options

ROWS = [(member, "old", "buy", 0.0) for member in "abc"] + [(member, "new", "buy", 100.0) for member in "de"]


class TestPopularityKeepsTheContract(ScorerContract):
    scorer = Popularity
    personal = False


def test_without_fading_the_most_liked_comes_first() -> None:
    model = Popularity().fit(community_of(ROWS), Options())
    new, old = range(2)
    assert model.totals.tolist() == [2, 3]
    assert model.likers.tolist() == [2, 3]
    scores = model.score(Histories.of_items([[], [old]]))
    assert (scores[:, old] > scores[:, new]).all()


def test_a_likes_weight_halves_with_every_half_life() -> None:
    model = Popularity(PopularityConfig(half_life_days=50)).fit(community_of(ROWS), Options())
    np.testing.assert_allclose(model.totals, [2, 3 / 4])
    assert model.likers.tolist() == [2, 3]


def test_a_member_counts_once_by_their_heaviest_event() -> None:
    rows = [("a", "x", "view", 0.0)] * 9 + [("a", "x", "buy", 1.0), ("b", "y", "buy", 1.0)]
    assert Popularity().fit(community_of(rows), Options()).totals.tolist() == [1, 1]


def test_dislikes_do_not_count_and_take_likes_back() -> None:
    rows = [("a", "x", "buy", 0.0), ("a", "x", "return", 1.0), ("b", "x", "hide", 1.0), ("b", "y", "buy", 1.0)]
    model = Popularity().fit(community_of(rows), Options())
    assert model.totals.tolist() == [0.5, 1]
    assert model.likers.tolist() == [1, 1]


def test_event_weights_decide_what_counts() -> None:
    rows = [("a", "x", "view", 0.0), ("b", "x", "view", 0.0), ("a", "y", "save", 0.0)]
    config = PopularityConfig(event_weights=EventWeights(view=1.0, save=0.1))
    assert Popularity(config).fit(community_of(rows), Options()).totals.tolist() == pytest.approx([2, 0.1])


def test_a_community_without_events_has_no_favourites() -> None:
    empty = community_of([("a", "x", "buy", 0.0)]).with_events(community_of([("a", "x", "buy", 0.0)]).events.clear())
    assert Popularity().fit(empty, Options()).totals.tolist() == [0]
