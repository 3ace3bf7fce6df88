"""`penchant interests strata` and `audience`: one member's tiers, and the members who hold a label."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.recommend import MEMBER
from penchant.cli.speech import both
from penchant.data.consent import usable_history
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.members.privacy import privacy_config
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.data.strata import MemberInterests, Tier

STRATA_HELP: Final = both(
    """Show the interests of one member in tiers, each with its share of what they do.

    core: strong and steady; regular: comes back now and then; emerging: lately grown beyond chance; fading: lately
    shrunk beyond chance; latent: hardly shown, predicted from members like them.""",
    """查看一位会员的兴趣分层，以及每个兴趣在其行为中的占比。

    核心：强烈且稳定；常规：时常出现；新兴：近期增长超出偶然；消退：近期减少超出偶然；潜在：几乎未曾显露，由相似会员推测。""",
)
STRATA_EXAMPLES: Final = """penchant interests strata shop.ws m42
penchant interests strata shop.ws m42 --json"""
AUDIENCE_HELP: Final = both(
    """List the members who hold an interest in some tiers: whom a campaign reaches, how many that really is, and what
    else they like.

    A member's share is known to an interval, so the size comes with one too.""",
    """列出在指定层级持有某兴趣的会员：营销活动能触达谁、实际规模多大、他们还喜欢什么。

    每位会员的占比只能确定到一个区间，因此规模也以区间给出。""",
)
AUDIENCE_EXAMPLES: Final = """penchant interests audience shop.ws "Home > Kitchen"
penchant interests audience shop.ws "家电 > 冰箱" --tiers core,emerging --json"""
LABEL: Final = both(
    "Path of the interest, as in the interest tree; it takes in all below it.", "兴趣的路径，包含其下所有兴趣。"
)
IN_JSON: Final = both("Answer in JSON.", "以 JSON 输出。")

COLUMNS: Final = (
    Phrase("tier", "层级"),
    Phrase("interest", "兴趣"),
    Phrase("share", "占比"),
    Phrase("interval", "区间"),
    Phrase("most of it", "主要依据"),
)
SOURCE: Final = Phrase("{why}", "{why}")
NO_TIER: Final = Phrase("No interest stands out.", "没有突出的兴趣。")
REACHES: Final = Phrase(
    "{members:,} members hold {label} ({tiers}); {expected:,.0f} of them really, between {low:,.0f} and {high:,.0f} "
    "with 90% confidence.",
    "{members:,} 位会员持有「{label}」（{tiers}）；其中实际约 {expected:,.0f} 位，"
    "90% 置信区间为 {low:,.0f} 至 {high:,.0f}。",
)
NOBODY: Final = Phrase("No member holds {label} ({tiers}).", "没有会员持有「{label}」（{tiers}）。")
UNJUDGED: Final = Phrase(
    "Of {count:,} members there is too little to tell.", "另有 {count:,} 位会员依据太少，暂不判断。"
)
MEMBERS: Final = (Phrase("member", "会员"), Phrase("share", "占比"))
ALSO: Final = Phrase("What else they hold", "他们同时持有")
OVERLAPS: Final = (
    Phrase("interest", "兴趣"),
    Phrase("members", "会员数"),
    Phrase("of the audience", "占受众"),
    Phrase("times as likely", "倍数"),
)
JOINT: Final = Phrase(", ", "、")


def strata(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[str, typer.Argument(metavar="MEMBER", help=MEMBER)],
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    speaker = face(ctx)
    opened = Workspace.open(workspace)
    build = opened.require_current()
    with opened.store() as store:
        history = usable_history(store, member, privacy_config(opened.config).consent)
    interests = build.interests()
    found = interests.fresh(build.community.items, member, history)
    if as_json:
        speaker.json(described(found, speaker))
        return
    show_interests(speaker, found)
    speaker.note(SOURCE, why=interests.source.why(speaker.lang))


def audience(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    label: Annotated[str, typer.Argument(metavar="LABEL", help=LABEL)],
    tiers: Annotated[
        str,
        typer.Option(
            metavar="TIERS",
            help=both(
                "Tiers that count, with commas between: core, regular, emerging, fading, latent.",
                "计入的层级，以逗号分隔：core（核心）、regular（常规）、emerging（新兴）、fading（消退）、latent（潜在）。",
            ),
        ),
    ] = "core,regular,emerging",
    k: Annotated[
        int, typer.Option("-k", metavar="K", min=0, help=both("How many members to show.", "显示多少位会员。"))
    ] = 10,
    as_json: Annotated[
        bool, typer.Option("--json", help=both("Answer in JSON, with every member.", "以 JSON 输出，列出全部会员。"))
    ] = False,
) -> None:
    from penchant.data.strata import TIER_NAMES
    from penchant.interests.audience import audience as audience_of
    from penchant.interests.taxonomy import normal_path

    speaker = face(ctx)
    wanted = _tiers(tiers)
    verdicts = Workspace.open(workspace).require_current().interests().strata
    found = audience_of(verdicts, normal_path(label), wanted)
    ids = [verdicts.member_ids.id(row) for row in found.members.tolist()]
    if as_json:
        speaker.json(
            {
                "label": found.label,
                "tiers": [str(tier) for tier in wanted],
                "members": [
                    {"member_id": member, "share": share}
                    for member, share in zip(ids, found.shares.tolist(), strict=True)
                ],
                "expected": found.expected,
                "interval": found.interval,
                "unjudged": found.unjudged,
                "overlaps": found.overlaps,
            }
        )
        return
    named = JOINT(speaker.lang).join(TIER_NAMES[tier](speaker.lang) for tier in wanted)
    if len(found):
        low, high = found.interval
        told = {"expected": found.expected, "low": low, "high": high}
        speaker.say(REACHES, members=len(found), label=found.label, tiers=named, **told)
    else:
        speaker.say(NOBODY, label=found.label, tiers=named)
    if found.unjudged:
        speaker.say(UNJUDGED, count=found.unjudged)
    if len(found) and k:
        speaker.line("")
        speaker.table(MEMBERS, [(ids[row], f"{found.shares[row]:.0%}") for row in range(min(k, len(ids)))], right=[1])
    if found.overlaps:
        speaker.line("")
        rows = [(one.label, one.members, f"{one.share:.0%}", f"{one.lift:.1f}") for one in found.overlaps]
        speaker.table(OVERLAPS, rows, title=ALSO, right=[1, 2, 3])


def show_interests(speaker: Face, found: "MemberInterests", *, most: int | None = None) -> None:
    """One member's interests as a table, tier by tier, or that there is too little to tell."""
    from penchant.data.strata import TIER_NAMES

    lang = speaker.lang
    if note := found.note(lang):
        speaker.line(note[0].upper() + note[1:] + ("。" if lang == "zh" else "."))
    elif not found.interests:
        speaker.say(NO_TIER)
    if not found.interests:
        return
    rows: list[Sequence[object]] = []
    for interest in found.interests[:most]:
        low, high = interest.interval
        top = interest.evidence[0].title if interest.evidence else None
        rows.append(
            (
                TIER_NAMES[interest.tier](lang),
                interest.label,
                _percent(interest.share),
                f"{low:.0%}–{_percent(high)}",
                top,
            )
        )
    speaker.table(COLUMNS, rows, right=[2, 3])


def described(found: "MemberInterests", speaker: Face) -> dict[str, object]:
    """One member's interests for scripts, each with its evidence."""
    return {
        "member_id": found.member_id,
        "looks": found.evidence_count,
        "wanted": found.wanted,
        "note": found.note(speaker.lang),
        "interests": found.interests,
    }


def _percent(share: float) -> str:
    """A share as people read it, small ones with a decimal."""
    return f"{share:.0%}" if share >= 0.01 or not share else f"{share:.1%}"


def _tiers(named: str) -> "list[Tier]":
    """The tiers that a list with commas names.

    Raises:
        ConfigError: one is none, or there is none.
    """
    from penchant.data.strata import Tier

    words = [word.strip() for word in named.split(",") if word.strip()]
    strangers = [word for word in words if word not in list(Tier)]
    if strangers or not words:
        raise ConfigError(
            f"{strangers[0]!r} is no tier; name some of {', '.join(Tier)} with commas between"
            if strangers
            else f"--tiers names no tier; name some of {', '.join(Tier)} with commas between"
        )
    return [tier for tier in Tier if tier.value in words]


COMMANDS: Final = {
    "strata": (strata, STRATA_HELP, STRATA_EXAMPLES),
    "audience": (audience, AUDIENCE_HELP, AUDIENCE_EXAMPLES),
}
