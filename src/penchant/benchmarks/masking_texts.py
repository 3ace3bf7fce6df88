"""Texts with planted personal data and with numbers that only look like them, in Chinese and English.

The forms are written from the standards themselves (GB 11643, ISO/IEC 7812, GA 36, the numbering plan of the MIIT), not
from the recognisers under test.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from penchant.benchmarks import masking_forms as forms
from penchant.members.recognisers import Personal

Rng = np.random.Generator
_T = TypeVar("_T")
_SLOT: Final = re.compile(r"\{(\w+)\}")

_MAKERS: Final[dict[str, tuple[Callable[[Rng], str], Personal | None]]] = {
    "mobile": (forms.mobile, Personal.MOBILE),
    "landline": (forms.landline, Personal.LANDLINE),
    "resident": (forms.resident, Personal.RESIDENT_ID),
    "card": (forms.card, Personal.BANK_CARD),
    "email": (forms.email, Personal.EMAIL),
    "plate": (forms.plate, Personal.PLATE),
    "address": (forms.address, Personal.ADDRESS),
    "street": (forms.street, Personal.ADDRESS),
    "name": (forms.name, Personal.NAME),
    "surname": (forms.surname, Personal.NAME),
    "person": (forms.person, Personal.NAME),
    "lastname": (forms.lastname, Personal.NAME),
    "abroad": (forms.abroad, Personal.PHONE),
    "price": (forms.price, None),
    "order": (forms.order, None),
    "item": (forms.item, None),
    "wrong_card": (forms.wrong_card, None),
    "wrong_resident": (forms.wrong_resident, None),
    "moment": (forms.moment, None),
}
"""What stands in a slot, and what kind of personal data that is; None: none, though it may look like some."""

_ZH: Final = (
    "我的手机是{mobile}", "有问题打{mobile}", "{mobile}，随时联系", "加微信{mobile}", "联系电话：{mobile}",
    "座机{landline}", "公司电话：{landline}", "请拨打{landline}",
    "身份证号{resident}", "证件号码：{resident}", "我的{resident}填错了",
    "退款到卡号{card}", "银行卡{card}", "请打到{card}",
    "邮箱{email}", "发票发到{email}就行", "Email：{email}",
    "我的车牌是{plate}", "车号{plate}", "停车场那辆{plate}",
    "请寄到{address}", "地址：{address}", "我家住在{address}", "送货到{address}太慢",
    "收货人：{name}", "我叫{name}", "联系人 {name}", "请找{surname}先生", "感谢{name}女士的帮助", "{surname}师傅很负责",
    "姓名：{name}", "国外电话{abroad}", "海外客服 {abroad}",
)  # fmt: skip
_ZH_DECOYS: Final = (
    "一共￥{price}", "花了{price}元", "订单号{order}", "订单编号：{order}", "商品编号{item}", "货号{item}",
    "运单号{order}", "编号{wrong_card}对不上", "{wrong_resident}这个号查不到", "{moment}下的单", "快递单号：{order}",
    "条形码{item}", "型号{item}",
)  # fmt: skip
_ZH_FILLERS: Final = (
    "东西收到了，质量不错", "物流很快，快递小哥态度好", "安装师傅很专业", "前台小姐热情", "用了3个月，电池掉到85%",
    "一路上颠簸，包装有点破", "价格便宜100多块，比实体店划算", "客服说24小时内发货", "在南京路附近买过",
    "张嘴就来的广告", "手机屏幕6.5寸，8GB+256GB", "王者荣耀玩着不卡", "高兴得很，推荐给大家", "这是第12次回购了",
    "女士们都说好看", "尺码偏大，建议买小一号", "中国路况复杂，导航很准", "问了3号客服和2号楼的门卫",
)  # fmt: skip
_EN: Final = (
    "my mobile is {mobile}", "text me on {mobile}", "my Chinese ID is {resident}", "card number {card}",
    "please refund to {card}", "write to {email}", "my e-mail: {email}", "call me at {abroad}", "my number is {abroad}",
    "ship it to {street}", "I live at {street}", "Dear Mr. {lastname}", "ask for Dr {person}", "my name is {person}",
    "Mrs {lastname} was helpful", "Recipient: {person}", "the car is {plate}", "office phone {landline}",
)  # fmt: skip
_EN_DECOYS: Final = (
    "it cost ${price}", "order number {order}", "order #{order}", "item no. {item}", "tracking number {order}",
    "invoice {order}", "bought on {moment}", "serial number {wrong_card}", "ISBN {item}",
    "the code {wrong_resident} did not work",
)  # fmt: skip
_EN_FILLERS: Final = (
    "the kettle boils in 3 minutes", "Great value for 25 dollars", "I use it on the road every day",
    "the 12 Monkeys poster is lovely", "delivery took 5 days", "Dr Pepper tastes fine with it",
    "battery drops to 85% after 2 hours", "Street style at its best", "works with 110-240 V",
    "my son is 7 and loves it", "version 10.0.19045 installed", "fits a 15 inch laptop",
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """A text, where its personal data stand, and where a number stands that is none."""

    text: str
    pieces: tuple[tuple[int, int, Personal], ...]
    decoys: tuple[tuple[int, int], ...]


def planted_texts(count: int, seed: int) -> list[Planted]:
    """Texts with up to three pieces of different kinds and up to two decoys each, half of them Chinese.

    >>> one, _ = planted_texts(2, 0)
    >>> all(one.text[start:end] for start, end, _ in one.pieces)
    True
    """
    rng = np.random.default_rng(seed)
    return [_text(rng, chinese=place % 2 == 0) for place in range(count)]


def _text(rng: Rng, *, chinese: bool) -> Planted:
    plants, decoys, fillers = (_ZH, _ZH_DECOYS, _ZH_FILLERS) if chinese else (_EN, _EN_DECOYS, _EN_FILLERS)
    by_kind: dict[Personal | None, list[str]] = {}
    for sentence in plants:
        by_kind.setdefault(_MAKERS[_slot(sentence)][1], []).append(sentence)
    kinds = [list(by_kind)[place] for place in rng.permutation(len(by_kind))[: rng.integers(1, 4)]]
    sentences = [_pick(by_kind[kind], rng) for kind in kinds]
    sentences += [_pick(decoys, rng) for _ in range(int(rng.integers(0, 3)))]
    sentences += [_pick(fillers, rng) for _ in range(int(rng.integers(1, 3)))]
    text, pieces, things = "", [], []
    stops = ("，", "。", "；", "！") if chinese else (", ", ". ", "; ", "! ")
    for place in rng.permutation(len(sentences)):
        sentence = sentences[int(place)]
        slot = _SLOT.search(sentence)
        if slot is not None:
            make, kind = _MAKERS[slot[1]]
            value, start = make(rng), len(text) + slot.start()
            sentence = sentence[: slot.start()] + value + sentence[slot.end() :]
            if kind is None:
                things.append((start, start + len(value)))
            else:
                pieces.append((start, start + len(value), kind))
        text += sentence + _pick(stops, rng)
    return Planted(text, tuple(pieces), tuple(things))


def _slot(sentence: str) -> str:
    found = _SLOT.search(sentence)
    assert found is not None
    return found[1]


def _pick(options: Sequence[_T], rng: Rng) -> _T:
    return options[int(rng.integers(len(options)))]
