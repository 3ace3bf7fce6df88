"""The int8 export: near the same vectors, exported once, read back without PyTorch, mended where damaged."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from encoder_contract import TEXTS, EncoderContract

from penchant.errors import ArtifactError
from penchant.text.encoder import Encoder
from penchant.text.onnx import OnnxEncoder, onnx_int8
from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.training.options import Options


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module")
def exported(random_encoder: TransformerEncoder, folder: Path) -> OnnxEncoder:
    return onnx_int8(random_encoder, folder)


class TestOnnxEncoder(EncoderContract):
    # Activations are quantised batch by batch.
    tolerance = 0.01

    @pytest.fixture
    def encoder(self, exported: OnnxEncoder) -> Encoder:
        return exported


def home_of(folder: Path) -> Path:
    (home,) = (path for path in folder.iterdir() if path.is_dir())
    return home


def test_vectors_are_near_those_of_the_encoder(random_encoder: TransformerEncoder, exported: OnnxEncoder) -> None:
    texts = [f"{text} {number}" for text in TEXTS for number in range(20)]
    cosines = (random_encoder.encode(texts) * exported.encode(texts)).sum(axis=1)
    assert cosines.mean() > 0.99
    assert cosines.min() > 0.98
    # Quantised for real: float32 would agree to the last digits.
    assert cosines.mean() < 1 - 1e-6


def test_its_name_and_bounds_are_those_of_the_encoder(
    random_encoder: TransformerEncoder, exported: OnnxEncoder
) -> None:
    assert exported.name == f"{random_encoder.name_without_precision}/int8"
    assert exported.width == random_encoder.width
    assert exported.tokenizer.max_tokens == random_encoder.max_tokens


def test_it_is_exported_once(random_encoder: TransformerEncoder, exported: OnnxEncoder, folder: Path) -> None:
    graph = home_of(folder) / "graph.onnx"
    before = graph.stat().st_mtime_ns
    again = onnx_int8(random_encoder, folder)
    assert graph.stat().st_mtime_ns == before
    assert (again.encode(TEXTS) == exported.encode(TEXTS)).all()


def test_it_runs_without_pytorch(exported: OnnxEncoder, folder: Path) -> None:
    code = (
        "import sys; from penchant.text.onnx import OnnxEncoder\n"
        "vectors = OnnxEncoder.load(sys.argv[1]).encode(sys.argv[2:])\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
        "print(vectors[0, :4].tolist())"
    )
    command = [sys.executable, "-c", code, str(home_of(folder)), TEXTS[0]]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert np.allclose(json.loads(answer), exported.encode(TEXTS[:1])[0, :4], atol=1e-5)


def test_a_damaged_export_is_told_by_load_and_mended_by_export(
    random_encoder: TransformerEncoder, exported: OnnxEncoder, folder: Path
) -> None:
    graph = home_of(folder) / "graph.onnx"
    whole = graph.read_bytes()
    graph.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArtifactError, match=r"graph\.onnx has changed since it was saved"):
        OnnxEncoder.load(home_of(folder))
    mended = onnx_int8(random_encoder, folder)
    assert (mended.encode(TEXTS) * exported.encode(TEXTS)).sum(axis=1).min() > 0.9999
    with pytest.raises(ArtifactError, match="holds no finished model"):
        OnnxEncoder.load(folder / "elsewhere")


def test_queries_and_other_pooling_have_exports_of_their_own(
    random_folder: Path, tmp_path: Path, quiet: Options
) -> None:
    source = tmp_path / "first"
    source.mkdir()
    for path in random_folder.iterdir():
        (source / path.name).symlink_to(path)
    (source / "1_Pooling").mkdir()
    (source / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    encoder = load_encoder(source, options=quiet)
    exported = onnx_int8(encoder, tmp_path / "exports")
    assert (encoder.encode(TEXTS) * exported.encode(TEXTS)).sum(axis=1).min() > 0.98
    onnx_int8(encoder.for_role("query"), tmp_path / "exports")
    assert len([path for path in (tmp_path / "exports").iterdir() if path.is_dir()]) == 2
