"""The two languages Penchant speaks to people: every phrase is written in both, side by side."""

import locale
import os
from typing import Literal, NamedTuple

Lang = Literal["en", "zh"]
"""A language that Penchant writes: English or Chinese."""


class Phrase(NamedTuple):
    """One thing to say, in both languages; fields in braces are filled by name.

    >>> Phrase("{n} members", "{n} 位会员")("zh", n=3)
    '3 位会员'
    """

    en: str
    zh: str

    def __call__(self, lang: Lang, /, **fields: object) -> str:
        return (self.zh if lang == "zh" else self.en).format(**fields)


def system_language() -> Lang:
    """The language of the environment: `zh` where the locale is Chinese, else `en`."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "zh" if (locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"


def written_language(text: str) -> Lang:
    """The language a text is written in, by its script: `zh` where Chinese characters carry it.

    A Chinese character says about as much as two Latin letters, so it counts double.

    >>> written_language("夏季连衣裙 dress"), written_language("summer dress"), written_language("")
    ('zh', 'en', 'en')
    """
    han = sum("\u3400" <= character <= "\u9fff" for character in text)
    latin = sum(character.isascii() and character.isalpha() for character in text)
    return "zh" if han * 2 > latin else "en"
