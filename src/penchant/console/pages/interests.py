"""The interest tree, and the audience of a campaign."""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from penchant.console.desk import Desk
from penchant.console.view import View
from penchant.data.strata import TIER_NAMES, Tier
from penchant.errors import PenchantError
from penchant.interests.audience import SHOWN, Audience, audience
from penchant.interests.taxonomy import normal_path
from penchant.language import Lang, Phrase
from penchant.report.interests_section import interests_section

TITLE: Final = Phrase("Interests", "兴趣")
SAY: Final = {
    "label": Phrase("Whom to reach: interest", "目标受众的兴趣"),
    "tiers": Phrase("In tiers", "层级"),
    "build": Phrase("Build the audience", "生成受众"),
    "members": Phrase("Members", "会员"),
    "share": Phrase("share", "占比"),
    "overlaps": Phrase("What else they hold", "他们同时持有"),
    "no_overlap": Phrase("Nothing else in these tiers.", "在所选层级中没有其他兴趣。"),
    "nobody": Phrase("Nobody holds it in these tiers.", "所选层级中没有会员持有该兴趣。"),
}
HEADING: Final = Phrase("{label}: {count:,} members", "{label}：{count:,} 位会员")
TOLD: Final = Phrase(
    "About {expected:,.0f} of them really give it a twentieth of what they do or more (90% sure: {low:,.0f} to "
    "{high:,.0f}). Of {unjudged:,} members there is too little to tell.",
    "其中约 {expected:,.0f} 位对其投入确实不低于二十分之一（90% 把握：{low:,.0f} 至 {high:,.0f} 位）。"
    "另有 {unjudged:,} 位会员依据太少。",
)
OVERLAPS: Final = (
    Phrase("interest", "兴趣"),
    Phrase("members", "会员数"),
    Phrase("of the audience", "占受众"),
    Phrase("times as likely", "倍数"),
)
_LISTED: Final = 200


def interests(desk: Desk, lang: Lang, *, label: str = "", tiers: Sequence[str] = ()) -> View:
    """The tree with its tiers and, where a label is named, who holds it.

    Args:
        desk: the workspace.
        lang: the language.
        label: whose audience is asked for.
        tiers: that count; those that show an interest now by default.
    """
    held = desk.interests
    wanted = frozenset(Tier(tier) for tier in tiers if tier in set(Tier)) or SHOWN
    section = interests_section(desk.interests_glance, held.strata, (), lang, source=held.source.why(lang))
    result, problem = None, ""
    if label:
        try:
            result = _result(audience(held.strata, normal_path(label), wanted), desk, lang)
        except PenchantError as error:
            problem = str(error)
    return View(
        TITLE(lang),
        template="audience.html.j2",
        sections=(section,),
        problem=problem,
        data={
            "say": {name: phrase(lang) for name, phrase in SAY.items()}
            | {"overlap_headings": [phrase(lang) for phrase in OVERLAPS]},
            "label": label,
            "labels": list(held.strata.labels),
            "tiers": [{"value": tier.value, "name": TIER_NAMES[tier](lang), "on": tier in wanted} for tier in Tier],
            "result": result,
        },
    )


def _result(found: Audience, desk: Desk, lang: Lang) -> dict[str, Any]:
    ids = desk.interests.strata.member_ids
    query = urlencode({"label": found.label, "tier": sorted(found.tiers)}, doseq=True)
    return {
        "heading": HEADING(lang, label=found.label, count=len(found)),
        "told": TOLD(
            lang, expected=found.expected, low=found.interval[0], high=found.interval[1], unjudged=found.unjudged
        ),
        "members": [
            {"id": ids.id(row), "share": f"{share:.0%}"}
            for row, share in zip(found.members[:_LISTED].tolist(), found.shares[:_LISTED].tolist(), strict=True)
        ],
        "csv": f"interests/audience.csv?{query}",
        "overlaps": [
            (other.label, f"{other.members:,}", f"{other.share:.0%}", f"{other.lift:.1f}") for other in found.overlaps
        ],
    }


def audience_csv(desk: Desk, label: str, tiers: Sequence[str]) -> Iterator[str]:
    """Every member of an audience, a line each, in parts.

    Raises:
        UnknownIdError: the tree has no such label.
        InputError: no tier is named.
    """
    strata = desk.interests.strata
    found = audience(strata, normal_path(label), [Tier(tier) for tier in tiers if tier in set(Tier)])
    yield "member_id,share\n"
    for row, share in zip(found.members.tolist(), found.shares.tolist(), strict=True):
        yield f"{cell(strata.member_ids.id(row))},{share:.4f}\n"


def cell(text: str) -> str:
    """A CSV cell that no spreadsheet takes for a formula."""
    if text[:1] in "=+-@\t\r":
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in '",\n\r') else text
