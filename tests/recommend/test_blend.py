import numpy as np
import pytest
import scipy.sparse as sp

from penchant.recommend.blend import BlendConfig, pick_weights
from penchant.recommend.candidates import Candidates


def planted(
    signal: dict[str, float], *, members: int = 150, items: int = 40, seed: int = 0
) -> tuple[Candidates, sp.csr_matrix]:
    """Candidates whose sources know what was liked to a given degree, beside noise."""
    rng = np.random.default_rng(seed)
    liked = np.zeros((members, items), dtype=np.float32)
    for row in liked:
        row[rng.choice(items, 3, replace=False)] = 1
    scores = np.stack([known * liked + rng.normal(size=liked.shape) for known in signal.values()], axis=2)
    offsets = np.arange(members + 1) * items
    flat = scores.reshape(-1, len(signal)).astype(np.float32)
    candidates = Candidates(tuple(signal), offsets, np.tile(np.arange(items), members), flat)
    return candidates, sp.csr_matrix(liked)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_source_that_knows_gets_most_of_the_weight_and_one_that_does_not_gets_little() -> None:
    weights = pick_weights(*planted({"knows": 3.0, "noise": 0.0, "hunch": 1.0}), BlendConfig(), rng())
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["knows"] > 0.6
    assert weights["noise"] < 0.12
    assert weights["noise"] < weights["hunch"]


def test_two_equal_sources_share_the_weight() -> None:
    weights = pick_weights(*planted({"first": 1.5, "second": 1.5}), BlendConfig(), rng())
    assert weights["first"] == pytest.approx(0.5, abs=0.12)


def test_the_same_seed_picks_the_same_weights() -> None:
    data = planted({"a": 1.0, "b": 0.5})
    assert pick_weights(*data, BlendConfig(), rng()) == pick_weights(*data, BlendConfig(), rng())


def test_the_weights_are_in_the_ratio_of_what_the_sources_know() -> None:
    # What was liked stands `known` spreads of noise above the rest, so the true odds of a choice are those weights.
    candidates, liked = planted({"a": 1.2, "b": 0.8, "c": 0.4, "d": 0.0}, members=600)
    for seed in range(3):
        weights = pick_weights(candidates, liked, BlendConfig(pull=1e-6, nearness=1e6), np.random.default_rng(seed))
        assert list(weights.values()) == pytest.approx([1.2 / 2.4, 0.8 / 2.4, 0.4 / 2.4, 0.0], abs=0.03)


def test_a_pull_draws_the_weights_together() -> None:
    data = planted({"a": 1.5, "b": 0.5})
    weak, strong = (pick_weights(*data, BlendConfig(pull=pull, nearness=1e6), rng()) for pull in (1e-6, 10.0))
    assert 0.5 < strong["a"] < weak["a"] - 0.01


def test_points_further_away_and_fewer_averaged_stray_further_from_the_likeliest() -> None:
    data = planted({"a": 1.0, "b": 0.7, "c": 0.2})
    likeliest = pick_weights(*data, BlendConfig(nearness=1e9), rng())

    def strays(config: BlendConfig) -> float:
        found = [pick_weights(*data, config, np.random.default_rng(seed)) for seed in range(8)]
        return float(np.mean([abs(weights[name] - likeliest[name]) for weights in found for name in weights]))

    assert strays(BlendConfig(nearness=10)) > 1.5 * strays(BlendConfig(nearness=1000))
    assert strays(BlendConfig(averaged=1)) > 1.5 * strays(BlendConfig(averaged=50))
    assert strays(BlendConfig(averaged=1, points=1)) != strays(BlendConfig(averaged=1, points=50))


def test_what_counts_is_the_top_of_the_list_as_long_as_the_cutoff() -> None:
    # `top` puts one liked item first and forgets the others; `broad` puts all three in places 2 to 4.
    items = 30
    liked = np.zeros((60, items), dtype=np.float32)
    liked[:, :3] = 1
    top, broad = np.zeros((60, items)), np.zeros((60, items))
    top[:, 0] = 1
    top[:, 1:3] = -1
    broad[:, 3] = 1
    broad[:, :3] = 0.9
    scores = np.stack([top, broad], axis=2).reshape(-1, 2).astype(np.float32)
    candidates = Candidates(("top", "broad"), np.arange(61) * items, np.tile(np.arange(items), 60), scores)
    # A first place is won from a tenth of weight on; the places behind it are lost again from about a third on.
    weights = [
        pick_weights(candidates, sp.csr_matrix(liked), BlendConfig(cutoff=cutoff, nearness=1), rng())["top"]
        for cutoff in (1, 10)
    ]
    assert weights[0] > weights[1] + 0.1


def test_nobody_with_anything_to_find_leaves_the_weights_equal() -> None:
    candidates, liked = planted({"a": 1.0, "b": 0.0}, members=4)
    nothing = sp.csr_matrix(liked.shape, dtype=np.float32)
    assert pick_weights(candidates, nothing, BlendConfig(), rng()) == {"a": 0.5, "b": 0.5}


def test_members_with_different_numbers_of_candidates_are_judged_by_their_own() -> None:
    # The second member has one candidate, which was not liked; its padding must not count as liked item 0.
    candidates = Candidates(
        ("a", "b"),
        np.array([0, 3, 4]),
        np.array([0, 1, 2, 2]),
        np.array([[1, 0], [0, 1], [0, 0], [0, 0]], dtype=np.float32),
    )
    liked = sp.csr_matrix(np.array([[1, 0, 0], [1, 0, 0]], dtype=np.float32))
    assert pick_weights(candidates, liked, BlendConfig(averaged=1), rng())["a"] == pytest.approx(1)
