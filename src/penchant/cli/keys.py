"""`penchant keys`: make, list and revoke the keys that open the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from penchant.cli.build import WORKSPACE
from penchant.cli.face import face
from penchant.cli.helping import HelpfulCommand, HelpfulGroup
from penchant.cli.speech import both
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.service.security.keys import Key, Keyring

HELP: Final = both("Make, list and revoke the keys that open the service.", "创建、列出和吊销服务的密钥。")
EXAMPLES: Final = """penchant keys make shop.ws web-shop --scope send --scope read
penchant keys list shop.ws
penchant keys revoke shop.ws 3f9a0c2b71de"""
MAKE_HELP: Final = both(
    """Make a key and show it, this once: only its hash is kept.

    Scopes: send (events and ties), read (recommendations, interests, search and all else that is known), manage (items,
    builds, alerts, export and forgetting). A key that stands in a web page must have the scope send alone.""",
    """创建密钥并仅显示这一次：系统只保存其哈希。

    权限范围：send（写入行为与关系）、read（推荐、兴趣、搜索及其他已知信息）、manage（物品、构建、告警、导出与遗忘）。放在网页中的密钥
    只应具有 send 权限。""",
)
MAKE_EXAMPLES: Final = """penchant keys make shop.ws web-shop --scope send --scope read
penchant keys make shop.ws nightly --scope manage --days 30 --json"""
LIST_HELP: Final = both("List the keys, without their secrets.", "列出密钥（不含密文）。")
LIST_EXAMPLES: Final = "penchant keys list shop.ws"
REVOKE_HELP: Final = both(
    "Let a key open nothing any more; a running service knows within a second.", "吊销密钥；运行中的服务一秒内生效。"
)
REVOKE_EXAMPLES: Final = "penchant keys revoke shop.ws 3f9a0c2b71de"

MADE: Final = Phrase(
    "Key {id} ({name}), scopes {scopes}, until {until}. It is shown this once; keep it safe.",
    "密钥 {id}（{name}），权限 {scopes}，有效期至 {until}。仅显示这一次，请妥善保管。",
)
NEVER: Final = Phrase("revoked", "被吊销")
REVOKED: Final = Phrase("Key {id} opens nothing any more.", "密钥 {id} 已吊销。")
NONE: Final = Phrase(
    "There is no key yet: penchant keys make {workspace} NAME --scope read",
    "还没有密钥：penchant keys make {workspace} NAME --scope read",
)
COLUMNS: Final = (
    Phrase("id", "编号"),
    Phrase("name", "名称"),
    Phrase("scopes", "权限"),
    Phrase("made (UTC)", "创建时间（UTC）"),
    Phrase("expires (UTC)", "到期时间（UTC）"),
    Phrase("opens", "有效"),
)


class _Keys(HelpfulGroup):
    order = ("make", "list", "revoke")


group = typer.Typer(cls=_Keys, help=HELP, epilog=EXAMPLES)


@contextmanager
def keyring(workspace: Workspace) -> "Iterator[Keyring]":
    """The keys of a workspace's tenant."""
    from penchant.service.migrations import upgrade
    from penchant.service.security.keys import Keyring

    with workspace.store() as store:
        upgrade(store.database)
        yield Keyring(store.database, store.tenant)


@group.command("make", cls=HelpfulCommand, help=MAKE_HELP, epilog=MAKE_EXAMPLES)
def make(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    name: Annotated[str, typer.Argument(metavar="NAME", help=both("What the key is for.", "密钥的用途。"))],
    scope: Annotated[
        list[str],
        typer.Option(
            metavar="SCOPE", help=both("send, read or manage; may be given again.", "send、read 或 manage；可重复。")
        ),
    ],
    days: Annotated[
        float, typer.Option(metavar="N", help=both("Days until it expires; 0 for never.", "有效天数；0 表示永不过期。"))
    ] = 365,
    as_json: Annotated[bool, typer.Option("--json", help=both("Answer in JSON.", "以 JSON 输出。"))] = False,
) -> None:
    from penchant.service.security.audit import Audit
    from penchant.service.security.keys import Scope

    speaker = face(ctx)
    if unknown := [one for one in scope if one not in list(Scope)]:
        raise ConfigError(f"there is no scope {unknown[0]!r}; take some of {', '.join(Scope)}")
    with keyring(Workspace.open(workspace)) as keys:
        key, text = keys.make(name, {Scope(one) for one in scope}, days=days or None)
        Audit(keys.database, keys.tenant).add(
            "command line", "make key", key.id, details={"name": name, "scopes": sorted(key.scopes)}
        )
    if as_json:
        speaker.json({**_described(key), "key": text})
        return
    until = f"{key.expires_at:%Y-%m-%d}" if key.expires_at else NEVER(speaker.lang)
    speaker.note(MADE, id=key.id, name=name, scopes=", ".join(sorted(key.scopes)), until=until)
    speaker.line(text)


@group.command("list", cls=HelpfulCommand, help=LIST_HELP, epilog=LIST_EXAMPLES)
def list_keys(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    as_json: Annotated[bool, typer.Option("--json", help=both("Answer in JSON.", "以 JSON 输出。"))] = False,
) -> None:
    speaker = face(ctx)
    with keyring(Workspace.open(workspace)) as keys:
        found = keys.all()
    if as_json:
        speaker.json([_described(key) for key in found])
    elif not found:
        speaker.say(NONE, workspace=workspace)
    else:
        rows = [
            (key.id, key.name, ", ".join(sorted(key.scopes)), key.created_at, key.expires_at, key.is_valid())
            for key in found
        ]
        speaker.table(COLUMNS, rows)


@group.command("revoke", cls=HelpfulCommand, help=REVOKE_HELP, epilog=REVOKE_EXAMPLES)
def revoke(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    key_id: Annotated[str, typer.Argument(metavar="KEY", help=both("Id of the key.", "密钥编号。"))],
) -> None:
    from penchant.service.security.audit import Audit

    with keyring(Workspace.open(workspace)) as keys:
        keys.revoke(key_id)
        Audit(keys.database, keys.tenant).add("command line", "revoke key", key_id)
    face(ctx).say(REVOKED, id=key_id)


def _described(key: "Key") -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "opens": key.is_valid(),
    }
