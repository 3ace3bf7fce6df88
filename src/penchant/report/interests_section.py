"""What members are interested in: the tree, the tiers, some members drawn, and why texts got their labels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from penchant.data.strata import TIER_NAMES, Strata, Tier
from penchant.language import Lang, Phrase
from penchant.report.interests_charts import TONES, tiers_chart, tree_chart
from penchant.report.interests_glance import InterestsGlance
from penchant.report.page import MarkedText, Section, TableCard, TierChip, Tile
from penchant.report.tier_pictures import tier_picture
from penchant.report.words import clipped

if TYPE_CHECKING:
    from penchant.interests import Discovery

_SUBJECTS_SHOWN: Final = 12
_WORDS_SHOWN: Final = 6
SHORT: Final = Phrase("Interests", "兴趣")
HEADING: Final = Phrase("What members are interested in", "会员兴趣分层")
MEANINGS: Final = {
    Tier.CORE: Phrase("a large share of the looks, and steady", "占比高且稳定"),
    Tier.REGULAR: Phrase("comes back now and then", "不时关注"),
    Tier.EMERGING: Phrase("lately grown, beyond chance", "近期上升，超出偶然"),
    Tier.FADING: Phrase("lately shrunk, beyond chance", "近期下降，超出偶然"),
    Tier.LATENT: Phrase("hardly shown, predicted from similar members", "几乎未表现，由相似会员推断"),
}
_ENOUGH: Final = Phrase(
    "The tiers of all {judged:,} members, from what they did and what the items are about.",
    "根据行为与物品内容，为全部 {judged:,} 位会员划分兴趣层级。",
)
_SOME: Final = Phrase(
    "The tiers of {judged:,} of {members:,} members, from what they did and what the items are about; of the other "
    "{unjudged:,} there is too little to tell.",
    "根据行为与物品内容，为 {members:,} 位会员中的 {judged:,} 位划分兴趣层级；其余 {unjudged:,} 位依据太少，暂不判断。",
)
_NONE: Final = Phrase(
    "There is too little to tell of any of the {members:,} members: {wanted:.0f} independent looks are wanted for a "
    "verdict. More events will change that.",
    "全部 {members:,} 位会员的依据都太少：至少需要相当于 {wanted:.0f} 次独立浏览才会判断。行为增多后即可得出。",
)
_NO_STAGE: Final = Phrase(
    "This build holds no interests: an earlier version of Penchant made it. Build again to have them.",
    "此次构建由较早版本的 Penchant 生成，不含兴趣。重新构建即可得到。",
)


def interests_section(
    seen: InterestsGlance,
    strata: Strata,
    members: Sequence[tuple[int, Phrase]],
    lang: Lang,
    *,
    marked: Sequence[MarkedText] = (),
    source: str = "",
    discovery: "Discovery | None" = None,
) -> Section:
    """The charts, the members and the texts.

    Args:
        seen: the interests in numbers.
        strata: of all members.
        members: rows of members to draw, each with why it was chosen.
        lang: the language.
        marked: texts with their reasons.
        source: a sentence on where the labels come from.
        discovery: the subjects found in texts, where labels come from there.
    """
    lead = _ENOUGH if not seen.unjudged else _SOME if seen.judged else _NONE
    told = lead(lang, judged=seen.judged, members=seen.members, unjudged=seen.unjudged, wanted=strata.wanted)
    charts = [tree_chart(seen, lang)] if seen.shares.any() else []
    if seen.tiers.any():
        charts.append(tiers_chart(seen, lang))
    pictures = [
        tier_picture(place, strata[strata.member_ids.id(member)], why, seen, lang)
        for place, (member, why) in enumerate(members)
    ]
    return Section(
        "interests",
        SHORT(lang),
        HEADING(lang),
        told + (Phrase(" ", "")(lang) + source if source else ""),
        key=tier_key(lang) if seen.tiers.any() else (),
        charts=tuple(charts),
        tables=(_subjects(discovery, lang),) if discovery is not None else (),
        pictures=tuple(pictures),
        pictures_heading=Phrase(
            "Members, tier by tier: share of their looks with its interval; a diamond marks the community's share.",
            "会员的兴趣层级：占其浏览的比例及区间；菱形为全体会员的比例。",
        )(lang),
        marked=tuple(marked),
        marked_heading=Phrase("Why a text got its label", "文本为何得到该标签")(lang),
        marked_note=Phrase(
            "The deeper the colour, the more the odds of the label change when that word is left out. Sure labels keep "
            "to the risk that was set; an unsure one may be right, but nobody should count on it.",
            "颜色越深，去掉该词后标签可能性的变化越大。“有把握”的标签整体出错率控制在设定的风险之内；“没有把握”的仅供参考。",
        )(lang),
    )


def no_interests_section(lang: Lang) -> Section:
    """Says that a build holds no interests, and what to do."""
    return Section("interests", SHORT(lang), HEADING(lang), _NO_STAGE(lang))


def _subjects(discovery: "Discovery", lang: Lang) -> TableCard:
    """The largest of the lowest subjects that were found, with the words that set each apart."""
    leaves = [discovery.found[row] for row in discovery.taxonomy.leaf_rows.tolist()]
    largest = sorted(leaves, key=lambda found: (-found.size, found.label))[:_SUBJECTS_SHOWN]
    return TableCard(
        Phrase("Subjects found in the items' texts", "从物品文本中发现的主题")(lang),
        tuple(
            phrase(lang)
            for phrase in (Phrase("subject", "主题"), Phrase("its words", "特征词"), Phrase("texts", "文本数"))
        ),
        tuple(
            (clipped(found.label, 60), Phrase(", ", "、")(lang).join(found.words[:_WORDS_SHOWN]), f"{found.size:,}")
            for found in largest
        ),
        note=Phrase("Nobody has labelled these; names and levels can be edited.", "未经人工标注；名称与层级可编辑。")(
            lang
        ),
        text_columns=2,
        wide=True,
    )


def interests_tile(seen: InterestsGlance, lang: Lang) -> Tile | None:
    """How many members have tiers; None where nobody has."""
    if not seen.judged:
        return None
    return Tile(f"{seen.judged:,}", Phrase("members with interests in tiers", "已划分兴趣层级的会员")(lang))


def tier_key(lang: Lang) -> tuple[TierChip, ...]:
    """What each tier's colour means, in a few words."""
    return tuple(TierChip(TIER_NAMES[tier](lang), TONES[tier], MEANINGS[tier](lang)) for tier in Tier)
