"""Static vectors distilled from a random BERT, and from the real e5-small on a few words."""

from pathlib import Path

import numpy as np
import pytest
from encoder_contract import TEXTS, EncoderContract

from penchant.errors import ArtifactError, MissingExtraError, TooLittleDataError
from penchant.text.encoder import Encoder
from penchant.text.static import StaticConfig, StaticEncoder, distil
from penchant.text.transformer import TransformerEncoder

pytest.importorskip("model2vec", reason="static vectors need the extra static")


@pytest.fixture(scope="module")
def distilled(random_encoder: TransformerEncoder, tmp_path_factory: pytest.TempPathFactory) -> StaticEncoder:
    return distil(random_encoder, tmp_path_factory.mktemp("static") / "tiny", TEXTS, config=StaticConfig(width=24))


class TestStaticEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self, distilled: StaticEncoder) -> Encoder:
        return distilled


def test_it_has_the_width_asked_for_or_the_transformers(
    random_encoder: TransformerEncoder, distilled: StaticEncoder, tmp_path: Path
) -> None:
    assert distilled.width == 24
    assert distil(random_encoder, tmp_path / "wide", TEXTS).width == random_encoder.width


def test_frequent_tokens_weigh_less(random_encoder: TransformerEncoder, tmp_path: Path) -> None:
    texts = [*TEXTS, *["x"] * 2_000]
    level = distil(random_encoder, tmp_path / "level", texts, config=StaticConfig(width=24, frequency_weight=0.999))
    weighted = distil(
        random_encoder, tmp_path / "weighted", texts, config=StaticConfig(width=24, frequency_weight=1e-4)
    )

    def pull(encoder: StaticEncoder) -> float:
        mixed, plain = encoder.encode(["x 铸", "x"])
        return float(mixed @ plain)

    assert pull(weighted) < pull(level)


def test_tokens_that_the_texts_did_not_hold_count_for_nothing(
    random_encoder: TransformerEncoder, tmp_path: Path
) -> None:
    encoder = distil(random_encoder, tmp_path / "some", [TEXTS[5]], config=StaticConfig(width=8))
    known, more, nothing = encoder.encode(["tent", "tent铸铁", ""])
    assert known @ more == pytest.approx(1, abs=1e-5)
    assert np.allclose(nothing, nothing[0])


def test_too_few_tokens_are_told(random_encoder: TransformerEncoder, tmp_path: Path) -> None:
    with pytest.raises(TooLittleDataError, match="the texts hold 3 different tokens; static vectors of width 32 need"):
        distil(random_encoder, tmp_path / "few", ["a b"])
    assert not (tmp_path / "few").exists()


def test_a_folder_without_a_model_is_told(distilled: StaticEncoder, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"holds no static model \(no model\.safetensors\)"):
        StaticEncoder.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"noise")
    with pytest.raises(ArtifactError, match=r"cannot be read .*; distil it again"):
        StaticEncoder.load(tmp_path)


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "model2vec", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'penchant\[static\]'"):
        StaticEncoder.load(tmp_path)


@pytest.mark.slow
def test_static_vectors_of_e5_small_know_what_words_mean(e5: TransformerEncoder, tmp_path: Path) -> None:
    groups = ["summer dress skirt blouse shirt", "iron pan pot wok kettle", "tent camping sleeping bag stove"]
    encoder = distil(e5, tmp_path / "words", groups, config=StaticConfig(width=8))
    vectors = encoder.encode(["a skirt and a blouse", "a wok and a pot", "camping in a tent", *groups])
    assert (vectors[:3] @ vectors[3:].T).argmax(axis=1).tolist() == [0, 1, 2]
