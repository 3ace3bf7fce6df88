"""What a profile tells of a member: each feature's name, and what it is called for people."""

from collections.abc import Callable
from typing import Final

from penchant.data.strata import Tier
from penchant.language import Lang, Phrase

FEATURES: Final[dict[str, Phrase]] = {
    "events": Phrase("events", "行为数"),
    "active_days": Phrase("days with events", "活跃天数"),
    "tenure_days": Phrase("days since the first event", "首次行为距今天数"),
    "recency_days": Phrase("days since the last event", "最近行为距今天数"),
    "events_30": Phrase("events in the last 30 days", "近 30 天行为数"),
    "events_90": Phrase("events in the last 90 days", "近 90 天行为数"),
    "trend": Phrase("events of the last 90 days against the 90 before", "近 90 天相对此前 90 天的行为变化"),
    "gap_days": Phrase("usual days between visits", "通常来访间隔（天）"),
    "gap_spread": Phrase("how unsteady those days are", "来访间隔的波动"),
    "overdue": Phrase("days away against the usual gap", "未来访天数相对通常间隔"),
    "orders": Phrase("days with a purchase", "购买天数"),
    "order_recency_days": Phrase("days since the last purchase", "最近购买距今天数"),
    "order_gap_days": Phrase("usual days between purchases", "通常购买间隔（天）"),
    "order_overdue": Phrase("days since the last purchase against the usual gap", "未购买天数相对通常间隔"),
    "spend": Phrase("money spent, less what came back", "净消费额"),
    "spend_90": Phrase("money spent in the last 90 days", "近 90 天消费额"),
    "spend_trend": Phrase("money of the last 90 days against the 90 before", "近 90 天相对此前 90 天的消费变化"),
    "spend_per_order": Phrase("money a purchase day", "每购买日消费额"),
    "items_per_order": Phrase("items a purchase day", "每购买日件数"),
    "refunds": Phrase("returns for each purchase", "退货率"),
    "refunded": Phrase("share of the money that came back", "退款金额占比"),
    "items": Phrase("different items", "不同物品数"),
    "breadth": Phrase("different categories", "不同类目数"),
    "variety": Phrase("how evenly spread over categories", "类目分布的均匀程度"),
    "repeats": Phrase("share of events with items met before", "重复接触占比"),
    "price_level": Phrase(
        "prices of what they take, from cheapest 0 to dearest 1", "所选物品的价格水平（0 最低，1 最高）"
    ),
    "sellers": Phrase("different sellers", "不同商家数"),
    "newness": Phrase("share of events with items younger than 90 days", "新品占比"),
    "rating": Phrase("mean rating", "平均评分"),
    "ratings": Phrase("ratings", "评分数"),
    "written": Phrase("texts written", "评论数"),
    "sentiment": Phrase("how they feel in what they write, -1 to 1", "评论情感（-1 到 1）"),
    "negative_share": Phrase("share of what they write that is blame", "负面评论占比"),
    "sentiment_trend": Phrase(
        "how they feel in what they wrote in the last 90 days, against before", "近 90 天评论情感相对以往的变化"
    ),
    "searches": Phrase("searches", "搜索次数"),
    "night": Phrase("share of events from 0 to 6 o'clock", "0–6 点占比"),
    "morning": Phrase("share of events from 6 to 12 o'clock", "6–12 点占比"),
    "afternoon": Phrase("share of events from 12 to 18 o'clock", "12–18 点占比"),
    "evening": Phrase("share of events from 18 to 24 o'clock", "18–24 点占比"),
    "weekend": Phrase("share of events on weekends", "周末占比"),
    "core_interests": Phrase("core interests, strong and steady", "核心兴趣数"),
    "regular_interests": Phrase("regular interests, come back to now and then", "常规兴趣数"),
    "emerging_interests": Phrase("emerging interests, lately grown", "新兴兴趣数"),
    "fading_interests": Phrase("fading interests, lately shrunk", "消退兴趣数"),
    "latent_interests": Phrase("latent interests, predicted and hardly shown", "潜在兴趣数"),
}
"""All features but shares of categories, sellers, hours and kinds. A column that a community lacks makes its feature
missing (NaN), not zero; those of `FEELINGS` and `TIERS` are there where events or strata tell them at all."""

FEELINGS: Final = ("negative_share", "sentiment_trend")
"""Told where events say how their members felt."""
TIERS: Final = tuple(f"{tier.value}_interests" for tier in Tier)
"""Told where strata are given."""
BASIC: Final = tuple(name for name in FEATURES if name not in (*FEELINGS, *TIERS))
"""The features of every profile."""

HOURS: Final = tuple(f"hour:{hour:02}" for hour in range(24))
"""Share of each hour of the day in a member's visits."""

SHARE: Final = "share:"
SELLER: Final = "seller:"
"""What the names of shares of categories and of sellers begin with."""
_SHARE: Final = Phrase("share of {category}", "{category}占比")
_HOUR: Final = Phrase("share of visits at {hour} o'clock", "{hour} 点来访占比")
_SELLER: Final = Phrase("share of the seller {seller}", "商家「{seller}」占比")
_KIND: Final = Phrase("share of events that are: {kind}", "行为占比：{kind}")


UNTOLD: Final = {
    "sentiment": Phrase(
        "Nothing tells how members feel: no text is labelled as praise or blame, none comes with stars, and "
        "[members.sentiment] names no model.",
        "无从判断评论情感：没有标注正面或负面的文本，评论不带星级，[members.sentiment] 也未指定模型。",
    ),
    "core_interests": Phrase(
        "No member has enough of a past for interests in tiers.", "没有会员有足够的历史来划分兴趣层级。"
    ),
}
"""What is said where a feature is missing of everybody."""


def untold(tells: Callable[[str], bool], lang: Lang = "en") -> tuple[str, ...]:
    """What profiles cannot tell of anybody, and why.

    Args:
        tells: whether a feature says something of anybody: `Profiles.tells`.
        lang: of the sentences.

    >>> untold(lambda name: name != "core_interests")
    ('No member has enough of a past for interests in tiers.',)
    """
    return tuple(why(lang) for name, why in UNTOLD.items() if not tells(name))


def told(name: str, lang: Lang = "en") -> str:
    """A feature as people call it.

    >>> told("recency_days"), told("share:Books", "zh")
    ('days since the last event', 'Books占比')
    """
    if name in FEATURES:
        return FEATURES[name](lang)
    group, _, rest = name.partition(":")
    if not rest:
        return name
    if group == "hour":
        return _HOUR(lang, hour=int(rest))
    if group == "seller":
        return _SELLER(lang, seller=rest)
    return _SHARE(lang, category=rest) if group == "share" else _KIND(lang, kind=rest)
