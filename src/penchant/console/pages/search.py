"""The search playground: what a query finds, in which order, and why."""

from typing import Final

import polars as pl

from penchant.console.desk import Desk
from penchant.console.view import View
from penchant.data.columns import EVENTS
from penchant.errors import PenchantError
from penchant.language import Lang, Phrase
from penchant.report.members_section import pick_lines
from penchant.search import Filters

TITLE: Final = Phrase("Search", "搜索")
SAY: Final = {
    "query": Phrase("Query", "查询"),
    "for": Phrase("For member", "为会员"),
    "none": Phrase("No item answers that. Try other words.", "没有匹配的物品，请换个说法。"),
    "start": Phrase("Try a query", "试试搜索"),
    "hint": Phrase(
        "Each item found shows its score and what it rests on; name a member to see their taste at work.",
        "每件结果都会显示得分与依据；填写会员编号可查看个性化效果。",
    ),
}
_SHOWN: Final = 20
_NOTHING: Final = pl.DataFrame(schema=EVENTS)


def search(desk: Desk, lang: Lang, *, q: str = "", member: str = "") -> View:
    """What a query finds.

    Args:
        desk: the workspace.
        lang: the language of the page, its reasons and strategy.
        q: the query; nothing is searched where it is empty.
        member: whose taste counts; nobody's where empty.
    """
    lines, strategy, problem = [], "", ""
    if q:
        try:
            events = desk.usable_history(member) if member else _NOTHING
            found = desk.loaded.search(q, _SHOWN, lang=lang, filters=Filters(), member_id=member or None, events=events)
        except PenchantError as error:
            problem = str(error)
        else:
            strategy = found.strategy
            for pick, line in zip(found, pick_lines(found, desk.loaded.recommender.community, lang), strict=True):
                lines.append({**vars(line), "score": f"{pick.score:.3f}"})
    return View(
        TITLE(lang),
        template="search.html.j2",
        problem=problem,
        data={
            "say": {name: phrase(lang) for name, phrase in SAY.items()},
            "q": q,
            "member": member,
            "picks": lines,
            "strategy": strategy,
        },
    )
