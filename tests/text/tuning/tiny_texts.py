"""Texts in which a few words decide the label, and how well a model finds it."""

import random

import numpy as np

from penchant.text.finetune import Example, FinetuneConfig, TunedModel

WORDS = {
    "水果": ["苹果", "香蕉", "葡萄", "橙子", "新鲜", "多汁"],
    "手机": ["屏幕", "电池", "充电", "信号", "流畅", "手机"],
    "books": ["novel", "author", "chapter", "print", "story", "cover"],
}
FILLER = ["很", "the", "了", "and", "的", "a", "昨天", "today", "买", "really"]


def texts_of(label: str, count: int, seed: int) -> list[str]:
    """Texts of one label: one or two of its words among fillers."""
    rng = random.Random(f"{label}/{seed}")
    texts = []
    for _ in range(count):
        words = rng.sample(WORDS[label], rng.randint(1, 2)) + rng.choices(FILLER, k=rng.randint(1, 5))
        rng.shuffle(words)
        texts.append(" ".join(words))
    return texts


def labelled(count: int, seed: int = 0) -> list[Example]:
    """`count` examples of each of the three labels."""
    return [Example(text, label) for label in WORDS for text in texts_of(label, count, seed)]


def accuracy(model: TunedModel, examples: list[Example]) -> float:
    """Share of the examples whose label has the largest probability."""
    best = model.predict([example.text for example in examples]).argmax(1)
    return float(np.mean([model.labels[row] == example.label for row, example in zip(best, examples, strict=True)]))


def quick(**fields: object) -> FinetuneConfig:
    """A configuration that learns the small task in a second."""
    given = {
        "mode": "lora",
        "epochs": 10,
        "batch_size": 16,
        "learning_rate": 1e-2,
        "head_learning_rate": 1e-2,
        "adapter": {"targets": ("*",)},
        # Heads begin at chance, so that what training does is seen; test_probing.py has the other way.
        "probe_first": False,
    }
    return FinetuneConfig.model_validate(given | fields)
