"""`penchant interests train`: from labelled texts to a labeller, and how good it is on those kept back."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, get_args

import typer

from penchant.cli.face import Face, face
from penchant.cli.interests_members import IN_JSON
from penchant.cli.interests_models import ENCODER, JOINT, SEED, encoder_named, run_options
from penchant.cli.speech import both
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.workspace import CONFIG_FILE, Workspace

if TYPE_CHECKING:
    from penchant.data.community import Community
    from penchant.interests.labeller import Labeller, LabellerConfig
    from penchant.interests.recipe import LabellerQuality
    from penchant.text.tuning.place import Place

TRAIN_HELP: Final = both(
    """Train a labeller from labelled texts, and say how good it is on those that are kept back.

    SOURCE is a workspace (its labels table, else its items with categories) or a file with the columns text, labels
    and, where it has one, split: what is marked train or nothing is learned from, dev teaches how sure to be, test is
    judged on alone.""",
    """用已标注的文本训练标注模型，并给出在留出文本上的效果。

    SOURCE 可以是工作区（取其标签表，没有则取带类目的物品），也可以是含 text、labels 及可选 split 列的文件：标为 train
    或未标注划分的用于学习，dev 用于校准置信度，test 仅用于评测。""",
)
TRAIN_EXAMPLES: Final = """penchant interests train reviews.jsonl --into labeller
penchant interests train shop.ws --into labeller --mode lora"""
MODE: Final = both(
    "frozen leaves the language model as it is (quick); any other fine-tunes it: full, lora, adalora, ia3, prefix, "
    "prompt, p-tuning, bottleneck, contrastive, upper.",
    "frozen 不改动语言模型（快）；其余方式会微调：full、lora、adalora、ia3、prefix、prompt、p-tuning、bottleneck、"
    "contrastive、upper。",
)
LOGS: Final = both(
    "Where fine-tuning keeps checkpoints and TensorBoard logs: interrupted, the same command goes on from there.",
    "微调的检查点与 TensorBoard 日志所在文件夹：中断后用同一命令即可从断点继续。",
)
TRACKER: Final = both(
    "Who follows fine-tuning in place of TensorBoard: wandb (Weights & Biases, where it is installed) or tensorboard.",
    "代替 TensorBoard 跟踪微调过程：wandb（需已安装 Weights & Biases）或 tensorboard。",
)
LEARNED: Final = Phrase(
    "Learned {labels:,} labels from {texts:,} texts; kept in {folder}.",
    "从 {texts:,} 条文本学习了 {labels:,} 个标签，保存于 {folder}。",
)
CONTRADICTORY: Final = Phrase(
    "{count:,} texts were labelled more than once, and not always the same: each answer counts by its share.",
    "{count:,} 条文本被多次标注且结果不一：各标注按占比计入。",
)
WITHOUT: Final = Phrase(
    "No text teaches these labels, which are known by name alone: {labels}",
    "以下标签没有任何文本，仅凭名称识别：{labels}",
)
QUALITY: Final = (
    Phrase("split", "划分"),
    Phrase("texts", "文本数"),
    Phrase("accuracy", "准确率"),
    Phrase("macro F1", "宏 F1"),
    Phrase("calibration error", "校准误差"),
    Phrase("stood by", "有把握的占比"),
    Phrase("wrong of these", "其中错误"),
)
NO_SPLIT: Final = Phrase(
    "No text is marked dev or test, so there is nothing to judge by.", "没有标为 dev 或 test 的文本，因此无从评测。"
)


def train(
    ctx: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help=both("A workspace, or a file of labelled texts.", "工作区，或已标注文本的文件。")
        ),
    ],
    into: Annotated[
        Path, typer.Option(metavar="FOLDER", help=both("Where the labeller is kept.", "标注模型的保存位置。"))
    ],
    mode: Annotated[str, typer.Option(metavar="MODE", help=MODE)] = "frozen",
    texts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=both("Labelled texts to learn from besides those of SOURCE.", "除 SOURCE 之外一并学习的已标注文本。"),
        ),
    ] = None,
    logs: Annotated[Path | None, typer.Option(metavar="FOLDER", help=LOGS)] = None,
    tracker: Annotated[str | None, typer.Option(metavar="NAME", help=TRACKER)] = None,
    encoder: Annotated[str | None, typer.Option(metavar="NAME", help=ENCODER)] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help=SEED)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.artifacts import folder_written_atomically
    from penchant.interests import recipe

    speaker = face(ctx)
    config = labeller_config(mode)
    place = place_of(logs, tracker)
    _refuse_other(into)
    workspace = Workspace.open(source) if (source / CONFIG_FILE).is_file() else None
    community = _community(workspace, source, texts)
    options = run_options(speaker, seed=seed)
    name = encoder or (workspace.config.build.encoder if workspace else "e5-small")
    with tempfile.TemporaryDirectory() as scratch:
        reading = encoder_named(name, workspace.vectors if workspace else Path(scratch), options)
        labeller = recipe.train(community, config, options, encoder=reading, place=place)
        splits = [split for split in ("dev", "test") if (community.labels["split"] == split).any()]
        found = {split: recipe.evaluate(labeller, community, split=split) for split in splits}
    with folder_written_atomically(into) as folder:
        labeller.save(folder)
    if as_json:
        speaker.json({"folder": into, "labels": labeller.taxonomy.labels, **vars(labeller.report), "quality": found})
        return
    _tell(speaker, labeller, into, found)


def labeller_config(mode: str) -> "LabellerConfig":
    """What a mode asks of a labeller.

    Raises:
        ConfigError: there is no such mode.
    """
    from penchant.interests.labeller import LabellerConfig
    from penchant.text.tuning.config import FinetuneConfig
    from penchant.text.tuning.modes import Mode

    if mode not in get_args(Mode):
        raise ConfigError(f"--mode takes one of {', '.join(get_args(Mode))}; got {mode!r}")
    return LabellerConfig() if mode == "frozen" else LabellerConfig(tuned=FinetuneConfig(mode=mode))  # type: ignore[arg-type]


def place_of(logs: Path | None, tracker: str | None) -> "Place | None":
    """Where tuning keeps its checkpoints, and who is told how it goes.

    Raises:
        ConfigError: there is no such tracker, or no folder to go with it.
    """
    from penchant.text.tuning.place import Place, Tracker

    if tracker is not None and tracker not in get_args(Tracker):
        raise ConfigError(f"--tracker takes one of {', '.join(get_args(Tracker))}; got {tracker!r}")
    if tracker is not None and logs is None:
        raise ConfigError("--tracker follows a run that keeps its checkpoints; say where, with --logs FOLDER")
    if logs is None:
        return None
    return Place(logs, trackers=None if tracker is None else (tracker,))  # type: ignore[arg-type]


def _refuse_other(folder: Path) -> None:
    """Raises: ConfigError: something stands there that is no labeller, and would be lost."""
    from penchant.artifacts import MANIFEST, read_manifest
    from penchant.interests.saving import KIND

    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MANIFEST).is_file() or read_manifest(folder)["kind"] != KIND:
        raise ConfigError(f"{folder} holds something else than a labeller, which would be lost; name another folder")


def _community(workspace: Workspace | None, source: Path, more: Path | None) -> "Community":
    """What to learn from: what a workspace's members agreed to, or labelled texts alone."""
    from dataclasses import replace

    import polars as pl

    from penchant.data.columns import EVENTS, ITEMS
    from penchant.data.community import Community
    from penchant.data.texts import read_labelled

    if workspace is not None:
        community = workspace.usable_community()
    else:
        labels = read_labelled(source)
        community = Community.from_tables(pl.DataFrame(schema=ITEMS), pl.DataFrame(schema=EVENTS), labels=labels)
    if more is None:
        return community
    return replace(community, labels=pl.concat([community.labels, read_labelled(more)]))


def _tell(speaker: Face, labeller: "Labeller", into: Path, found: "dict[str, LabellerQuality]") -> None:
    report = labeller.report
    speaker.say(LEARNED, labels=len(labeller.taxonomy), texts=report.texts, folder=into)
    if report.contradictory:
        speaker.say(CONTRADICTORY, count=report.contradictory)
    if report.without_texts:
        speaker.say(WITHOUT, labels=JOINT(speaker.lang).join(report.without_texts[:10]))
    if not found:
        speaker.say(NO_SPLIT)
        return
    rows = [
        (split, one.texts, one.accuracy, one.macro_f1, one.ece, f"{one.answered:.0%}", f"{one.risk:.1%}")
        for split, one in found.items()
    ]
    speaker.table(QUALITY, rows, right=[1, 2, 3, 4, 5, 6])


COMMANDS: Final = {"train": (train, TRAIN_HELP, TRAIN_EXAMPLES)}
