"""A random BERT of one layer that knows the words of `planted_tastes`: small enough for every test."""

from pathlib import Path

from planted_tastes import KINDS

from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.training.options import Options

OPTIONS = Options(device="cpu", precision="float32", progress=False, threads=1)


def window_reader(folder: Path) -> TransformerEncoder:
    """The encoder, written to the folder."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    words = [kind.split(" > ")[1] for kind in KINDS]
    words += ["recent", "past", "shift", "surprise", "最近", "以前", "变化", "意外", *map(str, range(15)), *":.,：。，"]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    tokenizer = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(pieces), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=160, pad_token_id=0, initializer_range=0.1,
        )  # fmt: skip
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return load_encoder(folder, options=OPTIONS)
