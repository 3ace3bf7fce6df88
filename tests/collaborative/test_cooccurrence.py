import numpy as np
import pytest
from scorer_contract import ScorerContract, community_of

from penchant.collaborative import CoOccurrence, CoOccurrenceConfig, NextItems, NextItemsConfig, Recency
from penchant.collaborative import cooccurrence as module
from penchant.data.interactions import Histories, histories
from penchant.training.options import Options

PLAIN = {"popularity_exponent": 0.0, "closeness": Recency(), "recency": Recency()}


class TestCoOccurrenceKeepsTheContract(ScorerContract):
    scorer = CoOccurrence


class TestNextItemsKeepTheContract(ScorerContract):
    scorer = NextItems


def pairs(rows: list[tuple[str, str, str, float]], **settings: object) -> np.ndarray:
    config = CoOccurrenceConfig(**{**PLAIN, **settings})  # type: ignore[arg-type]
    return CoOccurrence(config).fit(community_of(rows), Options()).weights.toarray()


def test_pairs_are_counted_once_for_each_member_and_both_ways() -> None:
    rows = [(member, item, "buy", day) for member in "ab" for day, item in enumerate("xyz", start=0)]
    found = pairs(rows)
    np.testing.assert_allclose(found, [[0, 2, 2], [2, 0, 2], [2, 2, 0]])


def test_a_pair_halves_with_the_days_between() -> None:
    rows = [("a", "x", "buy", 0.0), ("a", "y", "buy", 3.0), ("a", "z", "buy", 6.0)]
    found = pairs(rows, closeness=Recency(half_life_days=3))
    assert found[0, 1] == pytest.approx(0.5)
    assert found[0, 2] == pytest.approx(0.25)


def test_a_pair_halves_with_the_events_between() -> None:
    rows = [("a", item, "buy", float(day)) for day, item in enumerate("xyz")]
    found = pairs(rows, closeness=Recency(half_life_events=1))
    assert found[0, 1] == pytest.approx(0.5)
    assert found[0, 2] == pytest.approx(0.25)


def test_events_of_one_moment_are_at_no_distance_in_whatever_order() -> None:
    rows = [("a", "x", "buy", 0.0), ("a", "y", "buy", 0.0), ("a", "z", "buy", 0.0)]
    found = pairs(rows, closeness=Recency(half_life_events=1))
    assert found[np.triu_indices(3, 1)].tolist() == [1, 1, 1]


def test_popular_items_are_divided_by_their_popularity() -> None:
    rows = [(member, "x", "buy", 0.0) for member in "abcd"] + [("a", "y", "buy", 1.0)]
    assert pairs(rows)[0, 1] == pytest.approx(1)
    assert pairs(rows, popularity_exponent=0.5)[0, 1] == pytest.approx(1 / np.sqrt(4 * 1))


def test_pairs_beyond_the_window_are_not_counted() -> None:
    rows = [("a", item, "buy", float(day)) for day, item in enumerate("wxyz")]
    found = pairs(rows, window=2)
    assert found[0, 2] == 1
    assert found[0, 3] == 0


def test_each_item_keeps_its_strongest_partners() -> None:
    rows = [("a", item, "buy", float(day)) for day, item in enumerate("wxyz")]
    found = pairs(rows, closeness=Recency(half_life_events=1), neighbours=1)
    assert (found > 0).sum(axis=0).tolist() == [1, 1, 1, 1]
    assert found[1, 0] > 0, "w keeps its nearest, x"


def test_dislikes_and_repeated_items_are_no_pairs() -> None:
    rows = [("a", "x", "buy", 0.0), ("a", "y", "hide", 1.0), ("a", "x", "buy", 2.0)]
    assert not pairs(rows).any()


def test_looking_forward_counts_only_for_the_later_item() -> None:
    rows = [("a", "x", "buy", 0.0), ("a", "y", "buy", 1.0), ("b", "x", "buy", 5.0), ("b", "z", "buy", 5.0)]
    found = pairs(rows, forward=True)
    assert found[0, 1] == 1
    assert found[1, 0] == 0
    assert (found[0, 2], found[2, 0]) == (0.5, 0.5)


def test_what_comes_next_is_found_where_a_symmetric_count_is_at_a_loss() -> None:
    rows = [(f"m{member}", f"p{(member + step) % 6}", "play", float(step)) for member in range(6) for step in range(4)]
    community = community_of(rows)
    after = NextItems(NextItemsConfig(popularity_exponent=0.0)).fit(community, Options())
    scores = after.score(Histories.of_items([[2]]))[0]
    assert scores.argmax() == 3
    both = CoOccurrence().fit(community, Options()).score(Histories.of_items([[2]]))[0]
    assert both[1] == pytest.approx(both[3], rel=0.01)


def test_fading_turns_the_answer_towards_the_last_event() -> None:
    rows = [(member, item, "buy", 0.0) for member, items in {"a": "wx", "b": "yz"}.items() for item in items]
    community = community_of(rows)
    history = Histories.of_items([[0, 2]])
    even = CoOccurrence(CoOccurrenceConfig(recency=Recency())).fit(community, Options()).score(history)[0]
    faded = CoOccurrence(CoOccurrenceConfig(recency=Recency(half_life_events=0.5))).fit(community, Options())
    assert even[1] == even[3]
    assert faded.score(history)[0, 1] < 0.5 * faded.score(history)[0, 3]


def test_summing_up_in_small_lots_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = [
        (f"m{member}", f"p{item:02}", "buy", float(day))
        for member in range(9)
        for day, item in enumerate(rng.permutation(15))
    ]
    whole = pairs(rows, closeness=Recency(half_life_events=3))
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", 10)
    monkeypatch.setattr(module, "CELLS_AT_ONCE", 20)
    np.testing.assert_allclose(pairs(rows, closeness=Recency(half_life_events=3)), whole, rtol=1e-5)


def test_ten_thousand_events_of_one_member_stay_cheap() -> None:
    items = [f"p{item}" for item in range(50)]
    rows = [("bot", items[step % 50], "view", step / 10_000) for step in range(10_000)]
    community = community_of(rows)
    model = CoOccurrence().fit(community, Options())
    assert model.score(histories(community)).shape == (1, 50)
