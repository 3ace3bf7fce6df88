"""Charts of members among one another: a member's neighbourhood, likeness of tied members, the cold-start curve."""

from collections.abc import Sequence
from html import escape
from math import cos, pi, sin
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from penchant.language import Lang, Phrase
from penchant.report.charts import SERIES, Bar, Chart, bars_height, horizontal_bars

if TYPE_CHECKING:
    from penchant.social import Social
    from penchant.social.cold_start import ColdStart
    from penchant.social.statistics import Homophily

FRIENDS_SHOWN: Final = 12
SUGGESTED: Final = 6

_SELF: Final = Phrase("the member", "该会员")
_TIED: Final = Phrase("tied to", "已有关系")
_SUGGESTED: Final = Phrase("suggested", "推荐结识")


def telling_member(social: "Social") -> int | None:
    """The row of a member to draw: not private, with some ties and somebody to suggest; None where nobody is.

    Of those with up to as many ties as are shown, the one with most.
    """
    graph = social.friends.graph
    shown = np.diff(graph.shown_ties.indptr)
    fit = np.where(graph.private | (shown > FRIENDS_SHOWN) | (shown < 1), -1, shown)
    order = np.argsort(-fit, kind="stable")[:5]
    ids = social.friends.community.member_ids
    return next((int(row) for row in order if fit[row] > 0 and len(social.friends.suggest(ids.id(int(row)), 1))), None)


def neighbourhood_chart(social: "Social", member: int, lang: Lang) -> Chart:
    """A member, those they are tied to and those who are suggested, with the ties among all of them.

    Members whose activity is private are left out.
    """
    friends, graph = social.friends, social.friends.graph
    ids = friends.community.member_ids
    tied = [int(row) for row in graph.shown_ties[member].indices[:FRIENDS_SHOWN]]
    found = friends.suggest(ids.id(member), SUGGESTED, lang=lang)
    suggested = [ids.row(one.member_id) for one in found.picks]
    spots = {member: (0.0, 0.0)} | _ring(tied, 1.0) | _ring(suggested, 1.85, turn=0.5)
    near = friends.features.near.ties
    lines = [
        (one, other)
        for one in spots
        for other in near.indices[near.indptr[one] : near.indptr[one + 1]].tolist()
        if other in spots and one < other
    ]
    why = {ids.row(one.member_id): one.reason for one in found.picks}
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [x for pair in lines for x in (spots[pair[0]][0], spots[pair[1]][0], None)],
            "y": [y for pair in lines for y in (spots[pair[0]][1], spots[pair[1]][1], None)],
            "line": {"color": "--line", "width": 1},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]
    for rows, name, tone, size in (
        ([member], _SELF, SERIES[1], 20),
        (tied, _TIED, SERIES[0], 14),
        (suggested, _SUGGESTED, SERIES[2], 14),
    ):
        labels = [escape(ids.id(row)) for row in rows]
        data.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "name": name(lang),
                "x": [spots[row][0] for row in rows],
                "y": [spots[row][1] for row in rows],
                "text": labels,
                "textposition": [_beside(*spots[row]) for row in rows],
                "customdata": [
                    f"{label}: {escape(why[row])}" if row in why else label
                    for row, label in zip(rows, labels, strict=True)
                ],
                "hovertemplate": "%{customdata}<extra></extra>",
                "marker": {"color": tone, "size": size},
            }
        )
    layout = {
        "xaxis": {"visible": False, "range": [-2.6, 2.6]},
        "yaxis": {"visible": False, "range": [-2.1, 2.1]},
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "hovermode": "closest",
    }
    best = found.picks[0] if found.picks else None
    takeaway = (
        Phrase("First suggested is {who}: {why}.", "首先推荐 {who}：{why}。")(lang, who=best.member_id, why=best.reason)
        if best
        else ""
    )
    return Chart(
        "neighbourhood",
        Phrase("The neighbourhood of {member}", "{member} 的社交圈")(lang, member=ids.id(member)),
        takeaway,
        {"data": data, "layout": layout},
        (Phrase("suggested", "推荐结识")(lang), Phrase("why", "理由")(lang)),
        tuple((one.member_id, one.reason) for one in found.picks),
        text_columns=2,
        height=460,
        wide=True,
    )


def homophily_chart(found: "Homophily", lang: Lang) -> Chart:
    """How alike the taste of tied members is, beside ties drawn by chance."""
    bars = [
        Bar(Phrase("tied members", "有关系的会员")(lang), found.tied, shown=f"{found.tied:.3f}"),
        Bar(
            Phrase("ties drawn by chance", "随机配对")(lang), found.chance, shown=f"{found.chance:.3f}", tone=SERIES[3]
        ),
    ]
    return Chart(
        "homophily",
        Phrase("Do ties join like taste?", "有关系的人兴趣相近吗？")(lang),
        Phrase(
            "Mean likeness (cosine) over {ties:,} ties; ties that every member keeps the number of, drawn anew, are as "
            "alike in a share of {p:.1%} of draws.",
            "{ties:,} 条关系双方兴趣的平均相似度（余弦）；保持每人关系数不变随机重连，{p:.1%} 的次数达到同样水平。",
        )(lang, ties=found.ties, p=found.p_value),
        horizontal_bars(bars),
        (Phrase("pairs", "配对")(lang), Phrase("likeness", "相似度")(lang)),
        tuple((bar.label, bar.shown) for bar in bars),
        height=bars_height(len(bars)),
    )


def cold_start_chart(found: "ColdStart", lang: Lang) -> Chart:
    """NDCG after each answer, beside what is popular and what ties alone give."""
    steps = list(range(len(found.answers)))
    named: list[tuple[Phrase, Sequence[float], str, str]] = [
        (Phrase("after so many answers", "回答后"), found.answers, SERIES[0], "solid"),
        (Phrase("popular items", "热门物品"), found.popularity, SERIES[3], "dot"),
    ]
    if found.ties is not None:
        named.append((Phrase("ties alone", "仅凭关系"), [found.ties] * len(steps), SERIES[2], "dash"))
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers" if dash == "solid" else "lines",
            "name": name(lang),
            "x": steps,
            "y": list(values),
            "line": {"color": tone, "width": 2, "dash": dash},
            "hovertemplate": f"%{{x}}: %{{y:.3f}}<extra>{name(lang)}</extra>",
        }
        for name, values, tone, dash in named
    ]
    layout = {
        "xaxis": {"title": {"text": Phrase("answers", "回答数")(lang)}, "dtick": 1, "showgrid": False},
        "yaxis": {"rangemode": "tozero", "nticks": 5},
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }
    ratio = found.answers[-1] / max(found.popularity[-1], 1e-9)
    return Chart(
        "cold-start",
        Phrase("How quickly a newcomer is understood", "多快能了解一位新人")(lang),
        Phrase(
            "After {steps} answers NDCG@10 is {ratio:.1f} times that of popular items, for {members:,} held out.",
            "{steps} 个回答后，NDCG@10 为热门推荐的 {ratio:.1f} 倍（{members:,} 位留出会员）。",
        )(lang, steps=steps[-1], ratio=ratio, members=found.members),
        {"data": data, "layout": layout},
        (Phrase("answers", "回答数")(lang), Phrase("asked", "提问")(lang), Phrase("popular", "热门")(lang)),
        tuple(
            (str(step), f"{asked:.3f}", f"{popular:.3f}")
            for step, asked, popular in zip(steps, found.answers, found.popularity, strict=True)
        ),
        height=320,
    )


def _beside(x: float, y: float) -> str:
    """Where a label stands: outward, so that it crosses no line from the middle."""
    if abs(x) > 0.5:
        return "middle right" if x > 0 else "middle left"
    return "bottom center" if y < 0 else "top center"


def _ring(rows: Sequence[int], radius: float, *, turn: float = 0.0) -> dict[int, tuple[float, float]]:
    """Places on a circle, evenly, from the top."""
    count = max(len(rows), 1)
    angles = [pi / 2 - 2 * pi * (place + turn) / count for place in range(len(rows))]
    return {row: (radius * cos(angle), radius * sin(angle)) for row, angle in zip(rows, angles, strict=True)}
