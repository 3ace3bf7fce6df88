"""Words of queries and items, folded so that what is written one way finds what is written another."""

import re
from typing import Final

from penchant.text.folding import fold
from penchant.text.words import segment, stem

__all__ = ["analyse", "fold"]

_PARTS: Final = re.compile(r"[a-z]+|\d+(?:\.\d+)*")
_MIXED: Final = re.compile(r"(?=.*\d)(?=.*[a-z])[a-z\d.]+")


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
