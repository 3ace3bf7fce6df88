"""The command line: one command or group per file, joined here; errors end as one line and an exit code.

Exit codes: 0 done; 1 to 5 by kind of error (see `penchant.errors`); 2 also for a wrong command line; 70 for a fault of
Penchant's own; 130 after Ctrl-C.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final

import typer
from rich.text import Text
from typer.exceptions import TyperException

from penchant.cli import (
    backup,
    bench,
    build,
    console,
    data,
    demo,
    drift,
    interests,
    keys,
    member,
    members,
    read,
    recommend,
    recommend_prefer,
    report,
    search,
    serve,
    social,
    tune,
)
from penchant.cli.face import Face
from penchant.cli.helping import HelpfulCommand, HelpfulGroup
from penchant.cli.speech import both, complaint, take_everywhere_options
from penchant.errors import PenchantError, StorageError
from penchant.language import Phrase, system_language

INTERRUPTED: Final = 130
FAULT: Final = 70

ERROR: Final = Phrase("Error: {message}", "错误：{message}")
USAGE: Final = Phrase("Try: {command} --help", "查看用法：{command} --help")
UNEXPECTED: Final = Phrase(
    "This is a fault in Penchant, not in what you did; --debug shows where it happened.",
    "这是 Penchant 自身的问题，并非你的操作有误；加上 --debug 可查看出错位置。",
)


class _Root(HelpfulGroup):
    order = (
        "demo", "data", "read", "build", "report", "interests", "members", "social", "drift", "recommend", "search",
        "member", "serve", "keys", "console", "backup", "restore", "tune", "bench",
    )  # fmt: skip


app = typer.Typer(
    name="penchant",
    cls=_Root,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=both(
        "Penchant learns what a community's members like and recommends accordingly.",
        "Penchant 学习社区成员的喜好，并据此做推荐。",
    ),
    epilog=(
        "penchant demo\npenchant read data/shop --into shop.ws\npenchant build shop.ws\n"
        "penchant recommend shop.ws m42 -k 10"
    ),
)


@app.callback()
def _root() -> None:
    """Only here so that one command alone would still be a group."""


class _Recommend(HelpfulGroup):
    default_command = "for"


_recommend = typer.Typer(cls=_Recommend, help=recommend.HELP, epilog=recommend.EXAMPLES)
_recommend.command("for", cls=HelpfulCommand, help=recommend.HELP, epilog=recommend.EXAMPLES)(recommend.recommend)
_recommend.command("refine", cls=HelpfulCommand, help=recommend.REFINE_HELP, epilog=recommend.REFINE_EXAMPLES)(
    recommend.refine
)
_recommend.command("similar", cls=HelpfulCommand, help=recommend.SIMILAR_HELP, epilog=recommend.SIMILAR_EXAMPLES)(
    recommend.similar
)
_recommend.command("goes-with", cls=HelpfulCommand, help=recommend.GOES_WITH_HELP, epilog=recommend.GOES_WITH_EXAMPLES)(
    recommend.goes_with
)
_recommend.command("prefer", cls=HelpfulCommand, help=recommend_prefer.HELP, epilog=recommend_prefer.EXAMPLES)(
    recommend_prefer.prefer
)
_recommend.command("explain", cls=HelpfulCommand, help=recommend.EXPLAIN_HELP, epilog=recommend.EXPLAIN_EXAMPLES)(
    recommend.explain
)

app.command("demo", cls=HelpfulCommand, help=demo.HELP, epilog=demo.EXAMPLES)(demo.demo)
app.command("data", cls=HelpfulCommand, help=data.HELP, epilog=data.EXAMPLES)(data.data)
app.command("read", cls=HelpfulCommand, help=read.HELP, epilog=read.EXAMPLES)(read.read)
app.command("build", cls=HelpfulCommand, help=build.HELP, epilog=build.EXAMPLES)(build.build)
app.command("report", cls=HelpfulCommand, help=report.HELP, epilog=report.EXAMPLES)(report.report)
app.add_typer(interests.group, name="interests")
app.add_typer(members.group, name="members")
app.add_typer(social.group, name="social")
app.add_typer(drift.group, name="drift")
app.add_typer(_recommend, name="recommend")
app.command("search", cls=HelpfulCommand, help=search.HELP, epilog=search.EXAMPLES)(search.search)
app.command("member", cls=HelpfulCommand, help=member.HELP, epilog=member.EXAMPLES)(member.member)
app.command("serve", cls=HelpfulCommand, help=serve.HELP, epilog=serve.EXAMPLES)(serve.serve)
app.add_typer(keys.group, name="keys")
app.add_typer(console.group, name="console")
app.command("backup", cls=HelpfulCommand, help=backup.HELP, epilog=backup.EXAMPLES)(backup.backup)
app.command("restore", cls=HelpfulCommand, help=backup.RESTORE_HELP, epilog=backup.RESTORE_EXAMPLES)(backup.restore)
app.command("tune", cls=HelpfulCommand, help=tune.HELP, epilog=tune.EXAMPLES)(tune.tune)
app.command("bench", cls=HelpfulCommand, help=bench.HELP, epilog=bench.EXAMPLES)(bench.bench)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code.

    Args:
        arguments: the words after `penchant`; those of the process if absent.
    """
    # Threads that wait by spinning take the cores from whoever has work: on a busy machine texts are encoded five times
    # slower. To be said before torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    words = list(sys.argv[1:] if arguments is None else arguments)
    face = Face(lang=system_language(), debug="--debug" in words)
    try:
        words, face.lang, face.debug = take_everywhere_options(words)
        code = _invoke(words or ["--help"], face)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        _complain(face, ERROR(face.lang, message=complaint(error.format_message(), face.lang)))
        face.err.print(Text(USAGE(face.lang, command=context.command_path if context else "penchant"), style="dim"))
        return getattr(error, "exit_code", 2)
    except PenchantError as error:
        _trace(face)
        _complain(face, ERROR(face.lang, message=error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone (`penchant … | head`): nothing to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _trace(face)
        _complain(face, ERROR(face.lang, message=error))
        return StorageError.exit_code
    except Exception as error:
        _trace(face)
        _complain(face, ERROR(face.lang, message=f"{type(error).__name__}: {error}"))
        _complain(face, UNEXPECTED(face.lang))
        return FAULT
    if code == INTERRUPTED:
        _complain(face, face.when_interrupted(face.lang, **face.interrupted_fields))
    return code


def _invoke(words: list[str], face: Face) -> int:
    root = typer.main.get_command(app)
    try:
        with root.make_context("penchant", words, obj=face) as context:
            root.invoke(context)
        code = 0
    except typer.Exit as end:
        code = end.exit_code
    # Here and not when Python ends, so that a reader who has gone is noticed while it can be handled.
    sys.stdout.flush()
    return code


def _trace(face: Face) -> None:
    if face.debug:
        traceback.print_exc()


def _complain(face: Face, sentence: str) -> None:
    face.err.print(Text(sentence, style="red"), soft_wrap=True)
