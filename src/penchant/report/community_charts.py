"""The charts of the community: over time, by kind, by category, by rating, the long tail, how active members are."""

from dataclasses import replace
from datetime import datetime
from typing import Final

import polars as pl

from penchant.language import Lang, Phrase
from penchant.report.charts import SERIES, Bar, Chart, bars_height, horizontal_bars
from penchant.report.glance import Glance
from penchant.report.words import kind_name

_SHOWN_KINDS: Final = 6


def over_time_chart(seen: Glance, lang: Lang) -> Chart:
    """Events per day, week or month, stacked by kind."""
    kinds = list(seen.kinds)
    shown, rest = kinds[:_SHOWN_KINDS], kinds[_SHOWN_KINDS:]
    named = [(kind_name(kind, lang), seen.over_time.filter(pl.col("kind") == kind)) for kind in shown]
    if rest:
        others = seen.over_time.filter(pl.col("kind").is_in(rest)).group_by("period").agg(pl.col("events").sum())
        named.append((Phrase("other", "其他")(lang), others.sort("period")))
    data = [
        {
            "type": "bar",
            "name": name,
            "x": [f"{moment:%Y-%m-%d %H:%M}" for moment in frame["period"]],
            "y": frame["events"].to_list(),
            "marker": {"color": SERIES[place % len(SERIES)], "line": {"width": 0}},
            "hovertemplate": f"%{{x|%Y-%m-%d}}<br>{name}: %{{y:,}}<extra></extra>",
        }
        for place, (name, frame) in enumerate(named)
    ]
    layout = {
        "barmode": "stack",
        "bargap": 0.08,
        "showlegend": len(data) > 1,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        "xaxis": {"type": "date", "showgrid": False},
        "yaxis": {"rangemode": "tozero", "nticks": 5},
    }
    totals = seen.over_time.group_by("period").agg(pl.col("events").sum()).sort("period")
    busiest = totals.sort("events", descending=True).row(0) if len(totals) else None
    takeaway = (
        Phrase(
            "The busiest {unit} began {begin}, with {count:,} events.",
            "最活跃的一{unit}始于 {begin}，共 {count:,} 条行为。",
        )(lang, unit=UNITS[seen.step](lang), begin=_begin(busiest[0], seen.step), count=busiest[1])
        if busiest
        else ""
    )
    return Chart(
        "over-time",
        Phrase("Events per {unit}", "每{unit}行为数")(lang, unit=UNITS[seen.step](lang)),
        takeaway,
        {"data": data, "layout": layout},
        (Phrase("from", "起始")(lang), Phrase("events", "行为数")(lang)),
        tuple((_begin(moment, seen.step), f"{count:,}") for moment, count in totals.iter_rows()),
        height=320,
        wide=True,
    )


UNITS: Final = {
    "1h": Phrase("hour", "小时"),
    "1d": Phrase("day", "天"),
    "1w": Phrase("week", "周"),
    "1mo": Phrase("month", "月"),
    "1q": Phrase("quarter", "季度"),
    "1y": Phrase("year", "年"),
}


def kinds_chart(seen: Glance, lang: Lang) -> Chart:
    """Events by kind."""
    bars = [Bar(kind_name(kind, lang), count, shown=f"{count:,}") for kind, count in seen.kinds.items()]
    first = next(iter(seen.kinds), None)
    takeaway = (
        Phrase("{share:.0%} of all events are of the kind “{kind}”.", "{share:.0%} 的行为是“{kind}”。")(
            lang, share=seen.kinds[first] / seen.events, kind=kind_name(first, lang)
        )
        if first
        else ""
    )
    return Chart(
        "kinds",
        Phrase("What members do", "会员在做什么")(lang),
        takeaway,
        horizontal_bars(bars),
        (Phrase("kind", "类型")(lang), Phrase("events", "行为数")(lang)),
        tuple((bar.label, bar.shown) for bar in bars),
        height=bars_height(len(bars)),
    )


def ratings_chart(seen: Glance, lang: Lang) -> Chart:
    """Ratings by value, for a community that mostly rates."""
    values = [f"{amount:g}" for amount in seen.ratings["amount"]]
    counts = seen.ratings["events"].to_list()
    total = sum(counts)
    mean = sum(amount * count for amount, count in seen.ratings.iter_rows()) / max(total, 1)
    figure = {
        "data": [
            {
                "type": "bar",
                "x": values,
                "y": counts,
                "marker": {"color": SERIES[0]},
                "hovertemplate": "%{x}: %{y:,}<extra></extra>",
            }
        ],
        "layout": {"xaxis": {"type": "category", "showgrid": False}, "yaxis": {"nticks": 5}, "bargap": 0.25},
    }
    return Chart(
        "ratings",
        Phrase("How they rate", "评分分布")(lang),
        Phrase("The mean rating is {mean:.2f}.", "平均评分为 {mean:.2f}。")(lang, mean=mean),
        figure,
        (Phrase("rating", "评分")(lang), Phrase("events", "行为数")(lang)),
        tuple((value, f"{count:,}") for value, count in zip(values, counts, strict=True)),
    )


def categories_chart(seen: Glance, lang: Lang) -> Chart:
    """The most active categories."""
    bars = [
        Bar(str(category), events, shown=f"{events:,}", tone=SERIES[1], note=f"{items:,}")
        for category, events, items in seen.categories.iter_rows()
    ]
    return Chart(
        "categories",
        Phrase("Categories by activity", "各类目的活跃度")(lang),
        Phrase("An item in several categories counts in each of them.", "属于多个类目的物品在每个类目中各计一次。")(
            lang
        ),
        horizontal_bars(bars),
        tuple(
            phrase(lang)
            for phrase in (Phrase("category", "类目"), Phrase("events", "行为数"), Phrase("items", "物品数"))
        ),
        tuple((bar.label, bar.shown, bar.note) for bar in bars),
        height=bars_height(len(bars)),
    )


def tail_chart(seen: Glance, lang: Lang) -> Chart:
    """How unevenly events fall on items, against a straight line of equal popularity."""
    items, events = zip(*seen.tail, strict=True)
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": list(items),
            "y": [round(share, 4) for share in events],
            "line": {"color": SERIES[0], "width": 3, "shape": "spline"},
            "fill": "tozeroy",
            "fillcolor": "--series-1-soft",
            "hovertemplate": Phrase("{x} of items draw {y} of events", "{x} 的物品占 {y} 的行为")(
                lang, x="%{x:.0%}", y="%{y:.0%}"
            )
            + "<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "x": [0, 1],
            "y": [0, 1],
            "line": {"color": "--faint", "width": 1.5, "dash": "dot"},
            "hoverinfo": "skip",
        },
    ]
    layout = {
        "showlegend": False,
        "xaxis": {
            "title": {"text": Phrase("share of items, most popular first", "物品占比（从最热门排起）")(lang)},
            "tickformat": ".0%",
            "range": [0, 1],
            "nticks": 6,
        },
        "yaxis": {
            "title": {"text": Phrase("share of events", "行为占比")(lang)},
            "tickformat": ".0%",
            "range": [0, 1.02],
            "nticks": 6,
        },
    }
    return Chart(
        "tail",
        Phrase("The long tail", "长尾分布")(lang),
        Phrase(
            "The most popular tenth of the items draws {share:.0%} of all events; the dotted line is equal popularity.",
            "最热门的十分之一物品占全部行为的 {share:.0%}；虚线表示所有物品同样热门时的情形。",
        )(lang, share=seen.top_tenth_share),
        {"data": data, "layout": layout},
        (Phrase("items", "物品")(lang), Phrase("events", "行为")(lang)),
        tuple((f"{share:.0%}", f"{drawn:.1%}") for share, drawn in seen.tail[::10]),
    )


def activity_chart(seen: Glance, lang: Lang) -> Chart:
    """Members by how much they do, in classes that double."""
    bars = [
        Bar(f"{low:,}" if low == high else f"{low:,} – {high:,}", members, shown=f"{members:,}", tone=SERIES[2])
        for low, high, members in seen.activity.iter_rows()
    ]
    return Chart(
        "activity",
        Phrase("Members by number of events", "会员按行为数分布")(lang),
        Phrase("Half of the members have {median:,.0f} events or fewer.", "半数会员的行为数不超过 {median:,.0f}。")(
            lang, median=seen.median_events
        ),
        horizontal_bars(bars),
        (Phrase("events of a member", "每位会员的行为数")(lang), Phrase("members", "会员数")(lang)),
        tuple((bar.label, bar.shown) for bar in bars),
        height=bars_height(len(bars)),
    )


def community_charts(seen: Glance, lang: Lang) -> list[Chart]:
    """The charts of the first section, without those that would be empty or say one thing only."""
    if not seen.events:
        return []
    charts = [over_time_chart(seen, lang), tail_chart(seen, lang), activity_chart(seen, lang)]
    if len(seen.kinds) > 1:
        charts.append(kinds_chart(seen, lang))
    if len(seen.categories):
        charts.append(categories_chart(seen, lang))
    if len(seen.ratings) > 1:
        charts.append(ratings_chart(seen, lang))
    if sum(not chart.wide for chart in charts) % 2:
        # Two stand side by side, so that an odd one has the row to itself.
        charts[-1] = replace(charts[-1], wide=True)
    return charts


def _begin(moment: datetime, step: str) -> str:
    """When a bar begins, no finer than the bar is wide."""
    written = {"1h": "%Y-%m-%d %H:00", "1mo": "%Y-%m", "1q": "%Y-%m", "1y": "%Y"}
    return moment.strftime(written.get(step, "%Y-%m-%d"))
