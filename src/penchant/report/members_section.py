"""Members with their history, what they are recommended and why; what a newcomer sees; what stands near a new item."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Final

from penchant.data.community import Community
from penchant.data.verdicts import Evidence, Ranking
from penchant.language import Lang, Phrase
from penchant.report.page import EventLine, ListCard, MemberCard, PickLine, Section, TierChip
from penchant.report.stories import Story
from penchant.report.words import clipped, event_words, kind_name

_CATEGORIES_SHOWN: Final = 3
_STRATEGY: Final = Phrase("Strategy: {strategy}", "策略：{strategy}")
_ALL: Final = Phrase("All {shown} events, latest first", "全部 {shown} 条行为（由近及远）")
_LATEST: Final = Phrase("The latest {shown} of {events:,} events", "最近 {shown} 条行为（共 {events:,} 条）")
_NONE: Final = Phrase("No events yet. The items nearest to it:", "还没有任何行为。与之最相近的物品：")
_FEW: Final = Phrase("Events so far: {count}. The items nearest to it:", "目前仅有 {count} 条行为。与之最相近的物品：")


def member_card(
    story: Story,
    ranking: Ranking,
    community: Community,
    lang: Lang,
    interests: tuple[TierChip, ...] = (),
) -> MemberCard:
    """One member's story beside the ranking made for them; their tiers, where known, in place of their tastes."""
    facts = Phrase("{events:,} events, from {first} to {last}", "共 {events:,} 条行为，{first} 至 {last}")(
        lang, events=story.events, first=day(story.first), last=day(story.last)
    )
    shown = sum(len(told.events) for told in story.history)
    heading = _ALL if shown == story.events else _LATEST
    return MemberCard(
        id=story.member_id,
        why=story.why(lang),
        facts=facts,
        tastes=tuple((clipped(category, 60), f"{share:.0%}") for category, share in story.tastes),
        interests=interests,
        history_heading=heading(lang, shown=shown, events=story.events),
        history=tuple(
            EventLine(clipped(told.title), day(told.at), _in_a_row(told.events, lang)) for told in story.history
        ),
        picks=pick_lines(ranking, community, lang),
        strategy=_STRATEGY(lang, strategy=ranking.strategy),
    )


def _in_a_row(events: Sequence[tuple[str, float | None]], lang: Lang) -> str:
    """Events with one item in order of time; several of one kind are counted.

    >>> _in_a_row([("view", None), ("view", None), ("rate", 4.0)], "en")
    'view ×2 → rating 4'
    """
    words = [event_words(kind, amount, lang) for kind, amount in events]
    runs = [(word, len(list(found))) for word, found in groupby(words)]
    return " → ".join(word if count == 1 else f"{word} ×{count}" for word, count in runs)


def members_section(cards: Sequence[MemberCard], lang: Lang) -> Section:
    """The members, one under the other."""
    return Section(
        "members",
        Phrase("Members", "会员")(lang),
        Phrase("{count} members and what they get", "{count}位会员的推荐")(lang, count=_count(len(cards), lang)),
        Phrase(
            "Chosen by rule to differ in how much they do and how wide their taste is. Each reason names what the item "
            "rests on, and the evidence below it says how much that carries.",
            "按固定规则选出，活跃度与口味宽窄各不相同。每条理由都指明所依据的行为或文本，其下的依据给出各自占比。",
        )(lang),
        members=tuple(cards),
    )


def newcomers_section(
    newcomer: Ranking, near: Sequence[tuple[int, Ranking]], community: Community, lang: Lang
) -> Section:
    """What a member without history sees, and items near those that nobody has touched yet.

    Args:
        newcomer: the ranking for an empty history.
        near: rows of new items, each with the ranking of items whose text is closest.
        community: where the items are.
        lang: the language.
    """
    lists = [
        ListCard(
            Phrase("What a newcomer sees", "新会员看到的内容")(lang),
            pick_lines(newcomer, community, lang),
            note=Phrase("For someone with no events yet.", "面向尚无任何行为的会员。")(lang),
            strategy=_STRATEGY(lang, strategy=newcomer.strategy),
            wide=True,
        )
    ]
    lists += [
        ListCard(
            clipped(community.titles[item]),
            tuple(replace(line, reason="", evidence=()) for line in pick_lines(ranking, community, lang)),
            note=(_FEW if events else _NONE)(lang, count=events),
            strategy=_STRATEGY(lang, strategy=ranking.strategy),
        )
        for (item, ranking), events in zip(near, _event_counts(community, [item for item, _ in near]), strict=True)
    ]
    return Section(
        "newcomers",
        Phrase("Newcomers", "冷启动")(lang),
        Phrase("New members and new items", "新会员与新物品")(lang),
        Phrase(
            "A member without history is answered from what is popular now. An item that hardly anyone has touched is "
            "placed by the language model, through its text alone.",
            "没有历史的会员看到当前热门；几乎无人问津的物品由语言模型仅凭文本定位。",
        )(lang),
        lists=tuple(lists),
    )


def pick_lines(ranking: Ranking, community: Community, lang: Lang) -> tuple[PickLine, ...]:
    """The picks of a ranking with the categories of each item and the evidence line by line."""
    categories = community.items["categories"]
    lines = []
    for pick in ranking:
        row = community.item_ids.row_or_none(pick.item_id)
        found = categories[row] if row is not None else None
        names = [] if found is None else found.to_list()
        evidence = tuple(evidence_line(piece, lang) for piece in pick.evidence if piece.title or piece.text)
        lines.append(
            PickLine(clipped(pick.title), clipped(", ".join(names[:_CATEGORIES_SHOWN])), pick.reason, evidence)
        )
    return tuple(lines)


def evidence_line(piece: Evidence, lang: Lang) -> str:
    """One piece of evidence in a line: what, which kind of event, when, and how much it carries.

    >>> evidence_line(Evidence(0.25, title="Kettle", kind="buy", at=datetime(2026, 3, 1)), "en")
    'Kettle · purchase · 2026-03-01 · 25%'
    """
    parts = [
        clipped(piece.title or piece.item_id or ""),
        clipped(piece.text or ""),
        kind_name(piece.kind, lang) if piece.kind else "",
        day(piece.at) if piece.at else "",
        f"{piece.share:.0%}",
    ]
    return " · ".join(part for part in parts if part)


def day(moment: datetime) -> str:
    """A day as both languages read it: 2026-03-01."""
    return f"{moment:%Y-%m-%d}"


def _event_counts(community: Community, items: Sequence[int]) -> list[int]:
    return [int((community.events["item"] == item).sum()) for item in items]


def _count(number: int, lang: Lang) -> str:
    words = {1: ("One", "一"), 2: ("Two", "两"), 3: ("Three", "三"), 4: ("Four", "四"), 5: ("Five", "五")}
    return Phrase(*words[number])(lang) if number in words else str(number)
