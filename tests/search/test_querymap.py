import numpy as np
import pytest
import scipy.sparse as sp

from penchant.errors import TooLittleDataError
from penchant.search.querymap import QueryMap, QueryMapConfig
from penchant.training.options import Options
from penchant.vectors import Floats, unit_rows

OPTIONS = Options(threads=1)
WIDTH = 16


def turned(seed: int = 0) -> tuple[Floats, Floats, sp.csr_matrix, Floats]:
    """Queries whose vectors are those of their answers, turned: 300 queries, 200 items, and the turn itself."""
    rng = np.random.default_rng(seed)
    items = unit_rows(rng.normal(size=(200, WIDTH)).astype(np.float32))
    turn = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0].astype(np.float32)
    answers = rng.integers(200, size=300)
    queries = unit_rows(items[answers] @ turn + 0.05 * rng.normal(size=(300, WIDTH)).astype(np.float32))
    grades = sp.csr_matrix((np.full(300, 2.0), (np.arange(300), answers)), shape=(300, 200))
    return queries, items, grades, turn


def found(vectors: Floats, items: Floats, grades: sp.csr_matrix) -> float:
    """How often the nearest item is the answer."""
    return float((np.argmax(vectors @ items.T, axis=1) == grades.indices).mean())


CONFIG = QueryMapConfig(epochs=30, learning_rate=0.02, batch=64, negatives=100)


def test_a_planted_turn_is_found_and_holds_for_queries_never_seen() -> None:
    queries, items, grades, _ = turned()
    learned = QueryMap(CONFIG).fit(queries[:200], items, grades[:200], OPTIONS)
    assert found(queries[200:], items, grades[200:]) < 0.1
    mapped = learned.apply(queries[200:])
    assert found(mapped, items, grades[200:]) > 0.7
    assert np.linalg.norm(mapped, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_same_seed_learns_the_same_and_another_one_something_else() -> None:
    queries, items, grades, _ = turned()
    short = CONFIG.model_copy(update={"epochs": 2})
    maps = [QueryMap(short).fit(queries, items, grades, Options(threads=1, seed=seed)).matrix for seed in (0, 0, 1)]
    assert np.array_equal(maps[0], maps[1])  # type: ignore[arg-type]
    assert not np.array_equal(maps[0], maps[2])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [{"epochs": 3}, {"batch": 16}, {"negatives": 1}, {"learning_rate": 1e-4}, {"temperature": 0.3}, {"pull": 1.0}],
)
def test_every_option_changes_what_is_learned(changed: dict[str, float]) -> None:
    queries, items, grades, _ = turned()
    start = CONFIG.model_copy(update={"epochs": 2})
    matrices = [
        QueryMap(config).fit(queries, items, grades, OPTIONS).matrix
        for config in (start, start.model_copy(update=changed))
    ]
    assert not np.allclose(matrices[0], matrices[1], atol=1e-4)  # type: ignore[arg-type]


def test_a_strong_pull_leaves_queries_where_they_are() -> None:
    queries, items, grades, _ = turned()
    held = QueryMap(CONFIG.model_copy(update={"pull": 100.0, "learning_rate": 1e-3})).fit(
        queries, items, grades, OPTIONS
    )
    assert np.abs(held.apply(queries) - queries).max() < 0.05


def test_without_any_answer_there_is_nothing_to_learn() -> None:
    queries, items, grades, _ = turned()
    with pytest.raises(TooLittleDataError, match="leave the query map out"):
        QueryMap(CONFIG).fit(queries, items, grades * 0, OPTIONS)
    assert QueryMap().apply(queries) is queries
