"""The first page: how many, how good, what waits for somebody."""

from collections.abc import Iterator
from typing import Any, Final

from penchant.console.desk import Desk
from penchant.console.pages import questions, review
from penchant.console.view import View
from penchant.language import Lang, Phrase
from penchant.report.community_section import community_section, span, tiles
from penchant.report.interests_section import interests_tile
from penchant.report.page import Tile
from penchant.report.quality_section import quality_tile

TITLE: Final = Phrase("Overview", "总览")
NO_BUILD: Final = Phrase(
    "There is no build yet, so there is nothing to recommend. Run `penchant build {path}` on the server.",
    "还没有构建，因此尚无推荐。请在服务器上运行 penchant build {path}。",
)
WAITING: Final = Phrase("{count:,} waiting", "{count:,} 项待处理")
LOOK: Final = Phrase("Look at them", "去处理")
_TABLES: Final = {
    "members": Phrase("members", "会员"),
    "items": Phrase("items", "物品"),
    "events": Phrase("events", "行为"),
}


def overview(desk: Desk, lang: Lang) -> View:
    """The community now, the quality of the build that answers, and what waits for somebody."""
    counts = desk.store.counts()
    if desk.build is None:
        shown = tuple(Tile(f"{counts[name]:,}", phrase(lang)) for name, phrase in _TABLES.items())
        return View(TITLE(lang), tiles=shown, problem=NO_BUILD(lang, path=desk.workspace.path.name))
    seen = desk.glance
    large = tiles(seen, lang)
    # The store counts what came in since the build too.
    fresh = [Tile(f"{counts[name]:,}", phrase(lang)) for name, phrase in _TABLES.items()]
    extra = [quality_tile(desk.build.quality, lang)]
    if desk.has("interests"):
        extra.append(interests_tile(desk.interests_glance, lang))
    extra.append(Tile(desk.build.version, Phrase("build that answers", "当前构建")(lang)))
    return View(
        TITLE(lang),
        span(seen, lang),
        "overview.html.j2",
        (community_section(seen, lang),),
        (*fresh, *large[3:], *(tile for tile in extra if tile is not None)),
        data={"todo": list(_todo(desk, lang))},
    )


def _todo(desk: Desk, lang: Lang) -> Iterator[dict[str, Any]]:
    """A card for each kind of question that waits for an answer."""
    waiting = questions.counts(desk)
    for kind, name in review.NAMES.items():
        if count := waiting[kind]:
            yield {
                "title": name(lang),
                "text": WAITING(lang, count=count),
                "path": f"review?kind={kind}",
                "action": LOOK(lang),
            }
