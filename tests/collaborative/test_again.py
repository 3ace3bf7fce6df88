import numpy as np
import pytest
from scorer_contract import ScorerContract, community_of

from penchant.collaborative import Again, AgainConfig, Recency
from penchant.data.interactions import DAY, Histories
from penchant.training.options import Options

# Bread is bought every week by a and b; a wardrobe once by each of a, b and c.
ROWS = [(member, "bread", "buy", 7.0 * week) for member in "ab" for week in range(4)]
ROWS += [(member, "wardrobe", "buy", 3.0) for member in "abc"]
BREAD, WARDROBE = range(2)


class TestAgainKeepsTheContract(ScorerContract):
    scorer = Again
    generalises = False


def fitted(**settings: object) -> Again:
    return Again(AgainConfig(**settings)).fit(community_of(ROWS), Options())  # type: ignore[arg-type]


def test_what_members_come_back_to_is_told_from_what_they_do_not() -> None:
    sure = fitted(prior=1e-6)
    assert sure.readiness.tolist() == pytest.approx([1, 0], abs=1e-5)
    scores = sure.score(Histories.of_items([[BREAD, WARDROBE]]))[0]
    assert scores[BREAD] > scores[WARDROBE]


def test_the_prior_draws_readiness_towards_the_mean() -> None:
    mean = (2 + 1) / (5 + 2)
    assert fitted(prior=5.0).readiness.tolist() == pytest.approx([(2 + 5 * mean) / 7, (0 + 5 * mean) / 8])


def test_two_lines_of_one_order_are_no_return() -> None:
    rows = [("a", "bread", "buy", 0.0), ("a", "bread", "buy", 0.0), ("b", "bread", "buy", 0.0)]
    once = Again(AgainConfig(prior=1e-6)).fit(community_of(rows), Options())
    assert once.readiness.tolist() == pytest.approx([0], abs=1e-5)
    twice = Again(AgainConfig(prior=1e-6)).fit(community_of([*rows, ("a", "bread", "buy", 1.0)]), Options())
    assert twice.readiness.tolist() == pytest.approx([0.5], abs=1e-5)


def test_each_purchase_adds_to_the_score_and_old_ones_less() -> None:
    history = Histories.of_items([[BREAD, BREAD, WARDROBE]], at=[[0.0, 60 * DAY, 60 * DAY]])
    model = fitted(recency=Recency(half_life_days=60), prior=5.0)
    assert model.score(history)[0, BREAD] == pytest.approx(1.5 * model.readiness[BREAD])
    even = fitted(recency=Recency(), prior=5.0)
    assert even.score(history)[0, BREAD] == pytest.approx(2 * even.readiness[BREAD])
    assert np.count_nonzero(model.score(Histories.of_items([[BREAD]]))) == 1
