"""Texts with planted personal data and with numbers that only look like them, in Chinese and English.

The forms are written from the standards themselves (GB 11643, ISO/IEC 7812, GA 36, the numbering plan of the MIIT), not
from the recognisers under test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from penchant.members.recognisers import Personal

Rng = np.random.Generator
_T = TypeVar("_T")


@dataclass(frozen=True)
class Planted:
    """A text, where its personal data stand, and where a number stands that is none."""

    text: str
    pieces: tuple[tuple[int, int, Personal], ...]
    decoys: tuple[tuple[int, int], ...]


def planted_texts(count: int, seed: int) -> list[Planted]:
    """Texts with up to three pieces and up to two decoys each, half of them Chinese."""
    rng = np.random.default_rng(seed)
    return [_text(rng, chinese=place % 2 == 0) for place in range(count)]


def _text(rng: Rng, *, chinese: bool) -> Planted:
    kinds, decoys, fillers = (_ZH, _ZH_DECOYS, _ZH_FILLERS) if chinese else (_EN, _EN_DECOYS, _EN_FILLERS)
    parts: list[tuple[str, str, Personal | None | bool]] = []
    for kind in rng.permutation(list(kinds))[: rng.integers(1, 4)].tolist():
        sentence, make = _pick(kinds[Personal(kind)], rng)
        parts.append((sentence, make(rng), Personal(kind)))
    for _ in range(int(rng.integers(0, 3))):
        sentence, make = _pick(decoys, rng)
        parts.append((sentence, make(rng), None))
    parts += [(_pick(fillers, rng), "", False) for _ in range(int(rng.integers(1, 3)))]
    text, pieces, things = "", [], []
    stops = ("，", "。", "；", "！") if chinese else (", ", ". ", "; ", "! ")
    for place in rng.permutation(len(parts)):
        sentence, value, kind = parts[int(place)]
        before, _, after = sentence.partition("{}")
        start = len(text) + len(before)
        if kind is None:
            things.append((start, start + len(value)))
        elif isinstance(kind, Personal):
            pieces.append((start, start + len(value), kind))
        text += before + value + after + _pick(stops, rng)
    return Planted(text, tuple(pieces), tuple(things))


def _pick(options: Sequence[_T], rng: Rng) -> _T:
    return options[int(rng.integers(len(options)))]


def _digits(rng: Rng, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count)))


def _mobile(rng: Rng) -> str:
    head = _pick(
        "130 133 135 136 138 139 147 150 152 157 158 159 166 170 171 176 177 178 180 182 186 188 189 191 198 199".split(),
        rng,
    )
    middle, tail = _digits(rng, 4), _digits(rng, 4)
    form = int(rng.integers(8))
    if form == 0:
        return f"{head}-{middle}-{tail}"
    if form == 1:
        return f"{head} {middle} {tail}"
    if form == 2:
        return f"+86 {head}{middle}{tail}"
    if form == 3:
        return f"0086{head}{middle}{tail}"
    if form == 4:
        return f"{head}{middle}{tail}".translate(dict(zip(map(ord, "0123456789"), "０１２３４５６７８９", strict=True)))
    return f"{head}{middle}{tail}"


def _landline(rng: Rng) -> str:
    short = rng.random() < 0.4
    area = (
        _pick("010 020 021 022 023 024 025 027 028 029".split(), rng)
        if short
        else f"0{rng.integers(3, 10)}{rng.integers(1, 8)}{rng.integers(1, 10)}"
    )
    number = f"{rng.integers(2, 9)}{_digits(rng, 7 if short or rng.random() < 0.5 else 6)}"
    extension = f"转{_digits(rng, 3)}" if rng.random() < 0.15 else ""
    return (
        _pick(
            (f"{area}-{number}", f"({area}){number}", f"（{area}）{number}", f"{area} {number}", f"{area}{number}"), rng
        )
        + extension
    )


def _resident(rng: Rng) -> str:
    region = _pick("110105 310115 440305 330106 510104 420111 320102 610113 210202 500103".split(), rng)
    first = f"{region}{rng.integers(1940, 2012)}{rng.integers(1, 13):02d}{rng.integers(1, 29):02d}{_digits(rng, 3)}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first, weights, strict=True)) % 11]
    return first + (check.lower() if rng.random() < 0.2 else check)


def _card_digits(rng: Rng, *, right: bool = True) -> str:
    head, length = _pick(
        (("622848", 19), ("621700", 19), ("622202", 19), ("625912", 16), ("4", 16), ("52", 16), ("34", 15)), rng
    )
    body = head + _digits(rng, length - len(head) - 1)
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(body)))
    check = -total % 10
    return body + str(check if right else (check + int(rng.integers(1, 10))) % 10)


def _card(rng: Rng) -> str:
    digits = _card_digits(rng)
    if len(digits) == 15 or rng.random() < 0.5:
        return digits
    return _pick((" ", "-"), rng).join(digits[start : start + 4] for start in range(0, len(digits), 4))


def _email(rng: Rng) -> str:
    name = _pick(("li.wei", "zhang_hua", "anna-b", "x", "wang2008", "j.smith", "m+shop", "Chen.Jing", "1234567"), rng)
    return f"{name}{rng.integers(100) if rng.random() < 0.5 else ''}@{_pick(('qq.com', '163.com', 'gmail.com', 'mail.example.co.uk', 'shop-abc.cn', 'vip.sina.com'), rng)}"


def _plate(rng: Rng) -> str:
    province, letters = _pick("京沪粤苏浙川渝鲁豫鄂", rng), "ABCDEFGHJKLMNPQRSTUVWXYZ"
    city = _pick("ABCDEFGH", rng)
    dot = _pick(("", "", "·"), rng)
    if rng.random() < 0.3:
        return f"{province}{city}{dot}{_pick('DF', rng)}{_digits(rng, 5)}"
    last = [_pick(letters + "0123456789" * 2, rng) for _ in range(4)] + [_digits(rng, 1)]
    return f"{province}{city}{dot}{''.join(map(str, rng.permutation(last)))}"


_AREAS: Final = (
    "北京市朝阳区",
    "上海市浦东新区",
    "广东省深圳市南山区",
    "浙江省杭州市西湖区",
    "成都市武侯区",
    "江苏省南京市鼓楼区",
    "海淀区",
    "天河区",
    "湖北省武汉市洪山区",
    "苏州市昆山市花桥镇",
)
_STREETS: Final = (
    "建国路",
    "张杨路",
    "科技园南路",
    "文三路",
    "人民南路",
    "中山北路",
    "中关村大街",
    "天河路",
    "珞喻路",
    "兆丰路",
    "幸福里",
    "南锣鼓巷",
    "长安街",
    "滨江大道",
)
_ESTATES: Final = ("阳光花园", "翠苑新村", "万科城市花园", "东方家园")


def _address(rng: Rng) -> str:
    street = f"{_pick(_AREAS, rng)}{_pick(_STREETS, rng)}{rng.integers(1, 2000)}号"
    form = int(rng.integers(5))
    if form == 0:
        return street
    if form == 1:
        return f"{street}{rng.integers(1, 30)}栋{rng.integers(1, 5)}单元{rng.integers(101, 2500)}室"
    if form == 2:
        return f"{street}{_pick(_ESTATES, rng)}{rng.integers(1, 30)}号楼{rng.integers(101, 2500)}室"
    if form == 3:
        return f"{_pick(_AREAS, rng)}{_pick(_ESTATES, rng)}{rng.integers(1, 40)}栋{rng.integers(101, 2500)}室"
    return f"{street}院{rng.integers(1, 9)}号楼"


def _address_en(rng: Rng) -> str:
    street = _pick(("Baker", "Maple", "High", "Church", "Elm Tree", "Martin Luther King", "5th", "West Park"), rng)
    suffix = _pick(("Street", "St", "Road", "Ave", "Avenue", "Lane", "Drive", "Blvd"), rng)
    flat = _pick(("", "", ", Apt 4B", ", Suite 200", ", Flat 3"), rng)
    return f"{rng.integers(1, 9999)} {street} {suffix}{flat}"


_FAMILY: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭林何高梁"
_GIVEN: Final = (
    "伟",
    "芳",
    "秀英",
    "敏",
    "静",
    "丽",
    "强",
    "磊",
    "洋",
    "艳",
    "志明",
    "建华",
    "小燕",
    "雨桐",
    "子轩",
    "浩然",
)


def _name(rng: Rng) -> str:
    return ("欧阳" if rng.random() < 0.05 else _pick(_FAMILY, rng)) + _pick(_GIVEN, rng)


def _surname(rng: Rng) -> str:
    return _pick(_FAMILY, rng)


def _name_en(rng: Rng) -> str:
    return f"{_pick(('John', 'Mary', 'Olivia', 'Ahmed', 'Wei', 'Sofia'), rng)} {_pick(('Smith', 'Brown', 'Garcia', 'Chen', 'Patel'), rng)}"


def _surname_en(rng: Rng) -> str:
    return _pick(("Smith", "Brown", "Garcia", "O'Brien", "Patel", "Johnson"), rng)


def _abroad(rng: Rng) -> str:
    return _pick(
        (
            f"+1 650-253-{_digits(rng, 4)}", f"+44 20 7946 0{_digits(rng, 3)}", f"+81 3-3224-{_digits(rng, 4)}",
            f"+49 30 2270{_digits(rng, 4)}", f"+852 2{_digits(rng, 3)} {_digits(rng, 4)}", f"+65 6{_digits(rng, 3)} {_digits(rng, 4)}",
            f"+33 1 42 68 {_digits(rng, 2)} {_digits(rng, 2)}",
        ),
        rng,
    )  # fmt: skip


def _decimal(rng: Rng) -> str:
    return f"{rng.integers(1, 99999)}.{_digits(rng, 2)}"


def _order(rng: Rng) -> str:
    return _pick(
        (
            _digits(rng, 11),
            f"1{rng.integers(3, 10)}{_digits(rng, 9)}",
            _digits(rng, 10),
            f"20{rng.integers(10, 26)}{_digits(rng, 12)}",
            _digits(rng, 18),
        ),
        rng,
    )


def _item(rng: Rng) -> str:
    return _pick(
        (_digits(rng, 8), _digits(rng, 13), f"JD{_digits(rng, 9)}", f"{_digits(rng, 4)}-{_digits(rng, 4)}"), rng
    )


def _bad_card(rng: Rng) -> str:
    return _card_digits(rng, right=False)


def _bad_resident(rng: Rng) -> str:
    right = _resident(rng)
    return right[:-1] + _pick([sign for sign in "0123456789X" if sign != right[-1].upper()], rng)


def _moment(rng: Rng) -> str:
    return f"20{rng.integers(10, 26)}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d} {rng.integers(24):02d}:{rng.integers(60):02d}"


Make = Callable[[Rng], str]
_ZH: Final[dict[Personal, Sequence[tuple[str, Make]]]] = {
    Personal.MOBILE: [("我的手机是{}", _mobile), ("有问题打{}", _mobile), ("{}，随时联系", _mobile), ("加微信{}", _mobile), ("联系电话：{}", _mobile)],
    Personal.LANDLINE: [("座机{}", _landline), ("公司电话：{}", _landline), ("请拨打{}", _landline)],
    Personal.RESIDENT_ID: [("身份证号{}", _resident), ("证件号码：{}", _resident), ("我的{}填错了", _resident)],
    Personal.BANK_CARD: [("退款到卡号{}", _card), ("银行卡{}", _card), ("请打到{}", _card)],
    Personal.EMAIL: [("邮箱{}", _email), ("发票发到{}就行", _email), ("Email：{}", _email)],
    Personal.PLATE: [("我的车牌是{}", _plate), ("车号{}", _plate), ("停车场那辆{}", _plate)],
    Personal.ADDRESS: [("请寄到{}", _address), ("地址：{}", _address), ("我家住在{}", _address), ("送货到{}太慢", _address)],
    Personal.NAME: [("收货人：{}", _name), ("我叫{}", _name), ("联系人 {}", _name), ("请找{}先生", _surname), ("感谢{}女士的帮助", _name), ("{}师傅很负责", _surname), ("姓名：{}", _name)],
    Personal.PHONE: [("国外电话{}", _abroad), ("海外客服 {}", _abroad)],
}  # fmt: skip
_EN: Final[dict[Personal, Sequence[tuple[str, Make]]]] = {
    Personal.MOBILE: [("my mobile is {}", _mobile), ("text me on {}", _mobile)],
    Personal.RESIDENT_ID: [("my Chinese ID is {}", _resident)],
    Personal.BANK_CARD: [("card number {}", _card), ("please refund to {}", _card)],
    Personal.EMAIL: [("write to {}", _email), ("my e-mail: {}", _email)],
    Personal.PHONE: [("call me at {}", _abroad), ("my number is {}", _abroad)],
    Personal.ADDRESS: [("ship it to {}", _address_en), ("I live at {}", _address_en)],
    Personal.NAME: [("Dear Mr. {}", _surname_en), ("ask for Dr {}", _name_en), ("my name is {}", _name_en), ("Mrs {} was helpful", _surname_en), ("Recipient: {}", _name_en)],
    Personal.PLATE: [("the car is {}", _plate)],
    Personal.LANDLINE: [("office phone {}", _landline)],
}  # fmt: skip
_ZH_DECOYS: Final[Sequence[tuple[str, Make]]] = [
    ("一共￥{}", _decimal), ("花了{}元", _decimal), ("订单号{}", _order), ("订单编号：{}", _order), ("商品编号{}", _item),
    ("货号{}", _item), ("运单号{}", _order), ("编号{}对不上", _bad_card), ("{}这个号查不到", _bad_resident), ("{}下的单", _moment),
    ("快递单号：{}", _order), ("条形码{}", _item), ("型号{}", _item),
]  # fmt: skip
_EN_DECOYS: Final[Sequence[tuple[str, Make]]] = [
    ("it cost ${}", _decimal), ("order number {}", _order), ("order #{}", _order), ("item no. {}", _item),
    ("tracking number {}", _order), ("invoice {}", _order), ("bought on {}", _moment), ("serial number {}", _bad_card),
    ("ISBN {}", _item), ("the code {} did not work", _bad_resident),
]  # fmt: skip
_ZH_FILLERS: Final = (
    "东西收到了，质量不错", "物流很快，快递小哥态度好", "安装师傅很专业", "前台小姐热情", "用了3个月，电池掉到85%", "一路上颠簸，包装有点破",
    "价格便宜100多块，比实体店划算", "客服说24小时内发货", "在南京路附近买过", "手机屏幕6.5寸，8GB+256GB", "王者荣耀玩着不卡", "高兴得很，推荐给大家",
    "这是第12次回购了", "女士们都说好看", "尺码偏大，建议买小一号", "中国路况复杂，导航很准", "问了3号客服和2号楼的门卫", "张嘴就来的广告",
)  # fmt: skip
_EN_FILLERS: Final = (
    "the kettle boils in 3 minutes", "Great value for 25 dollars", "I use it on the road every day", "the 12 Monkeys poster is lovely",
    "delivery took 5 days", "Dr Pepper tastes fine with it", "battery drops to 85% after 2 hours", "Street style at its best",
    "works with 110-240 V", "my son is 7 and loves it", "version 10.0.19045 installed", "fits a 15 inch laptop",
)  # fmt: skip
