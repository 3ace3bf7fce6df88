"""`penchant search`: the items that answer a query, and why."""

from pathlib import Path
from typing import Annotated, Final

import typer

from penchant.cli.asking import described, show_wishes
from penchant.cli.build import WORKSPACE
from penchant.cli.face import face
from penchant.cli.recommend import HOW_MANY, IN_JSON, WISH, show_ranking
from penchant.cli.speech import both
from penchant.language import Phrase
from penchant.workspace import Workspace

HELP: Final = both(
    "Find items by what they say and what they mean, each with its reason.",
    "按词语与语义查找物品，每件附理由。",
)
EXAMPLES: Final = """penchant search shop.ws "summer dress" -k 5
penchant search shop.ws 夏季連衣裙 --for m42
penchant search shop.ws pan --category 厨房 --max-price 200 --tag sale
penchant search shop.ws pan --wish "lighter, under 100" --wish 不要红色"""

NOTHING: Final = Phrase("Nothing was found.", "没有找到任何物品。")


def search(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    query: Annotated[str, typer.Argument(metavar="QUERY", help=both("What to look for.", "要找什么。"))],
    member: Annotated[
        str | None,
        typer.Option("--for", metavar="MEMBER", help=both("Whose taste counts.", "按哪位会员的喜好调整。")),
    ] = None,
    k: Annotated[int, typer.Option("-k", metavar="K", min=1, help=HOW_MANY)] = 10,
    category: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CATEGORY",
            help=both("Of this category or below it; may be given again.", "属于该类目或其下级类目；可重复。"),
        ),
    ] = None,
    max_price: Annotated[
        float | None, typer.Option(metavar="PRICE", min=0, help=both("At most this price.", "最高价格。"))
    ] = None,
    min_price: Annotated[
        float | None, typer.Option(metavar="PRICE", min=0, help=both("At least this price.", "最低价格。"))
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="TAG", help=both("With this tag; may be given again.", "带有该标签；可重复。")),
    ] = None,
    wish: Annotated[list[str] | None, typer.Option("--wish", metavar="SENTENCE", help=WISH)] = None,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.search import Filters
    from penchant.text import load_encoder
    from penchant.text.wishes import Wishes
    from penchant.training.options import Options

    speaker = face(ctx)
    wanted = Filters(categories=tuple(category or ()), tags=tuple(tag or ()), min_price=min_price, max_price=max_price)
    place = Workspace.open(workspace)
    build = place.require_current()
    build.folder("search")
    encoder = load_encoder(place.config.build.encoder, options=Options(progress=False))
    searcher = build.searcher(encoder=encoder)
    ranking, wishes = searcher.search(query, k, member_id=member, filters=wanted, lang=speaker.lang), Wishes()
    for sentence in wish or ():
        wishes = searcher.wish(sentence, wishes, shown=ranking)
        ranking = searcher.search(query, k, member_id=member, filters=wanted, lang=speaker.lang, wishes=wishes)
    if not wish:
        show_ranking(speaker, ranking, as_json, nothing=NOTHING)
    elif as_json:
        speaker.json({**described(wishes, speaker), "ranking": ranking})
    else:
        show_wishes(speaker, wishes)
        show_ranking(speaker, ranking, as_json=False, nothing=NOTHING)
