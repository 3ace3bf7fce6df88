"""Encoders for tests: hashed pairs of letters, which need no weights, and a random BERT that can be tuned."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.training.options import Options
from penchant.vectors import Floats, unit_rows


class LetterEncoder:
    """(texts, 64) unit vectors."""

    name = "letters"
    width = 64

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in enumerate(texts):
            for at in range(len(text) - 1):
                vectors[row, zlib.crc32(text[at : at + 2].encode()) % self.width] += 1
        return unit_rows(vectors)


def tiny_transformer(folder: Path, texts: Sequence[str], options: Options) -> TransformerEncoder:
    """A random BERT of one layer whose words are the letters of some texts, written to the folder."""
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted({letter for text in texts for letter in text})]
    tokenizer = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(pieces), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=160, pad_token_id=0, initializer_range=0.05,
        )  # fmt: skip
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return load_encoder(folder, options=options)
