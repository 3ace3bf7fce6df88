from pathlib import Path

import numpy as np
import pytest

from penchant.errors import NotFittedError, TooLittleDataError
from penchant.search.features import FEATURES
from penchant.search.reranker import Reranker, RerankerConfig
from penchant.training.options import Options
from penchant.vectors import Floats

OPTIONS = Options(threads=1)
QUICK = RerankerConfig(trees=30, least_rows=5, learning_rate=0.2)
TRUTH = FEATURES.index("query_weight_found")


def queries(count: int, seed: int = 0, useful: bool = True) -> tuple[list[Floats], list[Floats]]:
    """Lists of 20 candidates where one feature says which two answer, and all others are noise."""
    rng = np.random.default_rng(seed)
    rows, grades = [], []
    for _ in range(count):
        features = rng.normal(size=(20, len(FEATURES))).astype(np.float32)
        grade = np.zeros(20, dtype=np.float32)
        grade[np.argsort(-features[:, TRUTH])[:2] if useful else rng.choice(20, 2, replace=False)] = (2.0, 1.0)
        rows.append(features)
        grades.append(grade)
    return rows, grades


@pytest.fixture(scope="module")
def reranker() -> Reranker:
    rows, grades = queries(120)
    return Reranker(QUICK).fit(rows, grades, range(100, 120), OPTIONS)


def test_the_feature_that_tells_answers_is_found(reranker: Reranker) -> None:
    rows, grades = queries(40, seed=1)
    first = [grade[int(reranker.score(features).argmax())] for features, grade in zip(rows, grades, strict=True)]
    assert np.mean(np.array(first) > 0) > 0.9
    assert next(iter(reranker.importance())) == "query_weight_found"
    assert sum(reranker.importance().values()) == pytest.approx(1)


def test_a_saved_reranker_scores_the_same(reranker: Reranker, tmp_path: Path) -> None:
    reranker.save(tmp_path)
    features = queries(1, seed=2)[0][0]
    assert Reranker.load(tmp_path, QUICK).score(features).tolist() == reranker.score(features).tolist()


@pytest.mark.parametrize("changed", [{"trees": 3}, {"leaves": 2}, {"learning_rate": 0.01}, {"least_rows": 900}])
def test_every_option_changes_the_scores(reranker: Reranker, changed: dict[str, float]) -> None:
    rows, grades = queries(120)
    other = Reranker(QUICK.model_copy(update=changed)).fit(rows, grades, range(100, 120), OPTIONS)
    assert not np.allclose(other.score(rows[0]), reranker.score(rows[0]))


def test_learning_stops_where_queries_held_out_gain_nothing() -> None:
    rows, grades = queries(60, useful=False)
    sizes = []
    for patience in (1, 60):
        config = QUICK.model_copy(update={"patience": patience, "trees": 60})
        model = Reranker(config).fit(rows, grades, range(40, 60), OPTIONS)
        sizes.append(model._booster.num_trees())  # type: ignore[union-attr]
    assert sizes[0] < sizes[1] < 60


def test_no_candidates_have_no_scores_and_no_answers_teach_nothing(reranker: Reranker) -> None:
    assert reranker.score(np.zeros((0, len(FEATURES)), dtype=np.float32)).shape == (0,)
    rows, grades = queries(4)
    with pytest.raises(TooLittleDataError, match="judge more queries"):
        Reranker(QUICK).fit(rows, [grade * 0 for grade in grades], [3], OPTIONS)
    with pytest.raises(NotFittedError):
        Reranker().score(rows[0])
