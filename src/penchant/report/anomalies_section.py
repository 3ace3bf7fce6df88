"""Who behaves oddly: alarms by week and kind, and the members named, each with the events that say so."""

from collections import Counter
from datetime import date, timedelta
from math import floor, log10
from typing import TYPE_CHECKING, Any, Final

from penchant.language import Lang, Phrase
from penchant.members.alarms import ODDITY_NAMES, Oddity
from penchant.report.charts import SERIES, Chart
from penchant.report.members_section import day
from penchant.report.page import Section, TableCard, Tile
from penchant.report.words import clipped, kind_name

if TYPE_CHECKING:
    from penchant.data.verdicts import Evidence
    from penchant.members.alarms import Alarm, Anomalies

SHORT: Final = Phrase("Oddities", "异常")
HEADING: Final = Phrase("Who behaves oddly", "会员行为异常")
LEAD: Final = Phrase(
    "{members:,} members were odd for themselves and for anybody, in {alarms:,} alarms on {days:,} active days. On a "
    "day when nothing is wrong, the chance of any alarm is at most {budget:.0%}.",
    "在 {days:,} 个活跃日中，{members:,} 位会员的行为与自己的过去和其他会员都明显不同，共 {alarms:,} 次警报。"
    "在一切正常的日子里，出现任何警报的概率不超过 {budget:.0%}。",
)
NOBODY: Final = Phrase(
    "Nobody behaves oddly on any of {days:,} active days, with a chance of at most {budget:.0%} of any alarm on a day "
    "when nothing is wrong.",
    "{days:,} 个活跃日中没有会员行为异常；在一切正常的日子里，出现任何警报的概率不超过 {budget:.0%}。",
)
SILENT: Final = Phrase("Not judged: {kinds}.", "未作判断：{kinds}。")
REASON: Final = Phrase("{what} ({why})", "{what}（{why}）")
JOINT: Final = Phrase("; ", "；")
BY_DAY: Final = Phrase("Alarms by day", "每日警报数")
BY_WEEK: Final = Phrase("Alarms by week", "每周警报数")
MOST: Final = Phrase(
    "Most often: {kind}, {count:,} of {alarms:,}.", "最常见的是{kind}：{alarms:,} 次中占 {count:,} 次。"
)
BEGINS: Final = Phrase("from", "起始日")
NAMED: Final = Phrase("Members named, the latest first", "被指出的会员（由近及远）")
COLUMNS: Final = (
    Phrase("day", "日期"),
    Phrase("member", "会员"),
    Phrase("what", "异常"),
    Phrase("why", "依据"),
    Phrase("events that say so", "相关事件"),
    Phrase("by chance", "偶然概率"),
)
OTHERS: Final = Phrase("{count:,} alarms before these are in the build.", "更早的 {count:,} 次警报见构建文件。")
MORE: Final = Phrase("and {count:,} more", "另有 {count:,} 条")
TILE: Final = Phrase("members behave oddly", "会员行为异常")
_SHOWN: Final = 12
_EVENTS: Final = 2
_DAYS: Final = 60
"""Days that are drawn one by one; a longer time is drawn by weeks."""
_LEAST: Final = 1e-5
"""A smaller probability is told as less than this one."""


def anomalies_section(found: "Anomalies", lang: Lang) -> Section:
    """Everything of anomalies; where nobody is odd, the section says so, and under which budget."""
    silent = ""
    if found.silent:
        kinds = [
            REASON(lang, what=ODDITY_NAMES[Oddity(kind)](lang), why=why(lang)) for kind, why in found.silent.items()
        ]
        silent = SILENT(lang, kinds=JOINT(lang).join(kinds))
    members = len({alarm.member_id for alarm in found.alarms})
    told = {"members": members, "alarms": len(found.alarms), "days": found.days, "budget": found.budget}
    lead = " ".join(part for part in ((LEAD if members else NOBODY)(lang, **told), silent) if part)
    if not members:
        return Section("anomalies", SHORT(lang), HEADING(lang), lead)
    return Section(
        "anomalies", SHORT(lang), HEADING(lang), lead, charts=(_chart(found, lang),), tables=(_table(found, lang),)
    )


def anomalies_tile(found: "Anomalies", lang: Lang) -> Tile | None:
    """How many members behave oddly; None where nobody does."""
    members = len({alarm.member_id for alarm in found.alarms})
    return Tile(f"{members:,}", TILE(lang)) if members else None


def chance(p_value: float) -> str:
    """A probability as people read it, with one digit that counts.

    >>> chance(0.0049), chance(0.25), chance(0.00003), chance(2e-9)
    ('0.5%', '20%', '0.003%', '< 0.001%')
    """
    if p_value < _LEAST:
        return f"< {_LEAST:.3%}"
    shown = float(f"{p_value:.0e}")
    return f"{shown:.{max(0, -floor(round(log10(100 * shown), 9)))}%}"


def _chart(found: "Anomalies", lang: Lang) -> Chart:
    days = [alarm.at.date() for alarm in found.alarms]
    first, last = min(days), max(days)
    step = 1 if (last - first).days <= _DAYS else 7
    starts = [first + timedelta(days=turn) for turn in range(0, (last - first).days + 1, step)]
    counts = Counter((alarm.kind, _start(alarm.at.date(), first, step)) for alarm in found.alarms)
    kinds = [kind for kind in Oddity if any(one == kind for one, _ in counts)]
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": ODDITY_NAMES[kind](lang),
            "x": [f"{start}" for start in starts],
            "y": [counts[kind, start] for start in starts],
            # A kind has the same colour whatever else there is.
            "marker": {"color": SERIES[list(Oddity).index(kind)]},
            "hovertemplate": "%{fullData.name}: %{y}<extra></extra>",
        }
        for kind in kinds
    ]
    by_kind = Counter(alarm.kind for alarm in found.alarms)
    kind, count = max(by_kind.items(), key=lambda pair: (pair[1], pair[0].value))
    told = [start for start in starts if any(counts[kind, start] for kind in kinds)]
    return Chart(
        "anomalies-days",
        (BY_DAY if step == 1 else BY_WEEK)(lang),
        MOST(lang, kind=ODDITY_NAMES[kind](lang), count=count, alarms=len(found.alarms)),
        {
            "data": traces,
            "layout": {
                "barmode": "stack",
                "showlegend": True,
                "legend": {"orientation": "h", "y": -0.2},
                "yaxis": {"rangemode": "tozero", "dtick": 1} if len(found.alarms) < 6 else {"rangemode": "tozero"},
            },
        },
        (BEGINS(lang), *(ODDITY_NAMES[kind](lang) for kind in kinds)),
        tuple((f"{start}", *(f"{counts[kind, start]:,}" for kind in kinds)) for start in told),
        wide=True,
    )


def _start(when: date, first: date, step: int) -> date:
    return first + timedelta(days=(when - first).days // step * step)


def _table(found: "Anomalies", lang: Lang) -> TableCard:
    latest = sorted(found.alarms, key=lambda alarm: (-alarm.at.timestamp(), alarm.p_value))
    left = len(latest) - _SHOWN
    return TableCard(
        NAMED(lang),
        tuple(phrase(lang) for phrase in COLUMNS),
        tuple(
            (
                # A day stays on one line.
                day(alarm.at).replace("-", "\u2011"),
                alarm.member_id,
                ODDITY_NAMES[alarm.kind](lang),
                alarm.said(lang),
                _events(alarm, lang),
                chance(alarm.p_value),
            )
            for alarm in latest[:_SHOWN]
        ),
        note=OTHERS(lang, count=left) if left > 0 else "",
        text_columns=5,
        wide=True,
    )


def _events(alarm: "Alarm", lang: Lang) -> str:
    told = [_event(piece, lang) for piece in alarm.evidence[:_EVENTS]]
    if len(alarm.evidence) > _EVENTS:
        told.append(MORE(lang, count=len(alarm.evidence) - _EVENTS))
    return JOINT(lang).join(told)


def _event(piece: "Evidence", lang: Lang) -> str:
    parts = [
        f"{piece.at:%m-%d %H:%M}" if piece.at else "",
        kind_name(piece.kind, lang) if piece.kind else "",
        clipped(piece.text or piece.title or piece.item_id or "", 28),
    ]
    return " ".join(part for part in parts if part)
