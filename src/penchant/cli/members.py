"""`penchant members`: who the members are, which behave oddly, and what is held about them."""

from typing import Final

import typer

from penchant.cli import (
    members_anomalies,
    members_classify,
    members_privacy,
    members_segments,
    members_sentiment,
    members_value,
)
from penchant.cli.helping import HelpfulCommand, HelpfulGroup
from penchant.cli.speech import both

HELP: Final = both(
    """Say who the members are and which behave oddly, and treat what is held about them as theirs.

    The section [members] of penchant.toml can say how.""",
    """了解会员是谁、哪些行为异常，并尊重会员对其数据的权利。

    可在 penchant.toml 的 [members] 中设置。""",
)
EXAMPLES: Final = """penchant members segments shop.ws
penchant members value shop.ws -k 20
penchant members anomalies shop.ws
penchant members classify shop.ws gender --allow-sensitive gender
penchant members export shop.ws m42 --to m42.json
penchant members forget shop.ws m42"""


class _Members(HelpfulGroup):
    order = ("segments", "value", "classify", "anomalies", "sentiment", "mask", "export", "forget", "expire")


group = typer.Typer(cls=_Members, help=HELP, epilog=EXAMPLES)
for module in (
    members_segments, members_value, members_classify, members_anomalies, members_sentiment, members_privacy,
):  # fmt: skip
    for name, (command, told, examples) in module.COMMANDS.items():
        group.command(name, cls=HelpfulCommand, help=told, epilog=examples)(command)
