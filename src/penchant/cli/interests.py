"""`penchant interests`: what members are interested in, and the labels that this rests on."""

from typing import Final

import typer

from penchant.cli import (
    interests_discover,
    interests_explain,
    interests_label,
    interests_labelling,
    interests_members,
    interests_train,
)
from penchant.cli.helping import HelpfulCommand, HelpfulGroup
from penchant.cli.speech import both

HELP: Final = both(
    """Say what each member is interested in, in tiers, and label texts with interests.

    A build takes labels from the labels table, else from the items' categories, else from what it finds in the items'
    texts; the section [interests] of penchant.toml can say which.""",
    """查看会员的兴趣分层，并为文本标注兴趣。

    构建时，标签依次取自标签表、物品类目，或从物品文本中发现；可在 penchant.toml 的 [interests] 中指定。""",
)
EXAMPLES: Final = """penchant interests strata shop.ws m42
penchant interests audience shop.ws "Home > Kitchen" --tiers core,emerging
penchant interests suggest shop.ws --loop"""


class _Interests(HelpfulGroup):
    order = ("strata", "explain", "audience", "train", "label", "discover", "suggest")


group = typer.Typer(cls=_Interests, help=HELP, epilog=EXAMPLES)
_MODULES: Final = (
    interests_members,
    interests_explain,
    interests_train,
    interests_label,
    interests_discover,
    interests_labelling,
)
for module in _MODULES:
    for name, (command, told, examples) in module.COMMANDS.items():
        group.command(name, cls=HelpfulCommand, help=told, epilog=examples)(command)
