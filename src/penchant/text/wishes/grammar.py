"""How wishes are said, in English and in Chinese: the regular expressions that find them in a folded text."""

import re
from typing import Final

from penchant.text.wishes.amounts import NUMBER
from penchant.text.wishes.attributes import UNITS

_MONEY: Final = r"元|块钱|块|圆|rmb|人民币|yuan|dollars?|bucks?|usd|euros?|eur|pounds?|美元|欧元"
_MEASURE: Final = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_UNIT: Final = rf"(?:{_MEASURE})(?![a-z])|(?:{_MONEY})"


def _amount(name: str = "n", unit: str = "unit") -> str:
    return rf"[$¥€£]?\s?(?P<{name}>{NUMBER})\s?(?P<{unit}>{_UNIT})?"


def _any(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_A: Final = _amount()
_DAY: Final = r"(?:1[89]|20)\d\d"

YEARS: Final[dict[str, tuple[re.Pattern[str], ...]]] = {
    "after": _any(rf"\b(?:after|later than) (?P<year>{_DAY})", rf"(?P<year>{_DAY})年?(?:以后|之后|后)"),
    "since": _any(
        rf"\b(?:since|from) (?P<year>{_DAY})(?: on(?:wards)?)?(?!\s?(?:-|to)\s?\d)",
        rf"(?P<year>{_DAY})年?(?:以来|起|开始)",
    ),
    "before": _any(rf"\b(?:before|earlier than|prior to) (?P<year>{_DAY})", rf"(?P<year>{_DAY})年?(?:以前|之前|前)"),
    "decade": _any(r"(?:\bthe )?(?P<year>(?:1[89]|20)?\d0)'?s\b", r"(?P<year>(?:1[89]|20)?\d0)年代"),
    "in": _any(rf"\b(?:in|of) (?P<year>{_DAY})\b", rf"(?P<year>{_DAY})年"),
}
"""Wishes for a time; `year` is what the pattern found."""

AMOUNTS: Final[dict[str, tuple[re.Pattern[str], ...]]] = {
    "range": _any(
        rf"\bbetween {_amount('n', 'first')} and {_amount('m')}",
        rf"(?:\bfrom )?{_amount('n', 'first')}\s?(?:-|~|–|—|\bto\b|到|至)\s?{_amount('m')}(?:之间)?",
    ),
    "around": _any(
        rf"(?:\baround|\babout|\broughly|\bapproximately)\s{_A}", rf"(?:预算(?:是|为|在)?)?{_A}(?:左右|上下)"
    ),
    "most": _any(
        rf"(?:\bunder|\bbelow|\bless than|\bcheaper than|\bat most|\bup to|\bno more than|\bnot more than|\bnot over"
        rf"|\bnot above|\bmaximum(?: of)?|\bmax|\bwithin|\bunder about|<=?|\bbudget(?: is| of|:)?)\s?{_A}",
        rf"{_A}\s(?:or (?:less|under|below|cheaper)|tops|max(?:imum)?)\b",
        rf"(?:不要?超过|别超过|不高于|不要?多于|低于|少于|小于|最多|最高|至多|预算(?:是|为|在|只有)?){_A}(?:以内|以下|之内)?",
        rf"{_A}(?:以内|以下|之内|封顶)",
    ),
    "least": _any(
        rf"(?:\bover|\babove|\bmore than|\bat least|\bstarting at|\bno less than|\bnot less than|\bnot under"
        rf"|\bnot below|\bminimum(?: of)?|>=?)\s?{_A}",
        rf"{_A}\s?(?:or (?:more|over|above)|and up|\+)",
        rf"(?:不低于|不少于|高于|超过|大于|多于|至少|最少|最低|起码){_A}(?:以上)?",
        rf"{_A}(?:以上|起步|往上)",
    ),
}
"""Wishes with numbers, tried in this order; `n` is the number, and in a range `m` the other one."""

RESET: Final = re.compile(
    r"\b(?:start over|start again|start afresh|reset|forget (?:everything|it all|all (?:of )?that)"
    r"|clear (?:all|everything))"
    r"|重新来过|重新开始|从头来|重来|全部(?:取消|清空|撤回)|清空"
)
LAST: Final = re.compile(r"^(?:that|it|the last(?: one)?|what i said|刚才的?(?:话|那句)?|上一?(?:句|个|条))$")
TAKE_BACK: Final = _any(
    r"\b(?:never mind|nevermind|forget(?: about)?|drop|ignore|scrap|undo|take back)\s(?P<what>.+)",
    r"\b(?P<what>.+?)\s(?:doesn't matter|does not matter|don't matter|isn't important|is fine(?: too| after all)?"
    r"|is ok(?:ay)?(?: too| after all)?|are fine(?: too)?|are ok(?:ay)?(?: too)?)\b",
    r"\bany (?P<what>price|colou?r|material|category|brand|size|weight|year|length)\b(?: will do| is fine| would do)?",
    r"(?:取消|撤回|不管|忽略|别管)(?P<what>.+?)(?:的?(?:限制|要求|条件))?$",
    r"去掉(?P<what>.+?)的?(?:限制|要求|条件)",
    r"^(?:算了)?(?P<what>.+?)(?:也行|也可以|也没关系|无所谓|都行|都可以|不重要|不限|没关系)了?$",
    r"随便(?P<what>什么(?:价格|颜色|材质|牌子))",
)
"""Sentences that take something back; `what` says which."""
NAMED_FACETS: Final[dict[str, re.Pattern[str]]] = {
    "price": re.compile(r"\b(?:price|budget|cost)|价格|价钱|价位|预算"),
    "colour": re.compile(r"\bcolou?rs?\b|颜色"),
    "material": re.compile(r"\bmaterials?\b|材质|材料"),
    "category": re.compile(r"\b(?:category|categories|kind|type|genres?)\b|类目|类别|种类|类型"),
    "seller": re.compile(r"\b(?:brands?|sellers?|shops?)\b|牌子|品牌|店铺|卖家"),
    "weight": re.compile(r"\bweight\b|重量"),
    "size": re.compile(r"\bsize\b|尺寸|大小"),
    "length": re.compile(r"\b(?:length|duration)\b|长度|时长"),
    "year": re.compile(r"\byears?\b|年份|年代"),
}
"""A facet by its name, where it is taken back."""

ORDINAL_WORDS: Final = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "last": -1,
}  # fmt: skip
ORDINAL: Final = re.compile(
    rf"\b(?:the )?(?P<word>{'|'.join(ORDINAL_WORDS)})(?: one)?\b|(?:\bnumber |#)(?P<digits>\d+)"
    r"|第(?P<zh>[一二两三四五六七八九十]+|\d+)(?:个|件|条|款|部|本)?|(?P<zhlast>最后(?:一)?(?:个|件|条|款|部|本))"
)
LIKE: Final = re.compile(
    r"\b(?:more like|like|similar to|such as|along the lines of)\s|类似于?|(?<![喜])像|和(?=.+(?:差不多|相似|类似))"
)
QUOTED: Final = re.compile(r"[“\"「『《](?P<title>[^”\"」』》]+)[”\"」』》]")

NEGATION: Final = re.compile(
    r"\b(?:no|not|non|without|except(?: for)?|excluding|other than|anything but|avoid|nothing|none of|never|neither"
    r"|don't want|do not want|don't need|don't like|do not like|don't show(?: me)?|i hate|hate|i dislike|dislike|isn't"
    r"|aren't|nor|skip)\b"
    r"|不想要|不想看|不想|不要|不喜欢|不爱|讨厌|别要|别给我|别推荐|别再|别|除了|排除|不含|不带|没有|拒绝|不是|不看"
)
LESS: Final = re.compile(r"\bless\b|\bfewer\b|少(?:一)?(?:点|些)")
"""Asks for less of something, which is no ban."""
BEHIND: Final = re.compile(r"(?P<what>.+?)(?:的)?(?:不要|除外|就算了)$|(?P<en>.+?),? (?:no thanks|excluded)$")
"""What is unwanted stands before."""
RATHER: Final = re.compile(
    r"\b(?:prefer(?:ably|red)?|rather|ideally|maybe|if possible)\b|最好|更喜欢|偏向|尽量|可能的话"
)
ONLY: Final = re.compile(r"\b(?:only|just|must(?: be| have)?|has to(?: be| have)?)\b|只要|只看|必须|一定要|仅")
ALSO: Final = re.compile(r"\b(?:also|too|as well|or)\b|也要|也看|还要|还有|再加|或者?|以及")
CLAUSES: Final = re.compile(r"\s*(?:(?<!\d)\.|\.(?!\d)|[,;!?\n，。；！？]|\bbut\b|但是?|不过|\bthough\b)\s*")
"""Where a wish ends and the next begins; a negation reaches no further."""
CONJUNCTS: Final = re.compile(r"\s*(?:\bor\b|\band\b|\bnor\b|和|或者?|以及|跟|、|/|&)\s*")

FILLER_EN: Final = _listed(
    """
    want need like please show me give find see get something anything some thing things one ones item items stuff more
    color colors colour colours colored coloured price priced style kind type sort made looking look prefer preferably
    maybe only just must really also too instead rather ideally possible brand ok okay well good great nice let us
    would could should have got am is are be been for my i i'd i'm the a an of in with and or but it that this these
    those to so very quite bit little lot even still again now then what about how if than by from at on movies movie
    films film books book
    """
)
"""English words that ask for nothing by themselves."""
FILLER_ZH: Final = re.compile(
    r"算了|我想要|我想看|我想|我要|想要|想看|给我|帮我|有没有|有没|来点|来些|来个|推荐|找找|找|请|一些|一点|一款|一件|一个|那种|这种|"
    r"颜色|价格|风格|款式|类型|材质|最好是?|更喜欢|喜欢|只要|只看|必须|一定要?|换成|换个|换|再来|还要|也要|要是|要|的话|的|了|吧|吗|呢|"
    r"啊|款|种|些|点|再|更|还|也|是|看|带|有|东西|产品|商品|电影|我|想"
)
"""Chinese words that ask for nothing by themselves."""
