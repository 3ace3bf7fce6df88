"""A random BERT of two layers, small enough for every test, and the real e5-small, expanded once a run."""

from pathlib import Path

import pytest
import torch

from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.training.options import Options

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789,.-夏季碎花连衣裙铸铁锅不粘这是一顶双人帐篷防雨风带地垫六个钉和袋子装下"


@pytest.fixture(scope="session")
def quiet() -> Options:
    """One thread, float32, no progress."""
    return Options(device="cpu", precision="float32", progress=False, threads=1)


@pytest.fixture(scope="session")
def random_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face folder with a random BERT, 32 wide, and a Unigram tokenizer of characters."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", *ALPHABET, "▁the", "dress", "tent"]
    tokenizer = Tokenizer(models.Unigram([(piece, -float(row)) for row, piece in enumerate(pieces)], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    folder = tmp_path_factory.mktemp("models") / "random-bert"
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = BertConfig(
            vocab_size=len(pieces),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
            layer_norm_eps=1e-12,
            pad_token_id=1,
            # Wider than BERT's own, so that texts differ in so small a model.
            initializer_range=0.2,
        )
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def random_encoder(random_folder: Path, quiet: Options) -> TransformerEncoder:
    return load_encoder(random_folder, options=quiet)


@pytest.fixture(scope="session")
def e5_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def e5(e5_cache: Path, quiet: Options) -> TransformerEncoder:
    """The real e5-small in float32, expanded anew."""
    return load_encoder("e5-small", options=quiet, cache=e5_cache)
