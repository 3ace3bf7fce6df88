"""Five members whose stories tell how the recommendations behave: from the busiest to the one with hardly an event."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any, Final

import numpy as np
import polars as pl

from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.language import Phrase

BUSY: Final = Phrase("very active", "非常活跃")
TYPICAL: Final = Phrase("typical activity", "活跃度居中")
QUIET: Final = Phrase("few events", "行为很少")
NARROW: Final = Phrase("one clear taste", "口味专一")
WIDE: Final = Phrase("many tastes", "口味广泛")
FRESH: Final = Phrase("newest member", "最新加入")


@dataclass(frozen=True)
class Told:
    """What a member did with one item in one go, as a person reads it."""

    title: str
    at: datetime
    """Of the last of the events."""
    events: tuple[tuple[str, float | None], ...]
    """Kind and amount of each event, in order of time."""


@dataclass(frozen=True)
class Story:
    """A member, why this one is shown, and what is known of it.

    `tastes` pairs a category with its share of the member's positive events; a category counts for each item in it.
    """

    member_id: str
    why: Phrase
    events: int
    first: datetime
    last: datetime
    tastes: tuple[tuple[str, float], ...]
    history: tuple[Told, ...]
    """The latest events, newest first; those in a row with one item on one day are told together."""


def telling_members(community: Community) -> list[tuple[int, Phrase]]:
    """Rows of up to five different members with events, each with the reason it was picked; equals go by id.

    Very active: near the ninety-ninth percentile of events, as the very first is often a machine. Then typical, few
    events, the narrowest and the widest taste among those with enough events to have one, or the newest member where
    items have no categories.
    """
    counts = np.bincount(community.events["member"].to_numpy(), minlength=len(community.members))
    active = np.flatnonzero(counts > 0)
    if not len(active):
        return []
    order = active[np.lexsort((community.member_ids.id_rank[active], counts[active]))]
    taken: dict[int, Phrase] = {}

    def take(candidates: np.ndarray, why: Phrase) -> None:
        row = next((int(row) for row in candidates if int(row) not in taken), None)
        if row is not None:
            taken[row] = why

    def near(share: float) -> np.ndarray:
        place = round(share * (len(order) - 1))
        return order[np.argsort(np.abs(np.arange(len(order)) - place), kind="stable")]

    take(near(0.99), BUSY)
    take(near(0.5), TYPICAL)
    concentration = _concentration(community)
    if len(concentration):
        enough = counts[concentration["member"].to_numpy()] >= min(10, counts[order[-1]])
        ranked = concentration.filter(pl.Series(enough, dtype=pl.Boolean))["member"].to_numpy()
        take(ranked[::-1], NARROW)
        take(ranked, WIDE)
    else:
        first = community.events.unique("member", keep="first", maintain_order=True)["member"].to_numpy()
        take(first[::-1], FRESH)
    take(near(0.05), QUIET)
    shown = (BUSY, TYPICAL, NARROW, WIDE, FRESH, QUIET)
    return sorted(taken.items(), key=lambda pair: shown.index(pair[1]))


def tell(
    community: Community,
    member: int,
    why: Phrase,
    *,
    weights: EventWeights | None = None,
    latest: int = 8,
    tastes: int = 5,
) -> Story:
    """The story of one member who has events.

    Args:
        community: where the member is.
        member: its row.
        why: what to say of the choice.
        weights: which events are likes, and make up the tastes; the defaults if absent.
        latest: how many entries of the history.
        tastes: how many categories.
    """
    events = community.events_of(member)
    shares = category_shares(community, events, weights or EventWeights())
    return Story(
        member_id=community.member_ids.id(member),
        why=why,
        events=len(events),
        first=events["at"][0],
        last=events["at"][-1],
        tastes=tuple(shares.head(tastes).iter_rows()),
        history=tuple(islice(_runs(community, events), latest)),
    )


def _runs(community: Community, events: pl.DataFrame) -> Iterator[Told]:
    """Events from the newest back; those that follow each other with one item on one day are one entry."""

    def run(row: dict[str, Any]) -> tuple[Any, ...]:
        # Each search is an entry of its own words.
        return row["item"], row["text"] if row["item"] is None else None, row["at"].date()

    for (item, text, _), found in groupby(events.reverse().iter_rows(named=True), key=run):
        rows = list(found)
        title = text or "" if item is None else community.titles[item]
        yield Told(title, rows[0]["at"], tuple((row["kind"], row["amount"]) for row in reversed(rows)))


def category_shares(community: Community, events: pl.DataFrame, weights: EventWeights) -> pl.DataFrame:
    """`category`, `share`: how the positive events fall on categories, the largest share first."""
    positive = events.filter(weights.apply(events) > 0).filter(pl.col("item").is_not_null())
    categories = community.items["categories"].gather(positive["item"])
    counted = (
        pl.DataFrame({"category": categories})
        .explode("category")
        .drop_nulls()
        .group_by("category")
        .len()
        .sort(["len", "category"], descending=[True, False])
    )
    return counted.select("category", share=pl.col("len") / max(len(positive), 1))


def _concentration(community: Community) -> pl.DataFrame:
    """`member`, `focus`: the chance that two category entries of a member agree, least first; by Simpson (1949)."""
    categories = community.items.select("categories").with_row_index("item").explode("categories").drop_nulls()
    return (
        community.events.select("member", "item")
        .join(categories, on="item")
        .group_by("member", "categories")
        .len()
        .group_by("member")
        .agg(focus=((pl.col("len") / pl.col("len").sum()) ** 2).sum())
        .sort("focus", "member")
    )
