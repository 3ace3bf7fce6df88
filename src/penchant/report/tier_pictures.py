"""A member's interests as a picture: shares with intervals, coloured by tier, and the events that each rests on."""

from collections.abc import Sequence
from typing import Any, Final

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.strata import TIER_NAMES, Interest, MemberInterests, Tier
from penchant.interests.examples import lowest
from penchant.language import Lang, Phrase
from penchant.report.charts import Bar, Chart, bars_height, horizontal_bars
from penchant.report.interests_charts import LABEL, TONES
from penchant.report.interests_glance import InterestsGlance
from penchant.report.members_section import evidence_line
from penchant.report.page import TierChip, TierLine, TierPicture

_SHOWN: Final = {Tier.CORE: 5, Tier.REGULAR: 3, Tier.EMERGING: 3, Tier.FADING: 3, Tier.LATENT: 3}
"""Labels of each tier in a picture."""
_FACTS: Final = Phrase("Evidence worth {looks:,.0f} independent looks", "依据相当于 {looks:,.0f} 次独立浏览")


def tier_picture(place: int, mine: MemberInterests, why: Phrase, seen: InterestsGlance, lang: Lang) -> TierPicture:
    """One member's tiers, or that there is too little to tell.

    Args:
        place: of the member on the page, from 0.
        mine: what is known of the member.
        why: the member was chosen.
        seen: for the community's shares.
        lang: the language.
    """
    told = told_interests(mine.interests)
    # A latent interest is a guess at what comes next and not a share of what was done: it gets no bar beside those.
    shown = [interest for interest in told if interest.tier != Tier.LATENT]
    latent = [interest.label for interest in told if interest.tier == Tier.LATENT]
    chart = member_chart(f"interests-of-{place}", mine.member_id, shown, seen, lang) if shown else None
    return TierPicture(
        id=mine.member_id,
        why=why(lang),
        facts=mine.note(lang) or _FACTS(lang, looks=mine.evidence_count),
        chart=chart,
        lines=tuple(_line(interest, lang) for interest in shown),
        latent=TierChip(TIER_NAMES[Tier.LATENT](lang), TONES[Tier.LATENT], Phrase(", ", "、")(lang).join(latent))
        if latent
        else None,
    )


def _line(interest: Interest, lang: Lang) -> TierLine:
    """What one interest rests on: its strongest event in sight, the others behind it."""
    evidence = tuple(evidence_line(piece, lang) for piece in interest.evidence)
    return TierLine(interest.label, TIER_NAMES[interest.tier](lang), TONES[interest.tier], evidence)


def told_interests(interests: Sequence[Interest]) -> list[Interest]:
    """The interests worth a bar: the strongest of each tier, without those that a deeper one of the tier implies."""
    told: list[Interest] = []
    for tier in Tier:
        mine = [interest for interest in interests if interest.tier == tier]
        deepest = lowest(interest.label for interest in mine) if mine else ()
        told += [interest for interest in mine if interest.label in deepest][: _SHOWN[tier]]
    return told


def member_chart(name: str, title: str, interests: Sequence[Interest], seen: InterestsGlance, lang: Lang) -> Chart:
    """One member's interests: share with interval, coloured by tier, a diamond at the community's share.

    Args:
        name: of the chart on the page.
        title: what it is called.
        interests: what to draw, in order.
        seen: for the community's shares.
        lang: the language.
    """
    bars = [
        Bar(interest.label, interest.share, interest.interval, f"{interest.share:.0%}", TONES[interest.tier])
        for interest in interests
    ]
    usual = [float(seen.shares[seen.taxonomy.row(interest.label)]) for interest in interests]
    figure = horizontal_bars(bars)
    trace = figure["data"][0]
    names = [TIER_NAMES[interest.tier](lang) for interest in reversed(interests)]
    trace["customdata"] = [f"{label} · {tier}" for label, tier in zip(trace["customdata"], names, strict=True)]
    community: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": list(reversed(usual)),
        "y": trace["y"],
        "marker": {"symbol": "diamond", "size": 9, "color": "--card", "line": {"width": 1.6, "color": "--ink"}},
        "customdata": [f"{share:.0%}" for share in reversed(usual)],
        "hovertemplate": Phrase("community: {share}", "全体会员：{share}")(lang, share="%{customdata}")
        + "<extra></extra>",
    }
    ends = [*usual, *(high for _, high in (interest.interval for interest in interests))]
    figure["data"].append(community)
    figure["layout"] |= {"showlegend": False, "xaxis": {"range": [0, max(ends) * 1.06], "visible": False}}
    return Chart(
        name,
        title,
        "",
        figure,
        (
            LABEL(lang),
            Phrase("tier", "层级")(lang),
            Phrase("share", "占比")(lang),
            Phrase("interval", "区间")(lang),
            Phrase("community", "全体会员")(lang),
        ),
        tuple(
            (
                interest.label,
                TIER_NAMES[interest.tier](lang),
                f"{interest.share:.1%}",
                "{:.1%} – {:.1%}".format(*interest.interval),
                f"{share:.1%}",
            )
            for interest, share in zip(interests, usual, strict=True)
        ),
        text_columns=2,
        height=bars_height(len(bars)),
    )


def tier_chips(mine: MemberInterests, lang: Lang) -> tuple[TierChip, ...]:
    """A member's tiers in one line: each tier with the last levels of its labels."""
    told = told_interests(mine.interests)
    chips = []
    for tier in Tier:
        names = [interest.label.split(PATH_SEPARATOR)[-1] for interest in told if interest.tier == tier]
        if names:
            chips.append(TierChip(TIER_NAMES[tier](lang), TONES[tier], Phrase(", ", "、")(lang).join(names)))
    return tuple(chips)
