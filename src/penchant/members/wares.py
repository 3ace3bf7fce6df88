"""What members buy, told by how it sells to everybody: a shop's habits show in its wares before they do in dates."""

from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.language import Phrase
from penchant.members.moments import money
from penchant.vectors import Floats

WARES: Final[dict[str, Phrase]] = {
    "wares_buyers": Phrase("how many others buy what they buy (log)", "所购物品的购买人数（对数）"),
    "wares_repeated": Phrase(
        "share of buyers who buy the same again, of what they buy", "所购物品被同一人再次购买的比例"
    ),
    "wares_away": Phrase("days since buyers of what they buy were last here (log)", "所购物品的买家多久未来（对数）"),
    "wares_demand": Phrase(
        "demand for what they buy, of late against before (log)", "所购物品近期需求相对以往（对数）"
    ),
    "wares_last": Phrase("days since what they buy was last sold", "所购物品最近售出距今天数"),
    "wares_amount": Phrase("usual money for one thing (log)", "单件通常金额（对数）"),
}
"""Means over a member's purchases."""

_LATELY: Final = 30
_PRIOR: Final = 5
"""Buyers that an item is given besides its own, none of whom came back for it."""


def wares(community: Community, at: datetime) -> Floats:
    """(members, `WARES`) of what members had bought at a moment; NaN for members who had bought nothing.

    Args:
        community: with `buy` events of items.
        at: nothing later is looked at.

    >>> from datetime import UTC
    >>> items = pl.DataFrame({"item_id": ["a", "b"], "title": ["a", "b"]})
    >>> at = [datetime(2026, 3, day) for day in (1, 2, 9)]
    >>> events = pl.DataFrame({"member_id": ["m", "n", "n"], "item_id": ["a", "a", "b"], "kind": "buy", "at": at})
    >>> told = wares(Community.from_tables(items, events), datetime(2026, 3, 11, tzinfo=UTC))
    >>> told[:, list(WARES).index("wares_last")].tolist()
    [9.0, 5.5]
    """
    bought = community.events.filter(
        (pl.col("kind") == EventKind.BUY.value) & (pl.col("at") <= at) & pl.col("item").is_not_null()
    ).select(
        "member",
        "item",
        pl.col("at").dt.date().alias("day"),
        ((at - pl.col("at")).dt.total_seconds() / 86_400).alias("age"),
        money().clip(0).log1p().alias("amount"),
    )
    found = np.full((len(community.members), len(WARES)), np.nan, dtype=np.float32)
    if not len(bought):
        return found
    away = bought.group_by("member").agg(pl.col("age").min().log1p().alias("away"))
    buyers = (
        bought.group_by("item", "member", maintain_order=True)  # an order of rows for equal sums at every run
        .agg(pl.col("day").n_unique().alias("days"))
        .join(away, on="member", how="left", maintain_order="left")
        .group_by("item")
        .agg(
            pl.len().log().alias("wares_buyers"),
            ((pl.col("days") > 1).sum() / (pl.len() + _PRIOR)).alias("wares_repeated"),
            pl.col("away").mean().alias("wares_away"),
        )
    )
    expected = pl.len() * (_LATELY / max(float(bought.select(pl.col("age").max()).item()), 1.0))
    sales = bought.group_by("item").agg(
        (((pl.col("age") < _LATELY).sum() + 1) / (expected + 1)).log().alias("wares_demand"),
        pl.col("age").min().alias("wares_last"),
    )
    table = (
        bought.join(buyers, on="item", how="left", maintain_order="left")
        .join(sales, on="item", how="left", maintain_order="left")
        .group_by("member")
        .agg(*(pl.col(name).mean() for name in list(WARES)[:-1]), pl.col("amount").mean().alias("wares_amount"))
    )
    found[table["member"].to_numpy()] = table.select(list(WARES)).to_numpy()
    return found
