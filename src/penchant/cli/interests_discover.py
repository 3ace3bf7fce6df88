"""`penchant interests discover`: from texts that nobody has labelled to a tree of subjects."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from penchant.cli.face import face
from penchant.cli.interests_members import IN_JSON
from penchant.cli.interests_models import ENCODER, JOINT, SEED, encoder_named, run_options
from penchant.cli.speech import both
from penchant.language import Phrase
from penchant.workspace import CONFIG_FILE, Workspace

if TYPE_CHECKING:
    from penchant.interests.discovery import DiscoveryConfig

DISCOVER_HELP: Final = both(
    """Find subjects in texts that nobody has labelled, as a tree of interests that you can edit.

    SOURCE is a workspace, whose items' texts are read, or a file of texts.""",
    """从无人标注的文本中发现主题，生成可编辑的兴趣树。

    SOURCE 可以是工作区（读取其物品文本），也可以是文本文件。""",
)
DISCOVER_EXAMPLES: Final = """penchant interests discover shop.ws --into tree.yaml
penchant interests discover texts.txt"""

NAMES: Final = both(
    "Who names the subjects: words (the default), endpoint (an OpenAI-compatible one, which PENCHANT_ENDPOINT_BASE_URL "
    "and PENCHANT_ENDPOINT_MODEL tell of), or a model on this machine, such as gemma-270m.",
    "由谁为主题命名：words（默认，取特征词）、endpoint（兼容 OpenAI 的接口，由 PENCHANT_ENDPOINT_BASE_URL 和 "
    "PENCHANT_ENDPOINT_MODEL 指定），或本机模型，如 gemma-270m。",
)
UNNAMED: Final = Phrase(
    "{count:,} subjects got no name from the model, and have words in its place (such as: {why}).",
    "{count:,} 个主题未能由模型命名，改用特征词（例如：{why}）。",
)
FOUND: Final = Phrase(
    "Found {labels:,} subjects in {texts:,} texts; {left:.0%} of the texts fit none.",
    "在 {texts:,} 条文本中发现 {labels:,} 个主题；{left:.0%} 的文本不属于任何主题。",
)
SUBJECTS: Final = (Phrase("subject", "主题"), Phrase("texts", "文本数"), Phrase("its words", "特征词"))
WRITTEN: Final = Phrase(
    "The tree is in {path}: edit names and levels there.", "兴趣树已写入 {path}，可在其中修改名称和层级。"
)
_WORDS_SHOWN: Final = 5


def discover(
    ctx: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help=both("A workspace, or a file of texts.", "工作区，或文本文件。"))
    ],
    into: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=both("Write the tree as YAML, to be edited.", "将兴趣树写成可编辑的 YAML。")),
    ] = None,
    names: Annotated[str | None, typer.Option(metavar="NAME", help=NAMES)] = None,
    encoder: Annotated[str | None, typer.Option(metavar="NAME", help=ENCODER)] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help=SEED)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.artifacts import storage_errors
    from penchant.data.texts import read_texts
    from penchant.interests.discovery import discover as find

    speaker = face(ctx)
    workspace = Workspace.open(source) if (source / CONFIG_FILE).is_file() else None
    options = run_options(speaker, seed=seed)
    texts = workspace.usable_community().item_texts if workspace is not None else read_texts(source)
    name = encoder or (workspace.config.build.encoder if workspace else "e5-small")
    with tempfile.TemporaryDirectory() as scratch:
        reading = encoder_named(name, workspace.vectors if workspace else Path(scratch), options)
        found = find(texts, reading, _discovery_config(workspace, names), options)
    if into is not None:
        with storage_errors(into):
            found.taxonomy.to_yaml(into)
    if as_json:
        speaker.json(
            {
                "subjects": found.found,
                "texts": len(texts),
                "left_out": found.left_out,
                "namer": found.namer,
                "tree": into,
            }
        )
        return
    speaker.say(FOUND, labels=len(found.taxonomy.leaves), texts=len(texts), left=found.left_out)
    if found.fell_back:
        speaker.say(UNNAMED, count=len(found.fell_back), why=next(iter(found.fell_back.values())))
    rows = [(one.label, one.size, JOINT(speaker.lang).join(one.words[:_WORDS_SHOWN])) for one in found.found]
    speaker.table(SUBJECTS, rows, right=[1])
    if into is not None:
        speaker.say(WRITTEN, path=into)


def _discovery_config(workspace: Workspace | None, names: str | None) -> "DiscoveryConfig":
    """What the workspace says, with whoever the command names to give names."""
    from penchant.interests.discovery import DiscoveryConfig
    from penchant.stages import interests_config

    config = interests_config(workspace).discovery if workspace is not None else DiscoveryConfig()
    if names is None:
        return config
    return config.model_copy(update={"naming": config.naming.model_copy(update={"by": names})})


COMMANDS: Final = {"discover": (discover, DISCOVER_HELP, DISCOVER_EXAMPLES)}
