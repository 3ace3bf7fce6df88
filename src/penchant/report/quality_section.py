"""How good the recommendations are, against the baselines and without the language model."""

from dataclasses import dataclass
from typing import Final

from penchant.language import Lang, Phrase
from penchant.report.charts import SERIES, Bar, Chart, bars_height, horizontal_bars
from penchant.report.page import Section, TableCard, Tile

OURS: Final = "penchant"
WITHOUT: Final = "without language model"

_SYSTEMS: Final = {
    OURS: Phrase("Penchant", "Penchant"),
    WITHOUT: Phrase("the same without the language model", "同一系统，不用语言模型"),
    "popularity": Phrase("popularity", "热门排行"),
    "ease": Phrase("EASE", "EASE"),
    "als": Phrase("ALS", "ALS 矩阵分解"),
    "neighbours": Phrase("item neighbours", "物品近邻"),
    "cooccurrence": Phrase("co-occurrence", "共现"),
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


@dataclass(frozen=True)
class Measured:
    """A figure and, where it was estimated, the ends of its 95% interval."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class System:
    """One system's figures by metric; `name` is `OURS`, `WITHOUT` or that of a baseline."""

    name: str
    figures: dict[str, Measured]


@dataclass(frozen=True)
class Quality:
    """What the evaluation of a build found: ours, the same without the language model, and the baselines."""

    systems: tuple[System, ...]
    members: int
    """Members with held-out events."""
    events: int
    """Events held out."""
    items: int
    """Items that each ranking orders."""

    def of(self, name: str, metric: str = "ndcg@10") -> float | None:
        """One figure; None where it was not measured."""
        figures = next((system.figures for system in self.systems if system.name == name), {})
        return figures[metric].value if metric in figures else None


def quality_section(quality: Quality, lang: Lang) -> Section:
    """A chart of NDCG@10 with intervals, and a table of all metrics."""
    ranked = sorted(quality.systems, key=lambda system: -system.figures["ndcg@10"].value)
    bars = [_bar(system, lang) for system in ranked]
    chart = Chart(
        "quality",
        Phrase("NDCG@10, with 95% intervals", "NDCG@10 及其 95% 置信区间")(lang),
        _takeaway(quality, lang),
        horizontal_bars(bars),
        (Phrase("system", "系统")(lang), "NDCG@10"),
        tuple((bar.label, bar.shown) for bar in bars),
        height=bars_height(len(bars)),
        wide=True,
    )
    metrics = [metric for metric in _METRICS if any(metric in system.figures for system in ranked)]
    table = TableCard(
        Phrase("All metrics", "全部指标")(lang),
        (Phrase("system", "系统")(lang), *(_METRICS[metric](lang) for metric in metrics)),
        tuple(
            (_named(system.name, lang), *(_cell(system.figures.get(metric)) for metric in metrics)) for system in ranked
        ),
        strong=next((place for place, system in enumerate(ranked) if system.name == OURS), None),
        wide=True,
    )
    return Section(
        "quality",
        Phrase("Quality", "效果")(lang),
        Phrase("How good the recommendations are", "推荐效果")(lang),
        Phrase(
            "Judged on {events:,} events of {members:,} members that were kept from every model while it learned. "
            "Each ranking orders the whole catalogue of {items:,} items.",
            "以 {members:,} 位会员的 {events:,} 个留出事件检验，训练时不使用这些事件；排序针对全部 {items:,} 件物品。",
        )(lang, events=quality.events, members=quality.members, items=quality.items),
        charts=(chart,),
        tables=(table,),
    )


def quality_tile(quality: Quality, lang: Lang) -> Tile | None:
    """How far ahead of popularity, as the page's most important number; None where it is not ahead."""
    ours, popular = quality.of(OURS), quality.of("popularity")
    if ours is None or not popular or ours <= popular:
        return None
    return Tile(
        f"×{ours / popular:.1f}",
        Phrase("as good as showing what is popular (NDCG@10)", "倍于只推热门的效果（NDCG@10）")(lang),
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


def _bar(system: System, lang: Lang) -> Bar:
    measured = system.figures["ndcg@10"]
    interval = (measured.low, measured.high) if measured.low is not None and measured.high is not None else None
    tone = {OURS: SERIES[0], WITHOUT: SERIES[2]}.get(system.name, "--series-mute")
    return Bar(_named(system.name, lang), measured.value, interval, f"{measured.value:.3f}", tone)


def _takeaway(quality: Quality, lang: Lang) -> str:
    ours = quality.of(OURS)
    others = {system.name: quality.of(system.name) for system in quality.systems if system.name not in (OURS, WITHOUT)}
    best = max(others, key=lambda name: others[name] or 0.0, default=None)
    if ours is None or best is None or not others[best]:
        return ""
    gain = ours / others[best] - 1  # type: ignore[operator]
    more = Phrase(
        "Penchant is {gain:.1%} above the best single method ({best}).",
        "Penchant 比最好的单一方法（{best}）高 {gain:.1%}。",
    )
    less = Phrase(
        "The best single method ({best}) is {gain:.1%} above Penchant here.",
        "在此数据上，最好的单一方法（{best}）比 Penchant 高 {gain:.1%}。",
    )
    sentence = (more if gain >= 0 else less)(lang, gain=abs(gain), best=_named(best, lang))
    without = quality.of(WITHOUT)
    if not without:
        return sentence
    brought = Phrase(" The language model brings {brought:+.1%}.", "语言模型带来 {brought:+.1%} 的变化。")
    return sentence + brought(lang, brought=ours / without - 1)


def _named(name: str, lang: Lang) -> str:
    return _SYSTEMS[name](lang) if name in _SYSTEMS else name


def _cell(measured: Measured | None) -> str:
    return "–" if measured is None else f"{measured.value:.3f}"
