"""What members like and think: the parts of a profile that need the items, their own words, or other systems."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.data.columns import PATH_SEPARATOR, EventKind
from penchant.data.community import Community
from penchant.data.interactions import FELT, Decay, EventWeights, histories
from penchant.data.strata import Strata, Tier
from penchant.members.doings import LATELY
from penchant.members.features import SELLER, SHARE, TIERS
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, unit_rows

_NEW_DAYS: Final = 90


def tastes(events: pl.DataFrame, community: Community) -> pl.DataFrame:
    """How many different things, how evenly spread, how dear, how new; of `ready` events."""
    items = events.filter(pl.col("item").is_not_null())
    per_category = items.filter(pl.col("category").is_not_null()).group_by("member", "category").len()
    share = pl.col("len") / pl.col("len").sum()
    categories = per_category.group_by("member").agg(
        pl.len().alias("breadth"), (-(share * share.log()).sum()).exp().alias("variety")
    )
    # Of the whole table: one member's items may tell nothing of sellers where the others' do.
    has_seller, has_date = bool(community.items["seller"].count()), bool(community.items["created_at"].count())
    old = (pl.col("at") - pl.col("created_at")).dt.total_days()
    nothing = pl.lit(None, dtype=pl.Float64)
    own = items.group_by("member").agg(
        pl.col("item").n_unique().alias("items"),
        (1 - pl.col("item").n_unique() / pl.len()).alias("repeats"),
        pl.col("level").mean().alias("price_level"),
        (pl.col("seller").n_unique() if has_seller else nothing.first()).alias("sellers"),
        ((old < _NEW_DAYS).mean() if has_date else nothing.first()).alias("newness"),
    )
    return own.join(categories, on="member", how="full", coalesce=True)


def opinions(events: pl.DataFrame, negative_below: float) -> pl.DataFrame:
    """Stars and words, searches, and how members feel in what they write where events say that; of `ready` events."""
    rated = pl.col("kind") == EventKind.RATE.value
    written = pl.col("text").is_not_null() & (pl.col("kind") != EventKind.SEARCH.value)
    felt = pl.col(FELT).cast(pl.Float64).fill_nan(None) if FELT in events.columns else pl.lit(None, dtype=pl.Float64)
    lately = pl.col("age") < LATELY[1]
    return (
        events.with_columns(pl.when(written).then(felt).alias("_felt"))
        .group_by("member")
        .agg(
            pl.col("amount").filter(rated & pl.col("amount").is_finite()).mean().alias("rating"),
            rated.sum().alias("ratings"),
            written.sum().alias("written"),
            pl.col("_felt").mean().alias("sentiment"),
            (pl.col("_felt").drop_nulls() < negative_below).mean().alias("negative_share"),
            (pl.col("_felt").filter(lately).mean() - pl.col("_felt").filter(~lately).mean()).alias("sentiment_trend"),
            (pl.col("kind") == EventKind.SEARCH.value).sum().alias("searches"),
        )
    )


def tiers(strata: Strata) -> Floats:
    """(members, `TIERS`) how many interests a member has in each tier; NaN where there is too little to tell."""
    counts = np.zeros((len(strata.member_ids), len(TIERS)), dtype=np.float32)
    place = strata.table["tier"].cast(pl.String).replace_strict({tier.value: row for row, tier in enumerate(Tier)})
    np.add.at(counts, (strata.table["member"].to_numpy(), place.cast(pl.Int64).to_numpy()), 1)
    counts[strata.evidence_counts < strata.wanted] = np.nan
    return counts


def common_categories(community: Community, most: int) -> tuple[str, ...]:
    """First levels of categories that most events have, the most common first."""
    counted = (
        community.events.drop_nulls("item")
        .join(_firsts(community), on="item")
        .group_by("category")
        .len()
        .sort(["len", "category"], descending=[True, False])
    )
    return tuple(counted["category"].head(most))


def common_sellers(community: Community, most: int) -> tuple[str, ...]:
    """Sellers, or brands, whose items most events are with, by name."""
    met = community.items["seller"].gather(community.events["item"].drop_nulls().cast(pl.Int64)).drop_nulls()
    counted = met.alias("seller").value_counts().sort(["count", "seller"], descending=[True, False])
    return tuple(sorted(counted["seller"].head(most)))


def item_shares(past: pl.DataFrame, community: Community, names: Sequence[str]) -> pl.DataFrame:
    """The share of each member's events with items that is with items of each category, and of each seller.

    Args:
        past: the events.
        community: with the items.
        names: of the features, such as `share:Books` and `seller:Penguin`.
    """
    known = past.drop_nulls("item").select("member", "item")
    table = known.group_by("member").agg(pl.len().alias("total"))
    sellers = pl.DataFrame(
        {"item": pl.Series(range(len(community.items)), dtype=pl.UInt32), "seller": community.items["seller"]}
    )
    for group, of_item in (("category", _firsts(community)), ("seller", sellers)):
        prefix = SHARE if group == "category" else SELLER
        wanted = {name: name.removeprefix(prefix) for name in names if name.startswith(prefix)}
        counted = (
            known.join(of_item, on="item")
            .filter(pl.col(group).is_in(list(wanted.values())))
            .group_by("member")
            .agg((pl.col(group) == value).sum().alias(name) for name, value in wanted.items())
        )
        table = table.join(counted, on="member", how="left")
    return table.select("member", *((pl.col(name).fill_null(0) / pl.col("total")).alias(name) for name in names))


@dataclass(frozen=True, eq=False)
class Writings:
    """Different texts that members wrote or searched for, and their vectors, of the language model of the items'."""

    texts: tuple[str, ...]
    vectors: Floats
    """(texts, width)."""

    @classmethod
    def of(cls, community: Community, encoder: Encoder, most: int) -> "Writings | None":
        """So many texts of a community at most, the latest first; None where nothing was written."""
        written = community.events["text"].drop_nulls().reverse().unique(maintain_order=True)
        texts = tuple(text for text in written.head(most).to_list() if text.strip())
        return cls(texts, encoder.encode(list(texts))) if texts else None


def text_vectors(
    community: Community,
    item_vectors: Floats,
    weights: EventWeights,
    half_life_days: float,
    at: datetime,
    *,
    writings: Writings | None = None,
    written: float = 1.0,
) -> Floats:
    """(members, width) unit rows: the mean of what members' items and their own texts are about.

    Args:
        community: with the events up to a moment.
        item_vectors: (items, width).
        weights: how much an event of each kind says of its item.
        half_life_days: an event so many days old counts half.
        at: the moment.
        writings: texts with vectors; others are passed over.
        written: how much a text says beside an event of weight one.
    """
    batch, decay = histories(community, weights=weights), Decay(half_life=half_life_days)
    matrix = batch.matrix(len(item_vectors), now=at.timestamp(), decay=decay)
    matrix.data = np.maximum(matrix.data, 0)
    total = np.asarray(matrix @ item_vectors, dtype=np.float32)
    if writings is not None:
        known = pl.DataFrame({"text": writings.texts, "row": range(len(writings.texts))})
        said = community.events.select("member", "text", (at - pl.col("at")).dt.total_seconds().alias("age"))
        said = said.join(known, on="text")
        fading = written * decay.factor(said["age"].to_numpy() / 86_400)
        shape = (len(total), len(writings.texts))
        told = sp.csr_matrix((fading, (said["member"].to_numpy(), said["row"].to_numpy())), shape=shape)
        total = total + np.asarray(told @ writings.vectors, dtype=np.float32)
    return unit_rows(total)


def item_facts(community: Community) -> pl.DataFrame:
    """What profiles ask of items: their place among all prices, seller, date and first category."""
    prices = community.items["price"]
    return pl.DataFrame(
        {
            "item": pl.Series(range(len(community.items)), dtype=pl.UInt32),
            "level": prices.rank("average") / max(int(prices.count()), 1),
            "seller": community.items["seller"],
            "created_at": community.items["created_at"],
            "category": community.items["categories"].list.first().str.split(PATH_SEPARATOR).list.first(),
        }
    )


def _firsts(community: Community) -> pl.DataFrame:
    return (
        community.items.select("categories")
        .with_columns(pl.Series("item", range(len(community.items)), dtype=pl.UInt32))
        .explode("categories")
        .drop_nulls()
        .select("item", pl.col("categories").str.split(PATH_SEPARATOR).list.first().alias("category"))
        .unique(maintain_order=True)
    )
