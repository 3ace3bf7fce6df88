"""`penchant social`: what and whom members would like, given the people around them, and what to ask newcomers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from penchant.cli import social_questionnaire
from penchant.cli.build import WORKSPACE
from penchant.cli.face import face
from penchant.cli.helping import HelpfulCommand, HelpfulGroup
from penchant.cli.recommend import HOW_MANY, IN_JSON, ITEM, MEMBER, STRATEGY, show_ranking
from penchant.cli.speech import both
from penchant.language import Lang, Phrase
from penchant.workspace import CONFIG_FILE, Workspace

if TYPE_CHECKING:
    from penchant.data.community import Community
    from penchant.social import Social, SocialModel
    from penchant.social.reasons import Reason

HELP: Final = both(
    """Say what and whom members would like, given the people around them, and ask newcomers what tells most.

    A build learns it where there are ties between members; the section [social] of penchant.toml can say how.""",
    """结合会员身边的人，推荐其可能喜欢的物品与会员，并向新人提最有信息量的问题。

    有会员关系时，构建会自动学习；可在 penchant.toml 的 [social] 中设置。""",
)
EXAMPLES: Final = """penchant social friends club.ws m42 -k 5
penchant social recommend club.ws m42
penchant social questionnaire club.ws --friend m7 --about "jazz and old films"
penchant social explain club.ws m42 p7"""
TRAIN_HELP: Final = both(
    "Learn from members, ties, events and texts, say what was found, and keep it in a folder.",
    "依据会员、关系、行为与文本学习，说明结果，并存入文件夹。",
)
TRAIN_EXAMPLES: Final = "penchant social train data/club --into club-social"
FRIENDS_HELP: Final = both(
    "Suggest members to follow or befriend, each with its reason; private members are neither suggested nor named.",
    "推荐可关注或结交的会员，每位附理由；不推荐也不提及设为私密的会员。",
)
FRIENDS_EXAMPLES: Final = "penchant social friends club.ws m42 -k 5"
RECOMMEND_HELP: Final = both(
    "Recommend items to a member from what they did, whom they follow and what they wrote.",
    "依据会员的行为、所关注的人与所写的文字推荐物品。",
)
RECOMMEND_EXAMPLES: Final = "penchant social recommend club.ws m42 -k 5"
EXPLAIN_HELP: Final = both(
    "Show which own events, friends, tags and words carry an item's score for a member.",
    "列出某物品对会员的得分来自哪些行为、好友、标签与文字。",
)
EXPLAIN_EXAMPLES: Final = "penchant social explain club.ws m42 p7"

SOURCE: Final = both("A workspace, or a folder of data.", "工作区，或数据文件夹。")
KEPT: Final = Phrase("Kept in {folder}", "已保存到 {folder}")
WEIGHED: Final = (Phrase("source", "来源"), Phrase("weight", "权重"))
ORDER: Final = Phrase("Whom to suggest goes by {order}.", "推荐会员的依据：{order}。")
NOBODY: Final = Phrase("There is nobody to suggest.", "没有可推荐的会员。")
CARRIES: Final = (
    Phrase("share", "占比"),
    Phrase("what", "依据"),
    Phrase("which", "具体"),
    Phrase("lowers the score by", "缺少时得分下降"),
)
KINDS: Final = {
    "event": Phrase("likes", "喜欢过"),
    "friend": Phrase("looks to", "所关注的人"),
    "tag": Phrase("likes with the tag", "喜欢过带此标签的物品"),
    "words": Phrase("own words", "所写的文字"),
}
NOTHING_CARRIES: Final = Phrase(
    "Nothing single carries the score: it is what many like.", "没有单独的依据：得分来自多数人的喜好。"
)


def train(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help=SOURCE)],
    into: Annotated[Path, typer.Option(metavar="FOLDER", help=both("Where it is kept.", "保存位置。"))],
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=both("Language model that reads texts; `none` reads none.", "读取文本的语言模型；none 表示不读取。"),
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help=both("Of chance.", "随机种子。"))] = 0,
    as_json: Annotated[bool, typer.Option("--json", help=both("Answer in JSON.", "以 JSON 输出。"))] = False,
) -> None:
    from penchant.artifacts import folder_written_atomically
    from penchant.settings import settings
    from penchant.social import learn
    from penchant.stages import social_config
    from penchant.text import CachedEncoder, load_encoder
    from penchant.training.options import Options

    speaker = face(ctx)
    workspace = Workspace.open(source) if (source / CONFIG_FILE).is_file() else None
    options = Options(seed=seed, progress=speaker.err.is_terminal)
    name = encoder or (workspace.config.build.encoder if workspace else "e5-small")
    cache = workspace.vectors if workspace else settings().cache / "vectors"
    reading = CachedEncoder(load_encoder(name, options=options), cache) if name != "none" else None
    social = learn(
        _community(workspace, source), social_config(workspace) if workspace else None, options, encoder=reading
    )
    with folder_written_atomically(into) as folder:
        social.save(folder)
    if as_json:
        speaker.json(
            {
                "folder": into,
                "graph": social.model.statistics.as_meta(),
                "weights": social.model.weights,
                "friends": social.friends.verdict.model_dump(),
                "questions": len(social.newcomers.questions),
            }
        )
        return
    weights = social.model.weights
    speaker.line(social.model.statistics.told(speaker.lang))
    speaker.table(
        WEIGHED, [(name, weights[name]) for name in sorted(weights, key=lambda name: -weights[name])], right=[1]
    )
    speaker.say(ORDER, order=social.friends.verdict.told(speaker.lang))
    speaker.note(KEPT, folder=into)


def friends(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[str, typer.Argument(metavar="MEMBER", help=MEMBER)],
    k: Annotated[int, typer.Option("-k", metavar="K", min=1, help=both("How many members.", "返回多少位。"))] = 10,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    speaker = face(ctx)
    found = social_of(workspace).friends.suggest(member, k, lang=speaker.lang)
    if as_json:
        speaker.json(found)
        return
    if not len(found):
        speaker.say(NOBODY)
    width = len(str(len(found)))
    for place, one in enumerate(found.picks, start=1):
        speaker.line(f"{place:>{width}}. {one.member_id}  {one.score:.3f}")
        speaker.line(f"{'':>{width}}  {one.reason}")
    speaker.note(STRATEGY, strategy=found.strategy)


def recommend(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[str, typer.Argument(metavar="MEMBER", help=MEMBER)],
    k: Annotated[int, typer.Option("-k", metavar="K", min=1, help=HOW_MANY)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    speaker = face(ctx)
    show_ranking(speaker, social_of(workspace).model.recommend(member, k, lang=speaker.lang), as_json)


def explain(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[str, typer.Argument(metavar="MEMBER", help=MEMBER)],
    item: Annotated[str, typer.Argument(metavar="ITEM", help=ITEM)],
    k: Annotated[
        int, typer.Option("-k", metavar="K", min=1, help=both("How many pieces to show.", "显示多少条依据。"))
    ] = 10,
    as_json: Annotated[bool, typer.Option("--json", help=both("Answer in JSON.", "以 JSON 输出。"))] = False,
) -> None:
    speaker = face(ctx)
    model = social_of(workspace).model
    pieces = [_piece(model, why, speaker.lang) for why in model.explain(member, item)[:k]]
    if as_json:
        speaker.json({"member_id": member, "item_id": item, "pieces": pieces})
        return
    speaker.line(model.community.titles[model.community.item_ids.row(item)])
    if not pieces:
        speaker.say(NOTHING_CARRIES)
        return
    rows = [(f"{one['share']:.0%}", one["what"], one["which"], one["lowers"]) for one in pieces]
    speaker.table(CARRIES, rows, right=[0, 3])


def social_of(workspace: Path) -> "Social":
    """What the current build of a workspace learned.

    Raises:
        NotBuiltError: there is no build, or one without this stage.
        ArtifactError: the build learned nothing of it, and why.
    """
    return Workspace.open(workspace).require_current().social()


def _piece(model: "SocialModel", why: "Reason", lang: Lang) -> dict[str, Any]:
    """One thing that carries a score, for scripts and for a table."""
    community = model.community
    which: dict[str, str | None] = {"which": None}
    if why.kind == "event":
        which = {"which": community.titles[why.row], "item_id": community.item_ids.id(why.row)}
    elif why.kind == "friend":
        which = {"which": community.member_ids.id(why.row), "member_id": community.member_ids.id(why.row)}
    elif why.kind == "tag":
        which = {"which": model.graph.tag_names[why.row]}
    return {"share": why.share, "kind": why.kind, "what": KINDS[why.kind](lang), "lowers": why.lowers, **which}


def _community(workspace: Workspace | None, source: Path) -> "Community":
    if workspace is None:
        from penchant.data.public import load

        return load(source)
    return workspace.usable_community()


class _Social(HelpfulGroup):
    order = ("friends", "recommend", "questionnaire", "explain", "train")


group = typer.Typer(cls=_Social, help=HELP, epilog=EXAMPLES)
group.command("friends", cls=HelpfulCommand, help=FRIENDS_HELP, epilog=FRIENDS_EXAMPLES)(friends)
group.command("recommend", cls=HelpfulCommand, help=RECOMMEND_HELP, epilog=RECOMMEND_EXAMPLES)(recommend)
group.command(
    "questionnaire", cls=HelpfulCommand, help=social_questionnaire.HELP, epilog=social_questionnaire.EXAMPLES
)(social_questionnaire.questionnaire)
group.command("explain", cls=HelpfulCommand, help=EXPLAIN_HELP, epilog=EXPLAIN_EXAMPLES)(explain)
group.command("train", cls=HelpfulCommand, help=TRAIN_HELP, epilog=TRAIN_EXAMPLES)(train)
