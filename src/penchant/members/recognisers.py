"""Personal data that follow a form: telephone numbers, identity numbers, bank cards, e-mail addresses, plates.

A form alone would mask order numbers and prices too. So a number counts where its check digit is right, and not where
the nearest word before it says that it is the number of a thing.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from penchant.language import Phrase


class Personal(StrEnum):
    """A kind of personal data in a text."""

    RESIDENT_ID = "resident_id"
    BANK_CARD = "bank_card"
    EMAIL = "email"
    MOBILE = "mobile"
    PHONE = "phone"
    LANDLINE = "landline"
    PLATE = "plate"
    ADDRESS = "address"
    NAME = "name"


KIND_NAMES: Final[dict[Personal, Phrase]] = {
    Personal.RESIDENT_ID: Phrase("identity number", "身份证号"),
    Personal.BANK_CARD: Phrase("bank card", "银行卡号"),
    Personal.EMAIL: Phrase("e-mail", "邮箱"),
    Personal.MOBILE: Phrase("mobile number", "手机号"),
    Personal.PHONE: Phrase("phone number", "国际电话"),
    Personal.LANDLINE: Phrase("landline number", "座机号"),
    Personal.PLATE: Phrase("number plate", "车牌号"),
    Personal.ADDRESS: Phrase("address", "住址"),
    Personal.NAME: Phrase("name", "姓名"),
}


class Found(NamedTuple):
    """Where one piece of personal data stands in a text; the piece itself is not kept."""

    start: int
    end: int
    kind: Personal


_PLAIN: Final = str.maketrans("０１２３４５６７８９＋－（）＠．Ｘｘ　—–‑", "0123456789+-()@.Xx ---")

_THING: Final = (
    r"订单|单号|运单|快递单|物流单|快递号|流水|编号|货号|款号|型号|批号|批次|条码|条形码|序列|产品|商品|书号|发票|页码|链接"
    r"|ISBN|SKU|\bIMEI|\border|\bitem|\binvoice|\btracking|\bparcel|\bproduct|\bmodel|\bserial|\bbarcode|\bref(?:erence)?\b"
    r"|\bbatch|\bversion|\bS/N|\bP/N|https?://|www\.|QQ|[¥￥$€£]"
)
_PERSON: Final = (
    r"电话|手机|座机|热线|致电|来电|拨打|打给|联系|微信|号码是|短信|身份证|证件|银行卡|卡号|账号|账户|邮箱"
    r"|\btel|\bphone|\bmobile|\bcell|\bcall|\btext me|\bcontact|\bcard|\baccount|\bID\b|\bidentity"
)
_CUE: Final = re.compile(f"(?P<thing>{_THING})|(?P<person>{_PERSON})", re.IGNORECASE)
_REACH: Final = 16
"""Characters before a number in which a word may say what it is the number of."""
_BREAK: Final = re.compile(r"[，。；！？,;!?\n]")
_UNIT: Final = re.compile(r"\s?(?:元|块|万|亿|美元|人民币|RMB|CNY|USD|件|[gGkK][gG]|[cm]m|ml|[GMT]B)")


def plain(text: str) -> str:
    """The text with wide digits and signs as plain ones; every character keeps its place."""
    return text.translate(_PLAIN)


def numbers(text: str) -> Iterator[Found]:
    """Everything here that follows a form, in a text that is `plain`; pieces may overlap.

    >>> [found.kind.value for found in numbers("致电13912345678，订单号13912345679")]
    ['mobile']
    """
    for kind, pattern, holds in _FORMS:
        for match in pattern.finditer(text):
            start, end = match.span(kind.value)
            if holds(text, match, start, end):
                yield Found(start, end, kind)


def luhn(digits: str) -> bool:
    """Whether the check digit of a card number is right (ISO/IEC 7812-1).

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def resident_checksum(first: str) -> str:
    """The check character of a resident identity number from its first 17 digits (GB 11643-1999).

    >>> resident_checksum("11010519491231002")
    'X'
    """
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first))
    return "10X98765432"[total % 11]


def is_things_number(text: str, start: int, end: int, *, unsaid: bool = False) -> bool:
    """Whether the words around a number say that it is that of a thing: an order, an article, a price.

    Args:
        text: all of it.
        start: of the number.
        end: of the number.
        unsaid: what holds where nothing is said.
    """
    if _UNIT.match(text, end):
        return True
    before = text[max(0, start - _REACH) : start]
    cues = list(_CUE.finditer(before))
    if not cues:
        return unsaid
    said = cues[-1]
    # A sentence that has ended no longer says what comes next.
    if _BREAK.search(before, said.end()):
        return unsaid
    return said["thing"] is not None


def _is_mobile(text: str, match: re.Match[str], start: int, end: int) -> bool:
    return not is_things_number(text, start, end)


def _is_resident(text: str, match: re.Match[str], start: int, end: int) -> bool:
    digits = re.sub(r"[ -]", "", match["resident_id"]).upper()
    try:
        born = date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return False
    return 1900 <= born.year <= 2100 and resident_checksum(digits[:17]) == digits[17]


def _is_card(text: str, match: re.Match[str], start: int, end: int) -> bool:
    digits = re.sub(r"[ -]", "", match["bank_card"])
    return _ISSUED.fullmatch(digits) is not None and luhn(digits) and not is_things_number(text, start, end)


def _is_landline(text: str, match: re.Match[str], start: int, end: int) -> bool:
    # A number with its area code in full is a telephone's; without one only where a word says so.
    return not is_things_number(text, start, end, unsaid=match["area"] is None)


def _is_plate(text: str, match: re.Match[str], start: int, end: int) -> bool:
    return any(character.isdigit() for character in match["plate"])


def _always(text: str, match: re.Match[str], start: int, end: int) -> bool:
    return True


_ISSUED: Final = re.compile(
    r"62\d{14,17}|955[89]\d{15}|4\d{15}|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|3[47]\d{13}|35\d{14}|6(?:011|5\d\d)\d{12}"
)
"""Lengths and first digits of cards: UnionPay, older Chinese debit cards, Visa, Mastercard, Amex, JCB, Discover."""

_Holds = Callable[[str, "re.Match[str]", int, int], bool]
_APART: Final = r"(?<![\dA-Za-z_/=])(?<!\d[.-])"
_AREA: Final = r"(?:10|2\d|[3-9]\d\d)"
"""An area code without its zero."""
_DONE: Final = r"(?![\dA-Za-z_])(?!-\d)"
_FORMS: Final[tuple[tuple[Personal, "re.Pattern[str]", _Holds], ...]] = (
    (
        Personal.RESIDENT_ID,
        re.compile(r"(?<!\d)(?P<resident_id>[1-68]\d{5}[ -]?(?:19|20)\d{6}[ -]?\d{3}[\dXx])(?![\dA-Za-z])"),
        _is_resident,
    ),
    (
        Personal.BANK_CARD,
        re.compile(
            rf"{_APART}(?P<bank_card>\d{{15,19}}|\d{{4}}(?:[ -]\d{{4}}){{2,3}}[ -]\d{{1,7}}"
            rf"|3\d{{3}}[ -]\d{{6}}[ -]\d{{5}}){_DONE}"
        ),
        _is_card,
    ),
    (
        Personal.EMAIL,
        re.compile(
            r"(?<![A-Za-z0-9._%+-])(?P<email>[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_])?"
            r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?\.)+[A-Za-z]{2,24})(?![A-Za-z0-9])"
        ),
        _always,
    ),
    (
        Personal.MOBILE,
        re.compile(
            rf"{_APART}(?P<mobile>(?:(?:\+|00)86[ -]?|86[ -]|\(\+?86\) ?|(?<=\+)86[ -]?)?"
            rf"1(?:3\d|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])(?P<gap>[ -]?)\d{{4}}(?P=gap)\d{{4}}){_DONE}"
        ),
        _is_mobile,
    ),
    (
        Personal.LANDLINE,
        re.compile(
            rf"{_APART}(?P<landline>(?:(?:\+|00)86[ -]?)?"
            rf"(?P<area>\(0?{_AREA}\) ?|0{_AREA}[ -]?|(?:(?<=86)|(?<=86[ -])){_AREA}[ -])?"
            rf"[2-8]\d{{2,3}}[ -]?\d{{4}}(?:(?: ?(?:转|分机|ext\.?|x|-) ?)\d{{1,5}})?)(?![\dA-Za-z_])(?!-\d|\.\d)"
        ),
        _is_landline,
    ),
    (
        Personal.PLATE,
        re.compile(
            r"(?<![A-Za-z\d])(?P<plate>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
            r"[A-HJ-NP-Z][·•・ ]?"
            r"(?:[DABCEFGHJK][A-HJ-NP-Z0-9]\d{4}|\d{5}[DABCEFGHJK]|[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳]))(?![A-Za-z\d])"
        ),
        _is_plate,
    ),
)
