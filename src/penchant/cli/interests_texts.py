"""`penchant interests train`, `label`, `discover`: from labelled texts to a labeller, from any text to its labels."""

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

import typer

from penchant.cli.face import Face, face
from penchant.cli.interests_members import IN_JSON
from penchant.cli.speech import both
from penchant.errors import ConfigError, NotBuiltError
from penchant.language import Phrase
from penchant.workspace import CONFIG_FILE, Workspace

if TYPE_CHECKING:
    from penchant.data.community import Community
    from penchant.interests.answers import Labelled
    from penchant.interests.labeller import Labeller, LabellerConfig
    from penchant.interests.recipe import LabellerQuality
    from penchant.text.encoder import Encoder
    from penchant.training.options import Options

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
LABEL_HELP: Final = both(
    """Label texts with interests, each with its probability; where no label can be stood by, it says unsure.

    With --json each text gives one line of JSON.""",
    """为文本标注兴趣并给出概率；没有可信标签时注明“不确定”。

    使用 --json 时，每条文本输出一行 JSON。""",
)
LABEL_EXAMPLES: Final = """penchant interests label labeller "a cast-iron pan for two"
penchant interests label shop.ws --file texts.txt --json > labelled.jsonl"""
DISCOVER_HELP: Final = both(
    """Find subjects in texts that nobody has labelled, as a tree of interests that you can edit.

    SOURCE is a workspace, whose items' texts are read, or a file of texts.""",
    """从无人标注的文本中发现主题，生成可编辑的兴趣树。

    SOURCE 可以是工作区（读取其物品文本），也可以是文本文件。""",
)
DISCOVER_EXAMPLES: Final = """penchant interests discover shop.ws --into tree.yaml
penchant interests discover texts.txt"""

ENCODER: Final = both(
    "The language model; the workspace's, or e5-small.", "所用语言模型；默认为工作区的设置，否则为 e5-small。"
)
SEED: Final = both("Seed of all that is random.", "随机种子。")
MODE: Final = both(
    "frozen leaves the language model as it is (quick); any other fine-tunes it: full, lora, adalora, ia3, prefix, "
    "prompt, p-tuning, bottleneck, contrastive, upper.",
    "frozen 不改动语言模型（快）；其余方式会微调：full、lora、adalora、ia3、prefix、prompt、p-tuning、bottleneck、"
    "contrastive、upper。",
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
UNSURE: Final = Phrase("unsure", "不确定")
NOTHING_FITS: Final = Phrase("none", "无")
FOUND: Final = Phrase(
    "Found {labels:,} subjects in {texts:,} texts; {left:.0%} of the texts fit none.",
    "在 {texts:,} 条文本中发现 {labels:,} 个主题；{left:.0%} 的文本不属于任何主题。",
)
SUBJECTS: Final = (Phrase("subject", "主题"), Phrase("texts", "文本数"), Phrase("its words", "特征词"))
WRITTEN: Final = Phrase(
    "The tree is in {path}: edit names and levels there.", "兴趣树已写入 {path}，可在其中修改名称和层级。"
)
JOINT: Final = Phrase(", ", "、")
_WORDS_SHOWN: Final = 5


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
    encoder: Annotated[str | None, typer.Option(metavar="NAME", help=ENCODER)] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help=SEED)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.artifacts import folder_written_atomically
    from penchant.interests import recipe

    speaker = face(ctx)
    config = labeller_config(mode)
    _refuse_other(into)
    workspace = Workspace.open(source) if (source / CONFIG_FILE).is_file() else None
    community = _community(workspace, source, texts)
    options = run_options(speaker, seed=seed)
    name = encoder or (workspace.config.build.encoder if workspace else "e5-small")
    with tempfile.TemporaryDirectory() as scratch:
        reading = encoder_named(name, workspace.vectors if workspace else Path(scratch), options)
        labeller = recipe.train(community, config, options, encoder=reading)
        splits = [split for split in ("dev", "test") if (community.labels["split"] == split).any()]
        found = {split: recipe.evaluate(labeller, community, split=split) for split in splits}
    with folder_written_atomically(into) as folder:
        labeller.save(folder)
    if as_json:
        speaker.json({"folder": into, "labels": labeller.taxonomy.labels, **vars(labeller.report), "quality": found})
        return
    _tell(speaker, labeller, into, found)


def label(
    ctx: typer.Context,
    place: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help=both("What `train` wrote, or a workspace.", "train 写出的文件夹，或工作区。")
        ),
    ],
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT…", help=both("Texts to label.", "要标注的文本。"))
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=both(
                "Texts to label: .txt with one a line, or .jsonl or .csv with a column text.",
                "要标注的文本文件：.txt（每行一条），或含 text 列的 .jsonl、.csv。",
            ),
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help=both("One line of JSON for each text.", "每条文本输出一行 JSON。")),
    ] = False,
) -> None:
    from penchant.data.texts import read_texts
    from penchant.vectors import chunks

    speaker = face(ctx)
    wanted = [*(texts or []), *(read_texts(file) if file is not None else [])]
    if not wanted:
        raise ConfigError("there is no text to label; write texts behind the folder, or name a file with --file")
    labeller = labeller_in(place)
    for part in chunks(len(wanted), 1024):
        said = labeller.label(wanted[part])
        for row, text in enumerate(wanted[part]):
            found = _labelled(said, row, text)
            if as_json:
                sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
            else:
                _show(speaker, found)


def discover(
    ctx: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help=both("A workspace, or a file of texts.", "工作区，或文本文件。"))
    ],
    into: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=both("Write the tree as YAML, to be edited.", "将兴趣树写成可编辑的 YAML。")),
    ] = None,
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
    if workspace is not None:
        with workspace.store() as store:
            texts = store.read().item_texts
    else:
        texts = read_texts(source)
    name = encoder or (workspace.config.build.encoder if workspace else "e5-small")
    with tempfile.TemporaryDirectory() as scratch:
        reading = encoder_named(name, workspace.vectors if workspace else Path(scratch), options)
        config = _discovery_config(workspace)
        found = find(texts, reading, config, options)
    if into is not None:
        with storage_errors(into):
            found.taxonomy.to_yaml(into)
    if as_json:
        speaker.json({"subjects": found.found, "texts": len(texts), "left_out": found.left_out, "tree": into})
        return
    speaker.say(FOUND, labels=len(found.taxonomy.leaves), texts=len(texts), left=found.left_out)
    rows = [(one.label, one.size, JOINT(speaker.lang).join(one.words[:_WORDS_SHOWN])) for one in found.found]
    speaker.table(SUBJECTS, rows, right=[1])
    if into is not None:
        speaker.say(WRITTEN, path=into)


def labeller_in(place: Path) -> "Labeller":
    """The labeller of a folder that `train` wrote, or of a workspace's current build.

    Raises:
        NotBuiltError: the workspace has no build, or its build trained no labeller.
        ArtifactError: the folder holds no labeller.
    """
    from penchant.interests.labeller import Labeller

    if not (place / CONFIG_FILE).is_file():
        return Labeller.load(place)
    build = Workspace.open(place).require_current()
    labeller = build.interests().labeller
    if labeller is None:
        raise NotBuiltError(
            f"build {build.version} of {place} took interests from the items' own categories, and trained no labeller; "
            f"train one with `penchant interests train {place} --into FOLDER`, and name that folder"
        )
    return labeller


def encoder_named(name: str, vectors: Path, options: "Options") -> "Encoder":
    """A language model by name, with vectors kept in a folder so that no text is encoded twice."""
    from penchant.text.cache import CachedEncoder
    from penchant.text.transformer import load_encoder

    return CachedEncoder(load_encoder(name, options=options), vectors, shown=options.progress)


def run_options(speaker: Face, *, seed: int = 0) -> "Options":
    """How a command of this group runs: as `penchant build` does."""
    from penchant.settings import settings
    from penchant.training.options import Options

    return Options(seed=seed, threads=settings().threads, progress=speaker.err.is_terminal)


def labeller_config(mode: str) -> "LabellerConfig":
    """What a mode asks of a labeller.

    Raises:
        ConfigError: there is no such mode.
    """
    from penchant.interests.labeller import LabellerConfig
    from penchant.text.tuning.config import FinetuneConfig, Mode

    if mode not in get_args(Mode):
        raise ConfigError(f"--mode takes one of {', '.join(get_args(Mode))}; got {mode!r}")
    return LabellerConfig() if mode == "frozen" else LabellerConfig(tuned=FinetuneConfig(mode=mode))  # type: ignore[arg-type]


def _discovery_config(workspace: Workspace | None) -> Any:
    from penchant.stages import interests_config

    return interests_config(workspace).discovery if workspace is not None else None


def _refuse_other(folder: Path) -> None:
    """Raises: ConfigError: something stands there that is no labeller, and would be lost."""
    from penchant.artifacts import MANIFEST, read_manifest
    from penchant.interests.saving import KIND

    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MANIFEST).is_file() or read_manifest(folder)["kind"] != KIND:
        raise ConfigError(f"{folder} holds something else than a labeller, which would be lost; name another folder")


def _community(workspace: Workspace | None, source: Path, more: Path | None) -> "Community":
    """What to learn from: a workspace's community, or labelled texts alone."""
    from dataclasses import replace

    import polars as pl

    from penchant.data.columns import EVENTS, ITEMS
    from penchant.data.community import Community
    from penchant.data.texts import read_labelled

    if workspace is not None:
        with workspace.store() as store:
            community = store.read()
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


def _labelled(said: "Labelled", row: int, text: str) -> dict[str, Any]:
    """What is said of one text: its labels with the surest first, and all that is at least one in a hundred."""
    tree, probabilities = said.taxonomy, said.probabilities[row]
    given = sorted(said.labels(row) if text.strip() else (), key=lambda label: -probabilities[tree.row(label)])
    order = (-probabilities).argsort(kind="stable")
    return {
        "text": text,
        "labels": given,
        "sure": list(said.labels(row, sure=True)),
        "unsure": bool(said.unsure[row]),
        "probabilities": {
            tree.labels[column]: round(float(probabilities[column]), 4)
            for column in order.tolist()
            if probabilities[column] >= 0.01
        },
    }


def _show(speaker: Face, found: dict[str, Any]) -> None:
    told = JOINT(speaker.lang).join(
        f"{label} {found['probabilities'].get(label, 0):.0%}" for label in found["labels"]
    ) or NOTHING_FITS(speaker.lang)
    mark = f" ({UNSURE(speaker.lang)})" if found["unsure"] else ""
    speaker.line(f"{told}{mark}  {found['text']}")


COMMANDS: Final = {
    "train": (train, TRAIN_HELP, TRAIN_EXAMPLES),
    "label": (label, LABEL_HELP, LABEL_EXAMPLES),
    "discover": (discover, DISCOVER_HELP, DISCOVER_EXAMPLES),
}
