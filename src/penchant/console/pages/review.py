"""The review queue: verdicts that Penchant is least sure of, for somebody to approve, correct or dismiss."""

import json
from typing import Any, Final

import polars as pl

from penchant.console.desk import Desk
from penchant.console.pages import questions
from penchant.console.pages.questions import Task
from penchant.console.reviews import Kind, check
from penchant.console.view import View
from penchant.errors import InputError
from penchant.interests.taxonomy import normal_path
from penchant.language import Lang, Phrase

TITLE: Final = Phrase("Review", "审核")
LEAD: Final = Phrase(
    "What Penchant is least sure of. Corrections teach the next build.",
    "系统最没有把握的判断。您的更正会用于下一次构建。",
)
NAMES: Final[dict[Kind, Phrase]] = {
    "label": Phrase("Labels of items", "物品标签"),
    "segment": Phrase("Names of segments", "分群名称"),
    "alert": Phrase("Alerts", "告警"),
    "drift": Phrase("Drift", "兴趣漂移"),
}
ASK: Final[dict[Kind, Phrase]] = {
    "label": Phrase("This item is about", "该物品属于"),
    "segment": Phrase("This segment is called", "分群名称"),
    "alert": Phrase("", ""),
    "drift": Phrase("", ""),
}
APPROVE: Final[dict[Kind, Phrase]] = {
    "label": Phrase("That is right", "确认"),
    "segment": Phrase("That is right", "确认"),
    "alert": Phrase("It was an anomaly", "确属异常"),
    "drift": Phrase("The member has changed", "确有变化"),
}
DISMISS: Final[dict[Kind, Phrase]] = {
    "label": Phrase("Skip", "跳过"),
    "segment": Phrase("Skip", "跳过"),
    "alert": Phrase("Clear: nothing wrong", "解除：正常行为"),
    "drift": Phrase("No change", "没有变化"),
}
NONE_TITLE: Final = Phrase("All done", "全部完成")
NONE: Final = Phrase("Nothing of this kind waits for an answer.", "没有待审核的内容。")
THANKS: Final = Phrase("Kept. The next build learns from it.", "已保存，将用于下一次构建。")
ALSO: Final[dict[Lang, Phrase]] = {
    "en": Phrase("and in English", "英文名称"),
    "zh": Phrase("and in Chinese", "中文名称"),
}
"""What the field for the page's other language is called, by that language."""
_SHOWN: Final = 12
_LONGEST_NAME: Final = 80
"""Characters of a segment's name."""


def review(desk: Desk, lang: Lang, *, kind: str = "") -> View:
    """The questions that wait, of one kind: the first that has any where none is named."""
    waiting = questions.counts(desk)
    named = [one for one in NAMES if one == kind]
    chosen: Kind = named[0] if named else next((one for one in NAMES if waiting[one]), "label")
    labels = list(desk.interests.taxonomy.labels) if chosen == "label" and desk.has("interests") else []
    return View(
        TITLE(lang),
        LEAD(lang),
        "review.html.j2",
        data={
            "kinds": [
                {"kind": one, "name": NAMES[one](lang), "count": waiting[one], "on": one == chosen} for one in NAMES
            ],
            "tasks": [_asked(task, lang) for task in questions.tasks(desk, chosen, lang, most=_SHOWN)],
            "choices": {"label": labels} if chosen == "label" else {},
            "none_title": NONE_TITLE(lang),
            "none": NONE(lang),
        },
    )


def _asked(task: Task, lang: Lang) -> dict[str, Any]:
    other: Lang = "en" if lang == "zh" else "zh"
    return {
        **vars(task),
        "ask": ASK[task.kind](lang),
        "also": ALSO[other](lang) if task.kind == "segment" else "",
        "choices": task.kind == "label",
        "approve": APPROVE[task.kind](lang),
        "dismiss": DISMISS[task.kind](lang),
    }


def take(
    desk: Desk, who: str, kind: str, subject: str, said: str, answer: str, decision: str, lang: Lang, other: str = ""
) -> None:
    """Keep an answer, and let it reach the next build.

    A label of an item joins the labels table; a segment is called by its new name from now on, and so by later builds;
    the next build's judge of drift learns from what is said of a change.

    Args:
        desk: the workspace.
        who: answers.
        kind: of the question.
        subject: what or whom it was about.
        said: what Penchant had said.
        answer: what the person says.
        decision: `approve` or `dismiss`.
        lang: of the answer.
        other: the answer in the other language, where there are two.

    Raises:
        InputError: the answer has no meaning; nothing has changed then.
        UnknownIdError: the item, segment, alert or member is gone.
    """
    check(kind, subject, said, answer, decision)
    member_id = None
    if kind == "label" and decision != "dismiss":
        desk.store.item(subject)
        path = normal_path(answer or said)
    elif kind == "alert":
        if not subject.isdecimal():
            raise InputError(f"an alert is named by its number; found {subject!r}")
        desk.state.alerts.get(int(subject))
    elif kind == "segment":
        said, answer = _names(desk, subject, answer, other, lang)
    elif kind == "drift":
        desk.store.member(subject)
        said, answer, member_id = f"{questions.drift_odds(desk, subject):.6f}", "", subject
    about = "" if member_id is not None else subject
    desk.state.audit.add(who, f"review {kind}", about if kind in ("label", "segment") else "", member_id=member_id)
    given = questions.reviews(desk).give(who, kind, about, said, answer, decision=decision, member_id=member_id)
    if given.kind == "label" and given.decision != "dismiss":
        desk.store.append_labels(pl.DataFrame({"item_id": [subject], "labels": [[path]]}))
    if given.kind == "alert":
        desk.state.alerts.settle(int(subject), who, decision)
    if given.kind == "segment":
        desk.state.read_corrections()


def _names(desk: Desk, number: str, answer: str, other: str, lang: Lang) -> tuple[str, str]:
    """A segment's name as it was and as it shall be, each in both languages."""
    one = desk.segments.of(int(number)) if number.isdecimal() else None
    if one is None:
        there = ", ".join(str(segment.number) for segment in desk.segments)
        raise InputError(f"a segment is named by its number; found {number!r}, and there are {there}")
    given = {lang: " ".join(answer.split()), "en" if lang == "zh" else "zh": " ".join(other.split())}
    if any(len(name) > _LONGEST_NAME for name in given.values()):
        raise InputError(f"a segment's name has at most {_LONGEST_NAME} characters; shorten it")
    new = (given["en"] or one.name.en, given["zh"] or one.name.zh)
    return json.dumps(list(one.name), ensure_ascii=False), json.dumps(list(new), ensure_ascii=False)
