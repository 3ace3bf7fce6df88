"""`penchant data`: what public and simulated data there is, and a copy of any of it as files."""

from pathlib import Path
from typing import Annotated, Final

import typer

from penchant.cli.face import Face, face
from penchant.cli.speech import both
from penchant.data.folder import Form, write_folder
from penchant.errors import ConfigError
from penchant.language import Phrase

HELP: Final = both(
    """List public data sets, or write one of them as files that penchant read takes.

    NAME is a set of the list, simulated (a made-up bilingual bazaar whose truths are known), or the folder of a public
    set as its publisher hands it out. Each set keeps its own licence.""",
    """列出公开数据集，或将其中之一写成 penchant read 可读取的文件。

    NAME 可以是列表中的名称、simulated（模拟的双语集市，答案已知）或发布者的原始数据文件夹。各数据集沿用其原有许可。""",
)
EXAMPLES: Final = """penchant data
penchant data movielens-small --into films
penchant data simulated --events 100000 --into bazaar"""

SIMULATED: Final = "simulated"
SIMULATED_LINE: Final = Phrase(
    "a bilingual bazaar of as many events as you say, with planted interests, ties and drift",
    "模拟的双语集市，事件数任选，预先埋入兴趣、社交关系与兴趣漂移",
)
NAME: Final = Phrase("name", "名称")
ABOUT: Final = Phrase("what it is", "说明")
TABLE: Final = Phrase("table", "表")
ROWS: Final = Phrase("rows", "行数")
WROTE: Final = Phrase("Written to {folder}: {files}", "已写入 {folder}：{files}")
LEFT_OUT: Final = Phrase("Left out: {count:,} × {reason}", "未采用：{count:,} × {reason}")
MENDED: Final = Phrase("Mended: {count:,} × {reason}", "已修正：{count:,} × {reason}")
NEXT: Final = Phrase("Next: penchant read {folder} --into {name}.ws", "下一步：penchant read {folder} --into {name}.ws")


def data(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help=both("Which set; the list without it.", "数据集；省略则列出全部。")),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=both("Write the tables into this folder.", "将各表写入此文件夹。")),
    ] = None,
    parquet: Annotated[
        bool, typer.Option("--parquet", help=both("Write Parquet files in place of CSV.", "写 Parquet 文件而非 CSV。"))
    ] = False,
    events: Annotated[
        int,
        typer.Option(metavar="N", min=200, help=both("Events of a simulated community.", "模拟社区的事件数。")),
    ] = 100_000,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help=both("Seed of a simulated community.", "模拟社区的随机种子。"))
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help=both("Answer in JSON.", "以 JSON 输出。"))] = False,
) -> None:
    speaker = face(ctx)
    if name is None:
        if into is not None:
            raise ConfigError("--into needs the name of a set; penchant data lists them")
        _list(speaker, as_json)
        return
    if into is not None and into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise ConfigError(f"{into} is there already and not an empty folder; name a new one, so that nothing is mixed")
    form: Form = "parquet" if parquet else "csv"
    if name == SIMULATED:
        from penchant.data.simulated import SimulatedConfig, simulate

        simulated = simulate(SimulatedConfig(events=events, seed=seed))
        community, rejected, changed = simulated.community, {}, {}
        if into is not None:
            simulated.write(into, form)
    else:
        from penchant.data.public import import_data

        imported = import_data(name, say=lambda sentence: speaker.err.print(sentence, style="dim"))
        community, rejected, changed = imported.community, imported.rejected, imported.changed
        if into is not None:
            write_folder(community, into, form=form)
    counts = {table: len(rows) for table, rows in community.tables().items() if len(rows)}
    files = sorted(path.name for path in into.iterdir()) if into is not None else []
    if as_json:
        speaker.json(
            {
                "name": name,
                "rows": counts,
                "rejected": {reason.en: count for reason, count in rejected.items()},
                "changed": {reason.en: count for reason, count in changed.items()},
                "folder": into,
                "files": files,
            }
        )
        return
    from penchant.report.words import TABLE_NAMES

    speaker.table(
        [TABLE, ROWS], [(TABLE_NAMES[table](speaker.lang), count) for table, count in counts.items()], right=[1]
    )
    for reason, count in rejected.items():
        speaker.say(LEFT_OUT, count=count, reason=reason(speaker.lang))
    for reason, count in changed.items():
        speaker.say(MENDED, count=count, reason=reason(speaker.lang))
    if into is not None:
        speaker.say(WROTE, folder=into, files=", ".join(files))
        speaker.say(NEXT, folder=into, name=into.resolve().name)


def _list(speaker: Face, as_json: bool) -> None:
    from penchant.data.public import NAMES

    sets = {**NAMES, SIMULATED: SIMULATED_LINE}
    if as_json:
        speaker.json([{"name": name, "about": about(speaker.lang)} for name, about in sets.items()])
        return
    speaker.table([NAME, ABOUT], [(name, about(speaker.lang)) for name, about in sets.items()])
