"""A random BERT that knows a list of words: small enough to be made, read with and tuned in every test."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any


def tiny_bert(
    folder: Path,
    words: Iterable[str],
    splitter: Any,
    *,
    layers: int = 1,
    width: int = 32,
    positions: int = 64,
    spread: float = 0.05,
) -> Path:
    """Write a Hugging Face folder; the same words give the same model.

    Args:
        folder: made where there is none.
        words: the vocabulary; all else is unknown.
        splitter: one of `tokenizers.pre_tokenizers`, which parts a text into words.
        layers: of the transformer.
        width: of its states.
        positions: tokens that it can read.
        spread: of its weights; BERT's own, .02, would leave texts all alike in so small a model.
    """
    import torch
    from tokenizers import Tokenizer, models, processors
    from transformers import BertConfig, BertModel

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    tokenizer = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = splitter
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(pieces), hidden_size=width, num_hidden_layers=layers, num_attention_heads=2,
            intermediate_size=2 * width, max_position_embeddings=positions, pad_token_id=0, initializer_range=spread,
        )  # fmt: skip
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder
