"""`penchant recommend`: what to show a member now, and why; what is like an item, and what goes with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from penchant.cli.asking import AUTO, described, next_sentence, recommended, recommender_of, show_wishes
from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.speech import both
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.data.verdicts import Ranking

HELP: Final = both(
    "Recommend items to a member, each with its reason.",
    "为会员推荐物品，每件附推荐理由。",
)
EXAMPLES: Final = """penchant recommend shop.ws m42 -k 10
penchant recommend shop.ws m42 --wish "lighter, under 100" --wish 再便宜一点，不要红色
penchant recommend refine shop.ws m42
penchant recommend similar shop.ws p7
penchant recommend goes-with shop.ws p7
penchant recommend prefer shop.ws m42 p7 p8
penchant recommend explain shop.ws m42 p7"""
REFINE_HELP: Final = both(
    """Recommend to a member who says, a sentence at a time, what they want.

    Each line is one sentence, such as "lighter, under 100" or "再便宜一点，不要红色". Wishes are kept until they are
    taken back: "never mind the price", "红色也行", "start over", or the number of a wish behind a minus, such as "-2".
    An empty line ends.""",
    """逐句细化对会员的推荐。

    每行一句，例如“再便宜一点，不要红色”或“lighter, under 100”。要求一直保留，直到收回：“价格无所谓”、“红色也行”、
    “重新开始”，或在编号前加减号，例如“-2”。输入空行结束。""",
)
REFINE_EXAMPLES: Final = """penchant recommend refine shop.ws m42
echo "再便宜一点，不要红色" | penchant recommend refine shop.ws m42 -k 5"""
SIMILAR_HELP: Final = both("List the items most like an item.", "列出与某物品最相似的物品。")
GOES_WITH_HELP: Final = both(
    "List what goes with an item: what the same members like close in time to it.",
    "列出与某物品搭配的物品：同一批会员在相近时间喜欢的物品。",
)
GOES_WITH_EXAMPLES: Final = "penchant recommend goes-with shop.ws p7 -k 5"
EXPLAIN_HELP: Final = both(
    "Show what speaks for an item at a member, piece by piece.", "逐项列出向会员推荐某物品的依据。"
)
EXPLAIN_EXAMPLES: Final = "penchant recommend explain shop.ws m42 p7"
SIMILAR_EXAMPLES: Final = "penchant recommend similar shop.ws p7 -k 5"

MEMBER: Final = both("Id of the member.", "会员编号。")
ITEM: Final = both("Id of the item.", "物品编号。")
HOW_MANY: Final = both("How many items.", "返回多少件。")
WISH: Final = both(
    "What is wanted, in a sentence; may be given again, each on top of the last.",
    "用一句话说明想要什么；可重复，逐句叠加。",
)
PLAN: Final = both(
    "How much of the past counts: auto (as the build's strategy for a change of interest chooses, where it has one), "
    "regular, decay, recent or bridge.",
    "历史计入多少：auto（按构建所学的兴趣变化策略选择，若有）、regular、decay、recent 或 bridge。",
)
IN_JSON: Final = both("Answer in JSON, with the evidence behind each reason.", "以 JSON 输出，附每条理由的依据。")

STRATEGY: Final = Phrase("Strategy: {strategy}", "策略：{strategy}")
SPEAKS: Final = (
    Phrase("share", "占比"),
    Phrase("what", "依据"),
    Phrase("when (UTC)", "时间（UTC）"),
    Phrase("item", "物品"),
    Phrase("found by", "来源"),
)
NOTHING_SPEAKS: Final = Phrase(
    "Nothing this member has done, and nobody else, speaks for it.", "会员的行为和其他会员都没有为它提供依据。"
)
POPULAR: Final = Phrase("popularity", "热门")
NOTHING: Final = Phrase("There is nothing to recommend.", "没有可推荐的内容。")


def recommend(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[str, typer.Argument(metavar="MEMBER", help=MEMBER)],
    k: Annotated[int, typer.Option("-k", metavar="K", min=1, help=HOW_MANY)] = 10,
    wish: Annotated[list[str] | None, typer.Option("--wish", metavar="SENTENCE", help=WISH)] = None,
    plan: Annotated[str, typer.Option("--plan", metavar="PLAN", help=PLAN)] = AUTO,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.text.wishes import Wishes

    speaker = face(ctx)
    opened = Workspace.open(workspace)
    recommender = recommender_of(opened, reads=bool(wish))
    ranking, wishes = recommended(opened, recommender, member, k, plan=plan, lang=speaker.lang), Wishes()
    for sentence in wish or ():
        wishes = recommender.wish(sentence, wishes, shown=ranking)
        ranking = recommended(opened, recommender, member, k, plan=plan, lang=speaker.lang, wishes=wishes)
    if not wish:
        show_ranking(speaker, ranking, as_json)
    elif as_json:
        speaker.json({**described(wishes, speaker), "ranking": ranking})
    else:
        show_wishes(speaker, wishes)
        show_ranking(speaker, ranking, as_json=False)


def refine(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[str, typer.Argument(metavar="MEMBER", help=MEMBER)],
    k: Annotated[int, typer.Option("-k", metavar="K", min=1, help=HOW_MANY)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.text.wishes import Wishes

    speaker = face(ctx)
    opened = Workspace.open(workspace)
    recommender = recommender_of(opened, reads=True)
    ranking, wishes = recommended(opened, recommender, member, k, lang=speaker.lang), Wishes()
    answers: list[dict[str, Any]] = [{"sentence": None, **described(wishes, speaker), "ranking": ranking}]
    if not as_json:
        show_ranking(speaker, ranking, as_json=False)
    while sentence := next_sentence(speaker, quiet=as_json):
        if sentence.startswith("-") and sentence[1:].isdigit():
            wishes = wishes.without([int(sentence[1:])])
        else:
            wishes = recommender.wish(sentence, wishes, shown=ranking)
        ranking = recommended(opened, recommender, member, k, lang=speaker.lang, wishes=wishes)
        answers.append({"sentence": sentence, **described(wishes, speaker), "ranking": ranking})
        if not as_json:
            show_wishes(speaker, wishes)
            show_ranking(speaker, ranking, as_json=False)
    if as_json:
        speaker.json(answers)


def similar(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    item: Annotated[str, typer.Argument(metavar="ITEM", help=ITEM)],
    k: Annotated[int, typer.Option("-k", metavar="K", min=1, help=HOW_MANY)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    speaker = face(ctx)
    recommender = Workspace.open(workspace).require_current().recommender()
    show_ranking(speaker, recommender.similar(item, k, lang=speaker.lang), as_json)


def goes_with(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    item: Annotated[str, typer.Argument(metavar="ITEM", help=ITEM)],
    k: Annotated[int, typer.Option("-k", metavar="K", min=1, help=HOW_MANY)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    speaker = face(ctx)
    recommender = Workspace.open(workspace).require_current().recommender()
    show_ranking(speaker, recommender.goes_with(item, k, lang=speaker.lang), as_json)


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
    from penchant.recommend.person import Person
    from penchant.report.words import event_words

    speaker = face(ctx)
    recommender = Workspace.open(workspace).require_current().recommender()
    community = recommender.community
    row = community.item_ids.row(item)
    person = Person.member(community, member, recommender.config.event_weights)
    (parts,) = recommender.explain(person, [row])
    total = sum(part.value for part in parts)
    pieces: list[dict[str, Any]] = []
    for part in parts[:k]:
        piece: dict[str, Any] = {"share": part.value / total, "source": part.source}
        if part.item is not None:
            event = person.events.filter(person.events["item"] == part.item).row(-1, named=True)
            piece |= {"item_id": community.item_ids.id(part.item), "title": community.titles[part.item]}
            piece |= {"kind": event["kind"], "amount": event["amount"], "at": event["at"]}
        pieces.append(piece)
    if as_json:
        speaker.json({"member_id": member, "item_id": item, "pieces": pieces})
        return
    speaker.line(community.titles[row])
    if not pieces:
        speaker.say(NOTHING_SPEAKS)
        return
    rows = []
    for piece in pieces:
        what = event_words(piece["kind"], piece["amount"], speaker.lang) if "kind" in piece else POPULAR(speaker.lang)
        rows.append((f"{piece['share']:.0%}", what, piece.get("at"), piece.get("title"), piece["source"]))
    speaker.table(SPEAKS, rows, right=[0])


def show_ranking(speaker: Face, ranking: "Ranking", as_json: bool, *, nothing: Phrase = NOTHING) -> None:
    """A ranking for people, best first with its reasons, or as JSON."""
    if as_json:
        speaker.json(ranking)
        return
    if not len(ranking):
        speaker.say(nothing)
    width = len(str(len(ranking)))
    for place, pick in enumerate(ranking, start=1):
        speaker.line(f"{place:>{width}}. {pick.title}  [{pick.item_id}]  {pick.score:.3f}")
        if pick.reason:
            speaker.line(f"{'':>{width}}  {pick.reason}")
    speaker.note(STRATEGY, strategy=ranking.strategy)
