"""What may be shown to whom: seen, hidden, unavailable and blocked items."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.vectors import Rows


class RulesConfig(BaseModel):
    """Which items are never shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seen_kinds: frozenset[EventKind] = frozenset(EventKind) - {
        EventKind.SHOW, EventKind.VIEW, EventKind.CLICK, EventKind.CART, EventKind.SEARCH,
    }  # fmt: skip
    """Events of these kinds make an item seen, and seen items are not shown again; what was only looked at may be."""
    repeat_purchases: bool = False
    """An item that a member has bought may be shown again, whatever else they did with it but hide or return it."""
    blocked: frozenset[str] = frozenset()
    """Ids of items that nobody is shown."""


NEVER_AGAIN = (EventKind.HIDE, EventKind.RETURN)


def seen(events: pl.DataFrame, shape: tuple[int, int], config: RulesConfig) -> sp.csr_matrix:
    """(members, items) one where a member must not be shown an item because of their own events.

    Items that a member hid are always in it; `seen_kinds` and `repeat_purchases` decide on the others.

    Args:
        events: columns `member` and `item` (row numbers) and `kind`.
        shape: number of members and of items.
        config: the rules.
    """
    events = events.filter(pl.col("item").is_not_null()).select("member", "item", "kind")
    kinds = {kind.value for kind in config.seen_kinds | {EventKind.HIDE}}
    if config.repeat_purchases:
        never = {kind.value for kind in NEVER_AGAIN}
        pair = ("member", "item")
        events = events.with_columns(
            bought=(pl.col("kind") == EventKind.BUY.value).any().over(pair),
            never=pl.col("kind").cast(pl.String).is_in(never).any().over(pair),
        ).filter(~pl.col("bought") | pl.col("never"))
    shut = events.filter(pl.col("kind").cast(pl.String).is_in(kinds))
    cells = (np.ones(len(shut), dtype=np.float32), (shut["member"].to_numpy(), shut["item"].to_numpy()))
    matrix = sp.csr_matrix(cells, shape=shape)
    matrix.data[:] = 1
    return matrix


def seen_items(items: Rows, kinds: Sequence[str], config: RulesConfig) -> Rows:
    """The items that one person must not be shown because of their own events: as `seen`, quicker for one.

    >>> seen_items(np.array([3, 4, 4]), ["view", "view", "buy"], RulesConfig()).tolist()
    [4]
    """
    shut = {kind.value for kind in config.seen_kinds | {EventKind.HIDE}}
    found = [item for item, kind in zip(items.tolist(), kinds, strict=True) if kind in shut]
    if config.repeat_purchases and found:
        never = {item for item, kind in zip(items.tolist(), kinds, strict=True) if kind in NEVER_AGAIN}
        bought = {item for item, kind in zip(items.tolist(), kinds, strict=True) if kind == EventKind.BUY}
        found = [item for item in found if item not in bought or item in never]
    return np.unique(np.array(found, dtype=np.int64))


def closed(community: Community, config: RulesConfig) -> NDArray[np.bool_]:
    """(items,) True where nobody may be shown an item: not available, or blocked."""
    off = ~community.items["available"].fill_null(True)
    return (off | community.items["item_id"].is_in(list(config.blocked))).to_numpy()
