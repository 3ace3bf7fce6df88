"""One member: who they are, what they like, what they get and why, and what would change it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from penchant.console.desk import Desk
from penchant.console.pages import member_around
from penchant.console.view import View
from penchant.data.columns import EVENTS, EventKind
from penchant.data.strata import MemberInterests
from penchant.data.verdicts import Ranking
from penchant.errors import NotBuiltError, UnknownIdError
from penchant.language import Lang, Phrase
from penchant.report.interests_section import tier_key
from penchant.report.members_section import day, pick_lines
from penchant.report.page import Section
from penchant.report.tier_pictures import tier_picture
from penchant.report.words import clipped, event_words, kind_name

TITLE: Final = Phrase("Member {member}", "会员 {member}")
SAY: Final = {
    "recommended": Phrase("Recommended now, and why", "当前推荐与理由"),
    "history": Phrase("What they did last", "最近的行为"),
    "what_if": Phrase("What if they met an item?", "如果该会员接触了某物品，推荐会怎样变化？"),
    "item": Phrase("id of an item", "物品编号"),
    "kind": Phrase("and", "行为"),
    "try": Phrase("Try", "试试看"),
    "back": Phrase("Back to now", "恢复"),
    "before": Phrase("Now", "现在"),
    "after": Phrase("Then", "之后"),
    "no_events": Phrase("This member has done nothing yet.", "该会员还没有任何行为。"),
    "no_picks": Phrase("The build has nothing to show this member.", "当前构建没有可推荐的内容。"),
}
FACTS: Final = {
    "joined_at": Phrase("joined", "加入时间"),
    "consent": Phrase("consent to use of data", "同意使用数据"),
    "private": Phrase("private", "私密账号"),
}
EVENTS_TOLD: Final = Phrase("events", "行为数")
SPAN: Final = Phrase("{count:,}, from {first} to {last}", "{count:,} 条，{first} 至 {last}")
YES: Final = Phrase("yes", "是")
NO: Final = Phrase("no", "否")
NEW: Final = Phrase("new", "新进入")
UP: Final = Phrase("▲ {places}", "▲ {places}")
DOWN: Final = Phrase("▼ {places}", "▼ {places}")
INTERESTS: Final = Phrase("Interests", "兴趣分层")
INTERESTS_LEAD: Final = Phrase("Judged from the events as they are at this moment.", "根据此刻的行为实时判断。")
STRATEGY: Final = Phrase("Strategy: {strategy}", "推荐策略：{strategy}")
_PICKS: Final = 10
_EVENTS: Final = 12
_SUGGESTED: Final = 200
_ASKED: Final = (EventKind.VIEW, EventKind.LIKE, EventKind.BUY, EventKind.PLAY, EventKind.READ, EventKind.SAVE)


def member(desk: Desk, lang: Lang, member_id: str, *, item: str = "", kind: str = "view") -> View:
    """Everything about one member.

    Args:
        desk: the workspace.
        lang: the language.
        member_id: of whom.
        item: id of an item they might meet; empty to leave things as they are.
        kind: what they would do with it.

    Raises:
        UnknownIdError: there is no such member.
        NotBuiltError: there is no build yet.
    """
    profile, history = desk.store.member(member_id), desk.history(member_id)
    community = desk.loaded.recommender.community
    now = desk.recommend(member_id, _PICKS, lang)
    then, problem = None, ""
    if item:
        try:
            desk.title(item)
            then = desk.recommend(member_id, _PICKS, lang, also=_one(history, member_id, item, kind))
        except UnknownIdError as error:
            problem = str(error)
    picks = [vars(line) for line in pick_lines(now, community, lang)]
    made = (
        _interests(desk, member_id, desk.usable_history(member_id), lang),
        member_around.drift_section(desk, member_id, lang),
    )
    sections = [section for section in made if section is not None]
    return View(
        TITLE(lang, member=member_id),
        template="member.html.j2",
        sections=tuple(sections),
        problem=problem,
        data={
            "say": {name: phrase(lang) for name, phrase in SAY.items()},
            "facts": [
                *_facts(profile, lang),
                *_activity(history, lang),
                *member_around.segment_fact(desk, member_id, lang),
            ],
            "ties": member_around.ties(desk, member_id, lang),
            "around": member_around.said_of_ties(lang),
            "member": member_id,
            "picks": [{**pick, "moved": "", "fresh": False} for pick in picks],
            "after": _moves(now, then, desk, lang) if then is not None else [],
            "strategy": STRATEGY(lang, strategy=now.strategy),
            "item": item,
            "kind": kind,
            "kinds": [(one.value, kind_name(one, lang)) for one in _ASKED],
            "known_items": desk.kept("popular_items", lambda build: _popular(build.community)),
            "history": [_event(row, desk, lang) for row in history.tail(_EVENTS).reverse().iter_rows(named=True)],
        },
    )


def _facts(profile: Mapping[str, Any], lang: Lang) -> list[tuple[str, str]]:
    shown = []
    for name, value in profile.items():
        if name == "member_id" or value is None:
            continue
        told = FACTS[name](lang) if name in FACTS else name
        if isinstance(value, bool):
            value = (YES if value else NO)(lang)
        shown.append((told, day(value) if isinstance(value, datetime) else str(value)))
    return shown


def _activity(history: pl.DataFrame, lang: Lang) -> list[tuple[str, str]]:
    if not len(history):
        return [(EVENTS_TOLD(lang), "0")]
    first, last = day(history["at"][0]), day(history["at"][-1])
    return [(EVENTS_TOLD(lang), SPAN(lang, count=len(history), first=first, last=last))]


def _event(row: Mapping[str, Any], desk: Desk, lang: Lang) -> dict[str, str]:
    item = row["item_id"]
    title = desk.title(item) if item is not None else row["text"]
    return {
        "title": clipped(title or ""),
        "when": f"{row['at']:%Y-%m-%d %H:%M}",
        "what": event_words(row["kind"], row["amount"], lang),
    }


def _one(history: pl.DataFrame, member_id: str, item: str, kind: str) -> pl.DataFrame:
    """One event as the events table has it, at the moment of the member's last."""
    at = history["at"][-1] if len(history) else datetime.now(UTC)
    event = {"member_id": member_id, "item_id": item, "kind": kind, "at": at}
    return pl.DataFrame({name: [event.get(name)] for name in EVENTS}, schema=dict(EVENTS))


def _moves(before: Ranking, after: Ranking, desk: Desk, lang: Lang) -> list[dict[str, Any]]:
    """The second list's picks, each with how far it moved from its place in the first."""
    places = {pick.item_id: place for place, pick in enumerate(before)}
    lines = []
    for place, (pick, line) in enumerate(
        zip(after, pick_lines(after, desk.loaded.recommender.community, lang), strict=True)
    ):
        moved = places.get(pick.item_id)
        word = ""
        if moved is None:
            word = NEW(lang)
        elif moved != place:
            word = (UP if moved > place else DOWN)(lang, places=abs(moved - place))
        lines.append({**vars(replace(line)), "moved": word, "fresh": moved is None})
    return lines


def _interests(desk: Desk, member_id: str, history: pl.DataFrame, lang: Lang) -> Section | None:
    try:
        held: MemberInterests = desk.loaded.fresh_interests(member_id, history)
    except NotBuiltError:
        # A build of an earlier Penchant.
        return None
    return Section(
        "interests",
        INTERESTS(lang),
        INTERESTS(lang),
        INTERESTS_LEAD(lang),
        key=tier_key(lang),
        pictures=(tier_picture(0, held, INTERESTS, desk.interests_glance, lang),),
        pictures_heading="",
    )


def _popular(community: Any) -> list[dict[str, str]]:
    """The items most met, to pick from."""
    counts = community.events["item"].drop_nulls().value_counts(sort=True).head(_SUGGESTED)
    return [
        {"id": community.item_ids.id(row), "title": clipped(community.titles[row], 80)}
        for row in counts["item"].to_list()
    ]
