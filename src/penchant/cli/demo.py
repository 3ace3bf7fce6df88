"""`penchant demo`: the main job on real films, from files to a report."""

from pathlib import Path
from time import monotonic
from typing import Annotated, Final

import typer

from penchant.cli.build import run_build
from penchant.cli.face import face
from penchant.cli.read import read_into
from penchant.cli.speech import both
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.workspace import CONFIG_FILE, Workspace

HELP: Final = both(
    """Do the main job on real films: read, learn, measure, and write a report.

    MovieLens small is installed with Penchant, so nothing is fetched. It takes a few minutes; interrupted, it goes on
    where it stopped when it is run again.""",
    """用真实的电影数据演示主要流程：读取、学习、评测并生成报告。

    MovieLens small 随 Penchant 一同安装，无需下载。大约需要几分钟；中断后再次运行会从断点继续。""",
)
EXAMPLES: Final = """penchant demo
penchant demo --into films.ws --lang zh"""

FILMS: Final = "films"
TITLE: Final = "MovieLens small"

FILES: Final = Phrase(
    "Writing 100,004 ratings of 9,066 films as the CSV files that you could hand in: {folder}",
    "将 9,066 部电影的 100,004 条评分写成 CSV 文件（与你将要提供的格式相同）：{folder}",
)
READING: Final = Phrase("Reading them: every row is checked, then stored.", "读取数据：逐行检查后入库。")
STORED: Final = Phrase(
    "    {accepted:,} rows taken, {rejected:,} rejected", "    接受 {accepted:,} 行，拒绝 {rejected:,} 行"
)
BUILDING: Final = Phrase(
    "Learning: texts through a language model, behaviour through six methods, weighed on held-out ratings.",
    "开始学习：语言模型读取文本，多种方法学习行为，并用留出的评分确定各自权重。",
)
REPORTING: Final = Phrase("Writing the report.", "生成报告。")
DONE: Final = Phrase(
    "Done in {seconds:,.0f} s. Open the report in a browser:", "完成，用时 {seconds:,.0f} 秒。请用浏览器打开报告："
)
TRY: Final = Phrase("Then try:", "接下来可以试试：")


def demo(
    ctx: typer.Context,
    into: Annotated[
        Path,
        typer.Option(metavar="WORKSPACE", help=both("The workspace; made if absent.", "工作区；不存在则新建。")),
    ] = Path("penchant-demo.ws"),
) -> None:
    from penchant.data.folder import write_folder
    from penchant.data.public import load
    from penchant.report import write_report
    from penchant.report.stories import TYPICAL, telling_members

    speaker = face(ctx)
    films = into / FILMS
    if (into / CONFIG_FILE).exists() and not films.is_dir():
        raise ConfigError(f"{into} is a workspace of your own, whose data the demo would replace; name another: --into")
    began = monotonic()
    workspace = Workspace.create(into)
    speaker.note(FILES, folder=films)
    community = load("movielens-small")
    write_folder(community, films)
    speaker.note(READING)
    summary, _ = read_into(workspace, films)
    accepted = sum(table.accepted for table in summary.tables.values())
    speaker.note(STORED, accepted=accepted, rejected=summary.rejected)
    speaker.note(BUILDING)
    run_build(speaker, workspace)
    speaker.note(REPORTING)
    path = write_report(workspace, lang=speaker.lang, title=TITLE)
    member = next(community.member_ids.id(row) for row, why in telling_members(community) if why is TYPICAL)
    speaker.say(DONE, seconds=monotonic() - began)
    speaker.line(f"    {path.resolve()}")
    speaker.say(TRY)
    for command in (
        f"recommend {into} {member} -k 5",
        f"interests strata {into} {member}",
        f"member {into} {member}",
        f"recommend similar {into} 1",
    ):
        speaker.line(f"    penchant {command}")
