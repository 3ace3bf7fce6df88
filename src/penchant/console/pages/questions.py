"""What Penchant asks people: labels and changes it is not sure of, names of segments, alerts that nobody settled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from penchant.console.desk import Desk
from penchant.console.reviews import KINDS, Kind, Reviews
from penchant.errors import NotBuiltError, UnknownIdError
from penchant.language import Lang, Phrase
from penchant.members.alarms import ODDITY_NAMES
from penchant.report.words import clipped

SURE: Final = Phrase("{share:.0%} sure", "把握 {share:.0%}")
UNSURE: Final = Phrase("no label", "无标签")
MEMBERS: Final = Phrase("{count:,} members", "{count:,} 位会员")
CHANGED: Final = Phrase("Has {member} changed?", "{member} 的兴趣是否变化？")
PERHAPS: Final = Phrase("a change is {share:.0%} likely", "变化的可能性 {share:.0%}")
JOINT: Final = Phrase("; ", "；")
DRIFT: Final = Phrase("a change of interest", "兴趣变化")
SEVERITIES: Final = {
    "info": Phrase("for your information", "提示"),
    "warning": Phrase("warning", "警告"),
    "critical": Phrase("critical", "严重"),
}
_DOUBTED: Final = 0.75
"""Probability below which a label is asked about."""
_WAVERING: Final = (0.25, 0.75)
"""Probabilities between which a change is asked about; what is surer than that is told as an alert, or not at all."""
_MOST: Final = 500


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
    other: str = ""
    """What is said in the page's other language, where both may be corrected."""


Answered = Mapping[Kind, Mapping[str, datetime]]


def reviews(desk: Desk) -> Reviews:
    """The answers of this workspace."""
    return Reviews(desk.store.database, desk.store.tenant)


def counts(desk: Desk) -> dict[Kind, int]:
    """How many questions of each kind wait; nothing is made of them."""
    if desk.build is None:
        return dict.fromkeys(KINDS, 0) | {"alert": desk.state.alerts.count_open()}
    answered = reviews(desk).answered()
    waiting = {kind: len(_subjects(desk, kind, answered)) for kind in KINDS}
    return waiting | {"alert": desk.state.alerts.count_open()}


def tasks(desk: Desk, kind: Kind, lang: Lang, *, most: int = _MOST) -> list[Task]:
    """The questions of a kind that nobody has answered yet, the least sure first."""
    if kind == "alert":
        return _alerts(desk, lang, most)
    asked = _subjects(desk, kind, reviews(desk).answered())[:most]
    return [task for one in asked if (task := _ASKED[kind](desk, one, lang)) is not None]


def _subjects(desk: Desk, kind: Kind, answered: Answered) -> list[str]:
    """What nobody has spoken of, by name."""
    done = answered[kind]
    if kind == "label":
        return [item for item in _doubts(desk) if item not in done]
    if kind == "segment":
        return [str(one.number) for one in desk.segments if str(one.number) not in done] if desk.has("members") else []
    if kind == "alert":
        return []
    # What a member has done since may have changed the answer.
    return [member for member, (last, _) in _wavering(desk).items() if member not in done or done[member] < last]


# -- labels --


def _doubts(desk: Desk) -> dict[str, tuple[int, int, float]]:
    """Item to its row, its likeliest label of the lowest level (-1: none) and its probability; the least sure first."""
    if not desk.has("interests"):
        return {}
    return desk.kept("doubted_labels", lambda _: _doubted(desk))


def _doubted(desk: Desk) -> dict[str, tuple[int, int, float]]:
    held = desk.interests
    lowest = np.asarray(held.taxonomy.leaf_rows)
    if not len(lowest) or not held.item_labels.shape[0]:
        return {}
    # The strongest stored entry of each row: a matrix of all items and labels is not worth its memory.
    matrix = held.item_labels.tocsr()[:, lowest].tocsr()
    best = np.asarray(matrix.max(axis=1).todense()).ravel()
    at = np.asarray(matrix.argmax(axis=1)).ravel()
    order = np.argsort(best, kind="stable")
    order = order[best[order] < _DOUBTED][:_MOST]
    labels = np.where(best[order] > 0, lowest[at[order]], -1)
    ids = desk.loaded.build.community.item_ids
    rows = zip(order.tolist(), labels.tolist(), best[order].tolist(), strict=True)
    return {ids.id(row): (row, label, share) for row, label, share in rows}


def _label(desk: Desk, item: str, lang: Lang) -> Task:
    row, label, share = _doubts(desk)[item]
    community = desk.loaded.build.community
    return Task(
        "label",
        item,
        clipped(community.titles[row], 100),
        desk.interests.taxonomy.labels[label] if label >= 0 else "",
        SURE(lang, share=share) if label >= 0 else UNSURE(lang),
        clipped(community.item_texts[row], 300),
        warm=share < 0.5,
    )


# -- segments --


def _segment(desk: Desk, number: str, lang: Lang) -> Task | None:
    one = desk.segments.of(int(number))
    if one is None:
        return None
    other: Lang = "en" if lang == "zh" else "zh"
    return Task(
        "segment", number, one.name(lang), one.name(lang), MEMBERS(lang, count=one.size), one.told(lang),
        other=one.name(other),
    )  # fmt: skip


# -- drift --


def _wavering(desk: Desk) -> dict[str, tuple[datetime, float]]:
    """Member to their last event in the build and the probability of a change, the least sure first."""
    if not desk.has("drift"):
        return {}

    def make(_: object) -> dict[str, tuple[datetime, float]]:
        low, high = _WAVERING
        last = pl.col("at").max()
        community = desk.loaded.build.community
        ended = community.events.group_by("member").agg(last)
        when = dict(zip(community.member_ids.decode(ended["member"]), ended["at"], strict=True))
        doubted = desk.drift.table.filter(pl.col("probability").is_between(low, high) & ~pl.col("alarm"))
        doubted = doubted.sort((pl.col("probability") - 0.5).abs(), "member_id").head(_MOST)
        rows = zip(doubted["member_id"], doubted["probability"], strict=True)
        return {member: (when[member], share) for member, share in rows if member in when}

    return desk.kept("wavering", make)


def drift_odds(desk: Desk, member_id: str) -> float:
    """Log odds of a change in what the build says of a member, before what it learned of earlier answers.

    Raises:
        UnknownIdError: the build has said nothing of them.
    """
    judge = desk.drift.judge
    probability = desk.drift.verdict(member_id).probability if judge is not None else None
    if judge is None or probability is None:
        raise UnknownIdError(f"the build judges no member with the id {member_id!r}")
    return float(judge.calibration.before(probability))


def _change(desk: Desk, member_id: str, lang: Lang) -> Task | None:
    try:
        said = desk.drift.verdict(member_id)
    except (UnknownIdError, NotBuiltError):
        return None
    # One thing met again and again is named once.
    pieces = dict.fromkeys(piece.text or piece.title or "" for piece in said.evidence)
    told = JOINT(lang).join([said.told(lang), *filter(None, pieces)][:4])
    # What the verdict says is what people are asked about; the scan of everybody only finds whom to ask about.
    badge = PERHAPS(lang, share=said.probability) if said.probability is not None else ""
    return Task("drift", member_id, CHANGED(lang, member=member_id), "", badge, told, member=member_id)


# -- alerts --


def _alerts(desk: Desk, lang: Lang, most: int) -> list[Task]:
    """What nobody has settled yet, the newest first."""
    return [
        Task(
            "alert",
            str(alert.number),
            alert.message(lang),
            "",
            SEVERITIES[alert.severity](lang) if alert.severity in SEVERITIES else alert.severity,
            f"{alert.at:%Y-%m-%d %H:%M} · {rule_name(alert.rule, lang)}",
            warm=alert.severity != "info",
            member=alert.member_id or "",
        )
        for alert in desk.state.alerts.list(state="open", limit=most)
    ]


def rule_name(rule: str, lang: Lang) -> str:
    """What noticed something, as people call it: a kind of oddity and its day; a rule of the team's own as it is.

    >>> rule_name("hours 2026-01-05", "en"), rule_name("queue", "en")
    ('odd hours 2026-01-05', 'queue')
    """
    kind, space, day = rule.partition(" ")
    names = {one.value: name for one, name in ODDITY_NAMES.items()} | {"drift": DRIFT}
    return f"{names[kind](lang)}{space}{day}" if kind in names else rule


_ASKED: Final[dict[Kind, Callable[[Desk, str, Lang], Task | None]]] = {
    "label": _label,
    "segment": _segment,
    "drift": _change,
}
