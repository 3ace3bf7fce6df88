"""Texts on planted topics, each of two parts, in Chinese and English, with texts about nothing among them."""

import random
import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np

from penchant.vectors import Floats, unit_rows

TOPICS: dict[str, tuple[str, str]] = {
    "水果 果园 新鲜 采摘 果农 果肉 产地 成熟": ("苹果 红富士 脆甜 果核 烟台 削皮", "香蕉 剥皮 软糯 蕉农 催熟 芭蕉"),
    "酒店 入住 客房 旅馆 住宿 房卡 旅客 床铺": ("早餐 自助 餐厅 咖啡 煎蛋 豆浆", "前台 退房 押金 发票 登记 行李"),
    "camping tent forest trail campfire hiking outdoor backpack": (
        "rain waterproof storm umbrella puddle thunder", "bear wolf wildlife deer eagle beaver",
    ),
    "novel author chapter publisher library paperback reader fiction": (
        "detective murder clue suspect alibi crime", "dragon wizard spell elf sword kingdom",
    ),
}  # fmt: skip
"""The words of each topic, and those of its two parts."""
FILLER = [f"填充{number}" for number in range(60)] + [f"filler{number}" for number in range(60)]


def planted_topics(count: int, seed: int = 0, topics: Sequence[str] = tuple(TOPICS)) -> tuple[list[str], list[str]]:
    """So many texts of each part of each topic, shuffled, and which part each is of."""
    rng = random.Random(seed)
    rows = []
    for topic in topics:
        for part in TOPICS[topic]:
            for _ in range(count):
                text = rng.sample(topic.split(), 6) + rng.sample(part.split(), 3) + rng.sample(FILLER, 1)
                rng.shuffle(text)
                rows.append((" ".join(text), f"{topic} > {part}"))
    rng.shuffle(rows)
    return [text for text, _ in rows], [label for _, label in rows]


def noise(count: int, seed: int = 0) -> list[str]:
    """Texts that share no words with any other."""
    rng = random.Random(seed)
    return [" ".join("".join(rng.choices("qxzvkj", k=9)) for _ in range(6)) for _ in range(count)]


class TopicEncoder:
    """Each word stands for a random direction of its own; a text is the sum of its words."""

    name = "topics"
    width = 96

    def encode(self, texts: Sequence[str]) -> Floats:
        rows = [np.sum([_direction(word, self.width) for word in text.split() or [""]], axis=0) for text in texts]
        return unit_rows(np.stack(rows).astype(np.float32))


@cache
def _direction(word: str, width: int) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(word.encode("utf-8", "replace"))).normal(size=width)
