import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from penchant.search.dense import Dense, DenseConfig, encoded, for_queries
from penchant.vectors import Floats, unit_rows

WIDTH = 48
FORMS = ("f32", "f16", "i8")


def cloud(count: int, seed: int = 0) -> Floats:
    """Unit vectors around 20 centres, as texts of 20 subjects would be."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(20, WIDTH))
    return unit_rows((centres[rng.integers(20, size=count)] + 0.6 * rng.normal(size=(count, WIDTH))).astype(np.float32))


@pytest.fixture(scope="module")
def vectors() -> Floats:
    return cloud(1_500)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("exact_below", [1, 10_000])
def test_the_nearest_are_found_in_every_form(vectors: Floats, form: str, exact_below: int) -> None:
    index = Dense(DenseConfig(form=form, exact_below=exact_below)).fit(vectors)  # type: ignore[arg-type]
    found = 0
    for query in cloud(40, seed=1):
        rows, cosines = index.search(query, 10)
        found += len(set(rows.tolist()) & set(np.argsort(-(vectors @ query))[:10].tolist()))
        assert np.abs(cosines - vectors[rows] @ query).max() < (0.03 if form == "i8" else 2e-3)
        assert (np.diff(cosines) <= 1e-6).all()
    assert found / 400 > (0.85 if form == "i8" else 0.97)


def test_equal_vectors_make_equal_graphs() -> None:
    vectors = cloud(9_000, seed=2)
    first, second = (Dense(DenseConfig(exact_below=1, expansion_search=8)).fit(vectors) for _ in range(2))
    for query in cloud(30, seed=3):
        assert first.search(query, 20)[0].tolist() == second.search(query, 20)[0].tolist()


def test_whole_numbers_take_a_quarter_of_the_memory(vectors: Floats, tmp_path: Path) -> None:
    sizes = {}
    for form in FORMS:
        (tmp_path / form).mkdir()
        index = Dense(DenseConfig(form=form)).fit(vectors)  # type: ignore[arg-type]
        index.save(tmp_path / form)
        sizes[form] = (tmp_path / form / "vectors.usearch").stat().st_size
    saved = WIDTH * len(vectors)
    assert sizes["f32"] - sizes["f16"] == pytest.approx(2 * saved, rel=0.1)
    assert sizes["f16"] - sizes["i8"] == pytest.approx(saved, rel=0.1)


@pytest.mark.parametrize("exact_below", [1, 10_000])
@pytest.mark.parametrize("share", [0.02, 0.5])
def test_only_what_may_come_back_does_and_as_much_as_was_asked_for(
    vectors: Floats, exact_below: int, share: float
) -> None:
    index = Dense(DenseConfig(exact_below=exact_below)).fit(vectors)
    among = np.random.default_rng(3).random(len(vectors)) < share
    rows, _ = index.search(vectors[0], 12, among=among)
    wanted = np.flatnonzero(among)[np.argsort(-(vectors[among] @ vectors[0]))][:12]
    assert among[rows].all()
    assert len(set(rows.tolist()) & set(wanted.tolist())) >= 11


def test_more_than_there_are_gives_all_there_are(vectors: Floats) -> None:
    index = Dense().fit(vectors[:7])
    assert sorted(index.search(vectors[0], 100)[0].tolist()) == list(range(7))
    assert len(index.search(vectors[0], 3, among=np.zeros(7, dtype=bool))[0]) == 0
    assert len(Dense().fit(np.zeros((0, WIDTH), dtype=np.float32)).search(vectors[0], 3)[0]) == 0


def test_rows_are_added_changed_and_dropped_also_in_an_index_that_was_loaded(vectors: Floats, tmp_path: Path) -> None:
    Dense().fit(vectors[:100]).save(tmp_path)
    index = Dense.load(tmp_path, DenseConfig(), width=WIDTH, largest=1.0)
    before = index.search(vectors[50], 5)[0].tolist()
    assert before[0] == 50
    index.put(np.array([200, 50]), np.stack([vectors[50], vectors[99]]))
    assert index.search(vectors[50], 1)[0].tolist() == [200], "row 50 has another vector now"
    index.drop(np.array([200, 7_000]))
    assert index.search(vectors[50], 5)[0].tolist() == before[1:] + index.search(vectors[50], 5)[0].tolist()[-1:]
    assert not index.vectors(np.array([200])).any()
    assert index._index is not None
    assert index._index.expansion_search == DenseConfig().expansion_search
    untouched = Dense.load(tmp_path, DenseConfig(), width=WIDTH, largest=1.0)
    assert untouched.search(vectors[50], 5)[0].tolist() == before, "the file is as it was"


def test_a_wider_search_of_the_graph_finds_more() -> None:
    scattered = unit_rows(np.random.default_rng(0).normal(size=(3_000, WIDTH)).astype(np.float32))
    found = []
    for expansion in (1, 256):
        config = DenseConfig(exact_below=1, connectivity=3, expansion_add=8, expansion_search=expansion)
        index = Dense(config).fit(scattered)
        hits = [set(index.search(q, 5)[0].tolist()) & set(np.argsort(-(scattered @ q))[:5].tolist()) for q in cloud(40)]
        found.append(sum(map(len, hits)))
    assert found[1] > 1.2 * found[0]


def test_an_encoder_of_one_role_reads_queries_too_and_no_text_is_no_row() -> None:
    from word_encoder import WordEncoder

    encoder = WordEncoder()
    assert for_queries(encoder) is encoder
    assert encoded(encoder, []).shape == (0, encoder.width)


def test_queries_are_not_kept_on_disk(tmp_path: Path) -> None:
    from word_encoder import WordEncoder

    from penchant.text.cache import CachedEncoder

    encoder = WordEncoder()
    assert for_queries(CachedEncoder(encoder, tmp_path)) is encoder


def test_lightgbm_works_where_the_index_was_loaded_before_it() -> None:
    """In a process of its own, as only the order in which the two are loaded matters."""
    code = (
        "import numpy as np; from penchant.search.dense import Dense; Dense().fit(np.eye(3, dtype=np.float32)); "
        "import lightgbm; "
        "print(lightgbm.Dataset(np.eye(9), label=np.ones(9), params={'verbosity': -1}).construct().num_feature())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "9", run.stderr
