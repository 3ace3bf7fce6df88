"""Search: what is indexed, what was learned from searches, and answers to what members searched for most."""

from typing import TYPE_CHECKING, Final

import polars as pl

from penchant.language import Lang, Phrase
from penchant.report.page import ListCard, PickLine, Section

if TYPE_CHECKING:
    from penchant.data.community import Community
    from penchant.search import Searcher

QUERIES: Final = 4
"""Searches that are answered on the page."""
PICKS: Final = 4

TITLE: Final = Phrase("Search", "搜索")
LEAD: Final = Phrase("{items:,} items are searched by their words{meaning}.", "按词语{meaning}搜索 {items:,} 件物品。")
MEANING: Final = Phrase(" and by their meaning", "与语义")
LEARNED: Final = Phrase("Members' own searches taught {what}.", "从会员的搜索中学到了{what}。")
TAUGHT: Final = {
    "map": Phrase("how queries relate to items", "查询与物品的对应"),
    "order": Phrase("the order of the best answers", "最优结果的次序"),
}
NOTHING: Final = Phrase(
    "Too few searches were followed by a choice to learn from, so settings are as configured.",
    "搜索后有所选择的记录太少，设置保持默认。",
)
TASTE: Final = Phrase(
    "A member's taste moves what they find (strength {strength:g}).", "会员喜好会调整其结果（强度 {strength:g}）。"
)
ASKED: Final = Phrase("“{query}”", "“{query}”")
TIMES: Final = Phrase("searched for {n:,} times", "被搜索 {n:,} 次")


def search_section(searcher: "Searcher", community: "Community", lang: Lang) -> Section:
    """What search knows, and what the most frequent searches find; by words alone, since no encoder is loaded here."""
    told = [
        LEAD(
            lang,
            items=int(searcher.catalogue.alive.sum()),
            meaning=MEANING(lang) if searcher.dense is not None else "",
        )
    ]
    known = {"map": searcher.query_map is not None, "order": searcher.reranker is not None}
    taught = [TAUGHT[name](lang) for name, there in known.items() if there]
    told.append(LEARNED(lang, what={"en": " and ", "zh": "和"}[lang].join(taught)) if taught else NOTHING(lang))
    if searcher.strength > 0 and searcher.dense is not None:
        told.append(TASTE(lang, strength=searcher.strength))
    cards = [_card(searcher, query, times, lang) for query, times in _most_asked(community)]
    lead = {"en": " ", "zh": ""}[lang].join(told)
    return Section("search", TITLE(lang), TITLE(lang), lead, lists=tuple(card for card in cards if card.picks))


def _most_asked(community: "Community") -> list[tuple[str, int]]:
    searches = community.events.filter((pl.col("kind") == "search") & pl.col("text").is_not_null())
    counted = searches.group_by("text").agg(pl.len().alias("times"), pl.col("member").n_unique().alias("members"))
    # What one member alone wrote is theirs.
    shared = counted.filter(pl.col("members") > 1).sort(["times", "text"], descending=[True, False])
    return list(shared.select("text", "times").head(QUERIES).iter_rows())


def _card(searcher: "Searcher", query: str, times: int, lang: Lang) -> ListCard:
    ranking = searcher.search(query, PICKS, lang=lang)
    picks = tuple(PickLine(pick.title, reason=pick.reason) for pick in ranking)
    return ListCard(ASKED(lang, query=query), picks, note=TIMES(lang, n=times), strategy=ranking.strategy)
