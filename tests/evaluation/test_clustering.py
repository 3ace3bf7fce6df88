"""Agreement of groupings and the silhouette."""

import numpy as np
import pytest

from penchant.errors import InputError, TooLittleDataError
from penchant.evaluation.clustering import agreement, silhouette


def test_the_same_groups_under_other_names_agree_fully_and_chance_hardly():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 4, 2000)
    assert agreement(groups, (groups + 1) % 4).ari == pytest.approx(1)
    by_chance = agreement(groups, rng.integers(0, 4, 2000))
    assert abs(by_chance.ari) < 0.02
    assert by_chance.nmi < 0.02


def test_planted_clusters_stand_apart_and_shuffled_ones_do_not():
    rng = np.random.default_rng(1)
    planted = np.repeat(np.arange(3), 50)
    vectors = np.eye(3)[planted] + rng.normal(0, 0.1, (150, 3))
    assert silhouette(vectors, planted) > 0.8
    assert silhouette(vectors, rng.permutation(planted)) < 0.05
    assert silhouette(vectors, planted, sample=60) == silhouette(vectors, planted, sample=60)


def test_rows_in_no_cluster_do_not_touch_the_silhouette():
    vectors = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9], [0.7, 0.7]])
    assert silhouette(vectors, [0, 0, 1, 1, -1]) == silhouette(vectors[:4], [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: agreement([0, 1], [0]), InputError, "for the same rows"),
        (lambda: agreement([0], [0]), TooLittleDataError, "1 rows cannot be grouped"),
        (lambda: silhouette(np.ones((3, 2)), [0, 1]), InputError, "2 clusters for 3 vectors"),
        (lambda: silhouette(np.ones((3, 2)), [0, 0, -1]), TooLittleDataError, "1 clusters of 2 rows"),
        (lambda: silhouette(np.ones((3, 2)), [0, 1, 2]), TooLittleDataError, "3 clusters of 3 rows"),
    ],
)
def test_what_cannot_be_judged_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
