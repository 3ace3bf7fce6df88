"""`penchant report`: a page to open in a browser."""

from pathlib import Path
from typing import Annotated, Final

import typer

from penchant.cli.build import WORKSPACE
from penchant.cli.face import face
from penchant.cli.speech import both
from penchant.language import Phrase
from penchant.workspace import Workspace

HELP: Final = both(
    """Write a report on the current build: one HTML file that needs no network.

    The community at a glance, the quality of the data, how good the recommendations are against the baselines, and
    members with what they get and why.""",
    """为当前构建写一份报告：单个 HTML 文件，打开无需联网。

    内容包括社区概览、数据质量、与基线对比的推荐效果，以及若干会员的推荐与理由。""",
)
EXAMPLES: Final = """penchant report shop.ws
penchant report shop.ws --lang zh --out report.zh.html"""

WROTE: Final = Phrase("Report: {path}", "报告：{path}")


def report(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=both(
                "Where to write it; report.html in the workspace otherwise.", "输出文件；默认为工作区中的 report.html。"
            ),
        ),
    ] = None,
    title: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help=both("Title; the workspace's name otherwise.", "标题；默认为工作区名称。")),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=both("Answer in JSON.", "以 JSON 输出。"))] = False,
) -> None:
    from penchant.report import write_report

    speaker = face(ctx)
    path = write_report(Workspace.open(workspace), out, speaker.lang, title=title)
    if as_json:
        speaker.json({"report": path.resolve(), "bytes": path.stat().st_size, "lang": speaker.lang})
    else:
        speaker.say(WROTE, path=path.resolve())
