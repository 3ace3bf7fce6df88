"""`penchant members sentiment`: a model that tells praise from blame, for the builds that name it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, get_args

import numpy as np
import typer

from penchant.cli.face import face
from penchant.cli.interests_models import encoder_named, run_options
from penchant.cli.members_segments import IN_JSON
from penchant.cli.speech import both
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.data.community import Community
    from penchant.interests.sentiment import Sentiment

HELP: Final = both(
    """Teach a model to tell praise from blame, from texts labelled so, or from the stars that came with them, and write
    it to a folder; [members.sentiment] model = "FOLDER" in penchant.toml has builds read texts by it.

    A tenth of the texts is held out to say how good it is. --mode none learns from vectors and spelling alone.""",
    """训练区分好评与差评的情感模型：依据标注为正面或负面的文本，或评论自带的星级，并写入文件夹；在 penchant.toml 中设置
    [members.sentiment] model = "文件夹" 后，构建即用它阅读文本。

    留出十分之一的文本用于检验。--mode none 不微调语言模型，只用向量与拼写。""",
)
EXAMPLES: Final = """penchant members sentiment reviews-zh --to feelings
penchant members sentiment shop.ws --to shop.ws/feelings --mode lora
penchant members sentiment labelled.jsonl --to feelings --most 2000"""
SOURCE: Final = both(
    "A workspace, a file of labelled texts, a folder to read, or public data by name.",
    "工作区、带标签的文本文件、可读入的文件夹，或公开数据集名称。",
)
MODE: Final = both("How the language model is tuned, or none.", "语言模型的微调方式，none 为不微调。")
GOOD: Final = Phrase(
    "Of {held:,} texts held out {accuracy:.1%} are told right{auc}; {taught:,} taught it.",
    "留出的 {held:,} 条文本中 {accuracy:.1%} 判断正确{auc}；训练用 {taught:,} 条。",
)
AUC: Final = Phrase(" (AUC {auc:.3f})", "（AUC {auc:.3f}）")
WRITTEN: Final = Phrase(
    'Written to {path}. Next, in penchant.toml: [members.sentiment] model = "{path}"',
    '已写入 {path}。下一步，在 penchant.toml 中：[members.sentiment] model = "{path}"',
)
_HELD_OUT: Final = 0.1
_MOST_HELD_OUT: Final = 1_000


def sentiment(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=SOURCE)],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help=both("The folder to write.", "写入的文件夹。"))],
    mode: Annotated[str, typer.Option(metavar="MODE", help=MODE)] = "upper",
    encoder: Annotated[
        str, typer.Option(metavar="NAME", help=both("The language model.", "所用语言模型。"))
    ] = "e5-small",
    epochs: Annotated[int, typer.Option(metavar="N", min=1, help=both("Passes over the texts.", "训练轮数。"))] = 2,
    most: Annotated[
        int, typer.Option(metavar="N", min=20, help=both("Texts to learn from at most.", "最多使用的文本数。"))
    ] = 5_000,
    seed: Annotated[int, typer.Option(metavar="N", help=both("Of everything drawn.", "随机种子。"))] = 0,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.feelings import polar_texts, teach
    from penchant.settings import settings
    from penchant.text.tuning.config import FinetuneConfig
    from penchant.text.tuning.modes import Mode

    speaker = face(ctx)
    if mode != "none" and mode not in get_args(Mode):
        raise ConfigError(f"there is no mode {mode!r}; there are none, {', '.join(get_args(Mode))}")
    options = run_options(speaker, seed=seed)
    known = polar_texts(_community(source))
    order = np.random.default_rng(seed).permutation(len(known))[:most].tolist()
    held = min(_MOST_HELD_OUT, max(1, round(_HELD_OUT * len(order))))
    tuned = None if mode == "none" else FinetuneConfig.model_validate({"mode": mode, "epochs": epochs})
    taught = known.take(order[held:])
    model = teach(taught, encoder_named(encoder, settings().cache / "vectors", options), tuned=tuned, options=options)
    asked = known.take(order[:held])
    accuracy, auc = _judged(model, list(asked.texts), [answers[0][0] for answers in asked.given])
    model.save(to)
    if as_json:
        speaker.json({"folder": str(to), "taught": len(taught), "held_out": held, "accuracy": accuracy, "auc": auc})
        return
    told = AUC(speaker.lang, auc=auc) if auc is not None else ""
    speaker.say(GOOD, held=held, accuracy=accuracy, auc=told, taught=len(taught))
    # Settings take a folder from their workspace on; a whole path means the same in each.
    speaker.note(WRITTEN, path=to.resolve().as_posix())


def _community(source: str) -> "Community":
    """The community of a workspace, of a file of labelled texts, of a folder, or of public data."""
    import polars as pl

    from penchant.data.columns import EVENTS, ITEMS
    from penchant.data.community import Community
    from penchant.data.public import load
    from penchant.data.texts import read_labelled
    from penchant.workspace import CONFIG_FILE

    path = Path(source)
    if (path / CONFIG_FILE).is_file():
        return Workspace.open(path).usable_community()
    if path.is_file():
        nothing, nobody = (pl.DataFrame(schema=schema) for schema in (ITEMS, EVENTS))
        return Community.from_tables(nothing, nobody, labels=read_labelled(path))
    return load(source)


def _judged(model: "Sentiment", texts: list[str], truth: list[str]) -> tuple[float, float | None]:
    """The share told right, and the AUC, where both kinds were held out."""
    from sklearn.metrics import roc_auc_score

    from penchant.feelings import PRAISE

    words = model.words
    assert words is not None
    praise = words.probabilities(texts)[:, list(words.taxonomy.labels).index(PRAISE)]
    positive = np.array([label == PRAISE for label in truth])
    auc = float(roc_auc_score(positive, praise)) if len(np.unique(positive)) > 1 else None
    return float(((praise >= 0.5) == positive).mean()), auc


COMMANDS: Final = {"sentiment": (sentiment, HELP, EXAMPLES)}
"""Each command, its help and its examples."""
