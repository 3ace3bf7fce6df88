"""`penchant interests explain`: why a member holds an interest, and why a text has a label."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from rich.text import Text

from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.interests_members import IN_JSON
from penchant.cli.interests_models import labeller_in
from penchant.cli.speech import both
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.data.strata import Interest
    from penchant.interests.attributions import Attribution
    from penchant.interests.labeller import Labeller
    from penchant.interests.strata import StrataConfig

HELP: Final = both(
    """Show what a member's interests rest on, or which words of a text speak for its label.

    For a member: the rule of the tier, and the events that carry most of it. For a text (--text): each word in green
    where it speaks for the label, in red where it speaks against it.""",
    """查看会员兴趣的依据，或文本中哪些词支持其标签。

    对会员：给出层级的判定规则和最主要的行为依据。对文本（--text）：支持标签的词显示为绿色，反对的显示为红色。""",
)
EXAMPLES: Final = """penchant interests explain shop.ws m42
penchant interests explain shop.ws m42 "Home > Kitchen"
penchant interests explain shop.ws --text "a cast-iron pan for two" """.strip()

RULES: Final = {
    "core": Phrase(
        "at least {core_share:.0%} of what the member does, spread over at least {core_steadiness:.0%} of their time",
        "至少占会员行为的 {core_share:.0%}，且至少出现在其 {core_steadiness:.0%} 的时段中",
    ),
    "regular": Phrase("at least {regular_share:.0%} of what the member does", "至少占会员行为的 {regular_share:.0%}"),
    "emerging": Phrase(
        "grown {change_growth:g} times or more within {recent_days:.0f} days, to at least {change_share:.0%}, which "
        "chance does to {false_changes:.0%} of members",
        "{recent_days:.0f} 天内增至 {change_growth:g} 倍以上，占比至少 {change_share:.0%}；"
        "仅有 {false_changes:.0%} 的会员会因偶然如此",
    ),
    "fading": Phrase(
        "shrunk {change_growth:g} times or more within {recent_days:.0f} days, from at least {change_share:.0%}, which "
        "chance does to {false_changes:.0%} of members",
        "{recent_days:.0f} 天内降至 {change_growth:g} 分之一以下，此前占比至少 {change_share:.0%}；"
        "仅有 {false_changes:.0%} 的会员会因偶然如此",
    ),
    "latent": Phrase("hardly shown so far; predicted from members like this one", "尚未显露，由与其相似的会员推测得出"),
}
HOLDS: Final = Phrase(
    "{tier}: {label}, {share:.0%} ({low:.0%} to {high:.0%})", "{tier}：{label}，{share:.0%}（{low:.0%} 至 {high:.0%}）"
)
RULE: Final = Phrase("  {tier} means {rule}.", "  「{tier}」指{rule}。")
EVIDENCE: Final = (
    Phrase("of it", "占比"),
    Phrase("what", "行为"),
    Phrase("when (UTC)", "时间（UTC）"),
    Phrase("item", "物品"),
    Phrase("id", "编号"),
)
NONE_HELD: Final = Phrase(
    "{member} holds {label} in no tier: what they did does not amount to it.",
    "{member} 在任何层级都不持有「{label}」：其行为不足以构成该兴趣。",
)
NOTHING_HELD: Final = Phrase("{member} holds no interest in any tier.", "{member} 在任何层级都没有兴趣。")
OF_TEXT: Final = Phrase("{label}: {probability:.0%}", "{label}：{probability:.0%}")
HOW: Final = {
    "gradients": Phrase("By integrated gradients.", "方法：积分梯度。"),
    "occlusion": Phrase("By leaving out each word in turn.", "方法：逐词遮挡。"),
}
WORDS: Final = (Phrase("word", "词"), Phrase("speaks for it", "支持程度"))


def explain(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[
        str | None,
        typer.Argument(
            metavar="MEMBER", help=both("Id of the member; none with --text.", "会员编号；使用 --text 时不写。")
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Argument(
            metavar="LABEL", help=both("Only this interest, and those below it.", "只看该兴趣及其下级兴趣。")
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help=both("Explain the label of this text instead of a member.", "解释该文本的标签，而不是会员。"),
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD",
            help=both(
                "With --text: gradients (follows the language model) or occlusion (leaves words out); gradients where "
                "the language model has them.",
                "配合 --text：gradients（沿语言模型求梯度）或 occlusion（逐词遮挡）；语言模型支持时默认 gradients。",
            ),
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    speaker = face(ctx)
    if (member is None) == (text is None):
        raise ConfigError("explain either a member (MEMBER) or a text (--text), and not both")
    if text is not None:
        _explain_text(speaker, workspace, text, _method(method), as_json)
    elif member is not None:
        _explain_member(speaker, workspace, member, label, as_json)


def _explain_member(speaker: Face, workspace: Path, member: str, label: str | None, as_json: bool) -> None:
    from penchant.data.columns import PATH_SEPARATOR

    interests = Workspace.open(workspace).require_current().interests()
    found = interests.strata[member]
    chosen = list(found.interests)
    if label is not None:
        label = interests.taxonomy.labels[interests.taxonomy.row(label)]
        below = label + PATH_SEPARATOR
        chosen = [one for one in chosen if one.label == label or one.label.startswith(below)]
    rules = interests.config.strata
    if as_json:
        told: list[dict[str, Any]] = [
            {
                "label": one.label,
                "tier": one.tier,
                "rule": _rule(one, rules, speaker),
                "share": one.share,
                "interval": one.interval,
                "evidence": one.evidence,
            }
            for one in chosen
        ]
        speaker.json({"member_id": member, "note": found.note(speaker.lang), "interests": told})
        return
    if note := found.note(speaker.lang):
        speaker.line(note)
    if not chosen:
        speaker.say(NONE_HELD if label else NOTHING_HELD, member=member, label=label)
    for place, one in enumerate(chosen):
        if place:
            speaker.line("")
        _show(speaker, one, rules)


def _show(speaker: Face, interest: "Interest", rules: "StrataConfig") -> None:
    from penchant.data.strata import TIER_NAMES
    from penchant.report.words import kind_name

    tier = TIER_NAMES[interest.tier](speaker.lang)
    low, high = interest.interval
    speaker.heading(HOLDS, tier=tier, label=interest.label, share=interest.share, low=low, high=high)
    speaker.say(RULE, tier=tier, rule=_rule(interest, rules, speaker))
    if interest.evidence:
        rows = [
            (f"{one.share:.0%}", kind_name(one.kind or "", speaker.lang), one.at, one.title, one.item_id)
            for one in interest.evidence
        ]
        speaker.table(EVIDENCE, rows, right=[0])


def _rule(interest: "Interest", rules: "StrataConfig", speaker: Face) -> str:
    """What the tier of an interest means, with the numbers that held when it was told."""
    return RULES[interest.tier.value](speaker.lang, **rules.model_dump(include=set(type(rules).model_fields)))


def _method(named: str | None) -> Literal["gradients", "occlusion"] | None:
    if named is None:
        return None
    if named == "gradients":
        return "gradients"
    if named == "occlusion":
        return "occlusion"
    raise ConfigError(f"--method takes gradients or occlusion; got {named!r}")


def _explain_text(
    speaker: Face, place: Path, text: str, method: Literal["gradients", "occlusion"] | None, as_json: bool
) -> None:
    from penchant.interests.attributions import AttributionConfig, attribute

    if not text.strip():
        raise ConfigError("the text is blank, and a blank text has no label to explain; write it after --text")
    labeller = labeller_in(place)
    chosen = method or ("gradients" if _has_gradients(labeller) else "occlusion")
    (found,) = attribute(labeller, [text], config=AttributionConfig(method=chosen))
    if as_json:
        speaker.json(
            {
                "text": found.text,
                "label": found.label,
                "probability": found.probability,
                "method": chosen,
                "pieces": [{"text": piece, "weight": weight} for piece, weight in found.highlights],
            }
        )
        return
    speaker.heading(OF_TEXT, label=found.label, probability=found.probability)
    _show_words(speaker, found)
    speaker.note(HOW[chosen])


def _has_gradients(labeller: "Labeller") -> bool:
    """Whether its language model can be followed backwards, with what is installed."""
    from penchant.interests.sources import transformer_of

    if labeller.reader.encoder is None:
        return True
    try:
        transformer_of(labeller.reader.encoder)
    except ConfigError:
        return False
    return find_spec("captum") is not None


def _show_words(speaker: Face, found: "Attribution") -> None:
    """The text in colours on a terminal; anywhere else a row for each word, the weightiest first."""
    if speaker.out.is_terminal:
        line = Text()
        for piece, weight in found.highlights:
            line.append(piece, style=_style(weight))
        speaker.out.print(line)
        return
    weighty = sorted(
        ((w, p) for p, w in found.highlights if p.strip() and abs(w) >= 0.01), key=lambda one: -abs(one[0])
    )
    speaker.table(WORDS, [(piece, f"{weight:+.2f}") for weight, piece in weighty], right=[1])


def _style(weight: float) -> str:
    """Green for, red against, stronger where it matters more; plain where it hardly does."""
    if abs(weight) < 0.1:
        return ""
    return ("bold " if abs(weight) >= 0.5 else "") + ("green" if weight > 0 else "red")


COMMANDS: Final = {"explain": (explain, HELP, EXAMPLES)}
