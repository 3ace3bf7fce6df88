"""`penchant members mask`, `export`, `forget` and `expire`: members' data treated as theirs."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from penchant.artifacts import storage_errors, write_atomically
from penchant.cli.build import WORKSPACE
from penchant.cli.face import face
from penchant.cli.recommend import MEMBER
from penchant.cli.speech import both
from penchant.errors import ConfigError, ReadError
from penchant.language import Phrase
from penchant.workspace import Workspace

MASK_HELP: Final = both(
    """Mask personal data in texts, a line at a time: telephone numbers, identity numbers, bank cards, e-mail, plates,
    addresses, and names beside a title.

    With --key what was masked can be brought back by whoever has the key, and by nobody else.""",
    """遮盖文本中的个人信息，逐行处理：电话、身份证号、银行卡号、邮箱、车牌、住址，以及称谓旁的姓名。

    指定 --key 时，持有密钥者（且仅限其）可以还原被遮盖的内容。""",
)
MASK_EXAMPLES: Final = """penchant members mask reviews.txt
echo "打我手机13912345678" | penchant members mask
penchant members mask --new-key mask.key
penchant members mask reviews.txt --key mask.key > masked.txt
penchant members mask masked.txt --key mask.key --undo"""
EXPORT_HELP: Final = both(
    "Write down everything that is held about one member, as JSON, for them to have.",
    "以 JSON 导出所持有的关于一位会员的全部数据，供其本人查阅。",
)
EXPORT_EXAMPLES: Final = """penchant members export shop.ws m42 > m42.json
penchant members export shop.ws m42 --to m42.json"""
FORGET_HELP: Final = both(
    """Delete everything about a member, in the store, the vectors, every build, the logs and the rejected rows, and
    search the workspace's bytes to make sure.

    Models that were fitted with them are fitted anew by the next build. Backups, and the files that were read in, are
    yours to clean.""",
    """删除关于一位会员的一切：数据库、向量、所有构建、日志和被拒绝的行，并搜索整个工作区的字节以确认。

    曾用其数据拟合的模型将在下次构建时重新拟合。备份以及读入的原始文件需由你自行清理。""",
)
FORGET_EXAMPLES: Final = """penchant members forget shop.ws m42 --yes
penchant build shop.ws"""
EXPIRE_HELP: Final = both(
    "Delete what is older than [members.privacy] of penchant.toml keeps: events, what members wrote, lines of logs.",
    "删除超过 penchant.toml 中 [members.privacy] 保留期限的内容：事件、会员所写文字、日志行。",
)
EXPIRE_EXAMPLES: Final = "penchant members expire shop.ws"
IN_JSON: Final = both("Answer in JSON.", "以 JSON 输出。")

REALLY: Final = Phrase("Forget {member} for good?", "确定永久遗忘 {member}？")
FORGOTTEN: Final = Phrase(
    "Forgotten: {rows:,} rows of the store, {vectors:,} cached vectors, and {files:,} values in builds, logs and "
    "rejected rows. A search of the workspace finds nothing more.",
    "已遗忘：数据库 {rows:,} 行，缓存向量 {vectors:,} 个，构建、日志与被拒绝行中的 {files:,} 处。"
    "搜索整个工作区已无任何痕迹。",
)
DELETED: Final = Phrase("Deleted, to be made anew: {files}", "已删除，可重新生成：{files}")
REFIT: Final = Phrase(
    "Models of build {builds} were fitted with this member: penchant build {workspace} fits them without.",
    "构建 {builds} 的模型曾用该会员的数据拟合：运行 penchant build {workspace} 以重新拟合。",
)
LEFT: Final = Phrase("Yours to change, since people wrote it: {files}", "由人编写、需你自行修改：{files}")
RECEIPT: Final = Phrase("Receipt for the member, kept nowhere: {receipt}", "给会员的凭证（不作留存）：{receipt}")
EXPIRED: Final = Phrase(
    "Deleted {events:,} events, {texts:,} texts and {lines:,} lines of logs.",
    "已删除 {events:,} 个事件、{texts:,} 段文字和 {lines:,} 行日志。",
)
NO_PERIOD: Final = Phrase(
    "Nothing is set to expire; set keep_events_days, keep_texts_days or keep_logs_days in [members.privacy].",
    "未设置任何保留期限；请在 [members.privacy] 中设置 keep_events_days、keep_texts_days 或 keep_logs_days。",
)
MASKED: Final = Phrase("{count:,} pieces masked in {lines:,} lines", "在 {lines:,} 行中遮盖了 {count:,} 处")
KEY_MADE: Final = Phrase(
    "A new key lies in {path}; keep it outside of the workspace.", "新密钥已写入 {path}；请保存在工作区之外。"
)
JOINT: Final = Phrase(", ", "、")


def mask(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help=both("Texts, one a line; standard input if absent.", "文本文件，每行一段；缺省读标准输入。"),
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=both("Mask so that this key can undo it.", "用此密钥遮盖，可凭密钥还原。")),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help=both("Bring back what was masked.", "还原被遮盖的内容。"))
    ] = False,
    new_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help=both("Make a key and do nothing else.", "只生成新密钥。"))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.members.masking import mask as masked_text
    from penchant.members.masking import unmask
    from penchant.members.sealing import key_from_text, key_to_text
    from penchant.members.sealing import new_key as made_key

    speaker = face(ctx)
    if new_key is not None:
        if new_key.exists():
            raise ConfigError(f"{new_key} is there already; name another file, or what it masked is lost")
        write_atomically(new_key, (key_to_text(made_key()) + "\n").encode())
        new_key.chmod(0o600)
        speaker.note(KEY_MADE, path=new_key)
        return
    if undo and key is None:
        raise ConfigError("--undo needs the key that the texts were masked with; pass it as --key FILE")
    secret = key_from_text(_read(key)) if key is not None else None
    lines = _lines(file)
    if undo:
        assert secret is not None
        for line in lines:
            sys.stdout.write(unmask(line, secret) + "\n")
        return
    found = [masked_text(line, key=secret) for line in lines]
    if as_json:
        speaker.json([{"text": one.text, "counts": one.counts} for one in found])
        return
    for one in found:
        sys.stdout.write(one.text + "\n")
    speaker.note(MASKED, count=sum(len(one.found) for one in found), lines=len(found))


def export(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[str, typer.Argument(metavar="MEMBER", help=MEMBER)],
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=both("Write to a file, not to the screen.", "写入文件而非屏幕。")),
    ] = None,
) -> None:
    from penchant.members.export import export_member

    held = export_member(Workspace.open(workspace), member)
    if to is None:
        face(ctx).json(held)
    else:
        write_atomically(to, json.dumps(held, ensure_ascii=False, indent=2).encode("utf-8", "surrogatepass"))


def forget(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[str, typer.Argument(metavar="MEMBER", help=MEMBER)],
    yes: Annotated[bool, typer.Option("--yes", help=both("Do not ask.", "不再询问。"))] = False,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.members.forgetting import forget_member

    speaker = face(ctx)
    opened = Workspace.open(workspace)
    if not yes:
        typer.confirm(REALLY(speaker.lang, member=member), abort=True)
    report = forget_member(opened, member)
    if as_json:
        speaker.json(report)
        return
    speaker.say(FORGOTTEN, rows=report.rows, vectors=report.vectors, files=sum(report.rewritten.values()))
    joint = JOINT(speaker.lang)
    if report.deleted:
        speaker.say(DELETED, files=joint.join(report.deleted))
    if report.builds:
        speaker.say(REFIT, builds=joint.join(report.builds), workspace=workspace)
    if report.left:
        speaker.say(LEFT, files=joint.join(report.left))
    speaker.say(RECEIPT, receipt=report.receipt)


def expire(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.members.privacy import privacy_config
    from penchant.members.retention import expire as expire_all

    speaker = face(ctx)
    opened = Workspace.open(workspace)
    config = privacy_config(opened.config)
    if config.keep_events_days is config.keep_texts_days is config.keep_logs_days is None:
        raise ConfigError(NO_PERIOD("en"))
    gone = expire_all(opened, config)
    if as_json:
        speaker.json(gone._asdict())
    else:
        speaker.say(EXPIRED, **gone._asdict())


def _lines(file: Path | None) -> Iterator[str]:
    yield from (sys.stdin.read() if file is None else _read(file)).splitlines()


def _read(file: Path) -> str:
    try:
        with storage_errors(file):
            return file.read_text("utf-8-sig")
    except ValueError as error:
        raise ReadError(f"{file} cannot be read as UTF-8 ({error}); convert it first") from error


COMMANDS: Final = {
    "mask": (mask, MASK_HELP, MASK_EXAMPLES),
    "export": (export, EXPORT_HELP, EXPORT_EXAMPLES),
    "forget": (forget, FORGET_HELP, FORGET_EXAMPLES),
    "expire": (expire, EXPIRE_HELP, EXPIRE_EXAMPLES),
}
