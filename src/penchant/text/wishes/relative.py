"""Comparatives: cheaper, a bit lighter, 再便宜一点, 太重了."""

import re
from typing import Final

from penchant.text.wishes.attributes import SCALES, Scale

LITTLE: Final = 0.1
SOME: Final = 0.2
MUCH: Final = 0.5
"""By what part of what was shown, for `a bit`, for a plain comparative, and for `much`."""


def _words(words: list[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


def _all(field: str, *, han: bool) -> list[str]:
    return sorted({word for scale in SCALES for word in getattr(scale, field) if word.isascii() != han})


_COMPARED_EN: Final = _words(_all("less", han=False) + _all("more", han=False))
_COMPARED_ZH: Final = _words(_all("less", han=True) + _all("more", han=True))
_TOO_EN: Final = _words(_all("much", han=False) + _all("little", han=False))
_TOO_ZH: Final = _words(_all("much", han=True) + _all("little", han=True))
RELATIVE: Final = re.compile(
    rf"(?:\b(?P<much>much|far|way|a lot|lots|significantly)\s)?(?:\b(?P<little>a bit|a little|slightly|somewhat)\s)?"
    rf"\b(?P<en>{_COMPARED_EN})\b"
    rf"|\b(?:not |nothing )?(?:too|so) (?P<tooen>{_TOO_EN})\b"
    rf"|(?:别|不要|不)?太(?P<toozh>{_TOO_ZH})了?|(?<![\u3400-\u9fff])有点(?P<bitzh>{_TOO_ZH})了?"
    rf"|(?P<before>再|更|稍微|稍|要)(?P<zh>{_COMPARED_ZH})(?P<degree>一点点|一点儿|一点|一些|点儿|点|些|得多|很多|多)?"
    rf"|(?P<zhalone>{_COMPARED_ZH})(?P<degreealone>一点点|一点儿|一点|一些|点儿|点|些|得多|很多)"
)
"""What asks for more or less than was shown; `太重` and `too heavy` ask for less."""


def relative(match: re.Match[str]) -> tuple[Scale | None, bool, float]:
    """The scale that a match of `RELATIVE` is about, whether less is asked for, and by what part.

    >>> found = relative(RELATIVE.search("再便宜一点"))
    >>> found[0].facet, found[1:]
    ('price', (True, 0.1))
    >>> found = relative(RELATIVE.search("that is too small"))
    >>> found[0].facet, found[1:]
    ('size', (False, 0.2))
    """
    too = match["tooen"] or match["toozh"] or match["bitzh"]
    word = too or match["en"] or match["zh"] or match["zhalone"]
    for scale in SCALES:
        if too:
            if word in scale.much:
                return scale, True, SOME
            if word in scale.little:
                return scale, False, SOME
        elif word in scale.less or word in scale.more:
            return scale, word in scale.less, _part(match)
    return None, False, 0.0


def _part(match: re.Match[str]) -> float:
    degree = match["degree"] or match["degreealone"] or ""
    if match["much"] or degree in ("得多", "很多", "多"):
        return MUCH
    return LITTLE if match["little"] or degree else SOME
