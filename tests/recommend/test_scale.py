import numpy as np

from penchant.recommend.scale import Scale


def test_scores_become_spreads_above_the_mean_of_what_may_be_shown() -> None:
    rng = np.random.default_rng(0)
    scores = (rng.normal(size=(5, 40)) * 7 + 100).astype(np.float32)
    shut = rng.random((5, 40)) < 0.3
    scaled = Scale.of(scores, shut).apply(scores)
    for row in range(5):
        assert abs(scaled[row, ~shut[row]].mean()) < 1e-4
        assert abs(scaled[row, ~shut[row]].std() - 1) < 1e-4


def test_what_is_shut_does_not_move_the_scale() -> None:
    scores = np.array([[1, 2, 3, 1e6]], dtype=np.float32)
    shut = np.array([[False, False, False, True]])
    assert Scale.of(scores, shut).mean.item() == 2


def test_equal_scores_are_no_opinion_whatever_rounding_leaves() -> None:
    scores = np.full((1, 1000), 0.1, dtype=np.float32)
    scale = Scale.of(scores, np.zeros((1, 1000), dtype=bool))
    assert not scale.speaks.any()
    assert not scale.apply(scores).any()


def test_a_member_with_nothing_left_is_no_error() -> None:
    scale = Scale.of(np.ones((1, 3), dtype=np.float32), np.ones((1, 3), dtype=bool))
    assert np.isfinite(scale.apply(np.ones((1, 3), dtype=np.float32))).all()
