"""Social: ties and what they tell, friends for a member, and the questionnaire for newcomers, to be tried."""

from typing import Any, Final
from urllib.parse import urlencode

from penchant.console.desk import Desk
from penchant.console.view import View
from penchant.errors import PenchantError
from penchant.language import Lang, Phrase
from penchant.report.social_section import social_section

TITLE: Final = Phrase("Social", "社交")
SAY: Final = {
    "ask": Phrase("Whom should this member meet?", "为会员推荐好友"),
    "friends": Phrase("Members to meet", "可结识的会员"),
    "nobody": Phrase("There is nobody to suggest.", "没有可推荐的会员。"),
    "try": Phrase("Try the questionnaire for newcomers", "试用新会员问卷"),
    "told": Phrase(
        "Each question is the one that tells most, given the answers so far; the list changes with every answer.",
        "每个问题都是当前最有信息量的一个；每次回答后推荐随之更新。",
    ),
    "like": Phrase("like", "喜欢"),
    "dislike": Phrase("dislike", "不喜欢"),
    "unknown": Phrase("don't know", "不了解"),
    "again": Phrase("Begin again", "重新开始"),
    "shown": Phrase("They would be shown", "此时的推荐"),
    "done": Phrase("No further question would tell much.", "再问也不会有更多信息了。"),
}
NO_TIES: Final = Phrase(
    "This build has learned nothing of ties; the reason stands below.", "当前构建未学习会员关系，原因如下。"
)
_ANSWERS: Final = ("like", "dislike", "unknown")
_SHOWN: Final = 8


def social(desk: Desk, lang: Lang, *, member: str = "", answers: str = "") -> View:
    """The graph's section, friends of a member where one is named, and the questionnaire.

    Args:
        desk: the workspace.
        lang: the language.
        member: id of a member to suggest friends to.
        answers: the questionnaire's so far, as `12=like,14=dislike`.
    """
    build = desk.require_build()
    section = desk.drawn(f"ties {lang}", None, lambda: social_section(build, lang))
    problem, friends, sheet = "", [], None
    try:
        held = desk.social
    except PenchantError:
        held, problem = None, NO_TIES(lang)
    if held is not None:
        try:
            if member:
                friends = [
                    {"id": one.member_id, "reason": one.reason}
                    for one in desk.state.systems.friends(member, _SHOWN, lang).picks
                ]
            sheet = _sheet(desk, answers, lang)
        except PenchantError as error:
            problem = str(error)
    return View(
        TITLE(lang),
        template="social.html.j2",
        sections=(section,) if section is not None else (),
        problem=problem,
        data={
            "say": {name: phrase(lang) for name, phrase in SAY.items()},
            "member": member,
            "asked": bool(member),
            "friends": friends,
            "sheet": sheet,
            "held": held is not None,
        },
    )


def _sheet(desk: Desk, answers: str, lang: Lang) -> dict[str, Any]:
    from penchant.social.answers import read_answer
    from penchant.social.questionnaire import Questionnaire

    build = desk.require_build()
    sheet = Questionnaire.start(desk.social.newcomers, build.community)
    for part in filter(None, answers.split(",")):
        number, _, said = part.partition("=")
        sheet = sheet.answered(int(number) if number.isdecimal() else -1, read_answer(_SAID.get(said, said)))
    question = sheet.next()
    links = []
    if question is not None:
        for said in _ANSWERS:
            given = ",".join(filter(None, [answers, f"{question.number}={said}"]))
            links.append({"name": SAY[said](lang), "href": "?" + urlencode({"answers": given})})
    return {
        "question": question.text(lang) if question is not None else "",
        "links": links,
        "picks": [{"title": pick.title, "reason": pick.reason} for pick in sheet.recommend(_SHOWN, lang=lang)],
        "begun": bool(answers),
    }


_SAID: Final = {"unknown": "don't know"}
