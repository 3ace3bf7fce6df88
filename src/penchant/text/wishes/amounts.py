"""Numbers as people write them: 100, 1.5k, two hundred, 一千五, 2万."""

import re
from typing import Final

_EN_WORDS: Final = {
    "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_ZH_DIGITS: Final = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_ZH_UNITS: Final = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
_TIMES: Final = {"k": 1_000, "hundred": 100, "thousand": 1_000, **_ZH_UNITS}

_ALONE: Final = "|".join(sorted(_EN_WORDS.keys() - {"a"}, key=len, reverse=True))
NUMBER: Final = (
    rf"(?:\d+(?:\.\d+)?\s?(?:k(?![a-z])|千|万|百)?"
    rf"|(?:(?:a|{_ALONE})\s)?(?:hundred|thousand)|(?:{_ALONE})(?![a-z])"
    r"|[零〇一二两三四五六七八九十百千万]+)"
)
"""A regular expression of a number in a folded text."""
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def plain(text: str) -> str:
    """A text whose numbers have no commas within.

    >>> plain("1,000 or 12,500, not 3,14")
    '1000 or 12500, not 3,14'
    """
    return _THOUSANDS.sub("", text)


def number(text: str) -> float:
    """What a match of `NUMBER` says.

    >>> [number(one) for one in ("99.5", "1.5k", "two hundred", "一千五", "两百三十", "2万", "百")]
    [99.5, 1500.0, 200.0, 1500.0, 230.0, 20000.0, 100.0]
    """
    text = text.strip()
    if text[0].isdigit():
        digits = re.match(r"\d+(?:\.\d+)?", text)
        assert digits is not None
        return float(digits.group()) * _TIMES.get(text[digits.end() :].strip(), 1)
    if text[0].isascii():
        first, _, times = text.rpartition(" ")
        return float(_EN_WORDS.get(first or "one", 1) * _TIMES[times] if times in _TIMES else _EN_WORDS[times])
    return float(_chinese(text))


def _chinese(text: str) -> int:
    total = part = digit = 0
    unit = 1
    for place, character in enumerate(text):
        if character in _ZH_DIGITS:
            digit = _ZH_DIGITS[character]
            # 一千五 is 1500, and 一千零五 is 1005.
            if place == len(text) - 1:
                short = place > 0 and text[place - 1] in _ZH_UNITS and unit > 10
                part += digit * (unit // 10 if short else 1)
            elif digit == 0:
                unit = 1
            continue
        unit = _ZH_UNITS[character]
        if unit == 10_000:
            total, part, digit = (total + part + digit) * unit or unit, 0, 0
            continue
        part += (digit or 1) * unit
        digit = 0
    return total + part
