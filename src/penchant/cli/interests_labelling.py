"""`penchant interests suggest`: the texts to label next, and a loop that takes their labels from the keyboard."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.interests_members import IN_JSON
from penchant.cli.interests_models import encoder_named, run_options
from penchant.cli.speech import both
from penchant.errors import ConfigError, InputError
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.data.community import Community
    from penchant.interests.labelling import Labelling, Round, Suggestion

HELP: Final = both(
    """Name the texts of items whose labels would teach most; with --loop, ask for them one by one.

    In the loop, answer with the number of a label, with a label's path, with + and the path of a new one, with ? to see
    all labels, with an empty line to skip the text, or with q to stop. Each answer is on disk before the next question.
    After each round it says which given labels look wrong, and when more labels no longer change anything.""",
    """列出最值得标注的物品文本；使用 --loop 逐条询问并记录标签。

    在循环中，可输入标签的编号、标签路径、“+”加新标签的路径；? 列出全部标签，空行跳过，q 结束。每个回答都先写入磁盘再问
    下一条。每轮结束时会指出哪些已有标签可疑，以及何时继续标注已不再带来变化。""",
)
EXAMPLES: Final = """penchant interests suggest shop.ws -k 20 --out to-label.jsonl
penchant interests suggest shop.ws --loop"""
OUT: Final = both(
    "Write the texts to a file as JSON lines; with --loop, write the labels there and not into the workspace.",
    "将文本以 JSON 行写入文件；配合 --loop 时，标签写入该文件而不是工作区。",
)

COLUMNS: Final = (Phrase("item", "物品"), Phrase("likely", "可能的标签"), Phrase("text", "文本"))
NONE_LEFT: Final = Phrase("Every text is labelled.", "所有文本都已标注。")
WRITTEN: Final = Phrase(
    "{count:,} texts are in {path}: add the column labels.", "{count:,} 条文本已写入 {path}：请补上 labels 列。"
)
ASK: Final = Phrase(
    "Label (number, path, +new, ?: all, empty: skip, q: stop): ",
    "标签（编号、路径、+新标签、? 全部、空行跳过、q 结束）：",
)
TAKEN: Final = Phrase("    {label}", "    {label}")
UNKNOWN: Final = Phrase(
    "There is no label {label!r}; write +{label} to make it, or one of: {labels}",
    "没有标签 {label!r}；写 +{label} 新建，或从中选择：{labels}",
)
OUT_OF_RANGE: Final = Phrase("There is no number {number}; {most} is the last.", "没有编号 {number}，最大为 {most}。")
WRONG: Final = Phrase("That is no path: {error}", "路径有误：{error}")
ROUND: Final = Phrase(
    "{labelled:,} texts have a label; there are {labels:,} labels.",
    "已有 {labelled:,} 条文本带标签，共 {labels:,} 个标签。",
)
AGREES: Final = Phrase(
    "What is said of all texts agrees with the round before to {agreement:.2f} (1: wholly).",
    "本轮对全部文本的判断与上一轮的一致度为 {agreement:.2f}（1 为完全一致）。",
)
STOP: Final = Phrase(
    "You may stop: the last rounds have changed next to nothing.", "可以停止了：最近几轮标注几乎没有带来变化。"
)
DOUBTED: Final = Phrase(
    "Looks wrong: {text!r} is labelled {given}, and looks like {likely}.",
    "可疑：{text!r} 标为「{given}」，看起来更像「{likely}」。",
)
SAVED: Final = Phrase(
    "{count:,} labels were added to {workspace}. Next: penchant build {workspace}",
    "已向 {workspace} 添加 {count:,} 个标签。下一步：penchant build {workspace}",
)
SAVED_IN_FILE: Final = Phrase(
    "{count:,} labels were added to {path}. Next: penchant interests train {workspace} --texts {path} --into FOLDER",
    "已向 {path} 添加 {count:,} 个标签。下一步：penchant interests train {workspace} --texts {path} --into FOLDER",
)
INTERRUPTED: Final = Phrase("Stopped. Every label that was given is kept.", "已停止。已给出的标签均已保存。")
_STOP_WORDS: Final = ("q", "quit", "exit")
_DOUBTS_SHOWN: Final = 5
_SHOWN: Final = 500
"""Characters of a text that are shown."""


def suggest(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    k: Annotated[
        int,
        typer.Option(
            "-k", metavar="K", min=1, help=both("How many texts, or texts in a round.", "多少条文本，或每轮多少条。")
        ),
    ] = 20,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help=OUT)] = None,
    loop: Annotated[
        bool, typer.Option("--loop", help=both("Ask for labels, round by round.", "逐轮询问标签。"))
    ] = False,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help=both("Seed of all that is random.", "随机种子。"))] = 0,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.interests.labelling import Labelling

    speaker = face(ctx)
    if loop and as_json:
        raise ConfigError("--loop talks to a person; leave --json away, or ask for the texts without --loop")
    if out is not None and out.exists() and not loop:
        raise ConfigError(f"{out} is there already, and may hold labels; name a new file")
    opened = Workspace.open(workspace)
    community = opened.usable_community()
    options = run_options(speaker, seed=seed)
    labelling = Labelling(
        community.item_texts,
        encoder_named(opened.config.build.encoder, opened.vectors, options),
        labelled=_labelled(community, out if loop else None),
        options=options,
    )
    item_of = _items(community)
    if loop:
        _loop(speaker, labelling, opened, out, item_of, _known_labels(community), k)
        return
    found = labelling.suggest(k)
    rows = [
        {"item_id": item_of.get(one.text), "text": one.text, "likely": [label for label, _ in one.likely]}
        for one in found
    ]
    if out is not None:
        from penchant.artifacts import write_atomically

        write_atomically(out, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
    if as_json:
        speaker.json(rows)
    elif not rows:
        speaker.say(NONE_LEFT)
    elif out is not None:
        speaker.say(WRITTEN, count=len(rows), path=out)
    else:
        shown = [
            (item_of.get(one.text), one.likely[0][0] if one.likely else None, _short(one.text, 120)) for one in found
        ]
        speaker.table(COLUMNS, shown)


def _loop(
    speaker: Face,
    labelling: "Labelling",
    workspace: Workspace,
    out: Path | None,
    item_of: dict[str, str],
    known: list[str],
    size: int,
) -> None:
    """Rounds of questions until there is nothing left, or the answers end."""
    speaker.when_interrupted = INTERRUPTED
    added, asked = 0, True
    while asked and (found := labelling.suggest(size)):
        for place, one in enumerate(found, start=1):
            answer = _ask(speaker, one, labelling, known, f"{place}/{len(found)}")
            if answer is None:
                asked = False
                break
            if not answer:
                labelling.skip(one.text)
                continue
            label = labelling.give(one.text, answer)
            _keep(workspace, out, one.text, item_of.get(one.text), label)
            added += 1
            speaker.say(TAKEN, label=label)
        _tell(speaker, labelling.end_round())
    if asked:
        speaker.say(NONE_LEFT)
    speaker.say(SAVED if out is None else SAVED_IN_FILE, count=added, path=out, workspace=workspace.path)


def _ask(speaker: Face, one: "Suggestion", labelling: "Labelling", known: list[str], place: str) -> str | None:
    """The label that a person gives; empty to skip the text, None to stop."""
    # As the model's guess changes with each answer, it is made anew here.
    likely = dict(labelling.likely(one.text))
    others = [label for label in dict.fromkeys([*labelling.labels, *known]) if label not in likely]
    choices = [*likely, *others]
    speaker.line("")
    speaker.line(f"[{place}] {_short(one.text, _SHOWN)}")
    for number, label in enumerate(choices[:9], start=1):
        speaker.line(f"  {number}. {label}" + (f"  {likely[label]:.0%}" if label in likely else ""))
    while True:
        sys.stdout.write(ASK(speaker.lang))
        sys.stdout.flush()
        answer = sys.stdin.readline()
        if not answer or answer.strip() in _STOP_WORDS:
            speaker.line("")
            return None
        understood = _understood(speaker, answer.strip(), choices)
        if understood is not None:
            return understood


def _understood(speaker: Face, answer: str, choices: list[str]) -> str | None:
    """The label that an answer means; None where it means none, which is then said."""
    from penchant.interests.taxonomy import normal_path

    if not answer:
        return ""
    if answer == "?":
        for choice in choices:
            speaker.line(f"  {choice}")
        return None
    if answer.isdecimal():
        most = min(9, len(choices))
        if 1 <= int(answer) <= most:
            return choices[int(answer) - 1]
        speaker.say(OUT_OF_RANGE, number=int(answer), most=most)
        return None
    try:
        path = normal_path(answer.removeprefix("+"))
    except InputError as error:
        speaker.say(WRONG, error=error)
        return None
    if answer.startswith("+") or path in choices:
        return path
    speaker.say(UNKNOWN, label=path, labels="; ".join(choices[:9]) or "–")
    return None


def _tell(speaker: Face, ended: "Round") -> None:
    speaker.line("")
    speaker.say(ROUND, labelled=ended.labelled, labels=ended.labels)
    if ended.verdict.agreements:
        speaker.say(AGREES, agreement=ended.verdict.agreements[-1])
    for one in ended.doubted[:_DOUBTS_SHOWN]:
        speaker.say(DOUBTED, text=_short(one.text, 60), given=one.given, likely=one.likely)
    if ended.verdict.stop:
        speaker.say(STOP)


def _keep(workspace: Workspace, out: Path | None, text: str, item_id: str | None, label: str) -> None:
    """Put one label on disk.

    Raises:
        StorageError: it cannot be written.
    """
    from penchant.artifacts import storage_errors

    if out is not None:
        line = json.dumps({"text": text, "item_id": item_id, "labels": [label]}, ensure_ascii=False)
        with storage_errors(out), out.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        return
    import polars as pl

    row = {"text": [text], "item_id": [item_id], "labels": [[label]], "split": [None]}
    with workspace.store() as store:
        store.append_labels(pl.DataFrame(row, schema_overrides={"item_id": pl.String, "split": pl.String}))


def _labelled(community: "Community", out: Path | None) -> dict[str, str]:
    """Each labelled text with its label, or the first of several; what a labels file holds counts too."""
    import polars as pl

    from penchant.data.texts import read_labelled
    from penchant.interests.sentiment import subject

    labels = community.labels
    if out is not None and out.is_file() and out.stat().st_size:
        labels = pl.concat([labels, read_labelled(out)])
    found: dict[str, str] = {}
    for text, item_id, given in labels.select("text", "item_id", "labels").iter_rows():
        if text is None and item_id in community.item_ids:
            text = community.item_texts[community.item_ids.row(item_id)]
        subjects = [kept for label in given or [] if (kept := subject(label)) is not None]
        if text and text.strip() and subjects:
            found[text] = subjects[0]
    return found


def _items(community: "Community") -> dict[str, str]:
    """The first item of each text."""
    found: dict[str, str] = {}
    for row, text in enumerate(community.item_texts):
        found.setdefault(text, community.item_ids.id(row))
    return found


def _known_labels(community: "Community") -> list[str]:
    """Labels to choose from before any text has one: the items' categories."""
    given = community.items["categories"].drop_nulls().explode(empty_as_null=False, keep_nulls=False)
    return given.drop_nulls().unique().sort().to_list()


def _short(text: str, most: int) -> str:
    """A text in one line, clipped."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


COMMANDS: Final = {"suggest": (suggest, HELP, EXAMPLES)}
