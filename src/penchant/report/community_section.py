"""The first section: the community at a glance."""

from penchant.language import Lang, Phrase
from penchant.report.charts import community_charts
from penchant.report.glance import Glance
from penchant.report.page import Section, Tile


def community_section(seen: Glance, lang: Lang) -> Section:
    """Charts of a community, and a sentence over them."""
    if not seen.events:
        lead = Phrase("There are no events yet.", "还没有任何事件。")(lang)
    elif seen.active_members == seen.members and seen.seen_items == seen.items:
        lead = Phrase("Every member has events, and every item was touched.", "所有会员都有行为，所有物品都被触达过。")(
            lang
        )
    else:
        lead = Phrase(
            "{active:,} of {members:,} members have events, with {seen_items:,} of {items:,} items.",
            "{members:,} 位会员中有 {active:,} 位产生过行为，涉及 {items:,} 件物品中的 {seen_items:,} 件。",
        )(lang, active=seen.active_members, members=seen.members, seen_items=seen.seen_items, items=seen.items)
    return Section(
        "community",
        Phrase("Community", "社区")(lang),
        Phrase("The community at a glance", "社区概览")(lang),
        lead,
        charts=tuple(community_charts(seen, lang)),
    )


def tiles(seen: Glance, lang: Lang) -> list[Tile]:
    """The large numbers under the title."""
    counted = [
        Tile(f"{seen.members:,}", Phrase("members", "会员")(lang)),
        Tile(f"{seen.items:,}", Phrase("items", "物品")(lang)),
        Tile(f"{seen.events:,}", Phrase("events", "事件")(lang)),
    ]
    if seen.ties:
        counted.append(Tile(f"{seen.ties:,}", Phrase("ties between members", "会员关系")(lang)))
    return counted


def span(seen: Glance, lang: Lang) -> str:
    """From when to when, in a sentence; empty without events."""
    if seen.first is None or seen.last is None:
        return ""
    return Phrase(
        "Events from {first:%-d %B %Y} to {last:%-d %B %Y}.",
        "数据时间：{first:%Y 年 %-m 月 %-d 日}至 {last:%Y 年 %-m 月 %-d 日}。",
    )(lang, first=seen.first, last=seen.last)
