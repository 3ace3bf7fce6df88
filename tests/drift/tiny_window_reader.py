"""A random BERT of one layer that knows the words of `planted_tastes`: small enough for every test."""

from pathlib import Path

from planted_tastes import KINDS

from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.training.options import Options
from tiny_bert import tiny_bert

OPTIONS = Options(device="cpu", precision="float32", progress=False, threads=1)


def window_reader(folder: Path) -> TransformerEncoder:
    """The encoder, written to the folder."""
    from tokenizers import pre_tokenizers

    words = [kind.split(" > ")[1] for kind in KINDS]
    words += ["recent", "past", "shift", "surprise", "最近", "以前", "变化", "意外", *map(str, range(15)), *":.,：。，"]
    made = tiny_bert(folder, words, pre_tokenizers.BertPreTokenizer(), positions=160, spread=0.1)
    return load_encoder(made, options=OPTIONS)
