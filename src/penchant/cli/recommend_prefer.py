"""`penchant recommend prefer`: how likely a member likes some items, or which of the best they would like most."""

from pathlib import Path
from typing import Annotated, Final

import typer

from penchant.cli.build import WORKSPACE
from penchant.cli.face import face
from penchant.cli.recommend import MEMBER, NOTHING
from penchant.cli.speech import both
from penchant.language import Phrase
from penchant.workspace import Workspace

HELP: Final = both(
    """How likely a member likes some items, from what they liked and disliked; without items, the best recommendations.

    It learns from all members who like some items and dislike others: low ratings, hides and returns are dislikes.""",
    """根据会员喜欢和不喜欢的物品，估计其喜欢某些物品的可能性；不写物品时，重新排列为其推荐的物品。

    从既有喜欢又有不喜欢的会员中学习：低评分、隐藏和退货视为不喜欢。""",
)
EXAMPLES: Final = """penchant recommend prefer shop.ws m42 p7 p8
penchant recommend prefer shop.ws m42 -k 20"""

HOW_MANY: Final = both("How many recommendations are looked at where no item is named.", "未写物品时重排多少件推荐。")
WITH_TEXT: Final = both(
    "Let the language model read the titles too; the first time it reads each of them.",
    "同时由语言模型阅读标题；首次需读完所有标题。",
)
IN_JSON: Final = both("Answer in JSON.", "以 JSON 输出。")
ALL_ITEMS: Final = both(
    "Ids of items, any number of them; the best recommendations if none.", "物品编号，可写多个；不写则取推荐结果。"
)

FOUND: Final = (Phrase("likely", "可能性"), Phrase("item", "物品"), Phrase("title", "名称"))
FROM: Final = Phrase(
    "From {liked:,} titles liked and {disliked:,} disliked, and what {members:,} members said.",
    "依据其喜欢的 {liked:,} 个与不喜欢的 {disliked:,} 个物品，以及 {members:,} 位会员的意见。",
)


def prefer(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    member: Annotated[str, typer.Argument(metavar="MEMBER", help=MEMBER)],
    items: Annotated[list[str] | None, typer.Argument(metavar="ITEM", help=ALL_ITEMS)] = None,
    k: Annotated[int, typer.Option("-k", metavar="K", min=1, help=HOW_MANY)] = 20,
    with_text: Annotated[bool, typer.Option("--read", help=WITH_TEXT)] = False,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.recommend.preference_community import prefer as asked
    from penchant.settings import settings
    from penchant.training.options import Options

    speaker = face(ctx)
    opened = Workspace.open(workspace)
    recommender = opened.require_current().recommender()
    community = recommender.community
    row = community.member_ids.row(member)
    options, encoder = Options(progress=False), None
    if with_text:
        from penchant.text import CachedEncoder, load_encoder

        encoder = CachedEncoder(
            load_encoder(opened.config.build.encoder, options=options), settings().cache / "vectors"
        )
    wanted = items or [pick.item_id for pick in recommender.recommend(member, k)]
    found = asked(community, row, [community.item_ids.row(item) for item in wanted], options, encoder=encoder)
    titles, ids = community.titles, community.item_ids
    if as_json:
        speaker.json(
            {
                "member_id": member, "liked": found.liked, "disliked": found.disliked, "members": found.members,
                "items": [
                    {"item_id": ids.id(item), "title": titles[item], "probability": chance}
                    for item, chance in found.items
                ],
            }
        )  # fmt: skip
        return
    if not found.items:
        speaker.say(NOTHING)
        return
    rows = [(f"{chance:.0%}", ids.id(item), titles[item]) for item, chance in found.items]
    speaker.table(FOUND, rows, right=[0])
    speaker.note(FROM, liked=found.liked, disliked=found.disliked, members=found.members)
