"""Who has changed, how the community moves, and one member's change drawn window by window."""

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from penchant.data.drift import DriftVerdict
from penchant.language import Lang, Phrase
from penchant.report.charts import SERIES, Chart
from penchant.report.page import Section, TableCard, Tile
from penchant.report.words import clipped

if TYPE_CHECKING:
    import polars as pl

    from penchant.drift.movement import FleetView
    from penchant.drift.whole import Drift

SHORT: Final = Phrase("Drift", "漂移")
HEADING: Final = Phrase("Who and what is changing", "兴趣漂移")
LEAD: Final = Phrase(
    "{alarms:,} of {members:,} members have changed, by their own events held against their own past; at most "
    "{rate:.0%} of those named may be named by mistake.",
    "与各自的过去相比，{members:,} 位会员中有 {alarms:,} 位发生了变化；其中误判不超过 {rate:.0%}。",
)
NOBODY: Final = Phrase(
    "Nobody of {members:,} members has changed beyond chance.", "{members:,} 位会员中没有人的变化超出偶然。"
)
UNJUDGED: Final = Phrase("Single members are not judged: {reason}.", "未对单个会员作出判断：{reason}。")
FLEET: Final = Phrase("What the community turns to", "社区关注的变化")
FLEET_TOLD: Final = Phrase(
    "Share of each subject, a member counting once however much they do, by periods of {days} days.",
    "各主题占比（每位会员权重相同），每 {days} 天一个周期。",
)
TRENDS: Final = Phrase("Gaining and losing", "升与降")
NO_TRENDS: Final = Phrase("No subject gains or loses beyond chance.", "没有主题的升降超出偶然。")
TREND_COLUMNS: Final = (
    Phrase("subject", "主题"),
    Phrase("course", "走势"),
    Phrase("before", "此前"),
    Phrase("now", "现在"),
)
COURSES: Final = {"gaining": Phrase("gaining", "上升"), "losing": Phrase("losing", "下降")}
AS_LAST_YEAR: Final = Phrase("{course}, as last year", "{course}（与去年同期一致）")
CHANGED: Final = Phrase("Members who have changed", "发生变化的会员")
CHANGED_COLUMNS: Final = (Phrase("member", "会员"), Phrase("verdict", "判断"), Phrase("by chance", "偶然概率"))
FOLLOWS: Final = Phrase("what follows", "应对")
RESPONSIBLE: Final = Phrase("Member {member}: the events that say so", "会员 {member}：判断所依据的行为")
RESPONSIBLE_COLUMNS: Final = (Phrase("item", "物品"), Phrase("when", "时间"), Phrase("share", "占比"))
TIMELINE: Final = Phrase("Member {member}, window by window", "会员 {member} 的逐窗口变化")
SCORE: Final = Phrase("how foreign (log odds)", "陌生程度（对数几率）")
THRESHOLD: Final = Phrase("alarm above this", "报警阈值")
WINDOW: Final = Phrase("window ends", "窗口结束日")
PERIOD: Final = Phrase("from", "起始")
_TOPICS: Final = 6
_PERIODS: Final = 20
_POINTS: Final = 52
_SHOWN: Final = 15


def drift_section(held: "Drift", lang: Lang) -> Section:
    """The fleet's charts, the members who have changed, and the surest of them drawn."""
    view = held.fleet
    charts = [_fleet_chart(view, held.config.fleet.days, lang)] if view is not None and len(view.starts) > 1 else []
    tables = [_trends(view, lang)] if view is not None else []
    if held.judge is None:
        lead = UNJUDGED(lang, reason=held.told_reason(lang))
    else:
        alarms = held.alarms
        rate = held.judge.config.false_discoveries
        lead = (LEAD if alarms else NOBODY)(lang, alarms=len(alarms), members=len(held.table), rate=rate)
        if alarms:
            verdicts = [held.verdict(member) for member in alarms[:_SHOWN]]
            # Beside the narrow table of subjects, before the wide one.
            tables += [*responsible(verdicts[0], lang), _changed(verdicts, lang)]
            charts.append(timeline_chart(held, verdicts[0], lang))
    return Section("drift", SHORT(lang), HEADING(lang), lead, charts=tuple(charts), tables=tuple(tables))


def drift_tile(held: "Drift", lang: Lang) -> Tile | None:
    """How many members have changed; None where nobody is judged."""
    if held.judge is None:
        return None
    return Tile(f"{len(held.alarms):,}", Phrase("members have changed", "会员发生变化")(lang))


def responsible(verdict: DriftVerdict, lang: Lang) -> list[TableCard]:
    """The events that carry a change, the largest share first; no table where nothing has changed."""
    rows = tuple((one.title or one.item_id or "", f"{one.at:%Y-%m-%d}", f"{one.share:.0%}") for one in verdict.evidence)
    columns = tuple(phrase(lang) for phrase in RESPONSIBLE_COLUMNS)
    heading = RESPONSIBLE(lang, member=verdict.member_id)
    return [TableCard(heading, columns, rows, text_columns=2)] if rows else []


def timeline_chart(
    held: "Drift",
    verdict: DriftVerdict,
    lang: Lang,
    *,
    name: str = "drift-timeline",
    history: "pl.DataFrame | None" = None,
) -> Chart:
    """One member's windows: shares of subjects as a stream, and how foreign each window is beside its threshold.

    Args:
        held: with a judge.
        verdict: of the member.
        lang: the language.
        name: of the chart on its page.
        history: that the verdict rests on, where it is not that of the build.
    """
    seen = held.seen(verdict.member_id, history)
    assert held.judge is not None
    liked = seen.weights > 0
    line = held.judge.timeline(seen.items[liked], seen.at[liked])
    days = [_day(moment) for moment in line.at[:, -1].tolist()]
    # Several windows may end on one day.
    ends = [f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M}" for moment in line.at[:, -1].tolist()]
    order = np.argsort(-line.topics.mean(axis=0), kind="stable")[:_TOPICS]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "stackgroup": "topics",
            "name": clipped(line.topic_names[topic], 24),
            "x": ends,
            "y": np.round(line.topics[:, topic], 3).tolist(),
            "line": {"width": 0.5, "color": SERIES[place % len(SERIES)]},
            "hovertemplate": "%{fullData.name} %{y:.0%}<extra></extra>",
        }
        for place, topic in enumerate(order.tolist())
    ]
    scores = [None if np.isnan(score) else round(float(score), 3) for score in line.scores]
    traces.append(
        {
            "type": "scatter", "mode": "lines+markers", "name": SCORE(lang), "x": ends, "y": scores, "yaxis": "y2",
            "line": {"color": "--ink", "width": 2}, "marker": {"size": 7},
        }
    )  # fmt: skip
    traces.append(
        {
            "type": "scatter", "mode": "lines", "name": THRESHOLD(lang), "x": [ends[0], ends[-1]],
            "y": [round(line.threshold, 3)] * 2, "yaxis": "y2", "line": {"color": "--warm", "dash": "dot"},
        }
    )  # fmt: skip
    layout = {
        "yaxis": {"range": [0, 1], "tickformat": ".0%"},
        "yaxis2": {
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "zeroline": False,
            "automargin": True,
            "tickformat": ".1f",
        },
        "legend": {"orientation": "h", "y": -0.15},
    }
    table = [
        (day, "–" if score is None else f"{score:.2f}", "✓" if alarm else "")
        for day, score, alarm in zip(days, scores, line.alarms.tolist(), strict=True)
    ]
    return Chart(
        name,
        TIMELINE(lang, member=verdict.member_id),
        verdict.told(lang),
        {"data": traces, "layout": layout},
        (WINDOW(lang), SCORE(lang), THRESHOLD(lang)),
        tuple(table),
        height=380,
        wide=True,
    )


def _fleet_chart(view: "FleetView", days: int, lang: Lang) -> Chart:
    order = np.argsort(-view.shares.mean(axis=0), kind="stable")[: len(SERIES)]
    # As many points as can be told apart, each of neighbouring periods together; those without members are left out.
    together = max(1, math.ceil(len(view.starts) / _POINTS))
    groups = [slice(first, first + together) for first in range(0, len(view.starts), together)]
    groups = [group for group in groups if view.members[group].any()]
    starts = [f"{view.starts[group.start]:%Y-%m-%d}" for group in groups]
    shares = np.stack([np.average(view.shares[group], axis=0, weights=view.members[group]) for group in groups])
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": clipped(view.topics[topic], 24),
            "x": starts,
            "y": np.round(shares[:, topic], 4).tolist(),
            "line": {"color": SERIES[place % len(SERIES)], "width": 2},
            "hovertemplate": "%{fullData.name} %{y:.1%}<extra></extra>",
        }
        for place, topic in enumerate(order.tolist())
    ]
    layout = {"yaxis": {"tickformat": ".0%", "rangemode": "tozero"}, "legend": {"orientation": "h", "y": -0.15}}
    latest = range(max(0, len(starts) - _PERIODS), len(starts))
    return Chart(
        "drift-fleet",
        FLEET(lang),
        FLEET_TOLD(lang, days=days * together),
        {"data": traces, "layout": layout},
        (PERIOD(lang), *(view.topics[topic] for topic in order.tolist())),
        tuple((starts[row], *(f"{shares[row, topic]:.1%}" for topic in order.tolist())) for row in latest),
        height=360,
        wide=True,
    )


def _trends(view: "FleetView", lang: Lang) -> TableCard:
    moving = [trend for trend in view.trends if trend.course != "steady"]
    rows = []
    for trend in moving:
        course = COURSES[trend.course](lang)
        told = AS_LAST_YEAR(lang, course=course) if trend.seasonal else course
        rows.append((trend.topic, told, f"{trend.before:.1%}", f"{trend.now:.1%}"))
    note = view.note(lang) or ("" if moving else NO_TRENDS(lang))
    return TableCard(
        TRENDS(lang), tuple(phrase(lang) for phrase in TREND_COLUMNS), tuple(rows), note=note, text_columns=2
    )


def _changed(verdicts: list[DriftVerdict], lang: Lang) -> TableCard:
    acted = any(one.attention is not None for one in verdicts)
    rows = []
    for one in verdicts:
        plan = (one.attention.told(lang) if one.attention is not None else "–",) if acted else ()
        rows.append((one.member_id, one.told(lang), *plan, f"{one.p_value:.4f}"))
    member, verdict, chance = (phrase(lang) for phrase in CHANGED_COLUMNS)
    columns = (member, verdict, FOLLOWS(lang), chance) if acted else (member, verdict, chance)
    return TableCard(CHANGED(lang), columns, tuple(rows), text_columns=len(columns) - 1, wide=True)


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
