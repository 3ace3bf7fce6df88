"""The five tables: their columns, types and the kinds of event and tie, each named once."""

from enum import StrEnum
from typing import Final

import polars as pl

AT: Final = pl.Datetime("us", "UTC")
"""The type of every point in time: microseconds, UTC."""


class EventKind(StrEnum):
    """What a member did. A `search` event has a text and no item."""

    SHOW = "show"
    VIEW = "view"
    PLAY = "play"
    READ = "read"
    CLICK = "click"
    LIKE = "like"
    HIDE = "hide"
    SAVE = "save"
    CART = "cart"
    BUY = "buy"
    RETURN = "return"
    RATE = "rate"
    SHARE = "share"
    REVIEW = "review"
    SEARCH = "search"


class TieKind(StrEnum):
    """How one member is tied to another: `follow` is directed, `friend` is mutual, `block` forbids."""

    FOLLOW = "follow"
    FRIEND = "friend"
    BLOCK = "block"


EVENT_KINDS: Final = pl.Enum([kind.value for kind in EventKind])
TIE_KINDS: Final = pl.Enum([kind.value for kind in TieKind])

PATH_SEPARATOR: Final = " > "
"""Between the levels of a category or an interest: "家电 > 冰箱"."""

Schema = dict[str, pl.DataType]

MEMBERS: Final[Schema] = {
    "member_id": pl.String(),
    "joined_at": AT,
    "consent": pl.Boolean(),
    "private": pl.Boolean(),
}
ITEMS: Final[Schema] = {
    "item_id": pl.String(),
    "title": pl.String(),
    "text": pl.String(),
    "categories": pl.List(pl.String()),
    "tags": pl.List(pl.String()),
    "price": pl.Float64(),
    "seller": pl.String(),
    "available": pl.Boolean(),
    "created_at": AT,
}
EVENTS: Final[Schema] = {
    "member_id": pl.String(),
    "item_id": pl.String(),
    "kind": EVENT_KINDS,
    "at": AT,
    "amount": pl.Float64(),
    "duration": pl.Float64(),
    "text": pl.String(),
}
TIES: Final[Schema] = {
    "member_id": pl.String(),
    "other_id": pl.String(),
    "kind": TIE_KINDS,
    "at": AT,
}
LABELS: Final[Schema] = {
    "text": pl.String(),
    "item_id": pl.String(),
    "labels": pl.List(pl.String()),
    "split": pl.String(),
}

TABLES: Final[dict[str, Schema]] = {
    "members": MEMBERS,
    "items": ITEMS,
    "events": EVENTS,
    "ties": TIES,
    "labels": LABELS,
}
"""The five tables by name. Members and items may carry further columns of the user's own: attributes."""

REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "members": ("member_id",),
    "items": ("item_id", "title"),
    "events": ("member_id", "kind", "at"),
    "ties": ("member_id", "other_id", "kind"),
    "labels": ("labels",),
}
"""Columns a table cannot do without; an event also needs an item, or a text where it is a search."""
