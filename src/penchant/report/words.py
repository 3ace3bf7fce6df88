"""What the report calls things, in both languages."""

from typing import Final

from penchant.data.columns import EventKind, TieKind
from penchant.language import Lang, Phrase

KINDS: Final = {
    EventKind.SHOW: Phrase("shown", "展示"),
    EventKind.VIEW: Phrase("view", "浏览"),
    EventKind.PLAY: Phrase("play", "播放"),
    EventKind.READ: Phrase("read", "阅读"),
    EventKind.CLICK: Phrase("click", "点击"),
    EventKind.LIKE: Phrase("like", "点赞"),
    EventKind.HIDE: Phrase("hide", "隐藏"),
    EventKind.SAVE: Phrase("save", "收藏"),
    EventKind.CART: Phrase("add to cart", "加购"),
    EventKind.BUY: Phrase("purchase", "购买"),
    EventKind.RETURN: Phrase("return", "退货"),
    EventKind.RATE: Phrase("rating", "评分"),
    EventKind.SHARE: Phrase("share", "分享"),
    EventKind.REVIEW: Phrase("review", "评论"),
    EventKind.SEARCH: Phrase("search", "搜索"),
}
"""One event of each kind, as a noun."""

TABLE_NAMES: Final = {
    "members": Phrase("members", "会员"),
    "items": Phrase("items", "物品"),
    "events": Phrase("events", "事件"),
    "ties": Phrase("ties", "关系"),
    "labels": Phrase("labels", "标签"),
}

TIE_NAMES: Final = {
    TieKind.FOLLOW: Phrase("follow", "关注"),
    TieKind.FRIEND: Phrase("friend", "好友"),
    TieKind.BLOCK: Phrase("block", "屏蔽"),
}


def kind_name(kind: str, lang: Lang) -> str:
    """The name of a kind of event.

    >>> kind_name("buy", "zh")
    '购买'
    """
    return KINDS[EventKind(kind)](lang)


def event_words(kind: str, amount: float | None, lang: Lang) -> str:
    """An event in a few words, with its rating where it has one.

    >>> event_words("rate", 4.5, "en"), event_words("view", None, "zh")
    ('rating 4.5', '浏览')
    """
    if kind == EventKind.RATE and amount is not None:
        return f"{kind_name(kind, lang)} {amount:g}"
    return kind_name(kind, lang)


def clipped(text: str, longest: int = 160) -> str:
    """A text on one line that loses its tail where it is too long to show.

    >>> clipped("a very  long title", 11)
    'a very lon…'
    """
    line = " ".join(text[: 4 * longest].split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
