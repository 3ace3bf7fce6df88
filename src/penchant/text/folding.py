"""One spelling of a text, so that what is written one way finds what is written another."""

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opencc import OpenCC

_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")


def fold(text: str) -> str:
    """One spelling of a text: full-width forms become narrow, letters small, traditional characters simplified.

    >>> fold("ＮＩＫＥ 連衣裙")
    'nike 连衣裙'
    """
    # Half of a pair of code units is no character, and what reads it below would stop.
    text = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode()).casefold()
    return _simplifier().convert(text) if _HAN.search(text) else text


@cache
def _simplifier() -> "OpenCC":
    from opencc import OpenCC

    return OpenCC("t2s")
