"""Colours, materials and measures in both languages: what a person's word and an item's word have in common."""

import re
from dataclasses import dataclass
from typing import Final

from penchant.language import Lang
from penchant.text.wishes.wish import Facet

_AFTER: Final = "[裙鞋靴包衣裤帽袜衫伞椅碗杯车壳款]"
"""What stands behind a colour of one character that is short for a longer word: 红裙, 黑鞋."""


@dataclass(frozen=True)
class Attribute:
    """One colour or material, by all its names."""

    facet: Facet
    english: tuple[str, ...]
    chinese: tuple[str, ...]
    """The first names it to people."""

    def name(self, lang: Lang) -> str:
        """Its name."""
        return self.chinese[0] if lang == "zh" else self.english[0]

    @property
    def forms(self) -> tuple[str, ...]:
        """Every way in which it is written."""
        return self.english + self.chinese


_COLOURS: Final = (
    (("red", "crimson", "scarlet", "burgundy"), ("红色", "大红", "酒红", "枣红", "深红", "朱红", "红")),
    (("pink", "rose"), ("粉色", "粉红", "玫红", "粉")),
    (("orange",), ("橙色", "橘色", "橙红")),
    (("yellow",), ("黄色", "米黄", "金黄", "黄")),
    (("green", "olive"), ("绿色", "墨绿", "草绿", "军绿", "绿")),
    (("blue", "navy"), ("蓝色", "天蓝", "藏青", "深蓝", "蓝")),
    (("purple", "violet", "lilac"), ("紫色", "紫")),
    (("black",), ("黑色", "纯黑", "黑")),
    (("white", "ivory"), ("白色", "纯白", "米白", "白")),
    (("grey", "gray"), ("灰色", "灰")),
    (("brown", "tan"), ("棕色", "咖啡色", "褐色", "棕")),
    (("beige", "khaki"), ("米色", "卡其")),
    (("golden", "gold"), ("金色",)),
    (("silver",), ("银色",)),
)
_MATERIALS: Final = (
    (("cotton",), ("棉", "纯棉", "全棉")),
    (("linen",), ("亚麻", "棉麻")),
    (("wool", "woollen", "woolen", "cashmere"), ("羊毛", "羊绒")),
    (("silk",), ("真丝", "丝绸", "桑蚕丝")),
    (("leather",), ("皮革", "真皮", "牛皮")),
    (("plastic",), ("塑料",)),
    (("wood", "wooden"), ("木质", "实木", "木制")),
    (("steel", "stainless"), ("不锈钢", "钢")),
    (("iron", "cast-iron"), ("铁", "铸铁")),
    (("glass",), ("玻璃",)),
    (("ceramic", "porcelain"), ("陶瓷", "瓷")),
)
ATTRIBUTES: Final = (
    *(Attribute("colour", english, chinese) for english, chinese in _COLOURS),
    *(Attribute("material", english, chinese) for english, chinese in _MATERIALS),
)


def pattern(form: str) -> str:
    """A regular expression that finds a form in a folded text where it stands for itself.

    An English word stands between bounds, in the singular or the plural; of two characters or more, Chinese is found
    anywhere, one character only at the end of a word or before what is worn. 红色 does not stand in 粉红色.

    >>> [bool(re.search(pattern("红"), text)) for text in ("碎花红裙", "口红", "连衣裙 红")]
    [True, False, True]
    >>> [bool(re.search(pattern("red"), text)) for text in ("red dress", "shredded")]
    [True, False]
    """
    if form.isascii():
        return rf"(?<![a-z0-9]){re.escape(form)}(?:e?s)?(?![a-z0-9])"
    if len(form) == 1:
        return (
            rf"(?<![粉玫口枸紫金棕面蛋]){form}(?={_AFTER}|(?![\u3400-\u9fff]))|(?<![\u3400-\u9fff]){form}(?={_AFTER})"
        )
    return rf"(?<![粉玫]){re.escape(form)}" if form.startswith("红") else re.escape(form)


@dataclass(frozen=True)
class Scale:
    """Something that is more or less, with the words for both and the columns of items that hold it."""

    facet: Facet
    column: str
    """A regular expression of the columns' names."""
    less: tuple[str, ...]
    """Comparatives and, in Chinese, adjectives that ask for less."""
    more: tuple[str, ...]
    much: tuple[str, ...]
    """Adjectives of which too much may be said: too heavy asks for less."""
    little: tuple[str, ...]
    meant: tuple[tuple[str, str], tuple[str, str]]
    """Where no column holds it: what items for less and for more are described as, in English and Chinese."""


SCALES: Final = (
    Scale(
        "price", r"^price$",
        ("cheaper", "less expensive", "less pricey", "more affordable", "less costly", "便宜", "实惠"),
        ("more expensive", "pricier", "dearer", "贵", "高档"),
        ("expensive", "pricey", "costly", "dear", "贵"), ("cheap", "便宜"),
        (("cheap", "实惠"), ("premium", "高档")),
    ),
    Scale(
        "weight", r"weight|重量",
        ("lighter", "轻", "轻便"), ("heavier", "重", "沉"), ("heavy", "重", "沉"), ("light", "轻"),
        (("lightweight", "轻便 轻量"), ("heavy, solid", "厚重 结实")),
    ),
    Scale(
        "size", r"^size|volume|capacity|尺寸|容量|大小",
        ("smaller", "more compact", "小", "小巧"), ("bigger", "larger", "roomier", "大"),
        ("big", "large", "bulky", "大"), ("small", "little", "小"),
        (("small, compact", "小巧"), ("large", "大号 大容量")),
    ),
    Scale(
        "length", r"duration|runtime|length|minutes|pages|时长|页数|长度",
        ("shorter", "短"), ("longer", "长"), ("long", "长"), ("short", "短"),
        (("short", "短"), ("long", "长")),
    ),
    Scale(
        "year", r"^(release_?)?year$|^年份$",
        ("older", "老", "旧"), ("newer", "more recent", "more modern", "新"), ("new", "recent", "modern", "新"),
        ("old", "dated", "老", "旧"),
        (("old, classic", "经典 老"), ("new, recent", "新款 新")),
    ),
)  # fmt: skip
UNITS: Final[dict[str, tuple[Facet, float]]] = {
    "kg": ("weight", 1_000), "kilos": ("weight", 1_000), "kilo": ("weight", 1_000), "公斤": ("weight", 1_000),
    "千克": ("weight", 1_000), "斤": ("weight", 500), "g": ("weight", 1), "grams": ("weight", 1), "克": ("weight", 1),
    "minutes": ("length", 1), "minute": ("length", 1), "min": ("length", 1), "mins": ("length", 1),
    "分钟": ("length", 1), "hours": ("length", 60), "hour": ("length", 60), "小时": ("length", 60),
    "pages": ("length", 1), "页": ("length", 1), "litres": ("size", 1), "liters": ("size", 1), "升": ("size", 1),
}  # fmt: skip
"""Units of measures that are no money, with their size in grams, minutes, pages or litres."""
COLUMN_UNITS: Final = {"kg": 1_000.0, "公斤": 1_000.0, "hours": 60.0, "小时": 60.0}
"""Units other than those that the name of a column may end with."""
