"""Who asks for recommendations, and what they say: a member of the build or one who came since, and their wishes."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from penchant.cli.face import Face
from penchant.data.attention import PLANS, Attention, Plan
from penchant.data.consent import usable_history
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.members.privacy import privacy_config
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.data.verdicts import Ranking
    from penchant.recommend import Recommender
    from penchant.text.wishes import Wishes

WISHES: Final = Phrase("Wishes", "要求")
NOTED: Final = Phrase("{number}. {wish}", "{number}. {wish}")
NO_WISHES: Final = Phrase("No wishes.", "没有要求。")
UNHEARD: Final = Phrase(
    "Not understood, or nothing that these items tell: {what}", "未能理解，或物品没有相关信息：{what}"
)
AUTO: Final = "auto"
PLAN_CHOICES: Final = (AUTO, *(plan.value for plan in PLANS))
ASK: Final = Phrase("What would you like? ", "想要什么样的？")


def recommender_of(workspace: Workspace, *, reads: bool) -> "Recommender":
    """The recommender of the current build, with the encoder where sentences are to be read."""
    build = workspace.require_current()
    if not reads:
        return build.recommender()
    from penchant.text import load_encoder
    from penchant.training.options import Options

    return build.recommender(encoder=load_encoder(workspace.config.build.encoder, options=Options(progress=False)))


def recommended(
    workspace: Workspace, recommender: "Recommender", member_id: str, k: int, *, plan: str = AUTO, **options: Any
) -> "Ranking":
    """What to show a member; one who came after the build is answered by what the store has of them.

    Args:
        workspace: whose build answers.
        recommender: of that build.
        member_id: who is asking.
        k: how many items.
        plan: how much of the past counts, or `auto` for what the strategy of the build chooses, if it has one.
        options: of `Recommender.recommend`.

    Raises:
        UnknownIdError: neither the build nor the store knows such a member.
        ConfigError: there is no such plan.
    """
    community = recommender.community
    if member_id in community.member_ids:
        options["attention"] = attention_of(workspace, member_id, None, plan)
        return recommender.recommend(member_id, k, **options)
    with workspace.store() as store:
        history = usable_history(store, member_id, privacy_config(workspace.config).consent)
    options["attention"] = attention_of(workspace, member_id, history, plan)
    # Items that came after the build as well are in no source yet.
    events = history.filter(pl.col("item_id").is_in(community.item_ids.ids.to_list()))
    return replace(recommender.recommend_for(events=events, k=k, **options), member_id=member_id)


def attention_of(workspace: Workspace, member_id: str, history: pl.DataFrame | None, plan: str) -> Attention | None:
    """What an answer rests on: a plan that was asked for, or the one that the build's strategy chooses."""
    if plan not in PLAN_CHOICES:
        raise ConfigError(f"there is no plan {plan!r}; there are {', '.join(PLAN_CHOICES)}")
    build = workspace.require_current()
    return build.attention(member_id, history) if plan == AUTO else build.following(Plan(plan))


def show_wishes(speaker: Face, wishes: "Wishes") -> None:
    """The wishes held, by number, and what was not understood."""
    speaker.line("")
    if wishes:
        speaker.heading(WISHES)
        for number, told in enumerate(wishes.told(speaker.lang), start=1):
            speaker.say(NOTED, number=number, wish=told)
    else:
        speaker.say(NO_WISHES)
    for what in wishes.unheard:
        speaker.note(UNHEARD, what=what)


def described(wishes: "Wishes", speaker: Face) -> dict[str, object]:
    """Wishes for scripts, each also in words."""
    return {
        "wishes": [
            {**wish.model_dump(mode="json", exclude_defaults=True), "told": wish.meant(speaker.lang)}
            for wish in wishes.wishes
        ],
        "unheard": list(wishes.unheard),
    }


def next_sentence(speaker: Face, *, quiet: bool) -> str:
    """The next line, without its ends; empty where there is none."""
    if sys.stdin.isatty() and not quiet:
        sys.stderr.write(ASK(speaker.lang))
        sys.stderr.flush()
    return sys.stdin.readline().strip()
