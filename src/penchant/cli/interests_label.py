"""`penchant interests label`: from any text to its labels."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from penchant.cli.face import Face, face
from penchant.cli.interests_models import JOINT, labeller_in
from penchant.cli.speech import both
from penchant.errors import ConfigError
from penchant.language import Phrase

if TYPE_CHECKING:
    from penchant.interests.answers import Labelled

LABEL_HELP: Final = both(
    """Label texts with interests, each with its probability; where no label can be stood by, it says unsure.

    With --json each text gives one line of JSON.""",
    """为文本标注兴趣并给出概率；没有可信标签时注明“不确定”。

    使用 --json 时，每条文本输出一行 JSON。""",
)
LABEL_EXAMPLES: Final = """penchant interests label labeller "a cast-iron pan for two"
penchant interests label shop.ws --file texts.txt --json > labelled.jsonl"""
UNSURE: Final = Phrase("unsure", "不确定")
NOTHING_FITS: Final = Phrase("none", "无")


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


COMMANDS: Final = {"label": (label, LABEL_HELP, LABEL_EXAMPLES)}
