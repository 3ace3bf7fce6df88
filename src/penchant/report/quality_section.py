"""How good the recommendations are, against the baselines and without the language model."""

from typing import Final

from penchant.language import Lang, Phrase
from penchant.quality import OURS, WITHOUT, Against, Measured, Quality
from penchant.report.charts import SERIES, Bar, Chart, bars_height, horizontal_bars
from penchant.report.page import Section, TableCard, Tile

_CHARTED: Final = "ndcg@10"
_SYSTEMS: Final = {
    OURS: Phrase("Penchant", "Penchant"),
    WITHOUT: Phrase("without the language model", "不用语言模型"),
    "popularity": Phrase("popularity", "热门排行"),
    "ease": Phrase("EASE", "EASE"),
    "als": Phrase("ALS", "ALS 矩阵分解"),
    "neighbours": Phrase("item neighbours", "物品近邻"),
    "cooccurrence": Phrase("co-occurrence", "共现"),
    "next": Phrase("what came next", "后续行为"),
    "again": Phrase("what is come back to", "复购"),
    "sequence": Phrase("sequence of events", "行为序列"),
    "text": Phrase("text similarity alone", "仅文本相似"),
}
_METRICS: Final = {
    "ndcg@10": Phrase("NDCG@10", "NDCG@10"),
    "recall@10": Phrase("recall@10", "召回率@10"),
    "hit@10": Phrase("hit@10", "命中率@10"),
    "mrr": Phrase("MRR", "MRR"),
    "coverage": Phrase("coverage", "覆盖率"),
}
"""The metrics that the table shows, where they were measured, in this order."""


def quality_section(quality: Quality, lang: Lang) -> Section:
    """A chart of NDCG@10 with intervals, and a table of all metrics; or why nothing could be measured."""
    short, heading = Phrase("Quality", "效果")(lang), Phrase("How good the recommendations are", "推荐效果")(lang)
    if quality.reason is not None or OURS not in quality.systems:
        lead = Phrase("This could not be measured: {reason}.", "无法评测：{reason}。")(lang, reason=quality.reason)
        return Section("quality", short, heading, lead)
    ranked = sorted(quality.systems, key=lambda name: -quality.systems[name][_CHARTED].value)
    bars = [_bar(name, quality.systems[name][_CHARTED], lang) for name in ranked]
    chart = Chart(
        "ndcg",
        Phrase("NDCG@10, with 95% intervals", "NDCG@10 及其 95% 置信区间")(lang),
        _takeaway(quality, lang),
        horizontal_bars(bars),
        (Phrase("system", "系统")(lang), "NDCG@10", Phrase("95% interval", "95% 置信区间")(lang)),
        tuple((bar.label, bar.shown, bar.note) for bar in bars),
        height=bars_height(len(bars)),
        wide=True,
    )
    metrics = [metric for metric in _METRICS if any(metric in figures for figures in quality.systems.values())]
    table = TableCard(
        Phrase("All metrics", "全部指标")(lang),
        (Phrase("system", "系统")(lang), *(_METRICS[metric](lang) for metric in metrics)),
        tuple(
            (named(name, lang), *(_cell(quality.systems[name].get(metric)) for metric in metrics)) for name in ranked
        ),
        strong=ranked.index(OURS),
        wide=True,
    )
    lead = Phrase(
        "Judged on {events:,} events of {members:,} members that were kept from every model while it learned. "
        "Each ranking orders the whole catalogue of {items:,} items.",
        "以 {members:,} 位会员的 {events:,} 条留出行为检验，训练时不使用这些行为；排序针对全部 {items:,} 件物品。",
    )(lang, events=quality.events, members=quality.members, items=quality.items)
    return Section("quality", short, heading, lead, charts=(chart,), tables=(table,))


def quality_tile(quality: Quality, lang: Lang) -> Tile | None:
    """How far ahead of popularity, as the page's most important number; None where it is not ahead."""
    ours, popular = _value(quality, OURS), _value(quality, "popularity")
    if not ours or not popular or ours <= popular:
        return None
    return Tile(
        f"×{ours / popular:.1f}",
        Phrase("NDCG@10 against showing what is popular", "NDCG@10 相对“只推热门”")(lang),
        accent=True,
    )


GLOSSARY: Final = (
    (
        Phrase("NDCG@10", "NDCG@10"),
        Phrase(
            "How well the first ten places are filled with what the member really went for; 1 is a perfect order, and "
            "an item at the top counts more than one further down.",
            "前十位与会员后来真正选择的吻合程度；1 为最优，越靠前的位置权重越大。",
        ),
    ),
    (
        Phrase("recall@10 and hit@10", "召回率@10 与命中率@10"),
        Phrase(
            "The share of held-out items among the first ten, and the share of members for whom at least one is there.",
            "前十位覆盖了留出物品的多大比例，以及至少命中一件的会员占比。",
        ),
    ),
    (
        Phrase("MRR", "MRR"),
        Phrase(
            "One divided by the place of the first right item, averaged over members.",
            "首个正确物品名次的倒数，对会员取平均。",
        ),
    ),
    (
        Phrase("coverage", "覆盖率"),
        Phrase(
            "The share of the catalogue that is recommended to anyone at all.",
            "至少被推荐给一位会员的物品占全部物品的比例。",
        ),
    ),
    (
        Phrase("95% interval", "95% 置信区间"),
        Phrase(
            "Where the figure would lie for 95 of 100 other draws of members like these (bootstrap).",
            "若重新抽取同类会员，100 次中约有 95 次落在此范围（自助法）。",
        ),
    ),
)


def _bar(name: str, measured: Measured, lang: Lang) -> Bar:
    tone = {OURS: SERIES[0], WITHOUT: SERIES[2]}.get(name, "--series-mute")
    interval, note = None, ""
    if measured.low is not None and measured.high is not None:
        interval, note = (measured.low, measured.high), f"{measured.low:.3f} – {measured.high:.3f}"
    return Bar(named(name, lang), measured.value, interval, f"{measured.value:.3f}", tone, note)


def _takeaway(quality: Quality, lang: Lang) -> str:
    """Ours against the best single source, and what the language model brings, each with whether chance explains it."""
    alone = [name for name in quality.systems if name not in (OURS, WITHOUT)]
    best = max(alone, key=lambda name: _value(quality, name) or 0.0, default=None)
    told = []
    if best is not None and best in quality.differences and _value(quality, best):
        told.append(
            _BEST(
                lang,
                best=named(best, lang),
                gain=(_value(quality, OURS) or 0.0) / (_value(quality, best) or 1.0) - 1,
                chance=_chance(quality.differences[best], lang),
            )
        )
    if WITHOUT in quality.differences and _value(quality, WITHOUT):
        told.append(
            _MODEL(
                lang,
                gain=(_value(quality, OURS) or 0.0) / (_value(quality, WITHOUT) or 1.0) - 1,
                chance=_chance(quality.differences[WITHOUT], lang),
            )
        )
    return Phrase(" ", "")(lang).join(told)


_BEST: Final = Phrase(
    "Against the best single method ({best}): {gain:+.1%}, {chance}.",
    "与最好的单一方法（{best}）相比：{gain:+.1%}，{chance}。",
)
_MODEL: Final = Phrase(
    "With the language model against without: {gain:+.1%}, {chance}.",
    "使用语言模型与不使用相比：{gain:+.1%}，{chance}。",
)
_SURE: Final = Phrase("more than chance explains", "超出偶然误差")
_UNSURE: Final = Phrase("which chance could explain", "在偶然误差范围内")


def _chance(difference: Against, lang: Lang) -> str:
    return (_UNSURE if difference.low <= 0 <= difference.high else _SURE)(lang)


def _value(quality: Quality, name: str) -> float | None:
    return quality.systems[name][_CHARTED].value if name in quality.systems else None


def named(name: str, lang: Lang) -> str:
    """What a system or a source is called."""
    return _SYSTEMS[name](lang) if name in _SYSTEMS else name


def _cell(measured: Measured | None) -> str:
    return "–" if measured is None else f"{measured.value:.3f}"
