"""`penchant members classify`: what members are, told from what they do and write, and whom that serves worse."""

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
import typer

from penchant.artifacts import storage_errors
from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.members_segments import IN_JSON
from penchant.cli.speech import both
from penchant.errors import ConfigError, UnknownIdError
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.members.attribute_answers import AttributeReport, Predictions
    from penchant.members.classifier import MemberClassifier
    from penchant.members.fairness import GroupErrors, GroupExposure
    from penchant.text.encoder import Encoder

CLASSIFY_HELP: Final = both(
    """Predict an attribute of members (any column of the members table) from what they do and write, and say how good
    that is: precision, recall and F1 of each class, on members held out in turn.

    --comment asks of a stranger by one comment. An answer names every class that it cannot rule out. Sensitive
    attributes are refused unless --allow-sensitive names them.""",
    """根据行为与文字预测会员的某项属性（会员表中的任意一列），并在轮流留出的会员上报告每一类的精确率、召回率与 F1。

    --comment 仅凭一条评论判断陌生人。回答会列出所有无法排除的类别。敏感属性须以 --allow-sensitive 指名方可预测。""",
)
CLASSIFY_EXAMPLES: Final = """penchant members classify shop.ws buyer_kind
penchant members classify shop.ws buyer_kind --member m42 --comment "等打折再买"
penchant members classify shop.ws age --bands 25,35,45 --allow-sensitive age --fairness gender"""
CLASS: Final = (
    Phrase("class", "类别"),
    Phrase("members", "会员数"),
    Phrase("precision", "精确率"),
    Phrase("recall", "召回率"),
    Phrase("F1", "F1"),
)
GOOD: Final = Phrase(
    "Of {members:,} members held out in turn, {accuracy:.0%} are told right (AUC {auc:.3f}; without texts "
    "{without:.3f}). From a single text, {comment:.0%}.",
    "轮流留出的 {members:,} 位会员中，{accuracy:.0%} 判断正确（AUC {auc:.3f}；不读文本为 {without:.3f}）。"
    "仅凭一条文本为 {comment:.0%}。",
)
SURE: Final = Phrase(
    "The true class is among those named {coverage:.0%} of the time; of {unsure:.0%} not exactly one class is left.",
    "真实类别有 {coverage:.0%} 在所列类别之中；{unsure:.0%} 的会员剩下不止一类或没有类别。",
)
PREDICTED: Final = (
    Phrase("who", "对象"),
    Phrase("class", "类别"),
    Phrase("probability", "概率"),
    Phrase("cannot be ruled out", "无法排除"),
)
GROUPS: Final = (
    Phrase("group", "群体"),
    Phrase("class", "类别"),
    Phrase("members", "会员数"),
    Phrase("said to be", "预测占比"),
    Phrase("falsely", "误判率"),
    Phrase("missed", "漏判率"),
)
BY_GROUP: Final = Phrase("Errors by {group}", "按 {group} 的误差")
EXPOSURE: Final = (
    Phrase("group", "群体"),
    Phrase("members", "会员数"),
    Phrase("items shown", "推荐物品数"),
    Phrase("rank by popularity", "热门度名次"),
    Phrase("shown apart", "推荐差异"),
    Phrase("apart by own doing", "自身行为差异"),
)
EXPOSED: Final = Phrase("What is recommended, by {group}", "按 {group} 的推荐曝光")
_SHOWN_TO: Final = 500
"""Members whose lists are compared at most."""
_LIST: Final = 10
WRITTEN: Final = Phrase("Written: {path}", "已写入：{path}")
JOINT: Final = Phrase(", ", "、")


def classify(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    attribute: Annotated[
        str, typer.Argument(metavar="ATTRIBUTE", help=both("Column of the members table.", "会员表中的一列。"))
    ],
    member: Annotated[
        list[str] | None,
        typer.Option(metavar="MEMBER", help=both("Of this member; may be repeated.", "判断这位会员，可重复。")),
    ] = None,
    comment: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", help=both("Of whoever wrote this; may be repeated.", "判断写下这段文字的人，可重复。")
        ),
    ] = None,
    bands: Annotated[
        str | None,
        typer.Option(metavar="EDGES", help=both("Bands of a number, such as 25,35,45.", "数值分段，如 25,35,45。")),
    ] = None,
    allow_sensitive: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=both("Allow this sensitive attribute.", "允许预测这一敏感属性。")),
    ] = None,
    fairness: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help=both("Error rates by this attribute.", "按此属性列出误差率。")),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=both("Write all members' answers as CSV.", "将全部会员的结果写为 CSV。")),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.members.attribute_recipe import train_attribute
    from penchant.members.classifier import ClassifierConfig
    from penchant.members.sections import members_section
    from penchant.training.options import Options

    speaker = face(ctx)
    opened = Workspace.open(workspace)
    config = members_section(opened.config, "classifier", ClassifierConfig)
    change: dict[str, object] = {"allow_sensitive": (*config.allow_sensitive, *(allow_sensitive or ()))}
    if bands is not None:
        change["bands"] = _edges(bands)
    config = config.model_copy(update=change)
    community = opened.require_current().community
    strangers = [one for one in member or () if one not in community.member_ids]
    if strangers:
        raise UnknownIdError(f"no member has the id {strangers[0]!r}; this build has {len(community.members)} members")
    # Errors by group are those of members held out, which a model that was read back no longer knows.
    home = opened.path if fairness is None else None
    model = train_attribute(community, attribute, config, Options(), encoder=_encoder(opened), home=home)
    asked = [community.member_ids.row(one) for one in member or ()]
    told = model.predict(community, asked) if member else None  # type: ignore[arg-type]
    read = model.read(comment) if comment else None
    table = None if fairness is None else _fairness(model, opened, attribute, fairness)
    shown = None if fairness is None else _exposure(opened, fairness)
    if to is not None:
        _write(to, community.member_ids.ids.to_list(), model.predict(community))
    report = model.report
    assert report is not None
    if as_json:
        speaker.json(
            {
                "report": asdict(report),
                "members": _described(member or [], told),
                "comments": _described(comment or [], read),
                "fairness": table,
                "exposure": shown,
            }
        )
        return
    _show_report(speaker, report)
    for names, found in ((member or [], told), (comment or [], read)):
        if found is not None:
            speaker.line("")
            speaker.table(PREDICTED, _rows(names, found, speaker), right=[2])
    if table is not None:
        speaker.line("")
        rows = [(one.group, one.name, one.members, *map(_percent, (one.predicted, *one.rates))) for one in table]
        speaker.table(
            GROUPS,
            rows,
            title=Phrase(BY_GROUP("en", group=fairness), BY_GROUP("zh", group=fairness)),
            right=[2, 3, 4, 5],
        )
    if shown is not None:
        speaker.line("")
        title = Phrase(EXPOSED("en", group=fairness), EXPOSED("zh", group=fairness))
        lines = [
            (one.group, one.members, one.items, one.popularity, one.distance, one.interest_distance) for one in shown
        ]
        speaker.table(EXPOSURE, lines, title=title, right=[1, 2, 3, 4, 5])
    if to is not None:
        speaker.note(WRITTEN, path=to)


def _show_report(speaker: Face, report: "AttributeReport") -> None:
    rows = [(one.name, one.support, one.precision, one.recall, one.f1) for one in report.metrics.per_class]
    speaker.table(CLASS, rows, right=[1, 2, 3, 4])
    speaker.say(
        GOOD,
        members=report.members,
        accuracy=report.metrics.accuracy,
        auc=report.auc,
        without=report.without_language_model,
        comment=report.comment_accuracy,
    )
    speaker.say(SURE, coverage=report.coverage, unsure=report.unsure)


def _rows(names: Sequence[str], found: "Predictions", speaker: Face) -> list[Sequence[object]]:
    joint = JOINT(speaker.lang)
    return [
        (name, label, f"{chances.max():.0%}", joint.join(np.array(found.classes)[possible]))
        for name, label, chances, possible in zip(names, found.labels, found.probabilities, found.possible, strict=True)
    ]


def _described(names: Sequence[str], found: "Predictions | None") -> list[dict[str, object]]:
    if found is None:
        return []
    return [
        {
            "who": name,
            "class": label,
            "probabilities": dict(zip(found.classes, chances.tolist(), strict=True)),
            "possible": [one for one, kept in zip(found.classes, possible.tolist(), strict=True) if kept],
        }
        for name, label, chances, possible in zip(names, found.labels, found.probabilities, found.possible, strict=True)
    ]


def _fairness(model: "MemberClassifier", opened: Workspace, attribute: str, by: str) -> "list[GroupErrors]":
    from penchant.members.attributes import attribute_of
    from penchant.members.fairness import error_table

    community = opened.require_current().community
    truth = attribute_of(community, attribute, bands=model.config.bands, sensitive=())
    # To hold a classifier against a group is no prediction of it, so any attribute may be named.
    groups = attribute_of(community, by, sensitive=())
    rows = truth.known[model.judged]
    assert model.held_out is not None
    return error_table(truth.codes[rows], model.held_out.argmax(axis=1), truth.classes, groups, rows)


def _exposure(opened: Workspace, by: str) -> "list[GroupExposure] | None":
    """What the build recommends to each group; None where two groups of five members are not there."""
    from penchant.errors import TooLittleDataError
    from penchant.members.attributes import attribute_of
    from penchant.members.fairness import exposure_table

    build = opened.require_current()
    community, recommender = build.community, build.recommender()
    groups = attribute_of(community, by, sensitive=())
    rows = np.random.default_rng(0).permutation(np.flatnonzero(groups.codes >= 0))[:_SHOWN_TO]
    ids = [community.member_ids.id(row) for row in rows.tolist()]
    lists = {one: [pick.item_id for pick in recommender.recommend(one, _LIST)] for one in ids}
    try:
        return exposure_table(community, lists, groups)
    except TooLittleDataError:
        return None


def _encoder(opened: Workspace) -> "Encoder":
    from penchant.text.cache import CachedEncoder
    from penchant.text.transformer import load_encoder

    return CachedEncoder(load_encoder(opened.config.build.encoder), opened.vectors)


def _write(path: Path, ids: Sequence[str], found: "Predictions") -> None:
    with storage_errors(path), path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["member_id", "class", "unsure", *found.classes])
        for member_id, label, unsure, chances in zip(ids, found.labels, found.unsure, found.probabilities, strict=True):
            writer.writerow([member_id, label, int(unsure), *(f"{chance:.4f}" for chance in chances)])


def _edges(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(edge) for edge in text.split(","))
    except ValueError:
        raise ConfigError(f"--bands {text!r} are no numbers with commas between, such as 25,35,45") from None


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"


COMMANDS: Final = {"classify": (classify, CLASSIFY_HELP, CLASSIFY_EXAMPLES)}
"""Each command, its help and its examples."""
