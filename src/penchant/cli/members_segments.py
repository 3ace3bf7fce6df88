"""`penchant members segments`: which members are alike, and who moved."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
import typer

from penchant.artifacts import storage_errors
from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.speech import both
from penchant.errors import UnknownIdError
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.builds import Build
    from penchant.data.segments import Segment, Segments
    from penchant.members.recipe import Members

SEGMENTS_HELP: Final = both(
    """Show the segments of a build: what each is called, how large it is, what sets it apart.

    --member tells one member's segment, --compare sets two segments side by side, --export writes the members of one to
    a file (without it, --to writes the table), --flows shows who moved since the build before. A member who came after
    the build is placed by what they have done since.""",
    """显示构建中的会员分群：名称、规模与特点。

    --member 查看某位会员所在分群，--compare 对比两个分群，--export 将某个分群的会员写入文件
    （不带时 --to 写入整张表），--flows 显示自上次构建以来的流动。构建之后加入的会员按其至今的行为归入分群。""",
)
SEGMENTS_EXAMPLES: Final = """penchant members segments shop.ws
penchant members segments shop.ws --member m42
penchant members segments shop.ws --compare 0 3
penchant members segments shop.ws --export 2 --to readers.csv"""
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
PLACED: Final = Phrase(
    "They came after this build was made, and are placed by what they have done since.",
    "该会员在本次构建之后加入，按其至今的行为归入分群。",
)
TYPICAL: Final = Phrase("Typical: {members}", "典型会员：{members}")
NO_SUCH: Final = "there is no segment {number}; there are {known}"
COMPARED: Final = (Phrase("feature", "特征"), Phrase("everybody", "整体"))
FLOWS: Final = (Phrase("from", "从"), Phrase("to", "到"), Phrase("members", "会员数"))
NO_FLOWS: Final = Phrase("There is no build before this one to compare with.", "没有更早的构建可供比较。")
NEWCOMERS: Final = Phrase("nowhere", "无")
TABLE_WRITTEN: Final = Phrase("{count} segments written to {path}.", "已将 {count} 个分群写入 {path}。")
WRITTEN: Final = Phrase("{count:,} members written to {path}.", "已将 {count:,} 位会员写入 {path}。")


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
    from penchant.members.features import untold

    speaker = face(ctx)
    opened = Workspace.open(workspace)
    build = opened.require_current()
    held = build.members()
    found = held.segments
    if export is not None:
        _export(speaker, found, export, to)
    elif member is not None:
        newcomer = member not in found.member_ids
        segment = _placed(opened, build, held, member) if newcomer else found[member]
        _show_member(speaker, member, segment, newcomer, as_json)
    elif compare is not None:
        _show_compared(speaker, held, compare, as_json)
    elif flows:
        _show_flows(speaker, found, as_json)
    elif to is not None:
        _export_table(speaker, opened, build.version, found, to)
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
        for line in untold(held.profiles.tells, speaker.lang):
            speaker.note(Phrase(line, line))


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


def _export_table(speaker: Face, opened: Workspace, build: str, found: "Segments", to: Path) -> None:
    """What each segment is, for others to have: with counts that may be shown, where settings ask for that."""
    import polars as pl

    from penchant.members.privacy import private_sizes

    private = private_sizes(opened.config, opened.path, build, found)
    table = found.table(speaker.lang)
    if private is not None:
        sizes = [private[number] for number in table["segment"].to_list()]
        shares = [size / max(sum(sizes), 1) for size in sizes]
        table = table.with_columns(pl.Series("members", sizes), pl.Series("share", shares)).drop("spend")
    with storage_errors(to):
        table.write_csv(to)
    speaker.say(TABLE_WRITTEN, count=len(table), path=to)


def _placed(opened: Workspace, build: "Build", held: "Members", member: str) -> "Segment | None":
    """The segment of a member who came after the build, by what the store holds of them."""
    from penchant.data.consent import usable_history
    from penchant.members.privacy import privacy_config

    with opened.store() as store:
        history = usable_history(store, member, privacy_config(opened.config).consent)
        about = store.member(member)
    vectors = build.item_vectors() if held.profiles.text is not None else None
    return held.place(build.community.items, member, history, item_vectors=vectors, about=about)


def _show_member(speaker: Face, member: str, segment: "Segment | None", newcomer: bool, as_json: bool) -> None:
    if as_json:
        told = asdict(segment) if segment is not None else None
        speaker.json({"member_id": member, "segment": told, "newcomer": newcomer})
    elif segment is None:
        speaker.say(NO_SEGMENT, member=member)
    else:
        speaker.say(OF_MEMBER, member=member, number=segment.number, name=segment.name(speaker.lang))
        if newcomer:
            speaker.note(PLACED)
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


def _mean(values: np.ndarray) -> float | None:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else None


COMMANDS: Final = {"segments": (segments, SEGMENTS_HELP, SEGMENTS_EXAMPLES)}
"""Each command, its help and its examples."""
