"""The section on members among one another."""

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from penchant.errors import NotBuiltError, TooLittleDataError
from penchant.language import Lang, Phrase
from penchant.report.page import Section, TableCard
from penchant.report.social_charts import cold_start_chart, homophily_chart, neighbourhood_chart, telling_member

if TYPE_CHECKING:
    from penchant.builds import Build
    from penchant.social import Social

SHORT: Final = Phrase("Social", "社交")
HEADING: Final = Phrase("Members among one another", "会员之间")


def social_section(build: "Build", lang: Lang) -> Section | None:
    """What a build learned of ties; a sentence on why, where it learned nothing; None where it is older than that."""
    from penchant.social.whole import why_not

    try:
        folder = build.folder("social")
    except NotBuiltError:
        return None
    reason = why_not(folder, lang)
    if reason is not None:
        return Section(
            "social", SHORT(lang), HEADING(lang), f"{reason[0].upper()}{reason[1:]}{'。' if lang == 'zh' else '.'}"
        )
    return told(build.social(), lang)


def told(social: "Social", lang: Lang) -> Section:
    """The charts of what was learned."""
    from penchant.social.cold_start import ColdStart

    shape = social.model.statistics
    charts = []
    member = telling_member(social)
    if member is not None:
        charts.append(neighbourhood_chart(social, member, lang))
    if shape.homophily is not None:
        charts.append(homophily_chart(shape.homophily, lang))
    # With too few members the curve would be chance; the other charts say what there is.
    with suppress(TooLittleDataError):
        charts.append(cold_start_chart(ColdStart.of(social.newcomers.graph, social.newcomers.config), lang))
    return Section(
        "social", SHORT(lang), HEADING(lang), shape.told(lang), charts=tuple(charts), tables=(_shape(social, lang),)
    )


def _shape(social: "Social", lang: Lang) -> TableCard:
    """The graph in numbers."""
    shape = social.model.statistics
    rows = (
        (Phrase("ties (a friendship counts twice)", "关系数（好友计两次）"), f"{shape.ties:,}"),
        (Phrase("ties a member has: mean, median, most", "每位会员的关系数：平均、中位、最多"),
         f"{shape.mean_degree:.1f}, {shape.median_degree:.0f}, {shape.largest_degree:,}"),
        (Phrase("components, and members in the largest", "连通分量数，最大分量的会员数"),
         f"{shape.components:,}, {shape.largest_component:,}"),
        (Phrase("members without a tie", "没有关系的会员"), f"{shape.isolated:,}"),
    )  # fmt: skip
    return TableCard(
        Phrase("The ties in numbers", "关系概览")(lang),
        (Phrase("what", "指标")(lang), Phrase("how much", "数值")(lang)),
        tuple((name(lang), value) for name, value in rows),
        note=Phrase("Whom to suggest goes by {order}.", "推荐会员的依据：{order}。")(
            lang, order=social.friends.verdict.told(lang)
        ),
    )
