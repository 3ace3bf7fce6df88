"""`penchant members anomalies`: who behaves oddly, when, and which events say so."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.members_segments import IN_JSON
from penchant.cli.speech import both
from penchant.errors import UnknownIdError
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.members.alarms import Alarm

ANOMALIES_HELP: Final = both(
    """Show which members behave oddly, when, and which of their events say so: floods of events, odd hours, sudden
    changes, returns again and again, copied reviews.

    Each member is held against their own past and against the others. --notify writes new alarms to logs/alerts.jsonl
    and posts them to the webhook of [members.alerts], never the same one twice.""",
    """显示哪些会员行为异常、何时异常，以及依据哪些事件：行为激增、异常时段、行为突变、反复退货、雷同评论。

    每位会员既与自己的过去比较，也与其他会员比较。--notify 将新警报写入 logs/alerts.jsonl，
    并发送到 [members.alerts] 的 webhook，同一警报绝不重复。""",
)
ANOMALIES_EXAMPLES: Final = """penchant members anomalies shop.ws
penchant members anomalies shop.ws --days 7 --notify
penchant members anomalies shop.ws --member m42 --json"""
ALARMS: Final = (
    Phrase("day", "日期"),
    Phrase("member", "会员"),
    Phrase("what", "异常"),
    Phrase("odds", "偶然概率"),
    Phrase("why", "依据"),
)
EVIDENCE: Final = Phrase("    {at:%Y-%m-%d %H:%M}  {kind}  {title}", "    {at:%Y-%m-%d %H:%M}  {kind}  {title}")
NONE_ODD: Final = Phrase("Nobody behaves oddly.", "没有会员行为异常。")
JUDGED: Final = Phrase(
    "{days:,} active days judged; at most one day in {budget:,.0f} has a false alarm.",
    "共检验 {days:,} 个活跃日；平均每 {budget:,.0f} 天至多一次误报。",
)
SILENT: Final = Phrase("{what}: nothing to judge ({why})", "{what}：无从判断（{why}）")
TOLD: Final = Phrase(
    "{new:,} new alarms written; {posted:,} accepted by the webhook, {waiting:,} left for the next run{why}.",
    "新写入 {new:,} 条警报；webhook 接收 {posted:,} 条，{waiting:,} 条留待下次{why}。",
)


def anomalies(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[
        str | None, typer.Option(metavar="MEMBER", help=both("Of this member alone.", "只看这位会员。"))
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help=both("Of the last N days alone.", "只看最近 N 天。")),
    ] = None,
    notify: Annotated[
        bool,
        typer.Option(
            "--notify", help=both("Send new alarms where [members.alerts] says.", "按 [members.alerts] 发送新警报。")
        ),
    ] = False,
    k: Annotated[int, typer.Option("-k", metavar="K", min=0, help=both("How many to show.", "显示多少条。"))] = 20,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.members.alarms import ODDITY_NAMES, Oddity
    from penchant.members.alerts import AlertConfig, alarm_document, deliver
    from penchant.members.anomalies import AnomalyConfig, find_anomalies
    from penchant.members.sections import members_section

    speaker = face(ctx)
    opened = Workspace.open(workspace)
    config = members_section(opened.config, "anomalies", AnomalyConfig)
    community = opened.usable_community()
    if member is not None and member not in community.member_ids:
        raise UnknownIdError(f"no member has the id {member!r}; this community has {len(community.members)} members")
    found = find_anomalies(community, config, until=datetime.now(UTC))
    last = community.now
    alarms = [alarm for alarm in found.alarms if member in (None, alarm.member_id)]
    if days is not None and last is not None:
        alarms = [alarm for alarm in alarms if alarm.at > last - timedelta(days=days)]
    told = None
    if notify:
        alerts = members_section(opened.config, "alerts", AlertConfig)
        told = deliver(alarms, opened.logs, alerts, secret=os.environ.get("PENCHANT_WEBHOOK_SECRET"))
    if as_json:
        silent = {kind: why(speaker.lang) for kind, why in found.silent.items()}
        speaker.json(
            {"alarms": [alarm_document(alarm) for alarm in alarms], "days": found.days, "silent": silent, "told": told}
        )
        return
    lang = speaker.lang
    if alarms:
        rows = [
            (f"{one.at:%Y-%m-%d}", one.member_id, ODDITY_NAMES[one.kind](lang), f"{one.p_value:.0e}", one.said(lang))
            for one in alarms[-k:]
            if k
        ]
        speaker.table(ALARMS, rows)
        if member is not None:
            for alarm in alarms[-k:]:
                _show_evidence(speaker, alarm)
    else:
        speaker.say(NONE_ODD)
    for kind, why in found.silent.items():
        speaker.note(SILENT, what=ODDITY_NAMES[Oddity(kind)](lang), why=why(lang))
    speaker.note(JUDGED, days=found.days, budget=1 / config.false_alarms_per_day)
    if told is not None:
        why_not = f" ({told.problem})" if told.problem else ""
        speaker.say(TOLD, new=told.new, posted=told.posted, waiting=told.waiting, why=why_not)


def _show_evidence(speaker: Face, alarm: "Alarm") -> None:
    speaker.line("")
    speaker.line(f"{alarm.at:%Y-%m-%d} {alarm.said(speaker.lang)}")
    for piece in alarm.evidence[:10]:
        speaker.say(EVIDENCE, at=piece.at, kind=piece.kind, title=piece.text or piece.title or "")


COMMANDS: Final = {"anomalies": (anomalies, ANOMALIES_HELP, ANOMALIES_EXAMPLES)}
"""Each command, its help and its examples."""
