"""Made-up personal data in the forms that they have, and numbers of things that look alike."""

from collections.abc import Sequence
from typing import Final

import numpy as np

Rng = np.random.Generator

_MOBILE_HEADS: Final = (
    "130", "133", "135", "136", "138", "139", "147", "150", "152", "157", "158", "159", "166", "170", "171", "176",
    "177", "178", "180", "182", "186", "188", "189", "191", "198", "199",
)  # fmt: skip
_CITY_CODES: Final = ("010", "020", "021", "022", "023", "024", "025", "027", "028", "029")
_REGIONS: Final = (
    "110105", "310115", "440305", "330106", "510104", "420111", "320102", "610113", "210202", "500103",
)  # fmt: skip
_RESIDENT_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CARDS: Final = (("622848", 19), ("621700", 19), ("622202", 19), ("625912", 16), ("4", 16), ("52", 16), ("34", 15))
_MAIL_NAMES: Final = ("li.wei", "zhang_hua", "anna-b", "x", "wang2008", "j.smith", "m+shop", "Chen.Jing", "1234567")
_MAIL_HOSTS: Final = ("qq.com", "163.com", "gmail.com", "mail.example.co.uk", "shop-abc.cn", "vip.sina.com")
_PLATE_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_AREAS: Final = (
    "北京市朝阳区", "上海市浦东新区", "广东省深圳市南山区", "浙江省杭州市西湖区", "成都市武侯区", "江苏省南京市鼓楼区",
    "海淀区", "天河区", "湖北省武汉市洪山区", "苏州市昆山市花桥镇",
)  # fmt: skip
_STREETS: Final = (
    "建国路", "张杨路", "科技园南路", "文三路", "人民南路", "中山北路", "中关村大街", "天河路", "珞喻路", "兆丰路",
    "幸福里", "南锣鼓巷", "长安街", "滨江大道",
)  # fmt: skip
_ESTATES: Final = ("阳光花园", "翠苑新村", "万科城市花园", "东方家园")
_ENGLISH_STREETS: Final = ("Baker", "Maple", "High", "Church", "Elm Tree", "Martin Luther King", "5th", "West Park")
_ENGLISH_ENDS: Final = ("Street", "St", "Road", "Ave", "Avenue", "Lane", "Drive", "Blvd")
_FAMILY: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭林何高梁"
_GIVEN: Final = (
    "伟", "芳", "秀英", "敏", "静", "丽", "强", "磊", "洋", "艳", "志明", "建华", "小燕", "雨桐", "子轩", "浩然",
)  # fmt: skip


def mobile(rng: Rng) -> str:
    """A mobile number of the mainland, in the ways people write one."""
    head, middle, tail = _pick(_MOBILE_HEADS, rng), digits(rng, 4), digits(rng, 4)
    whole = f"{head}{middle}{tail}"
    wide = whole.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    return _pick(
        (
            f"{head}-{middle}-{tail}",
            f"{head} {middle} {tail}",
            f"+86 {whole}",
            f"0086{whole}",
            wide,
            whole,
            whole,
            whole,
        ),
        rng,
    )


def landline(rng: Rng) -> str:
    """A landline number with its area code."""
    short = rng.random() < 0.4
    area = _pick(_CITY_CODES, rng) if short else f"0{rng.integers(3, 10)}{rng.integers(1, 8)}{rng.integers(1, 10)}"
    number = f"{rng.integers(2, 9)}{digits(rng, 7 if short or rng.random() < 0.5 else 6)}"
    ways = (f"{area}-{number}", f"({area}){number}", f"（{area}）{number}", f"{area} {number}", f"{area}{number}")
    return _pick(ways, rng) + (f"转{digits(rng, 3)}" if rng.random() < 0.15 else "")


def resident(rng: Rng) -> str:
    """A resident identity number with its check character."""
    born = f"{rng.integers(1940, 2012)}{rng.integers(1, 13):02d}{rng.integers(1, 29):02d}"
    first = f"{_pick(_REGIONS, rng)}{born}{digits(rng, 3)}"
    total = sum(int(digit) * weight for digit, weight in zip(first, _RESIDENT_WEIGHTS, strict=True))
    check = "10X98765432"[total % 11]
    return first + (check.lower() if rng.random() < 0.2 else check)


def wrong_resident(rng: Rng) -> str:
    """One whose check character is wrong."""
    right = resident(rng)
    return right[:-1] + _pick([sign for sign in "0123456789X" if sign != right[-1].upper()], rng)


def card(rng: Rng) -> str:
    """A bank card's number, in one piece or in fours."""
    number = _card_digits(rng, right=True)
    if len(number) == 15 or rng.random() < 0.5:
        return number
    return _pick((" ", "-"), rng).join(number[start : start + 4] for start in range(0, len(number), 4))


def wrong_card(rng: Rng) -> str:
    """One whose check digit is wrong."""
    return _card_digits(rng, right=False)


def email(rng: Rng) -> str:
    """An e-mail address."""
    number = str(rng.integers(100)) if rng.random() < 0.5 else ""
    return f"{_pick(_MAIL_NAMES, rng)}{number}@{_pick(_MAIL_HOSTS, rng)}"


def plate(rng: Rng) -> str:
    """A car's plate, of the older or of the electric kind."""
    head = f"{_pick('京沪粤苏浙川渝鲁豫鄂', rng)}{_pick('ABCDEFGH', rng)}{_pick(('', '', '·'), rng)}"
    if rng.random() < 0.3:
        return f"{head}{_pick('DF', rng)}{digits(rng, 5)}"
    signs = [_pick(_PLATE_LETTERS + "0123456789" * 2, rng) for _ in range(4)] + [digits(rng, 1)]
    return head + "".join(map(str, rng.permutation(signs)))


def address(rng: Rng) -> str:
    """A Chinese address down to the house, the flat or the estate."""
    house = f"{_pick(_AREAS, rng)}{_pick(_STREETS, rng)}{rng.integers(1, 2000)}号"
    block, flat = rng.integers(1, 30), rng.integers(101, 2500)
    return _pick(
        (
            house,
            f"{house}{block}栋{rng.integers(1, 5)}单元{flat}室",
            f"{house}{_pick(_ESTATES, rng)}{block}号楼{flat}室",
            f"{_pick(_AREAS, rng)}{_pick(_ESTATES, rng)}{block}栋{flat}室",
            f"{house}院{rng.integers(1, 9)}号楼",
        ),
        rng,
    )


def street(rng: Rng) -> str:
    """An English address from the house number on."""
    flat = _pick(("", "", ", Apt 4B", ", Suite 200", ", Flat 3"), rng)
    return f"{rng.integers(1, 9999)} {_pick(_ENGLISH_STREETS, rng)} {_pick(_ENGLISH_ENDS, rng)}{flat}"


def name(rng: Rng) -> str:
    """A Chinese name."""
    return ("欧阳" if rng.random() < 0.05 else surname(rng)) + _pick(_GIVEN, rng)


def surname(rng: Rng) -> str:
    """A Chinese family name."""
    return _pick(_FAMILY, rng)


def person(rng: Rng) -> str:
    """A given and a family name in Latin letters."""
    given = _pick(("John", "Mary", "Olivia", "Ahmed", "Wei", "Sofia"), rng)
    return f"{given} {_pick(('Smith', 'Brown', 'Garcia', 'Chen', 'Patel'), rng)}"


def lastname(rng: Rng) -> str:
    """A family name in Latin letters."""
    return _pick(("Smith", "Brown", "Garcia", "O'Brien", "Patel", "Johnson"), rng)


def abroad(rng: Rng) -> str:
    """A telephone number of another country, with its code."""
    two, three, four = digits(rng, 2), digits(rng, 3), digits(rng, 4)
    return _pick(
        (
            f"+1 650-253-{four}", f"+44 20 7946 0{three}", f"+81 3-3224-{four}", f"+49 30 2270{four}",
            f"+852 2{three} {four}", f"+65 6{three} {four}", f"+33 1 42 68 {two} {digits(rng, 2)}",
        ),
        rng,
    )  # fmt: skip


def price(rng: Rng) -> str:
    """A sum of money."""
    return f"{rng.integers(1, 99999)}.{digits(rng, 2)}"


def order(rng: Rng) -> str:
    """An order's number; some are as long as a telephone number, or as an identity number."""
    return _pick(
        (
            digits(rng, 11), f"1{rng.integers(3, 10)}{digits(rng, 9)}", digits(rng, 10),
            f"20{rng.integers(10, 26)}{digits(rng, 12)}", digits(rng, 18),
        ),
        rng,
    )  # fmt: skip


def item(rng: Rng) -> str:
    """An article's number."""
    return _pick((digits(rng, 8), digits(rng, 13), f"JD{digits(rng, 9)}", f"{digits(rng, 4)}-{digits(rng, 4)}"), rng)


def moment(rng: Rng) -> str:
    """A date and a time."""
    day = f"20{rng.integers(10, 26)}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
    return f"{day} {rng.integers(24):02d}:{rng.integers(60):02d}"


def digits(rng: Rng, count: int) -> str:
    """So many digits."""
    return "".join(map(str, rng.integers(0, 10, count)))


def _card_digits(rng: Rng, *, right: bool) -> str:
    head, length = _CARDS[int(rng.integers(len(_CARDS)))]
    body = head + digits(rng, length - len(head) - 1)
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(body)))
    check = -total % 10
    return body + str(check if right else (check + int(rng.integers(1, 10))) % 10)


def _pick(options: Sequence[str], rng: Rng) -> str:
    return options[int(rng.integers(len(options)))]
