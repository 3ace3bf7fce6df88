from pathlib import Path

import numpy as np
import pytest
from scorer_contract import ScorerContract
from shops import shop
from word_encoder import WordEncoder

from penchant.data.interactions import Histories
from penchant.errors import ArtifactError, NotFittedError
from penchant.recommend.similarity import Remembering, TextSimilarity, TextSimilarityConfig
from penchant.training.options import Options

SHOP = shop()


class TestTextSimilarityKeepsTheContract(ScorerContract):
    scorer = TextSimilarity

    @classmethod
    def made(cls) -> TextSimilarity:
        return TextSimilarity(encoder=WordEncoder())


@pytest.fixture(scope="module")
def text() -> TextSimilarity:
    return TextSimilarity(TextSimilarityConfig(neighbours=8), encoder=WordEncoder()).fit(SHOP, Options())


def row(item_id: str) -> int:
    return SHOP.item_ids.row(item_id)


def kinds_of(scores: np.ndarray, count: int) -> set[str]:
    return {SHOP.item_ids.id(int(item)).split("-")[0] for item in np.argsort(-scores)[:count]}


def test_an_item_that_nobody_has_touched_is_reached_by_its_words(text: TextSimilarity) -> None:
    history = Histories.of_items([[row("camping-0"), row("camping-1"), row("camping-2"), row("camping-3")]])
    scores = text.score(history)[0]
    assert scores[row("camping-11")] > 0
    assert scores[row("camping-11")] > max(scores[row("kitchen-11")], scores[row("dress-11")])


def test_what_somebody_writes_finds_items_with_its_words(text: TextSimilarity) -> None:
    assert kinds_of(text.score_text("a dress for the summer"), 10) == {"dress"}
    assert kinds_of(text.score_like(row("kitchen-3")), 10) == {"kitchen"}


def test_vectors_are_centred_and_of_unit_length(text: TextSimilarity) -> None:
    np.testing.assert_allclose(np.linalg.norm(text.vectors, axis=1), 1, atol=1e-5)
    raw = WordEncoder().encode(SHOP.item_texts)
    assert np.linalg.norm(text.vectors.mean(axis=0)) < 0.2 * np.linalg.norm(raw.mean(axis=0))


def test_only_the_nearest_items_of_a_history_speak_for_an_item(text: TextSimilarity) -> None:
    assert np.diff(text.weights.tocsc().indptr).max() == 8


def test_without_an_encoder_nothing_can_be_fitted_or_read(text: TextSimilarity, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match="needs an encoder"):
        TextSimilarity().fit(SHOP, Options())
    text.save(tmp_path)
    with pytest.raises(NotFittedError, match="only with an encoder"):
        TextSimilarity.load(tmp_path).score_text("tent")


def test_a_loaded_one_reads_texts_alike_with_the_same_encoder_and_refuses_another(
    text: TextSimilarity, tmp_path: Path
) -> None:
    text.save(tmp_path)
    loaded = TextSimilarity.load(tmp_path, encoder=WordEncoder())
    np.testing.assert_array_equal(loaded.score_text("tent"), text.score_text("tent"))
    with pytest.raises(ArtifactError, match="vectors of the encoder 'words' and 'other' was given"):
        TextSimilarity.load(tmp_path, encoder=WordEncoder("other"))


def test_a_remembering_encoder_encodes_the_same_texts_once() -> None:
    encoder = WordEncoder()
    remembering = Remembering(encoder)
    first, again = remembering.encode(["a", "b"]), remembering.encode(["a", "b"])
    np.testing.assert_array_equal(first, again)
    remembering.encode(["c"])
    remembering.encode(["a", "b"])
    assert encoder.calls == [2, 1]
    assert remembering.encode(["a", "c"])[1].tolist() == encoder.encode(["c"])[0].tolist()
