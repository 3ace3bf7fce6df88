"""Segments: who the members are, and the members of one segment to take away."""

from collections.abc import Iterator
from typing import Final

from penchant.console.desk import Desk
from penchant.console.pages.interests import cell
from penchant.console.view import View
from penchant.errors import UnknownIdError
from penchant.language import Lang, Phrase
from penchant.members.actions import actions_of
from penchant.report.segments_section import segments_section

TITLE: Final = Phrase("Segments", "分群")
NEXT: Final = Phrase("Members of a segment, to take away", "导出分群会员")
OF: Final = Phrase("{name}: {count:,} members", "{name}：{count:,} 位会员")


def segments(desk: Desk, lang: Lang) -> View:
    """Map, cards, value and flows of the build that answers, and each segment's members as a file."""
    held = desk.members
    # Whoever is logged in may list the members themselves, so their numbers stand here as they are.
    actions = actions_of(desk.workspace.config, desk.workspace.path)
    # The map takes seconds, and changes with the names alone.
    section = desk.drawn(
        f"segments {lang}",
        (actions, tuple(one.name for one in held.segments)),
        lambda: segments_section(held, lang, actions=actions),
    )
    return View(
        TITLE(lang),
        template="segments.html.j2",
        sections=(section,),
        data={
            "heading": NEXT(lang),
            "segments": [
                {"number": one.number, "told": OF(lang, name=one.name(lang), count=one.size)} for one in held.segments
            ],
        },
    )


def segment_csv(desk: Desk, number: int) -> Iterator[str]:
    """The members of a segment, a line each.

    Raises:
        UnknownIdError: there is no such segment.
    """
    found = desk.members.segments
    if found.of(number) is None:
        raise UnknownIdError(f"there is no segment {number}; there are {', '.join(str(one.number) for one in found)}")
    yield "member_id\n"
    for member in found.members(number):
        yield f"{cell(member)}\n"
