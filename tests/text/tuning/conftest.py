"""A random BERT small enough to be tuned in a second."""

from pathlib import Path

import pytest
import torch
from tiny_texts import FILLER, WORDS

from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.training.options import Options


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face folder with a random BERT of two layers and a WordPiece vocabulary."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    words = [word for group in WORDS.values() for word in group] + FILLER
    characters = sorted({character for word in words for character in word})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{c}" for c in characters), *words]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(handle_chinese_chars=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    folder = tmp_path_factory.mktemp("tiny") / "tiny-bert"
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=80,
            pad_token_id=0,
            # Wider than BERT's own, so that words differ in so small a model.
            initializer_range=0.1,
        )
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def options() -> Options:
    return Options(device="cpu", precision="float32", progress=False, threads=1)


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path, options: Options) -> TransformerEncoder:
    return load_encoder(tiny_folder, options=options)
