"""The charts of interests: the tree as a sunburst, and who holds what in which tier."""

from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.strata import TIER_NAMES, Tier
from penchant.language import Lang, Phrase
from penchant.report.charts import LONGEST_LABEL, SERIES, Chart
from penchant.report.interests_glance import InterestsGlance
from penchant.report.words import clipped

TONES: Final = {
    Tier.CORE: "--series-1",
    Tier.REGULAR: "--series-3",
    Tier.EMERGING: "--series-2",
    Tier.FADING: "--series-mute",
    Tier.LATENT: "--series-6",
}
"""The colour of each tier."""

_LEAST_SLICE: Final = 0.004
"""Part of the circle below which a label goes into its parent's "other"."""
_DEEPEST: Final = 4
_LABELS_SHOWN: Final = 14
_ROOT: Final = "\u00b7"
"""Stands for the whole tree; no label is one dot, as labels are words."""

LABEL: Final = Phrase("interest", "兴趣")
_PATTERNS: Final = ({"shape": ""}, {"shape": "/", "fillmode": "replace", "solidity": 0.3, "size": 6})
"""Of what members showed, and of what is predicted."""

MEMBERS: Final = Phrase("members", "会员数")
LOOKS: Final = Phrase("share of looks", "浏览占比")
_OTHERS: Final = Phrase("{count} more", "其他 {count} 个")


def tree_chart(seen: InterestsGlance, lang: Lang) -> Chart:
    """The interest tree as a sunburst, each label as large as its share of the community's looks."""
    tree, shares = seen.taxonomy, seen.shares
    parents, total = tree.parents, float(shares[tree.parents < 0].sum()) or 1.0
    slices: list[tuple[str, str, str, float, str, str]] = []
    """id, name, parent's id, own value, what hovering says, colour"""
    tops = sorted(np.flatnonzero(parents < 0).tolist(), key=lambda row: (-shares[row], tree.labels[row]))
    colours = dict(zip((tree.labels[row] for row in tops), _around(len(tops)), strict=True))

    def grow(row: int, parent: str) -> None:
        label = tree.labels[row]
        children = np.flatnonzero(parents == row)
        own = max(0.0, float(shares[row] - shares[children].sum()))
        said = Phrase(
            "{label}: {share:.1%} of looks, {members:,} members", "{label}：浏览占 {share:.1%}，{members:,} 人"
        )(lang, label=escape(label), share=shares[row], members=seen.holders[row])
        name = escape(label.split(PATH_SEPARATOR)[-1])
        deep = tree.depths[row] == _DEEPEST
        slices.append((label, name, parent, float(shares[row]) if deep else own, said, _colour(label, colours)))
        if not deep:
            branch(children.tolist(), label)

    def branch(rows: Sequence[int], parent: str) -> None:
        small = [row for row in rows if shares[row] < _LEAST_SLICE * total]
        for row in sorted(set(rows).difference(small), key=lambda row: (-shares[row], tree.labels[row])):
            grow(row, parent)
        left = float(shares[small].sum()) if small else 0.0
        if left > 0:
            name = _OTHERS(lang, count=len(small))
            said = Phrase("{name}: {share:.1%} of looks", "{name}：浏览占 {share:.1%}")(lang, name=name, share=left)
            colour = SERIES[6] if parent == _ROOT else _colour(parent, colours)
            slices.append((f"{parent}{PATH_SEPARATOR}{_ROOT}", name, parent, left, said, colour))

    whole = Phrase("{count} labels", "{count} 个标签")(lang, count=len(tree))
    slices.append((_ROOT, whole, "", 0.0, whole, "--card"))
    branch(tops, _ROOT)
    ids, names, above, values, said, marks = (list(column) for column in zip(*slices, strict=True))
    trace = {
        "type": "sunburst",
        "ids": ids,
        "labels": names,
        "parents": above,
        "values": values,
        "branchvalues": "remainder",
        "customdata": said,
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"colors": marks, "line": {"color": "--card", "width": 1.5}},
        "insidetextfont": {"color": ["--ink", *["--on-series"] * (len(slices) - 1)]},
        "leaf": {"opacity": 1},
        "maxdepth": 3,
        "insidetextorientation": "auto",
        "rotation": 90,
    }
    order = np.lexsort((np.arange(len(tree)), -shares))
    named = [(tree.labels[row], f"{shares[row]:.1%}", f"{seen.holders[row]:,}") for row in order if shares[row] > 0]
    return Chart(
        "interest-tree",
        Phrase("What the looks are about", "浏览内容分布")(lang),
        _tree_takeaway(seen, lang),
        {"data": [trace], "layout": {"uniformtext": {"minsize": 9, "mode": "hide"}}},
        (LABEL(lang), LOOKS(lang), MEMBERS(lang)),
        tuple(named[:200]),
        height=460,
    )


def _tree_takeaway(seen: InterestsGlance, lang: Lang) -> str:
    tops = np.flatnonzero(seen.taxonomy.parents < 0)
    first = int(tops[np.argmax(seen.shares[tops])])
    told = Phrase("{label} draws most, {share:.0%} of all looks.", "“{label}”最受关注，占全部浏览的 {share:.0%}。")(
        lang, label=seen.taxonomy.labels[first], share=seen.shares[first]
    )
    if seen.shares[tops].sum() > 1.01:
        told += Phrase(" An item about several counts in each.", "涉及多个兴趣的物品在每个兴趣中各计一次。")(lang)
    return told


def _around(count: int) -> list[str]:
    """Colours for the slices of a ring, no two neighbours alike, the last and the first neither."""
    colours = [SERIES[place % len(SERIES)] for place in range(count)]
    if count > 2 and colours[-1] == colours[0]:
        colours[-1] = SERIES[3]
    return colours


def _colour(label: str, colours: dict[str, str]) -> str:
    return colours[label.split(PATH_SEPARATOR)[0]]


def tiers_chart(seen: InterestsGlance, lang: Lang) -> Chart:
    """Members by tier, one bar for each of the lowest labels that most members hold."""
    tree, held = seen.taxonomy, seen.tiers.sum(axis=1)
    rows = [row for row in tree.leaf_rows.tolist() if held[row]]
    rows.sort(key=lambda row: (-seen.holders[row], -held[row], tree.labels[row]))
    shown = list(reversed(rows[:_LABELS_SHOWN]))
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": TIER_NAMES[tier](lang),
            "x": seen.tiers[shown, place].tolist(),
            "y": list(range(len(shown))),
            "customdata": [escape(tree.labels[row]) for row in shown],
            "marker": {"color": TONES[tier], "line": {"width": 0}, "pattern": _PATTERNS[tier == Tier.LATENT]},
            "hovertemplate": f"%{{customdata}}<br>{TIER_NAMES[tier](lang)}: %{{x:,}}<extra></extra>",
        }
        for place, tier in enumerate(Tier)
        if seen.tiers[:, place].any()
    ]
    ticks = [escape(clipped(tree.labels[row], LONGEST_LABEL)) for row in shown]
    layout = {
        "barmode": "stack",
        "bargap": 0.28,
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        "xaxis": {"rangemode": "tozero", "nticks": 5, "tickformat": ",d", "title": {"text": MEMBERS(lang)}},
        "yaxis": {
            "tickvals": list(range(len(shown))),
            "ticktext": [f"{tick}\u00a0" for tick in ticks],
            "showgrid": False,
            "zeroline": False,
        },
    }
    used = [tier for place, tier in enumerate(Tier) if seen.tiers[:, place].any()]
    places = [list(Tier).index(tier) for tier in used]
    left_out = len(rows) - len(shown)
    return Chart(
        "interest-tiers",
        Phrase("Members by interest and tier", "各兴趣的会员分层")(lang),
        Phrase(
            "The {count} interests that most members hold; {more} more stand in the table.",
            "持有会员最多的 {count} 个兴趣；其余 {more} 个见表格。",
        )(lang, count=len(shown), more=left_out)
        if left_out
        else "",
        {"data": data, "layout": layout},
        (LABEL(lang), *(TIER_NAMES[tier](lang) for tier in used)),
        tuple((tree.labels[row], *(f"{seen.tiers[row, place]:,}" for place in places)) for row in rows[:200]),
        height=460,
    )
