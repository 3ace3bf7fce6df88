"""`penchant member`: everything known about one member."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from penchant.cli.asking import recommended
from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.interests_members import described, show_interests
from penchant.cli.recommend import MEMBER, show_ranking
from penchant.cli.speech import both
from penchant.data.consent import usable_history
from penchant.data.interactions import EventWeights
from penchant.language import Phrase
from penchant.members.privacy import privacy_config
from penchant.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

HELP: Final = both(
    """Show everything known about one member: profile, tastes, interests in tiers, history, ties, and what to recommend
    now.

    Tastes are the categories of what the member liked so far. Interests weigh that by strength and age, and say what is
    steady, rising or fading. Interests and recommendations need a build; the rest comes from the store as it is at this
    moment.""",
    """查看关于一位会员的全部信息：资料、偏好、兴趣分层、历史、关系以及当前推荐。

    偏好是会员迄今喜欢过的类目；兴趣分层再按行为强度与新旧加权，并区分稳定、上升与消退。兴趣分层和推荐需要已有构建，其余内容
    直接取自存储的最新数据。""",
)
EXAMPLES: Final = """penchant member shop.ws m42
penchant member shop.ws m42 --json"""

TITLE: Final = Phrase("Member {member}", "会员 {member}")
FIELDS: Final = {
    "joined_at": Phrase("joined", "加入时间"),
    "consent": Phrase("consent to use of data", "同意使用数据"),
    "private": Phrase("private", "私密账号"),
}
YES: Final = Phrase("yes", "是")
NO: Final = Phrase("no", "否")
EVENTS: Final = Phrase(
    "{count:,} events from {first:%Y-%m-%d} to {last:%Y-%m-%d}: {kinds}",
    "{count:,} 条行为，{first:%Y-%m-%d} 至 {last:%Y-%m-%d}：{kinds}",
)
NO_EVENTS: Final = Phrase("No events yet.", "还没有任何行为。")
TASTES: Final = Phrase("Tastes: {tastes}", "偏好：{tastes}")
TIES: Final = Phrase("{count:,} ties: {kinds}", "{count:,} 条关系：{kinds}")
LATEST: Final = Phrase("Latest events", "最近的行为")
COLUMNS: Final = (
    Phrase("when (UTC)", "时间（UTC）"),
    Phrase("what", "行为"),
    Phrase("item", "物品"),
    Phrase("id", "编号"),
)
INTERESTS: Final = Phrase("Interests", "兴趣分层")
RECOMMENDED: Final = Phrase("Recommended now", "当前推荐")
NO_BUILD: Final = Phrase(
    "Interests and recommendations need a build: penchant build {workspace}",
    "兴趣分层和推荐需要先构建：penchant build {workspace}",
)
JOINT: Final = Phrase(", ", "、")
_INTERESTS_SHOWN: Final = 12


def member(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member_id: Annotated[str, typer.Argument(metavar="MEMBER", help=MEMBER)],
    events: Annotated[
        int,
        typer.Option(metavar="N", min=0, help=both("How many of the latest events to show.", "显示最近多少条行为。")),
    ] = 10,
    k: Annotated[
        int, typer.Option("-k", metavar="K", min=0, help=both("How many recommendations.", "显示多少条推荐。"))
    ] = 5,
    as_json: Annotated[bool, typer.Option("--json", help=both("Answer in JSON.", "以 JSON 输出。"))] = False,
) -> None:
    speaker = face(ctx)
    opened = Workspace.open(workspace)
    with opened.store() as store:
        profile = store.member(member_id)
        history, ties = store.history(member_id), store.ties_of(member_id)
        usable = usable_history(store, member_id, privacy_config(opened.config).consent)
        verdicts = store.verdicts_of(member_id)
        items = {item: store.item(item) for item in history["item_id"].drop_nulls().unique()}
    build = opened.current
    ranking, interests, weights = None, None, EventWeights()
    if build is not None:
        interests = build.member_interests(member_id, usable)
        recommender = build.recommender()
        weights = recommender.config.event_weights
        ranking = recommended(opened, recommender, member_id, k, lang=speaker.lang) if k else None
    tastes = _tastes(history, items, weights)
    if as_json:
        speaker.json(
            {
                "member": profile,
                "events": len(history),
                "kinds": dict(Counter(history["kind"])),
                "tastes": [{"category": category, "share": share} for category, share in tastes],
                "interests": described(interests, speaker) if interests is not None else None,
                "history": [_titled(row, items) for row in history.tail(events).reverse().iter_rows(named=True)],
                "ties": ties.to_dicts(),
                "verdicts": [{**row, "verdict": json.loads(row["verdict"])} for row in verdicts.iter_rows(named=True)],
                "recommendations": ranking,
            }
        )
        return
    _show_profile(speaker, member_id, profile)
    _show_activity(speaker, history, ties, tastes)
    if interests is not None:
        speaker.line("")
        speaker.heading(INTERESTS)
        show_interests(speaker, interests, most=_INTERESTS_SHOWN)
    if len(history) and events:
        speaker.line("")
        rows = [_row(speaker, row, items) for row in history.tail(events).reverse().iter_rows(named=True)]
        speaker.table(COLUMNS, rows, title=LATEST)
    if ranking is not None:
        speaker.line("")
        speaker.heading(RECOMMENDED)
        show_ranking(speaker, ranking, as_json=False)
    elif build is None:
        speaker.say(NO_BUILD, workspace=opened.path)


def _tastes(
    history: "pl.DataFrame", items: dict[str, dict[str, Any]], weights: EventWeights
) -> list[tuple[str, float]]:
    """Categories of the items with a positive event, by the share of such events, the largest first."""
    positive = history.filter((weights.apply(history) > 0) & history["item_id"].is_not_null())
    counted = Counter(
        category for item in positive["item_id"] for category in dict.fromkeys(items[item].get("categories") or ())
    )
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(category, count / len(positive)) for category, count in ordered]


def _titled(event: dict[str, Any], items: dict[str, dict[str, Any]]) -> dict[str, Any]:
    title = items[event["item_id"]]["title"] if event["item_id"] is not None else None
    return {**{name: value for name, value in event.items() if name != "member_id"}, "title": title}


def _row(speaker: Face, event: dict[str, Any], items: dict[str, dict[str, Any]]) -> tuple[object, ...]:
    from penchant.report.words import event_words

    item = event["item_id"]
    title = items[item]["title"] if item is not None else event["text"]
    return event["at"], event_words(event["kind"], event["amount"], speaker.lang), title, item


def _show_profile(speaker: Face, member_id: str, profile: dict[str, Any]) -> None:
    speaker.heading(TITLE, member=member_id)
    for name, value in profile.items():
        if name == "member_id" or value is None:
            continue
        told = FIELDS[name](speaker.lang) if name in FIELDS else name
        shown = (YES if value else NO)(speaker.lang) if isinstance(value, bool) else value
        speaker.line(f"  {told}: {shown:%Y-%m-%d}" if hasattr(shown, "strftime") else f"  {told}: {shown}")


def _show_activity(
    speaker: Face, history: "pl.DataFrame", ties: "pl.DataFrame", tastes: list[tuple[str, float]]
) -> None:
    from penchant.report.words import TIE_NAMES, kind_name

    lang = speaker.lang
    if not len(history):
        speaker.say(NO_EVENTS)
    else:
        kinds = [f"{kind_name(kind, lang)} {count:,}" for kind, count in Counter(history["kind"]).most_common()]
        first, last = history["at"][0], history["at"][-1]
        speaker.say(EVENTS, count=len(history), first=first, last=last, kinds=JOINT(lang).join(kinds))
    if tastes:
        speaker.say(TASTES, tastes=JOINT(lang).join(f"{category} {share:.0%}" for category, share in tastes[:5]))
    if len(ties):
        kinds = [f"{TIE_NAMES[kind](lang)} {count:,}" for kind, count in Counter(ties["kind"]).most_common()]
        speaker.say(TIES, count=len(ties), kinds=JOINT(lang).join(kinds))
