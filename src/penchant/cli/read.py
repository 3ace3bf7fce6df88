"""`penchant read`: check what is handed in, store what passes, say what did not and why."""

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from penchant.artifacts import write_atomically
from penchant.cli.face import face
from penchant.cli.speech import both
from penchant.data.mapping import UnknownIds
from penchant.language import Phrase
from penchant.workspace import OTHER_SECTIONS, Workspace

if TYPE_CHECKING:
    from penchant.data.rejections import ReadSummary

HELP: Final = both(
    """Check a community's data, store what passes, and say what was rejected and why.

    SOURCE is a folder with items and events (and members, ties, labels) as .csv, .jsonl or .parquet, or the URL of a
    database. What the workspace held before is replaced. Rejected rows are kept in its rejected.jsonl.""",
    """检查社区数据，存储通过检查的行，并说明哪些被拒绝及原因。

    SOURCE 是含有 items 与 events（以及可选的 members、ties、labels）的文件夹，格式为 .csv、.jsonl 或 .parquet，
    也可以是数据库地址。工作区原有的数据会被替换；被拒绝的行保存在其中的 rejected.jsonl。""",
)
EXAMPLES: Final = """penchant read data/shop --into shop.ws
penchant read postgresql://anna@localhost/shop --into shop.ws --columns columns.toml"""

STORED: Final = Phrase("Stored in {workspace}: {counts}.", "已存入 {workspace}：{counts}。")
NEXT: Final = Phrase("Next: penchant build {workspace}", "下一步：penchant build {workspace}")
JOINT: Final = Phrase(", ", "、")
COUNT: Final = Phrase("{count:,} {table}", "{count:,} 条{table}")


def read(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help=both("A folder, or a database URL.", "数据文件夹或数据库地址。")),
    ],
    into: Annotated[
        Path,
        typer.Option(
            metavar="WORKSPACE",
            help=both("Where to store; made if absent.", "存入的工作区；不存在则新建。"),
        ),
    ],
    columns: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=both(
                "A TOML file that maps your column names; by default the penchant.toml of the workspace or the folder.",
                "映射列名的 TOML 文件；默认用工作区或数据文件夹中的 penchant.toml。",
            ),
        ),
    ] = None,
    unknown_ids: Annotated[
        UnknownIds | None,
        typer.Option(
            metavar="reject|add|error",
            help=both(
                "What becomes of rows that name an unknown member or item; rejected if nothing is said.",
                "行中出现未知会员或物品时如何处理；默认拒绝该行。",
            ),
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=both("Answer in JSON.", "以 JSON 输出。"))] = False,
) -> None:
    speaker = face(ctx)
    workspace = Workspace.create(into)
    summary, counts = read_into(workspace, source, columns=columns, unknown_ids=unknown_ids)
    if as_json:
        speaker.json({"workspace": workspace.path, "stored": counts, **summary.as_json()})
        return
    from penchant.report.words import TABLE_NAMES

    lang = speaker.lang
    for line in summary.text(lang).splitlines():
        speaker.line(line)
    told = [COUNT(lang, count=count, table=TABLE_NAMES[table](lang)) for table, count in counts.items() if count]
    speaker.say(STORED, workspace=workspace.path, counts=JOINT(lang).join(told))
    speaker.say(NEXT, workspace=workspace.path)


def read_into(
    workspace: Workspace, source: Path | str, *, columns: Path | None = None, unknown_ids: UnknownIds | None = None
) -> tuple["ReadSummary", dict[str, int]]:
    """Replace a workspace's data by what is read, part by part, so that it may be larger than memory.

    Returns:
        What was found, also kept in the workspace for its report, and the rows stored by table.

    Raises:
        InputError: nothing can be taken from the source; the workspace then keeps what it had.
        WorkspaceBusyError: the workspace is being built or read into.
        StorageError: rows cannot be stored.
    """
    from penchant.data.readers import BatchReader
    from penchant.members.privacy import privacy_config, text_mask

    if columns is None and OTHER_SECTIONS & tomllib.loads(workspace.config_path.read_text("utf-8-sig")).keys():
        columns = workspace.config_path
    with workspace.lock(), workspace.store() as store:
        clean = text_mask(privacy_config(workspace.config))
        reader = BatchReader(source, columns=columns, unknown_ids=unknown_ids, rejected=workspace.rejected, clean=clean)
        counts = store.load(
            ((batch.table, batch.rows) for batch in reader),
            unknown_members="error" if "members" in reader.given else "add",
        )
        told = json.dumps(reader.summary.as_json(), ensure_ascii=False, indent=1)
        write_atomically(workspace.reading, told.encode())
    return reader.summary, counts
