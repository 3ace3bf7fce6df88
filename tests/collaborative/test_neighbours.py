import numpy as np
import pytest
from scorer_contract import ScorerContract, checkerboard, community_of

from penchant.collaborative import Neighbours, NeighboursConfig, Recency
from penchant.collaborative import neighbours as module
from penchant.data.interactions import Histories
from penchant.training.options import Options

# x is liked by a b c d, y by a b, z by c d e; w by a alone.
MEMBERS = {"x": "abcd", "y": "ab", "z": "cde", "w": "a"}
LIKES = community_of([(member, item, "buy", 0.0) for item, members in MEMBERS.items() for member in members])
W, X, Y, Z = range(4)


class TestNeighboursKeepTheContract(ScorerContract):
    scorer = Neighbours


def weights(**settings: object) -> np.ndarray:
    return Neighbours(NeighboursConfig(**settings)).fit(LIKES, Options()).weights.toarray()  # type: ignore[arg-type]


def test_without_shrinkage_the_similarity_is_the_cosine() -> None:
    found = weights(shrinkage=0.0)
    assert found[X, Y] == pytest.approx(2 / np.sqrt(4 * 2))
    assert found[X, Z] == pytest.approx(2 / np.sqrt(4 * 3))
    assert found[Y, Z] == 0
    np.testing.assert_allclose(found, found.T, atol=1e-6)
    assert not np.diag(found).any()


def test_shrinkage_takes_most_from_what_few_members_share() -> None:
    plain, shrunk = weights(shrinkage=0.0), weights(shrinkage=5.0)
    assert shrunk[X, Y] == pytest.approx(2 / (np.sqrt(8) + 5))
    assert shrunk[X, W] / plain[X, W] < shrunk[X, Z] / plain[X, Z]


def test_a_smaller_popularity_exponent_favours_the_popular_item() -> None:
    # From y: x has more members than w. The column is the item scored.
    cosine, favoured = weights(shrinkage=0.0), weights(shrinkage=0.0, popularity_exponent=0.0)
    assert cosine[Y, X] == pytest.approx(cosine[Y, W])
    assert favoured[Y, X] > favoured[Y, W]


def test_each_item_keeps_only_its_nearest() -> None:
    one = weights(shrinkage=0.0, neighbours=1)
    assert (one > 0).sum(axis=0).max() == 1
    assert one[Y, X] > 0
    assert one[Z, X] == 0


def test_only_the_last_events_of_a_long_history_count() -> None:
    rows = [("busy", f"p{item}", "buy", float(item)) for item in range(6)]
    found = Neighbours(NeighboursConfig(max_history=2)).fit(community_of(rows), Options()).weights.toarray()
    assert np.transpose(np.nonzero(found)).tolist() == [[4, 5], [5, 4]]


def test_fading_turns_the_answer_towards_the_last_event() -> None:
    community, _ = checkerboard()
    history = Histories.of_items([[0, 1]], at=[[0.0, 30 * 86_400.0]])
    config = NeighboursConfig(recency=Recency(half_life_days=5))
    faded = Neighbours(config).fit(community, Options()).score(history)[0]
    even = Neighbours().fit(community, Options()).score(history)[0]
    assert faded[2] < 0.1 * faded[3]
    assert even[2] == pytest.approx(even[3], rel=0.3)


def test_a_catalogue_too_large_for_one_block_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    community, _ = checkerboard()
    whole = Neighbours().fit(community, Options()).weights.toarray()
    monkeypatch.setattr(module, "CELLS_AT_ONCE", 40)
    np.testing.assert_array_equal(Neighbours().fit(community, Options()).weights.toarray(), whole)
