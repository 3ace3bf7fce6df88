"""`penchant drift`: who has changed, since when and from what to what; how the community moves; planted streams."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from penchant.cli.build import WORKSPACE
from penchant.cli.drift_inject import IN_JSON, INJECT_EXAMPLES, INJECT_HELP, inject
from penchant.cli.face import Face, face
from penchant.cli.helping import HelpfulCommand, HelpfulGroup
from penchant.cli.recommend import MEMBER
from penchant.cli.speech import both
from penchant.errors import InputError
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.data.drift import DriftVerdict
    from penchant.drift.movement import FleetView

HELP: Final = both(
    """Notice that members have changed, say since when and from what to what, and watch the community.

    A build learns a judge where enough members have enough events; [drift] in penchant.toml can say how.""",
    """发现会员兴趣的变化，说明始于何时、由何转向何，并观察整个社区的动向。

    有足够多会员拥有足够行为时，构建会学习判断模型；可在 penchant.toml 的 [drift] 中设置。""",
)
EXAMPLES: Final = """penchant drift scan shop.ws -k 20
penchant drift explain shop.ws m42
penchant drift fleet shop.ws
penchant drift inject shop.ws --into streams"""
SCAN_HELP: Final = both(
    """List the members who have changed, the surest first, within one budget of false alarms over all members.""",
    """列出兴趣发生变化的会员，最有把握的在前；全部会员共用一个误报预算。""",
)
SCAN_EXAMPLES: Final = """penchant drift scan shop.ws
penchant drift scan shop.ws -k 50 --json"""
EXPLAIN_HELP: Final = both(
    """Say of one member whether they have changed, since when, from what to what, how sure that is, and which events
    say so. The events are those of this moment, not of the build.""",
    """说明某位会员是否发生变化、始于何时、由何转向何、把握多大，以及依据哪些行为。所用行为为此刻的最新数据。""",
)
EXPLAIN_EXAMPLES: Final = "penchant drift explain shop.ws m42"
FLEET_HELP: Final = both(
    """Show which subjects the community turns to and from, whether the season explains it, and whether it is time to
    build again.""",
    """显示社区整体关注的升降、是否属于季节性，以及是否应当重新构建。""",
)
FLEET_EXAMPLES: Final = "penchant drift fleet shop.ws"

COLUMNS: Final = (Phrase("member", "会员"), Phrase("verdict", "判断"), Phrase("by chance", "偶然概率"))
NOBODY: Final = Phrase(
    "Of {members:,} members nobody is said to have changed.", "{members:,} 位会员中没有人被判定发生变化。"
)
OF_ALL: Final = Phrase(
    "{alarms:,} of {members:,} members; at most {rate:.0%} of them may be said to have changed by mistake.",
    "{members:,} 位会员中有 {alarms:,} 位；其中误判不超过 {rate:.0%}。",
)
CAME_OUT: Final = Phrase(
    "Earlier verdicts that members' later ratings, hides, returns and purchases answered: {told:,}, of which {right:,} "
    "were right; the judge has learned from them.",
    "会员后来的评分、隐藏、退货和购买检验了 {told:,} 条早先的判断，其中 {right:,} 条正确；判断模型已据此校准。",
)
NO_JUDGE: Final = Phrase("No member is judged: {reason}.", "未对会员作出判断：{reason}。")
FOLLOWS: Final = Phrase("What follows: {plan}.", "应对：{plan}。")
EVIDENCE: Final = Phrase("Events that say so", "依据的行为")
EVENT: Final = Phrase("  {at:%Y-%m-%d}  {title}  {share:.0%}", "  {at:%Y-%m-%d}  {title}  {share:.0%}")
TRENDS: Final = (
    Phrase("subject", "主题"),
    Phrase("before", "此前"),
    Phrase("now", "现在"),
    Phrase("course", "走势"),
    Phrase("season", "季节"),
)
COURSES: Final = {
    "gaining": Phrase("gaining", "上升"),
    "losing": Phrase("losing", "下降"),
    "steady": Phrase("steady", "平稳"),
}
SEASONAL: Final = Phrase("as last year", "与去年同期一致")
NO_SUBJECTS: Final = Phrase(
    "Items have no categories, so there are no subjects to tell of.", "物品没有类目，无从判断主题走势。"
)
ALARMS: Final = Phrase(
    "The community moved more than its history explains in: {periods}.", "社区变化超出历史水平的周期：{periods}。"
)


class _Drift(HelpfulGroup):
    order = ("scan", "explain", "fleet", "inject")


group = typer.Typer(cls=_Drift, help=HELP, epilog=EXAMPLES)


@group.command("scan", cls=HelpfulCommand, help=SCAN_HELP, epilog=SCAN_EXAMPLES)
def scan(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    k: Annotated[int, typer.Option("-k", metavar="K", min=1, help=both("How many to show.", "显示多少位。"))] = 20,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    speaker = face(ctx)
    held = Workspace.open(workspace).require_current().drift()
    verdicts = [held.verdict(member) for member in held.alarms[:k]] if held.judge is not None else []
    if as_json:
        speaker.json(
            {
                "members": len(held.table),
                "alarms": len(held.alarms),
                "reason": held.told_reason(speaker.lang) or None,
                "outcomes": {"told": len(held.outcomes), "right": sum(right for _, right in held.outcomes)},
                "verdicts": [_described(verdict, speaker) for verdict in verdicts],
            }
        )
        return
    if held.judge is None:
        speaker.say(NO_JUDGE, reason=held.told_reason(speaker.lang))
        return
    if not verdicts:
        speaker.say(NOBODY, members=len(held.table))
    else:
        rows = [(one.member_id, one.told(speaker.lang), f"{one.p_value:.4f}") for one in verdicts]
        speaker.table(COLUMNS, rows)
        rate = held.judge.config.false_discoveries
        speaker.note(OF_ALL, alarms=len(held.alarms), members=len(held.table), rate=rate)
    if held.outcomes:
        speaker.note(CAME_OUT, told=len(held.outcomes), right=sum(right for _, right in held.outcomes))


@group.command("explain", cls=HelpfulCommand, help=EXPLAIN_HELP, epilog=EXPLAIN_EXAMPLES)
def explain(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[str, typer.Argument(metavar="MEMBER", help=MEMBER)],
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.data.consent import usable_history
    from penchant.members.privacy import privacy_config

    speaker = face(ctx)
    opened = Workspace.open(workspace)
    held = opened.require_current().drift()
    with opened.store() as store:
        history = usable_history(store, member, privacy_config(opened.config).consent)
    if held.judge is None:
        if as_json:
            speaker.json({"member_id": member, "change": None, "told": held.told_reason(speaker.lang)})
        else:
            speaker.say(NO_JUDGE, reason=held.told_reason(speaker.lang))
        return
    verdict = held.verdict(member, history)
    if as_json:
        speaker.json(_described(verdict, speaker))
        return
    speaker.line(verdict.told(speaker.lang))
    if verdict.attention is not None:
        speaker.say(FOLLOWS, plan=verdict.attention.told(speaker.lang))
    if verdict.evidence:
        speaker.line("")
        speaker.heading(EVIDENCE)
        for piece in verdict.evidence:
            speaker.line(EVENT(speaker.lang, at=piece.at, title=piece.title, share=piece.share))


@group.command("fleet", cls=HelpfulCommand, help=FLEET_HELP, epilog=FLEET_EXAMPLES)
def fleet(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.drift.movement import fleet as measure
    from penchant.drift.movement import retrain_signal

    speaker = face(ctx)
    opened = Workspace.open(workspace)
    build = opened.require_current()
    config = build.drift().config.fleet
    community = opened.usable_community()
    try:
        view = measure(community, config)
    except InputError:
        speaker.say(NO_SUBJECTS)
        return
    built_at = build.community.now
    signal = retrain_signal(view, built_at, config) if built_at is not None else None
    if as_json:
        speaker.json(
            _fleet_described(view, speaker, signal.told(speaker.lang) if signal else None, bool(signal and signal.due))
        )
        return
    note = view.note(speaker.lang)
    if note is not None:
        speaker.line(note)
    else:
        speaker.table(
            TRENDS,
            [
                (
                    trend.topic,
                    f"{trend.before:.1%}",
                    f"{trend.now:.1%}",
                    COURSES[trend.course](speaker.lang),
                    SEASONAL(speaker.lang) if trend.seasonal else "",
                )
                for trend in view.trends
            ],
        )
    if view.alarms:
        speaker.say(ALARMS, periods=", ".join(f"{start:%Y-%m-%d}" for start in view.alarms[-5:]))
    if signal is not None:
        speaker.line(signal.told(speaker.lang))


def _described(verdict: "DriftVerdict", speaker: Face) -> dict[str, Any]:
    return {
        "member_id": verdict.member_id,
        "change": verdict.change,
        "told": verdict.told(speaker.lang),
        "probability": verdict.probability,
        "p_value": verdict.p_value,
        "alarm": verdict.alarm,
        "began": verdict.began,
        "before": list(verdict.before),
        "after": list(verdict.after),
        "plan": verdict.attention.plan if verdict.attention is not None else None,
        "evidence": [
            {"item_id": one.item_id, "title": one.title, "at": one.at, "share": one.share} for one in verdict.evidence
        ],
    }


def _fleet_described(view: "FleetView", speaker: Face, told: str | None, due: bool) -> dict[str, Any]:
    return {
        "note": view.note(speaker.lang),
        "trends": [vars(trend) for trend in view.trends],
        "alarms": list(view.alarms),
        "retrain": {"due": due, "told": told},
    }


group.command("inject", cls=HelpfulCommand, help=INJECT_HELP, epilog=INJECT_EXAMPLES)(inject)
