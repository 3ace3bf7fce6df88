"""When a community's present is, and what an event moves from a purse: the same for all that describes members."""

from datetime import UTC, datetime
from typing import Final

import polars as pl

from penchant.data.columns import EventKind
from penchant.data.community import Community

_ABSURD: Final = 1e9
"""Amounts beyond this, either way, are mistakes of whoever wrote them: they count as events, not as money."""


def present(community: Community) -> datetime | None:
    """The moment of the last event that has come already; None without events.

    A date of the next century is a slip of whoever wrote it, and would make everybody look long gone. Where all events
    lie ahead, the last of them is taken.
    """
    at = community.events["at"]
    come = at.search_sorted(datetime.now(UTC), side="right")
    return None if not len(at) else at[come - 1 if come else -1]


def money() -> pl.Expr:
    """What an event moves from the member to the shop: below zero for returns, zero for amounts that no purse holds.

    A purchase of a negative amount is somebody's way of writing a refund.
    """
    amount = pl.when(pl.col("amount").is_finite() & (pl.col("amount").abs() <= _ABSURD)).then(pl.col("amount"))
    bought = pl.col("kind") == EventKind.BUY.value
    returned = pl.col("kind") == EventKind.RETURN.value
    return pl.when(bought).then(amount).when(returned).then(-amount.abs()).fill_null(0.0)
