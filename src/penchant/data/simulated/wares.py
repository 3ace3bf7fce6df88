"""The interests of the bazaar and the words they are written in, from the table beside this file."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from penchant.data.columns import PATH_SEPARATOR
from penchant.language import Lang, Phrase

LANGUAGES: Final[tuple[Lang, Lang]] = ("zh", "en")
"""In the order of every array that tells languages by number."""


@dataclass(frozen=True)
class Interest:
    """One interest of the second level: its name, what is sold under it, and the words for that."""

    top: Phrase
    name: Phrase
    price: float
    """A middling price."""
    act: Literal["view", "read", "play"]
    """What one does with such an item before buying."""
    nouns: dict[Lang, tuple[str, ...]]
    """What the things are called, the same thing at the same place in both languages."""
    features: dict[Lang, tuple[str, ...]]
    """What is praised about them."""

    def path(self, lang: Lang) -> str:
        """The two levels as a category, such as "家电 > 冰箱"."""
        return self.top(lang) + PATH_SEPARATOR + self.name(lang)


@cache
def interests() -> tuple[Interest, ...]:
    """All interests, those of one first level side by side.

    >>> interests()[0].path("zh"), interests()[0].nouns["en"][2]
    ('家电 > 冰箱', 'mini fridge')
    """
    lines = resources.files(__package__).joinpath("wares.psv").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines[1:]:
        top_zh, top_en, zh, en, price, act, *words = line.split("|")
        nouns_zh, nouns_en, features_zh, features_en = (tuple(phrases.split(",")) for phrases in words)
        found.append(
            Interest(
                Phrase(top_en, top_zh),
                Phrase(en, zh),
                float(price),
                act,  # type: ignore[arg-type]
                {"zh": nouns_zh, "en": nouns_en},
                {"zh": features_zh, "en": features_en},
            )
        )
    return tuple(found)


@cache
def tops() -> tuple[Phrase, ...]:
    """The first levels, in order.

    >>> len(tops())
    12
    """
    return tuple(dict.fromkeys(interest.top for interest in interests()))


@cache
def top_of() -> NDArray[np.int64]:
    """(interests,) the first level of each interest, as its place in `tops`."""
    return np.array([tops().index(interest.top) for interest in interests()])


BRANDS: Final = (
    Phrase("Harlow", "青禾"),
    Phrase("Maple", "海棠"),
    Phrase("Lark", "云雀"),
    Phrase("Northstar", "北辰"),
    Phrase("Amberly", "拾光"),
    Phrase("Hibiscus", "木槿"),
    Phrase("Ridge", "山岚"),
    Phrase("Meadow", "小满"),
    Phrase("Fawn", "鹿鸣"),
    Phrase("Harbour", "听澜"),
    Phrase("Tangerine", "暖橙"),
    Phrase("Starfield", "星野"),
    Phrase("Dew", "白露"),
    Phrase("Voyage", "远舟"),
    Phrase("Bamboo", "竹里"),
    Phrase("Southwind", "南风"),
)
"""Makers, invented."""

SELLERS: Final = Phrase("{brand} {top} Store", "{brand}{top}专营店")
LEVELS: Final = (Phrase("budget", "实惠"), Phrase("everyday", "日常"), Phrase("premium", "高端"))
LEVEL_LINES: Final = (
    Phrase("An honest price for students and first flats.", "价格亲民，学生党也能轻松入手。"),
    Phrase("Well balanced for everyday use.", "配置均衡，日常使用刚刚好。"),
    Phrase("The flagship, made for those who insist on quality.", "旗舰之选，为讲究品质的人准备。"),
)
LEVEL_PRICES: Final = (0.55, 1.0, 2.1)
