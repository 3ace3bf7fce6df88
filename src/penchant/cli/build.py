"""`penchant build`: everything that is learned, in order; resumed where it was interrupted."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from penchant.cli.face import Face, face
from penchant.cli.speech import both
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.builds import Build
    from penchant.pipeline import StageProgress

HELP: Final = both(
    """Learn everything from a workspace's data, and let the new build answer from then on.

    A build that was interrupted goes on where it stopped, and a stage whose inputs have not changed is not run again.
    The last builds are kept: --list shows them, --use goes back to one.""",
    """根据工作区的数据完成全部学习，并由新的构建提供答案。

    被中断的构建会从断点继续；输入未变的阶段不会重复运行。最近几次构建会保留：--list 列出，--use 切换到其中之一。""",
)
EXAMPLES: Final = """penchant build shop.ws
penchant build shop.ws --use 0001"""

WORKSPACE: Final = both("Folder of the workspace.", "工作区文件夹。")

RUNNING: Final = Phrase("{place}/{total} {title} …", "{place}/{total} {title} …")
KEPT: Final = Phrase("{place}/{total} {title}: unchanged", "{place}/{total} {title}：无变化，沿用已有结果")
DONE: Final = Phrase(
    "    {seconds:,.1f} s, at most {memory:,.0f} MB", "    耗时 {seconds:,.1f} 秒，内存峰值 {memory:,.0f} MB"
)
CURRENT: Final = Phrase("Build {version} answers now.", "当前使用构建 {version}。")
NEXT: Final = Phrase("Next: penchant report {workspace}", "下一步：penchant report {workspace}")
RESUMES: Final = Phrase(
    "Stopped. What is finished is kept: penchant build {workspace} goes on from there.",
    "已停止。已完成的部分均已保留：运行 penchant build {workspace} 即可从断点继续。",
)
LISTED: Final = (
    Phrase("build", "构建"),
    Phrase("finished (UTC)", "完成时间（UTC）"),
    Phrase("stages", "阶段"),
    Phrase("seconds", "耗时（秒）"),
    Phrase("answers", "当前"),
)
NONE_YET: Final = Phrase("There is no build yet: penchant build {workspace}", "还没有构建：penchant build {workspace}")


def build(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    seed: Annotated[int, typer.Option(metavar="N", min=0, help=both("Seed of all that is random.", "随机种子。"))] = 0,
    use: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help=both("Learn nothing; let an earlier build answer.", "不重新学习，改用某次已有的构建。"),
        ),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help=both("Learn nothing; list the builds.", "不重新学习，仅列出已有构建。"))
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help=both("Answer in JSON.", "以 JSON 输出。"))] = False,
) -> None:
    speaker = face(ctx)
    opened = Workspace.open(workspace)
    if listed:
        _list(speaker, opened, as_json)
        return
    built = opened.switch(use) if use is not None else run_build(speaker, opened, seed=seed)
    if as_json:
        speaker.json(_described(built, current=True))
        return
    speaker.say(CURRENT, version=built.version)
    if use is None:
        speaker.say(NEXT, workspace=opened.path)


def run_build(speaker: Face, workspace: Workspace, *, seed: int = 0) -> "Build":
    """Build, telling of each stage on standard error; Ctrl-C then says how to go on.

    Raises:
        PenchantError: as `penchant.pipeline.build`.
    """
    from penchant import pipeline
    from penchant.settings import settings
    from penchant.training.options import Options

    speaker.when_interrupted, speaker.interrupted_fields = RESUMES, {"workspace": workspace.path}
    options = Options(seed=seed, threads=settings().threads, progress=speaker.err.is_terminal)
    return pipeline.build(workspace, options=options, on_stage=_teller(speaker))


def _teller(speaker: Face) -> "Callable[[StageProgress], None]":
    phrases = {"running": RUNNING, "kept": KEPT, "done": DONE}

    def tell(progress: "StageProgress") -> None:
        speaker.note(
            phrases[progress.status],
            place=progress.place,
            total=progress.total,
            title=progress.stage.title(speaker.lang),
            seconds=progress.seconds,
            memory=progress.peak_rss_mb,
        )

    return tell


def _list(speaker: Face, workspace: Workspace, as_json: bool) -> None:
    current = workspace.current
    builds = [(found, current is not None and found.version == current.version) for found in workspace.builds()]
    if as_json:
        speaker.json([_described(found, current=answers) for found, answers in builds])
    elif not builds:
        speaker.say(NONE_YET, workspace=workspace.path)
    else:
        rows = [
            (
                found.version,
                found.record.finished_at,
                len(found.record.stages),
                sum(stage.seconds for stage in found.record.stages),
                answers,
            )
            for found, answers in builds
        ]
        speaker.table(LISTED, rows, right=[2, 3])


def _described(build: "Build", *, current: bool) -> dict[str, object]:
    return {
        "version": build.version,
        "current": current,
        "finished_at": build.record.finished_at,
        "stages": [
            {
                "name": stage.name,
                "made_in": stage.made_in,
                "seconds": stage.seconds,
                "peak_rss_mb": stage.peak_rss_mb,
            }
            for stage in build.record.stages
        ],
    }
