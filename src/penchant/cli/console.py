"""`penchant console`: who may log in to the console."""

import sys
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
    from penchant.service.security.sessions import Sessions

HELP: Final = both("Say who may log in to the console.", "管理可登录控制台的用户。")
EXAMPLES: Final = """penchant console user shop.ws ann
penchant console users shop.ws"""
USER_HELP: Final = both(
    """Let somebody log in to the console, or give them a new password.

    The password is asked for, or read from standard input where that is no terminal.""",
    """添加可登录控制台的用户，或为其重设密码。

    密码通过提示输入；标准输入不是终端时从中读取。""",
)
USER_EXAMPLES: Final = """penchant console user shop.ws ann
penchant console user shop.ws ann --remove"""
USERS_HELP: Final = both("List who may log in.", "列出可登录的用户。")
USERS_EXAMPLES: Final = "penchant console users shop.ws"
PASSWORD: Final = Phrase("Password (10 characters or more)", "密码（至少 10 个字符）")
MAY: Final = Phrase("{name} may log in.", "{name} 可以登录了。")
MAY_NOT: Final = Phrase("{name} may log in no more.", "{name} 已不能登录。")


class _Console(HelpfulGroup):
    order = ("user", "users")


group = typer.Typer(cls=_Console, help=HELP, epilog=EXAMPLES)


@contextmanager
def sessions(workspace: Workspace) -> "Iterator[Sessions]":
    """The users of a workspace's console."""
    from penchant.service.migrations import upgrade
    from penchant.service.security.sessions import Sessions

    with workspace.store() as store:
        upgrade(store.database)
        yield Sessions(store.database, store.tenant)


@group.command("user", cls=HelpfulCommand, help=USER_HELP, epilog=USER_EXAMPLES)
def user(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    name: Annotated[str, typer.Argument(metavar="NAME", help=both("Name to log in with.", "登录名。"))],
    remove: Annotated[
        bool, typer.Option("--remove", help=both("Let them log in no more.", "不再允许其登录。"))
    ] = False,
) -> None:
    from penchant.service.security.audit import Audit

    speaker = face(ctx)
    with sessions(Workspace.open(workspace)) as people:
        if remove:
            people.remove_user(name)
        else:
            people.add_user(name, _password(PASSWORD(speaker.lang)))
        action = "remove user" if remove else "set user"
        Audit(people.database, people.tenant).add("command line", action, name)
    speaker.say(MAY_NOT if remove else MAY, name=name)


@group.command("users", cls=HelpfulCommand, help=USERS_HELP, epilog=USERS_EXAMPLES)
def users(ctx: typer.Context, workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)]) -> None:
    speaker = face(ctx)
    with sessions(Workspace.open(workspace)) as people:
        for name in people.users():
            speaker.line(name)


def _password(prompt: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise ConfigError("no password came on standard input; write it there on one line")
    return password
