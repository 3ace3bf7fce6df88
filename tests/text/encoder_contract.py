"""What every encoder must do, as a test class: inherit from it and give the fixture `encoder`."""

import time
from typing import ClassVar

import numpy as np
import pytest

from penchant.text.encoder import Encoder

TEXTS = [
    "summer dress with flowers",
    "夏季碎花连衣裙",
    "cast iron pan",
    "铸铁锅，不粘",
    "x",
    "two-person tent for rain and wind, with a groundsheet, six pegs and a bag to carry it all in",
    "这是一顶双人帐篷，防雨防风，带地垫、六个地钉和一个可以装下所有东西的袋子",
]


class EncoderContract:
    """class TestMine(EncoderContract): a fixture `encoder`, and `tolerance` where vectors depend on company."""

    tolerance: ClassVar[float] = 1e-5
    """How far from 1 the cosine of a text's vectors in different company may be."""

    @pytest.fixture
    def encoder(self) -> Encoder:
        raise NotImplementedError("give the encoder under test")

    def test_it_is_an_encoder_with_a_name_and_a_width(self, encoder: Encoder) -> None:
        assert isinstance(encoder, Encoder)
        assert encoder.name == encoder.name != ""
        assert encoder.width > 0

    def test_rows_are_float32_of_unit_length_and_of_its_width(self, encoder: Encoder) -> None:
        vectors = encoder.encode(TEXTS)
        assert vectors.shape == (len(TEXTS), encoder.width)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_no_texts_give_no_rows(self, encoder: Encoder) -> None:
        assert encoder.encode([]).shape == (0, encoder.width)

    def test_rows_stand_in_the_order_of_the_texts(self, encoder: Encoder) -> None:
        forward, backward = encoder.encode(TEXTS), encoder.encode(TEXTS[::-1])
        cosines = forward @ backward[::-1].T
        assert (cosines.argmax(axis=1) == np.arange(len(TEXTS))).all()
        assert (np.diag(cosines) > 1 - self.tolerance).all()

    def test_a_text_has_the_same_vector_in_any_company(self, encoder: Encoder) -> None:
        together = encoder.encode(TEXTS)
        alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
        assert ((together * alone).sum(axis=1) > 1 - self.tolerance).all()

    def test_different_texts_have_different_vectors(self, encoder: Encoder) -> None:
        vectors = encoder.encode(TEXTS)
        cosines = vectors @ vectors.T - 2 * np.eye(len(TEXTS))
        assert cosines.max() < 1 - 1e-4

    def test_equal_texts_have_equal_rows(self, encoder: Encoder) -> None:
        vectors = encoder.encode([TEXTS[0], TEXTS[1], TEXTS[0], "", TEXTS[0], ""])
        assert (vectors[0] == vectors[2]).all()
        assert (vectors[0] == vectors[4]).all()
        assert (vectors[3] == vectors[5]).all()
        assert not (vectors[0] == vectors[1]).all()

    def test_the_same_call_gives_the_same_vectors(self, encoder: Encoder) -> None:
        assert (encoder.encode(TEXTS) == encoder.encode(TEXTS)).all()

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "\n\t",
            "🙂",
            "👩‍👩‍👧‍👦🏳️‍🌈",
            "\x00",
            "a\x00b",
            "\ud83d",
            "\u202eabc",
            "\ufeff",
            "ﷺ",
            "½ ～ Ⅷ",
            "e\u0301",
        ],
        ids=ascii,
    )
    def test_any_text_has_a_vector(self, encoder: Encoder, text: str) -> None:
        (vector,) = encoder.encode([text])
        assert np.isfinite(vector).all()
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)

    @pytest.mark.parametrize("text", ["word " * 20_000, "x" * 100_000, "锅" * 33_000, " " * 99_999 + "x"], ids=len)
    def test_a_hundred_kilobytes_are_encoded_in_seconds(self, encoder: Encoder, text: str) -> None:
        start = time.process_time()
        (vector,) = encoder.encode([text])
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        assert time.process_time() - start < 8

    def test_texts_are_left_as_they_were(self, encoder: Encoder) -> None:
        texts = list(TEXTS)
        encoder.encode(texts)
        assert texts == TEXTS
