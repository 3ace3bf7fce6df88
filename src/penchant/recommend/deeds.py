"""What members did, in words: the verbs of reasons, in both languages."""

from dataclasses import dataclass
from typing import Final, Literal

from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.language import Lang

Frequency = Literal["once", "recently", "often"]
"""How a deed is told: `often` from three events on, else `recently` where it is fresh."""


@dataclass(frozen=True)
class Deed:
    """One kind of event as a verb; `{t}` stands for the titles."""

    english: str
    """Past tense, such as `bought {t}`."""
    once: str
    """Chinese, such as 买过{t}."""
    recently: str
    often: str
    of: str
    """Chinese, before a noun: 买过的."""

    @property
    def bare(self) -> str:
        """The English verb without its object: `bought`."""
        return " ".join(self.english.replace("{t}", "").split())

    @property
    def perfect(self) -> str:
        """The English participle: `bought`, as in all that you have bought."""
        return {"were shown": "been shown", "hid": "hidden"}.get(self.bare, self.bare)

    def tell(self, lang: Lang, titles: str, frequency: Frequency, amount: float | None = None) -> str:
        """The deed as a part of a sentence.

        >>> DEEDS[EventKind.BUY].tell("zh", "“茶杯”", "recently")
        '最近买了“茶杯”'
        >>> DEEDS[EventKind.RATE].tell("en", "“Heat”", "once", 4.5)
        'gave “Heat” a 4.5'
        """
        if lang == "en":
            told = self.english.format(t=titles) if amount is None else f"gave {titles} a {amount:g}"
            return {"once": "", "recently": "recently ", "often": "often "}[frequency] + told
        if amount is not None:
            return {"once": "", "recently": "最近", "often": "常"}[frequency] + f"给{titles}打了 {amount:g} 分"
        return {"once": self.once, "recently": self.recently, "often": self.often}[frequency].format(t=titles)


DEEDS: Final[dict[EventKind, Deed]] = {
    EventKind.SHOW: Deed("were shown {t}", "见过{t}", "最近见到了{t}", "常见到{t}", "见过的"),
    EventKind.VIEW: Deed("looked at {t}", "看过{t}", "最近看了{t}", "常看{t}", "看过的"),
    EventKind.PLAY: Deed("played {t}", "播放过{t}", "最近播放了{t}", "常播放{t}", "播放过的"),
    EventKind.READ: Deed("read {t}", "读过{t}", "最近读了{t}", "常读{t}", "读过的"),
    EventKind.CLICK: Deed("opened {t}", "点开过{t}", "最近点开了{t}", "常点开{t}", "点开过的"),
    EventKind.LIKE: Deed("liked {t}", "点赞过{t}", "最近点赞了{t}", "多次点赞{t}", "点赞过的"),
    EventKind.HIDE: Deed("hid {t}", "隐藏过{t}", "最近隐藏了{t}", "多次隐藏{t}", "隐藏过的"),
    EventKind.SAVE: Deed("saved {t}", "收藏过{t}", "最近收藏了{t}", "多次收藏{t}", "收藏过的"),
    EventKind.CART: Deed(
        "put {t} in your cart", "把{t}加入过购物车", "最近把{t}加入了购物车", "多次把{t}加入购物车", "加入过购物车的"
    ),
    EventKind.BUY: Deed("bought {t}", "买过{t}", "最近买了{t}", "常买{t}", "买过的"),
    EventKind.RETURN: Deed("returned {t}", "退过{t}", "最近退了{t}", "多次退{t}", "退过的"),
    EventKind.RATE: Deed("rated {t}", "给{t}评过分", "最近给{t}评了分", "多次给{t}评分", "评过分的"),
    EventKind.SHARE: Deed("shared {t}", "分享过{t}", "最近分享了{t}", "常分享{t}", "分享过的"),
    EventKind.REVIEW: Deed("reviewed {t}", "评论过{t}", "最近评论了{t}", "多次评论{t}", "评论过的"),
    EventKind.SEARCH: Deed("searched for {t}", "搜索过{t}", "最近搜索了{t}", "常搜索{t}", "搜索过的"),
}
"""Every kind of event as a verb."""

ANY_DEED: Final = Deed("done", "做过", "最近做了", "常做", "以往接触过的")
"""For deeds of several kinds told together."""


def are_works(community: Community) -> bool:
    """Whether items are read, played, or rated without a price: films, books, songs and not goods."""
    kinds = set(community.events["kind"].unique())
    if kinds & {EventKind.BUY.value, EventKind.CART.value, EventKind.RETURN.value}:
        return False
    if kinds & {EventKind.PLAY.value, EventKind.READ.value}:
        return True
    return EventKind.RATE.value in kinds and community.items["price"].null_count() == len(community.items)
