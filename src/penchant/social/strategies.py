"""Answers in words: how a list came about, and why each item is on it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from penchant.data.verdicts import Evidence
from penchant.language import Lang, Phrase
from penchant.social.people import People
from penchant.social.reasons import Reason

if TYPE_CHECKING:
    from penchant.social.model import SocialModel

NAMED: Final = 2
"""Friends or items that one sentence names at most."""
COMPARABLE: Final = 0.5
"""A second one is named where it carries at least this part of what the first does."""

FRIENDS_LIKE: Final = Phrase("{who} like it.", "{who}喜欢它。")
FRIEND_LIKES: Final = Phrase("{who} likes it.", "{who}喜欢它。")
NEAR_FRIENDS: Final = Phrase("It is close to what {who} may like.", "与{who}的喜好相近。")
BECAUSE: Final = Phrase("Because you like {titles}.", "因为你喜欢{titles}。")
BECAUSE_TAG: Final = Phrase("It is {tag}, like {titles}, which you like.", "与你喜欢的{titles}同属“{tag}”。")
WORDS: Final = Phrase("It is close to what you write.", "与你写的内容相近。")
POPULAR: Final = Phrase("Popular: {n:,} members like it.", "热门：有 {n:,} 位会员喜欢。")
ALL_TOGETHER: Final = Phrase("Because of all that is known of you together.", "综合你的全部行为与关系。")

BY: Final = Phrase("social: {parts}", "社交推荐：{parts}")
EVENTS: Final = Phrase("{n:,} items liked", "{n:,} 个喜欢的内容")
TIES: Final = Phrase("{n:,} ties", "{n:,} 个关系")
SAID: Final = Phrase("what was written", "所写文字")
NOTHING: Final = Phrase("popular: nothing is known of this person yet", "热门：对此人还一无所知")
RANKED: Final = Phrase("{rest}; ordered by a ranker", "{rest}；经排序模型排序")


def strategy(model: "SocialModel", person: People, lang: Lang) -> str:
    """How an answer to one person came about."""
    if not person.known.any():
        return NOTHING(lang)
    events, ties = int(person.events.nnz), int(person.ties.nnz)
    parts = [
        *([EVENTS(lang, n=events)] if events else []),
        *([TIES(lang, n=ties)] if ties else []),
        *([SAID(lang)] if person.said.any() else []),
    ]
    told = BY(lang, parts={"en": ", ", "zh": "、"}[lang].join(parts))
    return RANKED(lang, rest=told) if model.ranker is not None else told


def told(
    model: "SocialModel", person: People, item: int, why: Sequence[Reason], lang: Lang
) -> tuple[str, tuple[Evidence, ...]]:
    """A sentence about what carries most, one more about friends where they carry some, and the evidence.

    A tag is told in place of the events it stands for where several share it and together carry most.
    """
    evidence = tuple(_evidence(model, reason) for reason in why if reason.kind != "tag")
    tagged = tuple(_evidence(model, reason) for reason in why if reason.kind == "tag")
    friends = [reason for reason in why if reason.kind == "friend"]
    events = [reason for reason in why if reason.kind == "event"]
    spoken = [reason for reason in why if reason.kind == "words"]
    sentences: list[tuple[float, str]] = []
    if friends:
        sentences.append((friends[0].lowers, _of_friends(model, item, friends, lang)))
    if events:
        sentences.append((events[0].lowers, _of_events(model, item, why, events, lang)))
    if spoken:
        sentences.append((spoken[0].lowers, WORDS(lang)))
    if not sentences:
        if person.known.any():
            return ALL_TOGETHER(lang), ()
        likers = int((model.graph.events[:, item] > 0).sum())
        return POPULAR(lang, n=likers), (Evidence(share=1.0, source="popularity"),)
    sentences.sort(key=lambda one: -one[0])
    return {"en": " ", "zh": ""}[lang].join(sentence for _, sentence in sentences[:2]), evidence + tagged


def _of_friends(model: "SocialModel", item: int, friends: Sequence[Reason], lang: Lang) -> str:
    likes = model.graph.events
    liking = [reason for reason in friends if likes[reason.row, item] > 0]
    named = _worth_naming(liking or friends)
    ids = [model.community.member_ids.id(reason.row) for reason in named]
    who = {"en": " and ", "zh": "和"}[lang].join(ids)
    if not liking:
        return NEAR_FRIENDS(lang, who=who)
    return (FRIENDS_LIKE if len(named) > 1 else FRIEND_LIKES)(lang, who=who)


def _of_events(model: "SocialModel", item: int, why: Sequence[Reason], events: Sequence[Reason], lang: Lang) -> str:
    tags = model.graph.tags
    named = _worth_naming(events)
    for reason in why:
        if reason.kind == "tag" and reason.lowers >= named[0].lowers and tags[item, reason.row]:
            sharing = _worth_naming([event for event in events if tags[event.row, reason.row]])
            if sharing:
                tag = model.graph.tag_names[reason.row]
                return BECAUSE_TAG(lang, tag=tag, titles=_quoted(model, sharing, lang))
    return BECAUSE(lang, titles=_quoted(model, named, lang))


def _worth_naming(found: Sequence[Reason]) -> list[Reason]:
    return [reason for reason in found[:NAMED] if reason.lowers >= COMPARABLE * found[0].lowers]


def _quoted(model: "SocialModel", named: Sequence[Reason], lang: Lang) -> str:
    titles = [f"“{model.community.titles[reason.row]}”" for reason in named]
    return {"en": " and ", "zh": "和"}[lang].join(titles)


def _evidence(model: "SocialModel", reason: Reason) -> Evidence:
    if reason.kind == "event":
        item_id = model.community.item_ids.id(reason.row)
        return Evidence(
            share=reason.share, item_id=item_id, title=model.community.titles[reason.row], source="event"
        )  # fmt: skip
    if reason.kind == "friend":
        return Evidence(share=reason.share, member_id=model.community.member_ids.id(reason.row), source="friend")
    if reason.kind == "tag":
        return Evidence(share=reason.share, text=model.graph.tag_names[reason.row], source="tag")
    return Evidence(share=reason.share, source="words")
