"""What puts the recommendations in order: the weights of the sources, and what the ranker goes by."""

from typing import TYPE_CHECKING, Final

from penchant.data.strata import TIER_NAMES
from penchant.language import Lang, Phrase
from penchant.quality import Quality
from penchant.report.charts import SERIES, Bar, Chart, bars_height, horizontal_bars
from penchant.report.page import Section, TableCard
from penchant.report.quality_section import named

if TYPE_CHECKING:
    from penchant.recommend import Recommender

SHOWN: Final = 12
"""Features of the ranker that are charted, the weightiest first."""

TITLE: Final = Phrase("What puts items in order", "排序依据")
SHORT: Final = Phrase("Order", "排序")
LEAD: Final = Phrase(
    "Each source scores every item from what a member did; their weights were picked on events held out.",
    "各来源根据会员的行为为每件物品打分，权重由留出的行为选定。",
)
RANK_BY: Final = Phrase("place by {source}", "{source}的名次")
_RANK: Final = "rank by "
FEATURES: Final = {
    "blend": Phrase("blend of the sources", "融合分数"),
    "closeness to recent taste": Phrase("closeness to recent taste", "与近期偏好的接近程度"),
    "closeness to long-run taste": Phrase("closeness to long-run taste", "与长期偏好的接近程度"),
    "age of the item": Phrase("age of the item", "物品上架时长"),
    "days since anyone liked it": Phrase("days since anyone liked it", "距最近一次被喜欢的天数"),
    "likes": Phrase("likes", "喜欢数"),
    "likes lately": Phrase("likes lately", "近期喜欢数"),
    "trend of likes": Phrase("trend of likes", "喜欢数的走势"),
    "price against the member's own": Phrase("price against the member's own", "相对会员常购价位的价格"),
    "categories the member likes": Phrase("categories the member likes", "会员喜欢的类目"),
    "hour": Phrase("hour", "时刻"),
    "weekday": Phrase("weekday", "星期"),
    "events of the member": Phrase("events of the member", "会员的行为数"),
    "days of the member": Phrase("days of the member", "会员的活跃天数"),
    "events in the last hour": Phrase("events in the last hour", "最近一小时的行为数"),
    "mainstream taste": Phrase("mainstream taste", "口味的大众程度"),
    **{f"{tier.value} interest": Phrase(f"{name.en} interest", f"{name.zh}兴趣") for tier, name in TIER_NAMES.items()},
    "liked in the segment": Phrase("liked in the segment", "所在分群的喜欢比例"),
    "liked in the segment against elsewhere": Phrase(
        "liked in the segment against elsewhere", "所在分群相对全体的喜欢倍数"
    ),
    "sureness of a change": Phrase("sureness of a change", "兴趣变化的把握"),
    "what the member turned to": Phrase("what the member turned to", "会员转向的内容"),
    "what the member turned from": Phrase("what the member turned from", "会员转离的内容"),
    "social closeness": Phrase("social closeness", "社交向量的接近程度"),
    "friends' likes": Phrase("friends' likes", "好友近期的喜欢"),
}
WEIGHTS: Final = Phrase("Weights of the sources", "各来源的权重")
SOURCE: Final = Phrase("source", "来源")
WEIGHT: Final = Phrase("weight", "权重")
IMPORTANCE: Final = Phrase("What the ranker goes by", "排序模型的特征重要性")
FEATURE: Final = Phrase("feature", "特征")
SHARE: Final = Phrase("share of the gain", "增益占比")
USED: Final = Phrase("A ranker corrects the order of the best candidates.", "最优候选由排序模型修正次序。")
LOG: Final = Phrase(
    "New items were tried {lines:,} times and taken up {reward:.1%}; always trying what the model likes best would "
    "have earned {value:.1%} ({low:.1%} to {high:.1%}, by SNIPS).",
    "新品共试推 {lines:,} 次，采纳率 {reward:.1%}；若总是试推模型最看好的新品，估计为 {value:.1%}"
    "（{low:.1%} 至 {high:.1%}，SNIPS）。",
)


def ranking_section(recommender: "Recommender", quality: Quality, lang: Lang) -> Section:
    """The weights as a table, the ranker's features as a chart where one is used, and what the log tells."""
    weights = sorted(recommender.weights.items(), key=lambda pair: -pair[1])
    table = TableCard(
        WEIGHTS(lang),
        (SOURCE(lang), WEIGHT(lang)),
        tuple((named(name, lang), f"{weight:.2f}") for name, weight in weights),
    )
    told = [LEAD(lang)]
    verdict = quality.setup.verdict if quality.setup is not None else None
    if verdict is not None:
        sentence = verdict.told(lang)
        told.append(sentence[0].upper() + sentence[1:] + {"en": ".", "zh": "。"}[lang])
    elif recommender.ranker is not None:
        told.append(USED(lang))
    if (logged := quality.logged) is not None:
        told.append(
            LOG(
                lang, lines=logged.lines, reward=logged.reward,
                value=logged.snips.value, low=logged.snips.low, high=logged.snips.high,
            )
        )  # fmt: skip
    charts = (_importance(recommender, lang),) if recommender.ranker is not None else ()
    return Section(
        "order", SHORT(lang), TITLE(lang), {"en": " ", "zh": ""}[lang].join(told), charts=charts, tables=(table,)
    )


def _importance(recommender: "Recommender", lang: Lang) -> Chart:
    assert recommender.ranker is not None
    shares = list(recommender.ranker.importance().items())[:SHOWN]
    bars = [Bar(feature(name, lang), share, shown=f"{share:.0%}", tone=SERIES[0]) for name, share in shares]
    first = bars[0].label if bars else ""
    takeaway = Phrase("Most of the gain comes from: {first}.", "增益最多来自：{first}。")(lang, first=first)
    return Chart(
        "importance",
        IMPORTANCE(lang),
        takeaway,
        horizontal_bars(bars),
        (FEATURE(lang), SHARE(lang)),
        tuple((bar.label, bar.shown) for bar in bars),
        height=bars_height(len(bars)),
        wide=True,
    )


def feature(name: str, lang: Lang) -> str:
    """What a feature of the ranker is called.

    >>> feature("rank by ease", "zh"), feature("ease", "en")
    ('EASE的名次', 'EASE')
    """
    if name.startswith(_RANK):
        return RANK_BY(lang, source=feature(name.removeprefix(_RANK), lang))
    return FEATURES[name](lang) if name in FEATURES else named(name, lang)
