"""What members do, how often, when and for how much: the parts of a profile that events tell by themselves."""

from datetime import datetime
from typing import Final

import polars as pl

from penchant.members.features import HOURS

LATELY: Final = (30, 90, 180)
"""Ages in days at which an event passes from one window to the next."""
_QUARTERS: Final = ((0, "night"), (6, "morning"), (12, "afternoon"), (18, "evening"))


def activity(events: pl.DataFrame) -> pl.DataFrame:
    """How much, how lately, how steadily and at what times of day and week, of `ready` events."""
    month, season, half = LATELY
    whole = events.group_by("member").agg(
        pl.len().alias("events"),
        pl.col("age").max().alias("tenure_days"),
        pl.col("age").min().alias("recency_days"),
        (pl.col("age") < month).sum().alias("events_30"),
        (pl.col("age") < season).sum().alias("events_90"),
        ((pl.col("age") >= season) & (pl.col("age") < half)).sum().alias("events_before"),
        *(pl.col("hour").is_between(first, first + 5).mean().alias(name) for first, name in _QUARTERS),
        (pl.col("weekday") >= 6).mean().alias("weekend"),
    )
    gaps = _gaps(events, "active_days", "gap_days", "gap_spread")
    return (
        whole.join(gaps, on="member", how="left")
        .with_columns(
            _change("events_90", "events_before").alias("trend"),
            overdue("recency_days", "gap_days").alias("overdue"),
        )
        .drop("events_before")
    )


def purchases(events: pl.DataFrame) -> pl.DataFrame:
    """Purchases, returns and money, of `ready` events."""
    _, season, half = LATELY
    bought = events.filter("bought")
    orders = bought.group_by("member").agg(
        pl.col("age").min().alias("order_recency_days"), pl.len().alias("bought_items")
    )
    money = events.group_by("member").agg(
        pl.col("money").sum().alias("spend"),
        pl.col("money").filter(pl.col("age") < season).sum().alias("spend_90"),
        pl.col("money").filter((pl.col("age") >= season) & (pl.col("age") < half)).sum().alias("spend_before"),
        pl.col("money").filter(pl.col("money") > 0).sum().alias("paid"),
        (-pl.col("money").filter(pl.col("money") < 0).sum()).alias("back"),
        pl.col("returned").sum().alias("returns"),
        pl.col("bought").sum().alias("buys"),
    )
    gaps = _gaps(bought, "orders", "order_gap_days", "order_gap_spread").drop("order_gap_spread")
    return (
        money.join(orders, on="member", how="left")
        .join(gaps, on="member", how="left")
        .select(
            "member",
            pl.col("orders").fill_null(0),
            "order_recency_days",
            "order_gap_days",
            overdue("order_recency_days", "order_gap_days").alias("order_overdue"),
            "spend",
            "spend_90",
            _change("spend_90", "spend_before").alias("spend_trend"),
            (pl.col("paid") / pl.col("orders")).alias("spend_per_order"),
            (pl.col("bought_items") / pl.col("orders")).alias("items_per_order"),
            pl.when(pl.col("buys") > 0).then(pl.col("returns") / pl.col("buys")).alias("refunds"),
            pl.when(pl.col("paid") > 0).then(pl.col("back") / pl.col("paid")).alias("refunded"),
        )
    )


def kinds(events: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """The share of each kind of event that the community has, now or later: at all moments the same features."""
    return events.group_by("member").agg((pl.col("kind") == name).mean().alias(f"kind:{name}") for name in names)


def hours(events: pl.DataFrame) -> pl.DataFrame:
    """The share of each hour of the day in a member's visits; what is done within one hour of a day is one visit."""
    visits = events.select("member", "day", "hour").unique()
    return visits.group_by("member").agg((pl.col("hour") == hour).mean().alias(name) for hour, name in enumerate(HOURS))


def dates(events: pl.DataFrame) -> pl.DataFrame:
    """The first event, the last one and the last purchase of each member: what ages count from."""
    return events.group_by("member").agg(
        pl.col("at").min().alias("first"),
        pl.col("at").max().alias("last"),
        pl.col("at").filter("bought").max().alias("last_order"),
    )


def age(at: pl.Expr, moment: datetime) -> pl.Expr:
    """Days, by whole seconds, from some events to a moment."""
    return (moment - at).dt.total_seconds() / 86_400


def overdue(recency: str, gap: str) -> pl.Expr:
    """Days away against the usual gap between visits."""
    return pl.col(recency) / (pl.col(gap) + 1)


def _gaps(events: pl.DataFrame, days: str, gap: str, spread: str) -> pl.DataFrame:
    """How many different days, the usual days between neighbours, and how unsteady those are."""
    visits = events.select("member", "day").unique().sort("member", "day")
    between = pl.col("day").diff().dt.total_days().over("member")
    return (
        visits.with_columns(between.alias("between"))
        .group_by("member")
        .agg(
            pl.len().alias(days),
            pl.col("between").median().alias(gap),
            (pl.col("between").std() / pl.col("between").mean()).alias(spread),
        )
    )


def _change(now: str, before: str) -> pl.Expr:
    """From -1, all gone, to 1, all new; a small number on both sides says little and lies near 0."""
    total = pl.col(now).abs() + pl.col(before).abs()
    return pl.when(total > 0).then((pl.col(now) - pl.col(before)) / (total + 1e-9)).otherwise(None)
