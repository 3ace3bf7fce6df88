"""Texts in Chinese and English in which one word decides the label, and a random BERT small enough for every test."""

import random
from pathlib import Path

from penchant.interests.examples import LabelledTexts
from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.training.options import Options
from tiny_bert import tiny_bert

DECIDING = {"水果": ["苹果", "banana"], "手机": ["电池", "screen"], "图书": ["小说", "novel"]}
FILLER = {
    "zh": ["昨天", "收到", "很好", "快递", "包装", "不错", "今天"],
    "en": ["the", "came", "nice", "really", "with", "my"],
}
OPTIONS = Options(device="cpu", precision="float32", progress=False, threads=1)


def text_of(label: str, rng: random.Random) -> tuple[str, str]:
    """A text and the one word that decides its label."""
    language = rng.choice(["zh", "en"])
    word = DECIDING[label][language == "en"]
    words = [word, *rng.sample(FILLER[language], 4)]
    rng.shuffle(words)
    return ("" if language == "zh" else " ").join(words), word


def planted(count: int, seed: int = 0) -> tuple[LabelledTexts, list[str]]:
    """At most `count` distinct texts of each label, and the words that decide them."""
    rng = random.Random(seed)
    found = {text: (label, word) for _ in range(count) for label in DECIDING for text, word in [text_of(label, rng)]}
    return LabelledTexts.of(list(found), [label for label, _ in found.values()]), [word for _, word in found.values()]


def tiny_encoder(folder: Path) -> TransformerEncoder:
    """A random BERT of one layer that knows the words, written to the folder."""
    from tokenizers import Regex, pre_tokenizers

    words = [word for group in (*DECIDING.values(), *FILLER.values()) for word in group]
    splitter = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex(r"[一-鿿]{2}|[^一-鿿\W]+|\W"), "isolated")]
    )
    return load_encoder(tiny_bert(folder, words, splitter), options=OPTIONS)
