"""The review queue: verdicts that Penchant is least sure of, for somebody to approve, correct or dismiss."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from penchant.console.desk import Desk
from penchant.console.reviews import Kind, Reviews
from penchant.console.view import View
from penchant.errors import InputError
from penchant.interests.taxonomy import normal_path
from penchant.language import Lang, Phrase
from penchant.report.words import clipped

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
SURE: Final = Phrase("{share:.0%} sure", "把握 {share:.0%}")
UNSURE: Final = Phrase("no label", "无标签")
SEVERITIES: Final = {
    "info": Phrase("for your information", "提示"),
    "warning": Phrase("warning", "警告"),
    "critical": Phrase("critical", "严重"),
}
_SHOWN: Final = 12
_KNOWN: Final = 0.999
_DOUBTED: Final = 0.75


@dataclass(frozen=True)
class Task:
    """One question to a person."""

    kind: Kind
    subject: str
    title: str
    said: str
    badge: str
    text: str = ""
    warm: bool = False
    member: str = ""
    """Whom it is about, where it is about a member."""


def review(desk: Desk, lang: Lang, *, kind: str = "") -> View:
    """The questions that wait, of one kind: the first that has any where none is named."""
    waiting = {one: tasks(desk, one, lang) for one in NAMES}
    named = [one for one in NAMES if one == kind]
    chosen: Kind = named[0] if named else next((one for one in NAMES if waiting[one]), "label")
    labels = list(desk.interests.taxonomy.labels) if desk.has("interests") else []
    return View(
        TITLE(lang),
        LEAD(lang),
        "review.html.j2",
        data={
            "kinds": [
                {"kind": one, "name": NAMES[one](lang), "count": len(waiting[one]), "on": one == chosen}
                for one in NAMES
            ],
            "tasks": [_asked(task, lang) for task in waiting[chosen][:_SHOWN]],
            "choices": {"label": labels} if chosen == "label" else {},
            "none_title": NONE_TITLE(lang),
            "none": NONE(lang),
        },
    )


def waiting_count(desk: Desk) -> int:
    """How many questions wait in all."""
    return sum(len(tasks(desk, kind, "en")) for kind in NAMES)


def tasks(desk: Desk, kind: Kind, lang: Lang) -> list[Task]:
    """The questions of a kind that nobody has answered yet, the least sure first."""
    answered = _reviews(desk).last(kind)
    return [task for task in _SOURCES[kind](desk, lang) if task.subject not in answered]


def _asked(task: Task, lang: Lang) -> dict[str, Any]:
    return {
        **vars(task),
        "ask": ASK[task.kind](lang),
        "choices": task.kind == "label",
        "approve": APPROVE[task.kind](lang),
        "dismiss": DISMISS[task.kind](lang),
    }


def _labels(desk: Desk, lang: Lang) -> list[Task]:
    """Items whose labels were read from their texts, and not surely."""
    if not desk.has("interests"):
        return []
    rows, labels, sure = desk.kept("doubted_labels", lambda _: _doubted(desk))
    community, names = desk.loaded.build.community, desk.interests.taxonomy.labels
    return [
        Task(
            "label",
            community.item_ids.id(row),
            clipped(community.titles[row], 100),
            names[label] if label >= 0 else "",
            SURE(lang, share=share) if label >= 0 else UNSURE(lang),
            clipped(community.item_texts[row], 300),
            warm=share < 0.5,
        )
        for row, label, share in zip(rows, labels, sure, strict=True)
    ]


def _doubted(desk: Desk) -> tuple[list[int], list[int], list[float]]:
    """Item rows, their likeliest label of the lowest level (-1: none), and its probability; the least sure first."""
    held = desk.interests
    lowest = held.taxonomy.leaf_rows
    said = held.item_labels[:, lowest].toarray() if held.item_labels.shape[0] <= 50_000 else None
    if said is None:
        # A matrix of all items and labels is not worth its memory: the strongest stored entry of each row will do.
        matrix = held.item_labels.tocsr()[:, lowest].tocsr()
        best = np.asarray(matrix.max(axis=1).todense()).ravel()
        at = np.asarray(matrix.argmax(axis=1)).ravel()
    else:
        best, at = said.max(axis=1, initial=0), said.argmax(axis=1)
    order = np.argsort(best, kind="stable")
    order = order[best[order] < min(_KNOWN, _DOUBTED)][:500]
    labels = np.where(best[order] > 0, np.asarray(lowest)[at[order]], -1)
    return order.tolist(), labels.tolist(), best[order].tolist()


def _none(desk: Desk, lang: Lang) -> list[Task]:
    return []


def _alerts(desk: Desk, lang: Lang) -> list[Task]:
    """What nobody has settled yet, the newest first."""
    return [
        Task(
            "alert",
            str(alert.number),
            alert.message(lang),
            "",
            SEVERITIES[alert.severity](lang) if alert.severity in SEVERITIES else alert.severity,
            f"{alert.at:%Y-%m-%d %H:%M} · {alert.rule}",
            warm=alert.severity != "info",
            member=alert.member_id or "",
        )
        for alert in desk.state.alerts.list(state="open")
    ]


_SOURCES: Final[dict[Kind, Callable[[Desk, Lang], list[Task]]]] = {
    "label": _labels,
    "segment": _none,
    "alert": _alerts,
    "drift": _none,
}


def take(desk: Desk, who: str, kind: str, about: str, said: str, answer: str, decision: str) -> None:
    """Keep an answer, and let it reach the next build: a label of an item joins the labels table.

    Raises:
        InputError: the answer has no meaning.
        UnknownIdError: the item is gone.
    """
    if kind == "label" and decision != "dismiss":
        desk.store.item(about)
        path = normal_path(answer or said)
    if kind == "alert":
        if not about.isdecimal():
            raise InputError(f"an alert is named by its number; found {about!r}")
        desk.state.alerts.settle(int(about), who, decision)
    given = _reviews(desk).give(who, kind, about, said, answer, decision=decision)
    if given.kind == "label" and given.decision != "dismiss":
        desk.store.append_labels(pl.DataFrame({"item_id": [about], "labels": [[path]]}))
    desk.state.audit.add(who, f"review {kind}", about if kind in ("label", "segment") else "")


def _reviews(desk: Desk) -> Reviews:
    return Reviews(desk.store.database, desk.store.tenant)
