"""Who the members are: a map, the segments as cards, what members are worth, and who moved since the last build."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from penchant.data.segments import NOBODY, Segments
from penchant.language import Lang, Phrase
from penchant.members.features import untold
from penchant.members.rfm import TIERS
from penchant.report.charts import SERIES, Bar, Chart, bars_height, horizontal_bars
from penchant.report.page import Section, TableCard, Tile
from penchant.report.words import clipped

if TYPE_CHECKING:
    from penchant.members.actions import Action
    from penchant.members.calibration import Calibration
    from penchant.members.recipe import Members

SHORT: Final = Phrase("Segments", "分群")
HEADING: Final = Phrase("Who the members are", "会员分群与价值")
LEAD: Final = Phrase(
    "{count} segments of members who are alike in what they like, how and when they come. Samples of the members agree "
    "on them to {ari:.2f} (adjusted Rand index, 1: wholly).",
    "根据偏好、行为方式与活跃时段，将会员分为 {count} 个分群。"
    "抽样会员对分群的一致度为 {ari:.2f}（调整兰德指数，1 为完全一致）。",
)
MAP: Final = Phrase("Map of the members", "会员地图")
MAP_TOLD: Final = Phrase(
    "Each point is a member; near means alike (t-SNE of tastes, habits and hours, {shown:,} members).",
    "每个点是一位会员，越近越相似（按偏好、习惯与时段的 t-SNE，共 {shown:,} 位）。",
)
PRIVATE: Final = Phrase(
    "Counts of members have noise added, so that nobody can tell whether one member is among them (differential "
    "privacy); what would point to single members is left out.",
    "会员数加入了噪声，使任何人都无法判断某位会员是否在其中（差分隐私）；可能指向个人的内容已略去。",
)
SIZES: Final = Phrase("How large, and how much of the money", "规模与消费占比")
HOW_LARGE: Final = Phrase("How large", "规模")
SHARES: Final = (Phrase("share", "占比"), Phrase("share of money", "消费占比"))
SIZES_TOLD: Final = Phrase("{name} spend most: {share:.0%} of all money.", "消费最多的是「{name}」：占 {share:.0%}。")
CARDS: Final = Phrase("What sets each segment apart", "各分群的特点")
COLUMNS: Final = (
    Phrase("segment", "分群"),
    Phrase("what sets it apart", "特点"),
    Phrase("typical members", "典型会员"),
    Phrase("members", "会员数"),
    Phrase("mean spend", "人均消费"),
)
CALIBRATION: Final = Phrase("Said and come: chance of a purchase", "购买概率：预测与实际")
CALIBRATION_TOLD: Final = Phrase(
    "Tried on the last {days} days: groups of members by what was said; on the line, what came is what was said.",
    "以最近 {days} 天检验：按预测概率分组；越接近对角线，预测越可信。",
)
SAID: Final = Phrase("said", "预测")
CAME: Final = Phrase("came", "实际")
TIERS_TITLE: Final = Phrase("Tiers of value (RFM)", "价值层级（RFM）")
TIERS_TOLD: Final = Phrase("By how lately, how often and for how much members buy.", "按最近购买时间、频率与金额划分。")
ACTIONS: Final = Phrase("What to do next", "下一步建议")
ACTION: Final = Phrase("action", "建议")
ACTIONS_TOLD: Final = Phrase(
    "The first rule that fits each of {members:,} members who have bought; `penchant members value` names them.",
    "为 {members:,} 位购买过的会员各取首条适用的规则；penchant members value 可查看名单。",
)
FLOWS: Final = Phrase("Who moved since the build before", "自上次构建以来的流动")
FLOW_COLUMNS: Final = (Phrase("from", "从"), Phrase("to", "到"), Phrase("members", "会员数"))
NOWHERE: Final = Phrase("newcomers", "新会员")
_MAPPED: Final = 1_500
_FLOWS_SHOWN: Final = 12


def segments_section(
    held: "Members",
    lang: Lang,
    *,
    private: Mapping[int, int] | None = None,
    actions: "tuple[Action, ...] | None" = None,
) -> Section:
    """Everything of segments and value; where there is too little, the section says why.

    Args:
        held: the members of a build.
        lang: the language.
        private: how many members segments are said to have, where nothing may point to single members.
        actions: rules of the next best action; those that come with Penchant if absent.
    """
    found = held.segments
    if found.reason is not None:
        return Section("segments", SHORT(lang), HEADING(lang), found.reason(lang))
    if private is not None:
        found = _blurred(found, private)
        lead = f"{LEAD(lang, count=len(found), ari=found.stability)} {PRIVATE(lang)}"
        charts, tables = [_sizes(found, lang)], [_cards(found, lang, private=True)]
        return Section("segments", SHORT(lang), HEADING(lang), lead, charts=tuple(charts), tables=tuple(tables))
    charts = [_map(held, lang), _sizes(found, lang)]
    if held.worth is not None:
        charts.append(_tiers(held, lang))
        if held.calibration is not None:
            charts.append(_calibration(held.calibration, held.worth.horizon_days, lang))
        charts.append(_actions(held, actions, lang))
    tables = [_cards(found, lang)]
    moved = [flow for flow in found.flows if flow[0] != flow[1] and flow[1] != NOBODY]
    if moved:
        tables.append(_flows(found, moved, lang))
    return Section(
        "segments",
        SHORT(lang),
        HEADING(lang),
        " ".join((LEAD(lang, count=len(found), ari=found.stability), *untold(held.profiles.tells, lang))),
        charts=tuple(charts),
        tables=tuple(tables),
    )


def segments_tile(held: "Members", lang: Lang) -> Tile | None:
    """How many segments there are; None where there are none."""
    return Tile(str(len(held.segments)), SHORT(lang)) if len(held.segments) else None


def _map(held: "Members", lang: Lang) -> Chart:
    from sklearn.manifold import TSNE

    found, space = held.segments, held.segmenter.space
    assert space is not None
    rows = np.flatnonzero(found.of_member != NOBODY)
    if len(rows) > _MAPPED:
        rows = np.sort(np.random.default_rng(0).choice(rows, _MAPPED, replace=False))
    points = space.points(held.profiles)[rows]
    perplexity = min(30.0, max(2.0, (len(rows) - 1) / 4))
    placed = TSNE(2, perplexity=perplexity, init="pca", random_state=0, max_iter=500).fit_transform(points)
    traces: list[dict[str, Any]] = []
    for place, segment in enumerate(found):
        mine = found.of_member[rows] == segment.number
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": clipped(segment.name(lang), 28),
                "x": np.round(placed[mine, 0], 2).tolist(),
                "y": np.round(placed[mine, 1], 2).tolist(),
                "marker": {"size": 6, "opacity": 0.75, "color": SERIES[place % len(SERIES)]},
                "hovertemplate": "%{fullData.name}<extra></extra>",
            }
        )
    hidden = {"visible": False}
    layout = {"xaxis": hidden, "yaxis": hidden, "legend": {"orientation": "h", "y": -0.05}}
    return Chart(
        "segments-map",
        MAP(lang),
        MAP_TOLD(lang, shown=len(rows)),
        {"data": traces, "layout": layout},
        tuple(phrase(lang) for phrase in (COLUMNS[0], COLUMNS[3])),
        tuple((segment.name(lang), f"{segment.size:,}") for segment in found),
        height=460,
        wide=True,
    )


def _sizes(found: Segments, lang: Lang) -> Chart:
    bars = [
        Bar(segment.name(lang), segment.share, None, f"{segment.share:.0%}", SERIES[place % len(SERIES)])
        for place, segment in enumerate(found)
    ]
    richest = max(found, key=lambda segment: segment.spend_share)
    spent = richest.spend_share > 0
    told = SIZES_TOLD(lang, name=richest.name(lang), share=richest.spend_share) if spent else ""
    return Chart(
        "segments-sizes",
        (SIZES if spent else HOW_LARGE)(lang),
        told,
        horizontal_bars(bars),
        tuple(phrase(lang) for phrase in (COLUMNS[0], *SHARES[: 2 if spent else 1])),
        tuple((one.name(lang), f"{one.share:.1%}", f"{one.spend_share:.1%}")[: 3 if spent else 2] for one in found),
        height=bars_height(len(bars)),
    )


def _tiers(held: "Members", lang: Lang) -> Chart:
    assert held.worth is not None
    tiers = held.worth.rfm.tiers
    counts = [(TIERS[tier](lang), tiers.count(tier)) for tier in TIERS]
    bars = [Bar(name, count, None, f"{count:,}") for name, count in counts if count]
    return Chart(
        "segments-tiers",
        TIERS_TITLE(lang),
        TIERS_TOLD(lang),
        horizontal_bars(bars),
        (Phrase("tier", "层级")(lang), COLUMNS[3](lang)),
        tuple((name, f"{count:,}") for name, count in counts),
        height=bars_height(len(bars)),
    )


def _calibration(found: "Calibration", days: int, lang: Lang) -> Chart:
    said, came = [round(value, 3) for value in found.said], [round(value, 3) for value in found.came]
    line = {"type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "line": {"color": "--faint", "dash": "dot"}}
    points = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": said,
        "y": came,
        "line": {"color": SERIES[0]},
        "hovertemplate": f"{SAID(lang)} %{{x:.0%}}, {CAME(lang)} %{{y:.0%}}<extra></extra>",
    }
    axis = {"range": [0, 1], "tickformat": ".0%"}
    layout = {
        "xaxis": {**axis, "title": {"text": SAID(lang)}},
        "yaxis": {**axis, "title": {"text": CAME(lang)}},
        "showlegend": False,
    }
    return Chart(
        "segments-calibration",
        CALIBRATION(lang),
        CALIBRATION_TOLD(lang, days=days),
        {"data": [line, points], "layout": layout},
        (SAID(lang), CAME(lang), COLUMNS[3](lang)),
        tuple((f"{x:.0%}", f"{y:.0%}", f"{n:,}") for x, y, n in zip(said, came, found.members, strict=True)),
        text_columns=0,
        height=320,
    )


def _actions(held: "Members", actions: "tuple[Action, ...] | None", lang: Lang) -> Chart:
    from penchant.members.actions import next_actions, read_actions

    assert held.worth is not None
    told = next_actions(held.profiles, held.worth, actions if actions is not None else read_actions())
    # What to do is for members who have bought; of the others nothing is foreseen.
    bought = np.flatnonzero(~np.isnan(held.worth.returns)).tolist()
    counts = Counter(told[row](lang) for row in bought).most_common()
    return Chart(
        "segments-actions",
        ACTIONS(lang),
        ACTIONS_TOLD(lang, members=len(bought)),
        horizontal_bars([Bar(name, count, None, f"{count:,}") for name, count in counts]),
        (ACTION(lang), COLUMNS[3](lang)),
        tuple((name, f"{count:,}") for name, count in counts),
        height=bars_height(len(counts)),
    )


def _cards(found: Segments, lang: Lang, *, private: bool = False) -> TableCard:
    shown = (0, 1, 3) if private else range(len(COLUMNS))
    rows = [
        (one.name(lang), one.told(lang), ", ".join(one.typical[:3]), f"{one.size:,}", f"{one.spend:,.0f}")
        for one in found
    ]
    return TableCard(
        CARDS(lang),
        tuple(COLUMNS[place](lang) for place in shown),
        tuple(tuple(row[place] for place in shown) for row in rows),
        text_columns=2 if private else 3,
        wide=True,
    )


def _blurred(found: Segments, counts: Mapping[int, int]) -> Segments:
    """The segments with counts that may be shown, and nothing that they could be told apart by."""
    total = max(sum(counts.values()), 1)
    shown = (
        replace(one, size=counts[one.number], share=counts[one.number] / total, spend=0.0, spend_share=0.0, typical=())
        for one in found
    )
    return replace(found, segments=tuple(sorted(shown, key=lambda one: (-one.size, one.number))), flows=())


def _flows(found: Segments, moved: list[tuple[int, int, int]], lang: Lang) -> TableCard:
    names = {one.number: one.name(lang) for one in found}
    return TableCard(
        FLOWS(lang),
        tuple(phrase(lang) for phrase in FLOW_COLUMNS),
        tuple(
            (names.get(old, NOWHERE(lang)), names.get(new, str(new)), f"{count:,}")
            for old, new, count in moved[:_FLOWS_SHOWN]
        ),
        text_columns=2,
    )
