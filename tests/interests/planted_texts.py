"""Texts in which a few words decide the label, and an encoder that sees characters."""

import hashlib
import random
from collections.abc import Sequence

import numpy as np

from penchant.interests.examples import LabelledTexts
from penchant.vectors import Floats, unit_rows

WORDS = {
    "水果 > 苹果": ["苹果", "红富士", "脆甜", "果核", "苹果汁"],
    "水果 > 香蕉": ["香蕉", "剥皮", "软糯", "蕉香", "香蕉奶"],
    "数码/家电": ["手机", "充电", "屏幕", "信号", "续航"],
    "books 📚": ["novel", "author", "chapter", "story", "print"],
}
FILLER = ["很好", "the", "收到了", "and", "物流", "really", "昨天", "买的", "还行", "today"]


def text_of(label: str, rng: random.Random) -> str:
    words = rng.sample(WORDS[label], 2) + rng.choices(FILLER, k=rng.randint(2, 6))
    rng.shuffle(words)
    return " ".join(words)


def planted(count: int, seed: int = 0, labels: Sequence[str] = tuple(WORDS)) -> LabelledTexts:
    """About `count` distinct texts of each label."""
    rng = random.Random(seed)
    pairs = {text_of(label, rng): label for _ in range(count) for label in labels}
    texts = list(pairs)
    rng.shuffle(texts)
    return LabelledTexts.of(texts, [pairs[text] for text in texts])


class CharacterEncoder:
    """Random directions of the character pairs in a text, summed: like texts are near each other."""

    name = "characters"
    width = 64

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in enumerate(texts):
            padded = f" {text} "
            for place in range(len(padded) - 1):
                digest = hashlib.blake2b(padded[place : place + 2].encode("utf-8", "replace"), digest_size=4).digest()
                vectors[row] += np.random.default_rng(int.from_bytes(digest)).standard_normal(self.width)
        return unit_rows(vectors)


def accuracy(labeller, labelled: LabelledTexts) -> float:
    """Share of texts that get exactly the label they were given."""
    said = labeller.label(labelled.texts)
    return float(np.mean([said.labels(row) == labelled.given[row][0] for row in range(len(labelled))]))
