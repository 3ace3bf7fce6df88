"""`penchant members segments` and `value`: which members are alike, what they are worth, and what to do next."""

import csv
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
import typer

from penchant.artifacts import storage_errors
from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.speech import both
from penchant.errors import ConfigError, UnknownIdError
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.data.segments import Segment, Segments
    from penchant.members.recipe import Members

SEGMENTS_HELP: Final = both(
    """Show the segments of a build: what each is called, how large it is, what sets it apart.

    --member tells one member's segment, --compare sets two segments side by side, --export writes the members of one to
    a file, --flows shows who moved since the build before.""",
    """显示构建中的会员分群：名称、规模与特点。

    --member 查看某位会员所在分群，--compare 对比两个分群，--export 将某个分群的会员写入文件，
    --flows 显示自上次构建以来的流动。""",
)
SEGMENTS_EXAMPLES: Final = """penchant members segments shop.ws
penchant members segments shop.ws --member m42
penchant members segments shop.ws --compare 0 3
penchant members segments shop.ws --export 2 --to readers.csv"""
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
IN_JSON: Final = both("Answer in JSON.", "以 JSON 输出。")
TO: Final = both("Write to this CSV file.", "写入该 CSV 文件。")

COLUMNS: Final = (
    Phrase("no.", "编号"),
    Phrase("segment", "分群"),
    Phrase("members", "会员数"),
    Phrase("share", "占比"),
    Phrase("mean spend", "人均消费"),
    Phrase("what sets it apart", "特点"),
)
STABLE: Final = Phrase(
    "Samples of the members agree on these segments to {ari:.2f} (adjusted Rand index, 1: wholly).",
    "抽样会员对分群的一致度为 {ari:.2f}（调整兰德指数，1 为完全一致）。",
)
NO_SEGMENT: Final = Phrase("There is too little to tell of {member}.", "{member} 的依据太少，暂未分群。")
OF_MEMBER: Final = Phrase("{member} is in segment {number}: {name}", "{member} 属于分群 {number}：{name}")
TYPICAL: Final = Phrase("Typical: {members}", "典型会员：{members}")
NO_SUCH: Final = "there is no segment {number}; there are {known}"
COMPARED: Final = (Phrase("feature", "特征"), Phrase("everybody", "整体"))
FLOWS: Final = (Phrase("from", "从"), Phrase("to", "到"), Phrase("members", "会员数"))
NO_FLOWS: Final = Phrase("There is no build before this one to compare with.", "没有更早的构建可供比较。")
NEWCOMERS: Final = Phrase("nowhere", "无")
WRITTEN: Final = Phrase("{count:,} members written to {path}.", "已将 {count:,} 位会员写入 {path}。")
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


def segments(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[
        str | None, typer.Option(metavar="MEMBER", help=both("Tell this member's segment.", "查看该会员所在分群。"))
    ] = None,
    compare: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="A B", help=both("Set two segments side by side.", "对比两个分群。")),
    ] = None,
    export: Annotated[
        int | None, typer.Option(metavar="NO", help=both("Write the members of one segment.", "导出某个分群的会员。"))
    ] = None,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help=TO)] = None,
    flows: Annotated[
        bool, typer.Option("--flows", help=both("Who moved since the build before.", "自上次构建以来的流动。"))
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    speaker = face(ctx)
    held = Workspace.open(workspace).require_current().members()
    found = held.segments
    if export is not None:
        _export(speaker, found, export, to)
    elif member is not None:
        _show_member(speaker, found, member, as_json)
    elif compare is not None:
        _show_compared(speaker, held, compare, as_json)
    elif flows:
        _show_flows(speaker, found, as_json)
    elif as_json:
        speaker.json({"segments": [asdict(one) for one in found], "stability": found.stability, "reason": found.reason})
    elif found.reason is not None:
        speaker.line(found.reason(speaker.lang))
    else:
        rows = [
            (
                one.number,
                one.name(speaker.lang),
                f"{one.size:,}",
                f"{one.share:.0%}",
                f"{one.spend:,.0f}",
                one.told(speaker.lang),
            )
            for one in found
        ]
        speaker.table(COLUMNS, rows)
        speaker.note(STABLE, ari=found.stability)


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
        typer.Option(metavar="FILE", help=both("Rules of the next best action.", "下一步建议的规则文件。")),
    ] = None,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help=TO)] = None,
    k: Annotated[int, typer.Option("-k", metavar="K", min=1, help=both("How many to show.", "显示多少位。"))] = 10,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.members.actions import next_actions, read_actions
    from penchant.members.rfm import TIERS

    speaker = face(ctx)
    if tier is not None and tier not in TIERS:
        raise ConfigError(f"there is no tier {tier!r}; there are {', '.join(TIERS)}")
    held = Workspace.open(workspace).require_current().members()
    if held.worth is None:
        raise UnknownIdError(f"this build foresees nothing: {held.too_little}")
    worth = held.worth
    told = next_actions(held.profiles, worth, read_actions(actions))
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


def _segment(found: "Segments", number: int) -> "Segment":
    segment = found.of(number)
    if segment is None:
        known = ", ".join(str(one.number) for one in found) or "none"
        raise UnknownIdError(NO_SUCH.format(number=number, known=known))
    return segment


def _export(speaker: Face, found: "Segments", number: int, to: Path | None) -> None:
    members = found.members(_segment(found, number).number)
    if to is None:
        for one in members:
            speaker.line(one)
        return
    with storage_errors(to):
        to.write_text("member_id\n" + "".join(f"{one}\n" for one in members), encoding="utf-8")
    speaker.say(WRITTEN, count=len(members), path=to)


def _show_member(speaker: Face, found: "Segments", member: str, as_json: bool) -> None:
    segment = found[member]
    if as_json:
        speaker.json({"member_id": member, "segment": asdict(segment) if segment is not None else None})
    elif segment is None:
        speaker.say(NO_SEGMENT, member=member)
    else:
        speaker.say(OF_MEMBER, member=member, number=segment.number, name=segment.name(speaker.lang))
        speaker.line(segment.told(speaker.lang))
        speaker.say(TYPICAL, members=", ".join(segment.typical))


def _show_compared(speaker: Face, held: "Members", numbers: tuple[int, int], as_json: bool) -> None:
    from penchant.members.features import told

    made, found = held.profiles, held.segments
    pair = [_segment(found, number) for number in numbers]
    rows = []
    for name in made.names:
        if name.startswith("hour:"):
            continue
        values = made.column(name)
        means = [_mean(values[found.of_member == one.number]) for one in pair]
        inside = values[found.of_member >= 0]
        usual, spread = _mean(inside), float(np.std(inside[~np.isnan(inside)])) if (~np.isnan(inside)).any() else 0.0
        if None not in means and usual is not None and spread > 0:
            rows.append((abs(means[0] - means[1]) / spread, name, means, usual))  # type: ignore[operator]
    rows.sort(key=lambda row: (-row[0], row[1]))
    if as_json:
        speaker.json(
            [
                {"feature": name, "segments": dict(zip(numbers, means, strict=True)), "everybody": usual}
                for _, name, means, usual in rows
            ]
        )
        return
    headings = (COMPARED[0], *(one.name for one in pair), COMPARED[1])
    speaker.table(
        headings,
        [
            (told(name, speaker.lang), *(f"{mean:,.3g}" for mean in means), f"{usual:,.3g}")
            for _, name, means, usual in rows[:15]
        ],
    )


def _show_flows(speaker: Face, found: "Segments", as_json: bool) -> None:
    if as_json:
        speaker.json([{"from": old, "to": new, "members": count} for old, new, count in found.flows])
    elif not found.flows:
        speaker.say(NO_FLOWS)
    else:
        names = {one.number: one.name(speaker.lang) for one in found}
        rows = [
            (
                names.get(old, NEWCOMERS(speaker.lang) if old < 0 else str(old)),
                names.get(new, NEWCOMERS(speaker.lang)),
                f"{count:,}",
            )
            for old, new, count in found.flows
        ]
        speaker.table(FLOWS, rows)


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


def _mean(values: np.ndarray) -> float | None:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else None


def _percent(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.0%}"


def _money(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:,.0f}"


COMMANDS: Final = {
    "segments": (segments, SEGMENTS_HELP, SEGMENTS_EXAMPLES),
    "value": (value, VALUE_HELP, VALUE_EXAMPLES),
}
"""Each command, its help and its examples."""
