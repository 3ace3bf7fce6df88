"""Around a member: their segment, whom they are tied to, and how their interest has moved."""

from typing import Any, Final

from penchant.console.desk import Desk
from penchant.errors import NotBuiltError, NotFittedError, UnknownIdError
from penchant.language import Lang, Phrase
from penchant.report.drift_section import timeline_chart
from penchant.report.page import Section

SEGMENT: Final = Phrase("segment", "分群")
ALONE: Final = Phrase("in none: {why}", "未分群：{why}")
TIES: Final = Phrase("Whom they are tied to", "关系")
NO_TIES: Final = Phrase("No ties are known of this member.", "该会员暂无已知关系。")
MEET: Final = Phrase("Whom should they meet?", "可结识谁？")
FOLLOWS: Final = Phrase("follows", "关注")
FOLLOWED: Final = Phrase("is followed by", "被关注")
FRIEND: Final = Phrase("is a friend of", "好友")
BLOCKS: Final = Phrase("blocks", "屏蔽")
BLOCKED: Final = Phrase("is blocked by", "被屏蔽")
CHANGE: Final = Phrase("Drift", "漂移")
CHANGE_HEADING: Final = Phrase("How their interest moved", "兴趣的变化")
_MOST_TIES: Final = 24
_SAID: Final = {"follow": (FOLLOWS, FOLLOWED), "friend": (FRIEND, FRIEND), "block": (BLOCKS, BLOCKED)}
"""What a tie is called from its left side and from its right."""


def segment_fact(desk: Desk, member_id: str, lang: Lang) -> list[tuple[str, str]]:
    """The member's segment, or why they are in none; nothing where the build has no segments."""
    try:
        told = desk.state.systems.segment(member_id, lang)
    except (NotBuiltError, UnknownIdError):
        # The member came after the build, or the build has no such stage.
        return []
    return [(SEGMENT(lang), told.get("name") or ALONE(lang, why=told["reason"]))]


def ties(desk: Desk, member_id: str, lang: Lang) -> list[dict[str, str]]:
    """Whom a member is tied to, the latest ties first."""
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for row in desk.store.ties_of(member_id).reverse().iter_rows(named=True):
        mine = row["member_id"] == member_id
        other = row["other_id"] if mine else row["member_id"]
        said = _SAID.get(row["kind"], (Phrase(row["kind"], row["kind"]),) * 2)[0 if mine else 1](lang)
        lines.setdefault((other, said), {"id": other, "said": said})
    return list(lines.values())[:_MOST_TIES]


def said_of_ties(lang: Lang) -> dict[str, Any]:
    """What the page says around them."""
    return {"ties": TIES(lang), "no_ties": NO_TIES(lang), "meet": MEET(lang)}


def drift_section(desk: Desk, member_id: str, lang: Lang) -> Section | None:
    """What is said of a change, from the events of this moment, and their windows drawn; None where none is judged."""
    try:
        said, _ = desk.state.systems.drift(member_id)
        # In a trial another build than the current one may have said it.
        held = desk.state.systems.drift_of(desk.state.builds.of(member_id).loaded)
        history = desk.state.live.usable_history(member_id)
    except (NotBuiltError, NotFittedError, UnknownIdError):
        return None
    drawn = said.change is not None
    charts = (timeline_chart(held, said, lang, name="drift-of-member", history=history),) if drawn else ()
    return Section("drift-of-member", CHANGE(lang), CHANGE_HEADING(lang), said.told(lang), charts=charts)
