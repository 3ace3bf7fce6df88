"""Words of queries and items, folded so that what is written one way finds what is written another."""

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final

from penchant.text.words import segment, stem

if TYPE_CHECKING:
    from opencc import OpenCC

_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_PARTS: Final = re.compile(r"[a-z]+|\d+(?:\.\d+)*")
_MIXED: Final = re.compile(r"(?=.*\d)(?=.*[a-z])[a-z\d.]+")


def fold(text: str) -> str:
    """One spelling of a text: full-width forms become narrow, letters small, traditional characters simplified.

    >>> fold("ＮＩＫＥ 連衣裙")
    'nike 连衣裙'
    """
    # Half of a pair of code units is no character, and what reads it below would stop.
    text = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode()).casefold()
    return _simplifier().convert(text) if _HAN.search(text) else text


def analyse(text: str) -> list[str]:
    """The words that an index holds of a text, in order; measures and models give their parts as well.

    >>> analyse("夏季連衣裙 8ft Ladders")
    ['夏季', '连衣', '衣裙', '连衣裙', '8ft', '8', 'ft', 'ladder']
    >>> analyse("?! …")
    []
    """
    words: list[str] = []
    for word in segment(fold(text)):
        words.append(word)
        if _MIXED.fullmatch(word):
            # A letter alone, such as the x of 2x4, says nothing.
            parts = [part for part in _PARTS.findall(word) if len(part) > 1 or part.isdigit()]
            words.extend(stem(part) for part in parts if part != word)
    return words


@cache
def _simplifier() -> "OpenCC":
    from opencc import OpenCC

    return OpenCC("t2s")
