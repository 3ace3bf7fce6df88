"""A community in numbers: how large, how active, over what time, and how evenly its events fall on its items."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.community import Community

STEPS: Final = (("1h", 3.0), ("1d", 100.0), ("1w", 730.0), ("1mo", 3_650.0), ("1q", 11_000.0), ("1y", float("inf")))
"""The width of a bar over time, and the longest span in days that it serves: about a hundred bars at most."""

_TAIL_POINTS: Final = 101
_TOP: Final = 12


@dataclass(frozen=True)
class Glance:
    """What the first page says of a community.

    `over_time` has the columns `period`, `kind` and `events`; `categories` has `category`, `events` and `items`;
    `activity` has `from_events`, `to_events` and `members`; `tail` pairs a share of the items, most popular first, with
    the share of the events that they draw.
    """

    members: int
    items: int
    events: int
    ties: int
    first: datetime | None
    last: datetime | None
    median_events: float
    active_members: int
    """Members with at least one event."""
    seen_items: int
    """Items with at least one event."""
    top_tenth_share: float
    """The share of the events that falls on the most popular tenth of the items, which is one item at least."""
    kinds: dict[str, int]
    """Events by kind, the most frequent first."""
    step: str
    over_time: pl.DataFrame
    categories: pl.DataFrame
    activity: pl.DataFrame
    tail: tuple[tuple[float, float], ...]
    ratings: pl.DataFrame
    """Ratings by value: `amount`, `events`; empty where nobody rates."""


def glance(community: Community) -> Glance:
    """Count a community.

    >>> shop = Community.from_tables(
    ...     items=pl.DataFrame({"item_id": ["a", "b"], "title": ["Kettle", "Lamp"]}),
    ...     events=pl.DataFrame({"member_id": ["m"], "item_id": ["a"], "kind": ["buy"], "at": [datetime(2026, 1, 5)]}),
    ... )
    >>> seen = glance(shop)
    >>> seen.kinds, seen.seen_items, seen.top_tenth_share
    ({'buy': 1}, 1, 1.0)
    """
    events = community.events
    per_member = np.bincount(events["member"].to_numpy(), minlength=len(community.members))
    per_item = np.bincount(events["item"].drop_nulls().to_numpy(), minlength=len(community.items))
    kinds = events.group_by("kind").len().sort(["len", "kind"], descending=[True, False])
    step = _step(events)
    return Glance(
        members=len(community.members),
        items=len(community.items),
        events=len(events),
        ties=len(community.ties),
        first=events["at"][0] if len(events) else None,
        last=community.now,
        median_events=float(np.median(per_member)) if len(per_member) else 0.0,
        active_members=int((per_member > 0).sum()),
        seen_items=int((per_item > 0).sum()),
        top_tenth_share=_top_share(per_item, 0.1),
        kinds=dict(zip(kinds["kind"].cast(pl.String), kinds["len"], strict=True)),
        step=step,
        over_time=_over_time(events, step),
        categories=top_categories(community, per_item),
        activity=_activity(per_member),
        tail=_tail(per_item),
        ratings=_ratings(events),
    )


def top_categories(community: Community, per_item: np.ndarray) -> pl.DataFrame:
    """The most active categories, with their items and events: the deepest level that is still broad enough to read."""
    paths = pl.DataFrame({"category": community.items["categories"], "events": per_item}).explode("category")
    paths = paths.filter(pl.col("category").is_not_null() & (pl.col("category") != ""))
    parts = pl.col("category").str.split(PATH_SEPARATOR)
    depth = int(paths.select(parts.list.len().max()).item() or 1) if len(paths) else 1
    for level in range(depth, 0, -1):
        counted = (
            paths.with_columns(parts.list.head(level).list.join(PATH_SEPARATOR))
            .group_by("category")
            .agg(pl.col("events").sum(), pl.len().alias("items"))
            .sort(["events", "category"], descending=[True, False])
        )
        if level == 1 or 2 * int(counted["events"].head(_TOP).sum()) >= int(counted["events"].sum()):
            return counted.head(_TOP)
    return pl.DataFrame(schema={"category": pl.String, "events": pl.Int64, "items": pl.UInt32})


def _step(events: pl.DataFrame) -> str:
    if not len(events):
        return "1d"
    days = (events["at"][-1] - events["at"][0]).total_seconds() / 86_400
    return next(step for step, longest in STEPS if days <= longest)


def _over_time(events: pl.DataFrame, step: str) -> pl.DataFrame:
    return (
        events.select(pl.col("at").dt.truncate(step).alias("period"), pl.col("kind").cast(pl.String))
        .group_by("period", "kind")
        .agg(pl.len().alias("events"))
        .sort("period", "kind")
    )


def _top_share(per_item: np.ndarray, share: float) -> float:
    top = np.sort(per_item)[::-1][: max(1, round(share * len(per_item)))]
    return float(top.sum() / max(per_item.sum(), 1))


def _tail(per_item: np.ndarray) -> tuple[tuple[float, float], ...]:
    """Points of the curve from no items to all of them; straight where all items are equally popular."""
    falling = np.sort(per_item)[::-1]
    shares = np.concatenate([[0.0], np.cumsum(falling) / max(falling.sum(), 1)])
    places = np.linspace(0, 1, len(shares))
    wanted = np.linspace(0, 1, _TAIL_POINTS)
    return tuple(zip(wanted.tolist(), np.interp(wanted, places, shares).tolist(), strict=True))


def _activity(per_member: np.ndarray) -> pl.DataFrame:
    """Members by how many events they have, in classes that double: 0, 1, 2–3, 4–7 …"""
    classes = np.where(per_member > 0, np.floor(np.log2(np.maximum(per_member, 1))) + 1, 0).astype(int)
    counts = np.bincount(classes) if len(classes) else np.zeros(0, dtype=int)
    low = [0 if place == 0 else 2 ** (place - 1) for place in range(len(counts))]
    high = [0 if place == 0 else 2**place - 1 for place in range(len(counts))]
    frame = pl.DataFrame({"from_events": low, "to_events": high, "members": counts.tolist()})
    return frame.filter((pl.col("members") > 0).cum_max()) if len(frame) else frame


def _ratings(events: pl.DataFrame) -> pl.DataFrame:
    rated = events.filter((pl.col("kind") == "rate") & pl.col("amount").is_not_null())
    return rated.group_by("amount").agg(pl.len().alias("events")).sort("amount")
