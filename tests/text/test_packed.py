"""The packed form of e5-small, read back against models that were packed here."""

from pathlib import Path

import numpy as np
import pytest
import torch
from packing import pack
from tokenizers import Tokenizer

from penchant.errors import WeightsError
from penchant.text.packed import expand
from penchant.text.transformer import load_encoder, load_model
from penchant.training.options import Options

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
TEXT = ["▁", "a", "b", "▁ab", "1", "é", "～", "~", "ガ", "k", "query", "passage", ":", "▁query", "▁passage"]
PIECES = [(piece, 0.0) for piece in SPECIAL] + [(piece, -2.0 - row / 8) for row, piece in enumerate(TEXT)]
PIECES.append(("<mask>", 0.0))


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.nn.Module]:
    from transformers import BertConfig, BertModel

    with torch.random.fork_rng():
        torch.manual_seed(5)
        config = BertConfig(
            # More rows than pieces, as in the real one.
            vocab_size=len(PIECES) + 12,
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=96,
            max_position_embeddings=32,
            layer_norm_eps=1e-12,
            pad_token_id=1,
            initializer_range=0.3,
        )
        model = BertModel(config, add_pooling_layer=False).eval()
        for parameter in model.parameters():
            # Biases and layer norms start at 0 and 1, where a mix-up would not show.
            parameter.data += 0.1 * torch.randn_like(parameter)
    path = tmp_path_factory.mktemp("packed") / "tiny-q4.bin"
    pack(model, PIECES, path)
    return path, model


@pytest.fixture(scope="module")
def expanded(packed: tuple[Path, torch.nn.Module], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("expanded")
    expand(packed[0], folder)
    return folder


def test_every_weight_comes_back_exactly(packed: tuple[Path, torch.nn.Module], expanded: Path) -> None:
    found = load_model(expanded, torch.float32).state_dict()
    wanted = packed[1].state_dict()
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        assert torch.equal(found[name], values), name


def test_the_folder_gives_the_same_states_as_the_model(packed: tuple[Path, torch.nn.Module], expanded: Path) -> None:
    numbers = torch.tensor([[0, 5, 6, 7, 2]])
    with torch.inference_mode():
        wanted = packed[1](numbers).last_hidden_state
        found = load_model(expanded, torch.float32)(numbers).last_hidden_state
    assert torch.equal(found, wanted)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("ab  a", ["▁ab", "▁", "a"]),
        ("ＡＢ".lower(), ["▁ab"]),
        ("a\tb\u3000a\n", ["▁", "a", "▁", "b", "▁", "a"]),
        ("a\u200bb\u00a0a\ufeff", ["▁", "a", "▁", "b", "▁", "a"]),
        ("a\x07b\x00", ["▁ab"]),
        ("①e\u0301ｶﾞ", ["▁", "1", "é", "ガ"]),
        # The full-width tilde is a piece of its own, which plain NFKC would lose.
        ("a～b~", ["▁", "a", "～", "b", "~"]),
        ("", []),
    ],
)
def test_texts_are_normalised_as_sentencepiece_does(expanded: Path, text: str, pieces: list[str]) -> None:
    tokenizer = Tokenizer.from_file(str(expanded / "tokenizer.json"))
    assert tokenizer.encode(text).tokens == ["<s>", *pieces, "</s>"]


def test_the_folder_is_an_ordinary_hugging_face_one(expanded: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(expanded)
    assert tokenizer("a～b")["input_ids"] == Tokenizer.from_file(str(expanded / "tokenizer.json")).encode("a～b").ids
    assert (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token) == (1, 3, "<mask>")
    assert AutoModel.from_pretrained(expanded, add_pooling_layer=False).config.num_attention_heads == 4


def test_prompts_of_the_folder_tell_queries_from_passages(expanded: Path) -> None:
    encoder = load_encoder(expanded, options=Options(device="cpu", precision="float32", progress=False))
    assert encoder.tokenizer.prompt == "passage: "
    queries = encoder.for_role("query")
    assert queries.name != encoder.name
    assert queries.model is encoder.model
    assert not np.allclose(queries.encode(["ab"]), encoder.encode(["ab"]))
    # Making it has left the first one alone.
    assert encoder.tokenizer.prompt == "passage: "


@pytest.mark.parametrize("length", [0, 3, 30, 200, 2_000])
def test_a_file_cut_short_is_told(packed: tuple[Path, torch.nn.Module], tmp_path: Path, length: int) -> None:
    cut = tmp_path / "cut.bin"
    cut.write_bytes(packed[0].read_bytes()[:length])
    with pytest.raises(WeightsError, match=r"cut\.bin is not a packed e5 model, or ends early"):
        expand(cut, tmp_path)


def test_a_file_cut_within_the_last_tensor_is_told(packed: tuple[Path, torch.nn.Module], tmp_path: Path) -> None:
    cut = tmp_path / "cut.bin"
    cut.write_bytes(packed[0].read_bytes()[:-200])
    with pytest.raises(WeightsError, match="tensor 'l1"):
        expand(cut, tmp_path)
