"""`bench encode`, on a community small enough for a test: what it compares, and that the plain loop is honest."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from penchant.benchmarks import encode
from penchant.data.community import Community
from penchant.errors import ConfigError, TooLittleDataError
from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.training.options import Options


@pytest.fixture(scope="module")
def minilm() -> TransformerEncoder:
    return load_encoder("minilm", options=Options(device="cpu", precision="float32", progress=False))


def test_the_plain_loop_gives_the_encoders_vectors(minilm: TransformerEncoder) -> None:
    texts = [f"{'a very long text about ' * (number % 7)}tent {number}" for number in range(70)]
    vectors = encode._PlainLoop(minilm)(texts)
    assert vectors.shape == (70, 384)
    assert np.allclose(vectors, minilm.encode(texts), atol=1e-5)


def test_a_race_gives_each_way_the_same_texts_in_turns_and_counts_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    now, seen = [0.0], []
    seconds = {"a": iter([3.0, 1.0]), "b": iter([2.0, 6.0])}
    monkeypatch.setattr(encode.time, "perf_counter", lambda: now[0])

    def way(name: str) -> encode.Encode:
        def run(texts: Sequence[str]) -> np.ndarray:
            seen.append((name, list(texts)))
            now[0] += next(seconds[name])
            return np.full((len(texts), 2), ord(name), dtype=np.float32)

        return run

    speeds, vectors = encode._race({"a": way("a"), "b": way("b")}, ["x", "y", "z"], rounds=2)
    assert seen == [(name, ["x", "y", "z"]) for name in "abab"]
    assert speeds == {"a": 3.0, "b": 1.5}
    assert (vectors["b"] == ord("b")).all()


def test_texts_come_from_titles_reviews_and_labels_once_each(small_community: Community) -> None:
    with pytest.raises(TooLittleDataError, match=r"the data hold \d+ distinct texts; timing needs 64 at least"):
        encode._texts_of(small_community)


def test_draws_are_distinct_and_follow_the_seed() -> None:
    texts = [str(number) for number in range(100)]
    first = encode._draw(texts, 30, np.random.default_rng(1))
    assert len(set(first)) == 30
    assert first == encode._draw(texts, 30, np.random.default_rng(1))
    assert first != encode._draw(texts, 30, np.random.default_rng(2))
    assert len(encode._draw(texts, 500, np.random.default_rng(1))) == 100


def test_there_is_no_protocol(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the benchmark encode has no protocols, and 'random' was asked for"):
        encode.run(str(tmp_path), protocol="random")
