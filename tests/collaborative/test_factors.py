import numpy as np
import pytest
from scorer_contract import ScorerContract, checkerboard, community_of

from penchant.collaborative import Als, AlsConfig, Recency
from penchant.collaborative.itemtoitem import liked_matrix
from penchant.data.interactions import Histories, histories
from penchant.errors import TooLittleDataError
from penchant.training.options import Options, one_blas_thread

SMALL = AlsConfig(factors=4, regularization=0.1)


class TestAlsKeepsTheContract(ScorerContract):
    scorer = Als

    @classmethod
    def made(cls) -> Als:
        return Als(SMALL)


def test_a_history_is_solved_as_implicit_solves_it() -> None:
    from implicit.cpu.als import AlternatingLeastSquares

    community, _ = checkerboard()
    config = AlsConfig(factors=4, regularization=0.5, confidence=3.0)
    ours = Als(config).fit(community, Options(seed=1))
    with one_blas_thread():
        theirs = AlternatingLeastSquares(factors=4, regularization=0.5, random_state=1)
    theirs.item_factors = ours.item_factors
    liked = liked_matrix(community, config.event_weights)
    liked.data = 1 + 3.0 * liked.data
    members = theirs.recalculate_user(np.arange(liked.shape[0]), liked)
    np.testing.assert_allclose(ours.score(histories(community)), members @ ours.item_factors.T, atol=1e-4)


def test_each_part_is_the_one_of_the_paper() -> None:
    community, _ = checkerboard()
    model = Als(AlsConfig(factors=4, regularization=0.5, confidence=3.0)).fit(community, Options())
    factors = model.item_factors.astype(np.float64)
    items = [0, 4, 6]
    own = factors[items]
    system = factors.T @ factors + 3.0 * own.T @ own + 0.5 * np.eye(4)
    # Hu, Koren and Volinsky 2008, section 5: similarity to each item in the member's own metric, times its confidence.
    expected = [(1 + 3.0) * factors[2] @ np.linalg.inv(system) @ factors[item] for item in items]
    np.testing.assert_allclose(model.contributions(Histories.of_items([items]), np.array([2]))[0], expected, rtol=1e-4)


def test_more_factors_fit_the_likes_better() -> None:
    rng = np.random.default_rng(0)
    rows = [(f"m{member}", f"p{item}", "buy", 0.0) for member in range(30) for item in rng.choice(20, 6, replace=False)]
    community = community_of(rows)
    liked = liked_matrix(community, AlsConfig().event_weights).toarray()

    def error(factors: int) -> float:
        model = Als(AlsConfig(factors=factors, regularization=0.01)).fit(community, Options())
        return float(np.abs(model.score(histories(community)) - liked).mean())

    assert error(16) < error(4) < error(1)


def test_regularization_and_confidence_change_how_strongly_likes_are_believed() -> None:
    community, _ = checkerboard()

    def liked_score(**settings: float) -> float:
        model = Als(AlsConfig(factors=4, **settings)).fit(community, Options())  # type: ignore[arg-type]
        return float(model.score(Histories.of_items([[0, 2]]))[0, [0, 2]].mean())

    assert liked_score(regularization=20.0) < liked_score(regularization=0.1)
    assert liked_score(regularization=5.0, confidence=0.5) < liked_score(regularization=5.0, confidence=20.0)


def test_one_round_learns_less_than_fifteen() -> None:
    community, _ = checkerboard()
    liked = liked_matrix(community, AlsConfig().event_weights).toarray()

    def error(iterations: int) -> float:
        config = AlsConfig(factors=4, regularization=0.1, iterations=iterations)
        return float(((Als(config).fit(community, Options()).score(histories(community)) - liked) ** 2).sum())

    assert error(15) < error(1)


def test_fading_turns_the_answer_towards_the_last_event() -> None:
    community, _ = checkerboard()
    history = Histories.of_items([[0, 1]], at=[[0.0, 30 * 86_400.0]])
    faded = Als(SMALL.model_copy(update={"recency": Recency(half_life_days=5)})).fit(community, Options())
    even, turned = Als(SMALL).fit(community, Options()).score(history)[0], faded.score(history)[0]
    assert turned[2] < 0.2 * turned[3]
    assert even[2] > 0.7 * even[3]


def test_items_that_nobody_likes_score_zero() -> None:
    community, _ = checkerboard()
    model = Als(SMALL).fit(community, Options())
    assert not model.item_factors[-1].any()
    assert not model.score(histories(community))[:, -1].any()


def test_another_seed_starts_elsewhere() -> None:
    community, _ = checkerboard()
    first, second = (Als(SMALL).fit(community, Options(seed=seed)).item_factors for seed in (1, 2))
    assert not np.allclose(first, second)


def test_a_community_in_which_nobody_likes_anything_is_too_little() -> None:
    with pytest.raises(TooLittleDataError, match="ALS needs events"):
        Als().fit(community_of([("a", "x", "hide", 0.0)]), Options())
