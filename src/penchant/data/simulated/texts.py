"""What is written in the bazaar: titles, descriptions, searches and reviews, in both languages."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from penchant.data.simulated.wares import LANGUAGES, LEVEL_LINES, interests
from penchant.language import Lang, Phrase
from penchant.vectors import Rows

_ENDINGS: Final = (
    Phrase("Ships within two days.", "两日内发货。"),
    Phrase("Thirty days to return it.", "三十天无忧退换。"),
    Phrase("New this season.", "本季新款上架。"),
    Phrase("A gift box is included.", "附送礼盒包装。"),
    Phrase("Few left in stock.", "库存不多，售完即止。"),
)

_GOOD: Final = (
    Phrase("Very happy with the {noun}: {feature}, just as described.", "这款{noun}很满意，{feature}，和描述的一样。"),
    Phrase("Bought for the {feature}, and rightly so. Great {noun}.", "冲着{feature}买的，果然没失望，{noun}很赞。"),
    Phrase(
        "Ordered {noun} here a second time: {feature}, early delivery.", "第二次回购{noun}了，{feature}，发货也快。"
    ),
    Phrase(
        "Excellent {noun}. The whole family agrees, {feature} above all.", "{noun}非常好，全家都喜欢，尤其是{feature}。"
    ),
    Phrase("Worth every penny, I would recommend the {noun} to anyone.", "物超所值，推荐大家入手这款{noun}。"),
    Phrase("Lovely {noun}, {feature}. Five stars from me.", "{noun}质量很棒，{feature}，五星好评。"),
)
_MIXED: Final = (
    Phrase("All right for {noun}, but {feature}? Could be better.", "{noun}还行吧，{feature}这点一般般。"),
    Phrase("Fair {noun} for the price, nothing special.", "中规中矩的{noun}，对得起这个价格，谈不上惊喜。"),
    Phrase("Good {noun}, slow delivery.", "{noun}不错，就是快递有点慢。"),
)
_BAD: Final = (
    Phrase("Disappointed with the {noun}: broken within a week.", "太失望了，{noun}用了一周就坏了。"),
    Phrase(
        "So much for {feature}: not true at all. Do not buy the {noun}.", "说好的{feature}根本没有，这款{noun}别买。"
    ),
    Phrase(
        "Poor quality, and the seller does not answer. Sending the {noun} back.",
        "做工很差，客服也不理人，{noun}已退货。",
    ),
    Phrase("Nothing like the {noun} in the pictures. Waste of money.", "{noun}和图片完全不符，浪费钱。"),
)
_RING: Final = Phrase("Super good super good, everyone buy buy buy!!!", "超级好超级好，大家快买买买！！！")

_QUERIES: Final = (Phrase("{noun}", "{noun}"), Phrase("{feature} {noun}", "{feature} {noun}"))


def title(lang: Lang, brand: str, noun: str, feature: str) -> str:
    """What an item is called.

    >>> title("zh", "海棠", "迷你冰箱", "变频静音"), title("en", "Lark", "mini fridge", "quiet compressor")
    ('海棠迷你冰箱 变频静音', 'Lark mini fridge, quiet compressor')
    """
    return f"{brand}{noun} {feature}" if lang == "zh" else f"{brand} {noun}, {feature}"


def description(lang: Lang, noun: str, features: Sequence[str], level: int, ending: int) -> str:
    """Two or three sentences about an item: what it is good for, and whom it is priced for."""
    line, last = LEVEL_LINES[level](lang), _ENDINGS[ending](lang)
    if lang == "zh":
        return f"这款{noun}{'，'.join(features)}。{line}{last}"
    return f"{noun[0].upper()}{noun[1:]} with {' and '.join(features)}. {line} {last}"


def searches(interest: Rows, language: Rows, rng: np.random.Generator) -> list[str]:
    """What members type to find an interest, each in their language."""
    return _written(_QUERIES, interest, language, None, rng)


def reviews(interest: Rows, language: Rows, noun: Rows, stars: Rows, rng: np.random.Generator) -> list[str]:
    """What members write about items, in the mood of their stars: 4 and 5 praise, 1 and 2 blame."""
    texts = np.empty(len(interest), dtype=object)
    for phrases, mood in ((_GOOD, stars >= 4), (_MIXED, stars == 3), (_BAD, stars <= 2)):
        texts[mood] = _written(phrases, interest[mood], language[mood], noun[mood], rng)
    return texts.tolist()


def ring_review(lang: Lang) -> str:
    """What everyone in a ring of bought reviews writes."""
    return _RING(lang)


def labelled(each: int, languages: Sequence[int], rng: np.random.Generator) -> list[tuple[str, str]]:
    """Texts (searches and reviews) with the path of the interest they speak of, `each` for every interest."""
    interest = np.repeat(np.arange(len(interests())), each)
    language = np.asarray(languages)[np.arange(len(interest)) % len(languages)]
    half = rng.random(len(interest)) < 0.5
    written = np.empty(len(interest), dtype=object)
    written[half] = searches(interest[half], language[half], rng)
    noun, stars = rng.integers(0, 5, len(interest)), rng.integers(1, 6, len(interest))
    told = ~half
    written[told] = reviews(interest[told], language[told], noun[told], stars[told], rng)
    paths = [interests()[one].path(LANGUAGES[lang]) for one, lang in zip(interest, language, strict=True)]
    return list(zip(written.tolist(), paths, strict=True))


def _written(
    phrases: Sequence[Phrase], interest: Rows, language: Rows, noun: Rows | None, rng: np.random.Generator
) -> list[str]:
    """One of the phrases for each row, filled with the words of its interest."""
    count, wares = len(interest), interests()
    chosen, feature = rng.integers(0, len(phrases), count), rng.integers(0, 5, count)
    nouns = rng.integers(0, 5, count) if noun is None else noun
    # There are a few thousand different texts however many are asked for: each is composed once.
    key = np.stack([chosen, feature, nouns, interest, language], axis=1)
    distinct, inverse = np.unique(key, axis=0, return_inverse=True)
    composed = []
    for phrase, praised, thing, one, lang in distinct.tolist():
        words = LANGUAGES[lang]
        composed.append(
            phrases[phrase](words, noun=wares[one].nouns[words][thing], feature=wares[one].features[words][praised])
        )
    return np.array(composed, dtype=object)[inverse.ravel()].tolist() if count else []
