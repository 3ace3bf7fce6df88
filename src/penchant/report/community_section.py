"""The first section: the community at a glance."""

from typing import Final

from penchant.language import Lang, Phrase
from penchant.report.community_charts import community_charts
from penchant.report.glance import Glance
from penchant.report.page import Section, Tile

_NO_EVENTS: Final = Phrase("There are no events yet.", "还没有任何行为。")
_ALL_MEMBERS: Final = Phrase("All {members:,} members have events", "全部 {members:,} 位会员都有行为")
_SOME_MEMBERS: Final = Phrase(
    "{active:,} of {members:,} members have events", "{members:,} 位会员中有 {active:,} 位有行为"
)
_ALL_ITEMS: Final = Phrase(", with all {items:,} items.", "，涉及全部 {items:,} 件物品。")
_SOME_ITEMS: Final = Phrase(", with {seen:,} of {items:,} items.", "，涉及 {items:,} 件物品中的 {seen:,} 件。")


def community_section(seen: Glance, lang: Lang) -> Section:
    """Charts of a community, and a sentence over them."""
    members = _ALL_MEMBERS if seen.active_members == seen.members else _SOME_MEMBERS
    items = _ALL_ITEMS if seen.seen_items == seen.items else _SOME_ITEMS
    lead = _NO_EVENTS(lang)
    if seen.events:
        lead = members(lang, active=seen.active_members, members=seen.members)
        lead += items(lang, seen=seen.seen_items, items=seen.items)
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
        Tile(f"{seen.events:,}", Phrase("events", "行为")(lang)),
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
