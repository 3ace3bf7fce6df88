"""Personal data are found whatever stands around them, and numbers of things are left alone."""

import time

import pytest

from penchant.benchmarks.masking_texts import planted_texts
from penchant.benchmarks.members_masking import _by_form, _judged
from penchant.errors import ConfigError
from penchant.members.masking import MaskingConfig, find_personal, mask, unmask
from penchant.members.recognisers import Personal, luhn, resident_checksum
from penchant.members.sealing import key_from_text, key_to_text, new_key


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("打我手机13912345678", "打我手机[手机号]"),
        ("８６ １３９１２３４５６７８", "[mobile number]"),
        ("+86 139-1234-5678。", "[mobile number]。"),
        ("公司电话：（010）87654321转802，谢谢", "公司电话：[座机号]，谢谢"),
        ("拨打66176001", "拨打[座机号]"),
        ("身份证11010519491231002X", "身份证[身份证号]"),
        ("卡号6228480402564890018", "卡号[银行卡号]"),
        ("card 4111-1111-1111-1111 please", "card [bank card] please"),
        ("发到li.wei@qq.com就行", "发到[邮箱]就行"),
        ("车牌京A·12345和粤BD12345", "车牌[车牌号]和[车牌号]"),
        ("请寄到杭州市西湖区文三路88号3栋502室，谢谢", "请寄到[住址]，谢谢"),
        ("ship to 221 Baker Street, Flat 2 today", "ship to [address] today"),
        ("海外电话+44 20 7946 0958", "海外电话[国际电话]"),
        ("收货人：王小明，电话在下面", "收货人：[姓名]，电话在下面"),
        ("感谢梁思女士", "感谢[姓名]女士"),
        ("Dear Mr. O'Brien, hello", "Dear Mr. [name], hello"),
    ],
)
def test_each_kind_is_masked_by_what_it_is(text: str, masked: str) -> None:
    assert mask(text).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "订单号13912345678",
        "订单编号：6228480402564890018",
        "价格￥13912345678",
        "一共13912345678元",
        "tracking number 4111111111111111",
        "ISBN 9787111054252",
        "卡号6228480402564890019",  # a wrong check digit
        "证件110105194912310021",  # another
        "888888888888888888",
        "安装师傅很专业，前台小姐热情",
        "康师傅红烧牛肉面，空调得弄一弄",
        "2024-03-05 12:30 下的单，用了3个月",
        "I like Dr Pepper on the 12th street fair",
    ],
)
def test_numbers_and_names_of_things_are_left_alone(text: str) -> None:
    assert mask(text).found == ()


def test_planted_pieces_are_found_and_a_search_for_digits_alone_is_far_worse() -> None:
    texts = planted_texts(400, 7)
    ours = _judged(texts, [find_personal(one.text) for one in texts])
    naive = _judged(texts, [_by_form(one.text) for one in texts])
    assert ours["masking_recall"] >= 0.99
    assert ours["false_masking"] <= 0.005
    assert ours["false_characters"] <= 0.005
    assert naive["masking_recall"] < 0.6
    assert naive["false_masking"] > 0.3


def test_what_the_nearest_word_says_decides() -> None:
    assert mask("订单有问题，电话13912345678").counts == {"mobile": 1}
    assert mask("电话里说订单号13912345678").counts == {}


def test_kinds_and_regions_are_options() -> None:
    text = "13912345678 or 020 7946 0958"
    assert mask(text, MaskingConfig(kinds=(Personal.EMAIL,))).text == text
    assert "phone" not in mask("call 0121 496 0123").counts
    assert mask("call 0121 234 5678", MaskingConfig(regions=("GB",))).found


def test_only_the_key_brings_back_what_was_masked() -> None:
    key, text = new_key(), "打13912345678找收货人：王小明"
    sealed = mask(text, key=key).text
    assert "13912345678" not in sealed
    assert "王小明" not in sealed
    assert unmask(sealed, key_from_text(key_to_text(key))) == text
    assert mask(text, key=key).text == sealed, "equal pieces have equal seals"
    assert mask(sealed, key=key).text == sealed, "what is sealed is not masked again"
    with pytest.raises(ConfigError, match="another key"):
        unmask(sealed, new_key())
    with pytest.raises(ConfigError, match="has 3 bytes"):
        mask(text, key=b"abc")
    assert unmask(mask(text).text, key) == mask(text).text, "without a key it is gone"


def test_check_digits() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert resident_checksum("11010519491231002") == "X"


def test_a_text_made_to_slow_it_down_does_not() -> None:
    began = time.perf_counter()
    for text in (
        "市" * 3_000,
        "北京市朝阳区" * 500,
        "1" * 5_000,
        "a" * 5_000 + "@",
        "王" * 3_000 + "先生",
        "+1 " * 1_500,
    ):
        find_personal(text)
    assert time.perf_counter() - began < 3
