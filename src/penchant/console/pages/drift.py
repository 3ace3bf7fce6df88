"""Drift: the community's, the queue of members who have changed, and one member drawn."""

from typing import Final

from penchant.console.desk import Desk
from penchant.console.view import View
from penchant.errors import PenchantError
from penchant.language import Lang, Phrase
from penchant.report.drift_section import drift_section, responsible, timeline_chart
from penchant.report.page import Section

TITLE: Final = Phrase("Drift", "漂移")
ASK: Final = Phrase("Draw a member", "查看会员")
DRAWN: Final = Phrase("One member", "单个会员")


def drift(desk: Desk, lang: Lang, *, member: str = "") -> View:
    """The fleet and, where one is named, a member's timeline.

    Args:
        desk: the workspace.
        lang: the language.
        member: id of a member to draw.
    """
    held = desk.drift
    sections, problem = [drift_section(held, lang)], ""
    if member:
        try:
            verdict = held.verdict(member)
            drawn = () if verdict.change is None else (timeline_chart(held, verdict, lang, name="drift-of-one"),)
            tables = tuple(responsible(verdict, lang))
            one = Section("one", DRAWN(lang), DRAWN(lang), verdict.told(lang), charts=drawn, tables=tables)
            sections.insert(0, one)
        except PenchantError as error:
            problem = str(error)
    return View(
        TITLE(lang),
        template="drift.html.j2",
        sections=tuple(sections),
        problem=problem,
        data={"ask": ASK(lang), "member": member, "judged": held.judge is not None},
    )
