"""`penchant members value`: what members are worth, and what to do next."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
import typer

from penchant.artifacts import storage_errors
from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.members_segments import IN_JSON, TO, WRITTEN
from penchant.cli.speech import both
from penchant.errors import ConfigError, UnknownIdError
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.members.recipe import Members

VALUE_HELP: Final = both(
    """Show what members are worth: the chance of a purchase in the time ahead, the money to expect, the risk of
    leaving, the RFM cell, and the next best action.

    --member tells one member's, with the reasons; --tier keeps one tier of RFM. Actions come from a YAML file of
    rules.""",
    """显示会员价值：未来一段时间的购买概率、预期消费、流失风险、RFM 单元以及下一步建议。

    --member 查看某位会员及原因，--tier 只看某个 RFM 层级。建议来自 YAML 规则文件。""",
)
VALUE_EXAMPLES: Final = """penchant members value shop.ws -k 20
penchant members value shop.ws --member m42
penchant members value shop.ws --tier at_risk --to at-risk.csv"""
WORTH: Final = (
    Phrase("member", "会员"),
    Phrase("comes back", "回购概率"),
    Phrase("money to expect", "预期消费"),
    Phrase("RFM", "RFM"),
    Phrase("tier", "层级"),
    Phrase("next", "下一步"),
)
AHEAD: Final = Phrase(
    "Of the {days} days after {at:%Y-%m-%d}; the money foreseen and the money spent went together to {rank:.2f} when "
    "this was tried on the last {days} days.",
    "针对 {at:%Y-%m-%d} 之后的 {days} 天；用最近 {days} 天检验，预期与实际消费的秩相关为 {rank:.2f}。",
)
AHEAD_UNTRIED: Final = Phrase("Of the {days} days after {at:%Y-%m-%d}.", "针对 {at:%Y-%m-%d} 之后的 {days} 天。")
CHURN: Final = Phrase(
    "Risk of no purchase: {churn:.0%}. What speaks for and against it:", "不再购买的风险：{churn:.0%}。依据："
)
NEVER: Final = Phrase("{member} has never bought anything, so nothing is foreseen.", "{member} 从未购买，无从预测。")


def value(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[
        str | None, typer.Option(metavar="MEMBER", help=both("Of this member, with reasons.", "该会员的价值及原因。"))
    ] = None,
    tier: Annotated[
        str | None, typer.Option(metavar="TIER", help=both("Of this tier of RFM alone.", "只看该 RFM 层级。"))
    ] = None,
    actions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=both(
                "Rules of the next best action; else those of [members.actions].",
                "下一步建议的规则文件，默认取 [members.actions]。",
            ),
        ),
    ] = None,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help=TO)] = None,
    k: Annotated[int, typer.Option("-k", metavar="K", min=1, help=both("How many to show.", "显示多少位。"))] = 10,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.members.actions import actions_of, next_actions, read_actions
    from penchant.members.rfm import TIERS

    speaker = face(ctx)
    if tier is not None and tier not in TIERS:
        raise ConfigError(f"there is no tier {tier!r}; there are {', '.join(TIERS)}")
    opened = Workspace.open(workspace)
    held = opened.require_current().members()
    if held.worth is None:
        raise UnknownIdError(f"this build foresees nothing: {held.too_little}")
    worth = held.worth
    rules = read_actions(actions) if actions is not None else actions_of(opened.config, opened.path)
    told = next_actions(held.profiles, worth, rules)
    if member is not None:
        row = next((row for row, one in enumerate(worth.members) if one == member), None)
        if row is None:
            raise UnknownIdError(
                f"no member of this build has the id {member!r}; it has {len(worth.members):,} members"
            )
        _show_worth(speaker, held, row, told[row], as_json)
        return
    names = dict(zip(worth.members, told, strict=True))
    table = worth.table()
    if tier is not None:
        table = table.filter(table["tier"] == tier)
    rows = [{**row, "action": names[row["member_id"]](speaker.lang)} for row in table.iter_rows(named=True)]
    if to is not None:
        with storage_errors(to), to.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, fieldnames=[*table.columns, "action"])
            writer.writeheader()
            writer.writerows(rows)
        speaker.say(WRITTEN, count=len(rows), path=to)
        return
    if as_json:
        speaker.json(rows[:k])
        return
    speaker.table(
        WORTH,
        [
            (
                row["member_id"],
                _percent(row["returns"]),
                _money(row["spend"]),
                row["cell"],
                TIERS[row["tier"]](speaker.lang),
                row["action"],
            )
            for row in rows[:k]
        ],
    )
    if held.calibration is not None and not np.isnan(held.calibration.spend_rank):
        speaker.note(AHEAD, days=worth.horizon_days, at=worth.at, rank=held.calibration.spend_rank)
    else:
        speaker.note(AHEAD_UNTRIED, days=worth.horizon_days, at=worth.at)


def _show_worth(speaker: Face, held: "Members", row: int, action: Phrase, as_json: bool) -> None:
    worth = held.worth
    assert worth is not None
    member, bought = worth.members[row], not np.isnan(worth.returns[row])
    if as_json:
        speaker.json(
            {
                "member_id": member,
                "returns": float(worth.returns[row]) if bought else None,
                "churn": float(worth.churn[row]) if bought else None,
                "spend": float(worth.spend[row]) if bought else None,
                "cell": worth.rfm.cells[row],
                "tier": worth.rfm.tiers[row],
                "reasons": worth.why(member, speaker.lang),
                "action": action(speaker.lang),
            }
        )
        return
    if not bought:
        speaker.say(NEVER, member=member)
        return
    from penchant.members.rfm import TIERS

    tier = TIERS[worth.rfm.tiers[row]](speaker.lang)
    cells = (
        member,
        _percent(worth.returns[row]),
        _money(worth.spend[row]),
        worth.rfm.cells[row],
        tier,
        action(speaker.lang),
    )
    speaker.table(WORTH, [cells])
    speaker.say(CHURN, churn=float(worth.churn[row]))
    for why in worth.why(member, speaker.lang):
        speaker.line(f"  {why}")


def _percent(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.0%}"


def _money(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:,.0f}"


COMMANDS: Final = {"value": (value, VALUE_HELP, VALUE_EXAMPLES)}
"""Each command, its help and its examples."""
