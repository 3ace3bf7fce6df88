"""`penchant backup` and `penchant restore`: all that a workspace is, in one archive, and the way back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from penchant.cli.build import WORKSPACE
from penchant.cli.face import face
from penchant.cli.speech import both
from penchant.language import Phrase
from penchant.workspace import Workspace

HELP: Final = both(
    """Write a workspace's data, keys, audit log, builds and settings into one archive, while it may be served.

    The archive holds personal data: keep it as you keep the database. After --keep-days it can no longer be restored,
    and the next backup into the same folder removes it, so that forgotten members do not live on in it.""",
    """将工作区的数据、密钥、审计日志、构建与设置写入一个归档文件；服务运行中亦可进行。

    归档含个人数据，请与数据库同等保管。超过 --keep-days 后不可再恢复，并会在同一文件夹下次备份时删除，
    以免已被遗忘的会员仍留存其中。""",
)
EXAMPLES: Final = """penchant backup shop.ws backups/shop-monday.tar.gz
penchant backup shop.ws --keep-days 7"""
RESTORE_HELP: Final = both(
    "Make a workspace of an archive that `penchant backup` wrote.", "用 `penchant backup` 写出的归档恢复工作区。"
)
RESTORE_EXAMPLES: Final = """penchant restore backups/shop-monday.tar.gz --into shop.ws
penchant restore shop.tar.gz --into shop.ws --store postgresql://penchant@localhost/shop"""
WROTE: Final = Phrase(
    "{rows:,} rows and {builds} builds are in {path}, until {until}.",
    "{rows:,} 行数据与 {builds} 个构建已写入 {path}，保留至 {until}。",
)
RESTORED: Final = Phrase(
    "{rows:,} rows of {made:%Y-%m-%d %H:%M} UTC are in {workspace}.",
    "已将 {made:%Y-%m-%d %H:%M} UTC 的 {rows:,} 行数据恢复到 {workspace}。",
)
FOR_EVER: Final = Phrase("removed", "被删除")


def backup(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    archive: Annotated[
        Path | None,
        typer.Argument(
            metavar="ARCHIVE",
            help=both(
                "File to write; by default beside the workspace, with the time in its name.",
                "归档文件；默认写在工作区旁，文件名含时间。",
            ),
        ),
    ] = None,
    keep_days: Annotated[
        float,
        typer.Option(metavar="N", min=0, help=both("Days until it expires; 0 for never.", "保留天数；0 表示永久。")),
    ] = 30,
) -> None:
    from penchant.service.running.backup import back_up

    opened = Workspace.open(workspace)
    if archive is None:
        home = opened.path.resolve()
        archive = home.with_name(f"{home.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar.gz")
    manifest = back_up(opened, archive, keep_days=keep_days or None)
    speaker = face(ctx)
    until = f"{manifest.expires_at:%Y-%m-%d}" if manifest.expires_at else FOR_EVER(speaker.lang)
    speaker.say(WROTE, rows=sum(manifest.rows.values()), builds=len(opened.builds()), path=archive, until=until)


def restore(
    ctx: typer.Context,
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help=both("What was written.", "归档文件。"))],
    into: Annotated[
        Path, typer.Option(metavar="WORKSPACE", help=both("Folder of the new workspace.", "新工作区文件夹。"))
    ],
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help=both("Where the data go; as the archive says if absent.", "数据写入的数据库；默认按归档设置。"),
        ),
    ] = None,
) -> None:
    from penchant.service.running.backup import restore as run

    manifest = run(archive, into, store_url=store)
    face(ctx).say(RESTORED, rows=sum(manifest.rows.values()), made=manifest.made_at, workspace=into)
