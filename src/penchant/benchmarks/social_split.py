"""What `bench social` is judged on: events held out, and every text about a held-out pair taken away with them."""

from dataclasses import replace
from typing import Final

import polars as pl

from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.data.splits import Split, random_split

TAGS_KEPT: Final = 10
"""Tags kept for an item whose tags are what members wrote: those that most of them wrote."""
WEIGHTS: Final = EventWeights(review=0.0, search=0.0)
"""What members write is text here and no event: it tells no model what they like but by its words."""


def social_split(community: Community, seed: int) -> Split:
    """Each member's items cut 8:1:1 at random, as RecBole does.

    Where members do things beside writing, only what they do is held out and judged. What a member wrote of an item
    held out for them is removed from all three parts, and an item's tags that come from members' texts are counted
    anew from the texts that are left: else its tags would tell who listens to it.
    """
    written = pl.col("kind") == EventKind.REVIEW.value
    done = community.events.filter(~written)
    if not len(done):
        return random_split(community, seed)
    split = random_split(community.with_events(done), seed)
    pair = pl.col("member").cast(pl.Int64) * len(community.items) + pl.col("item").cast(pl.Int64)
    held = pl.concat([split.validation.events, split.test.events]).select(pair).to_series()
    texts = community.events.filter(written & ~pair.is_in(held.implode()).fill_null(False))
    items = retagged(community, texts)
    train = replace(community, items=items).with_events(pl.concat([split.train.events, texts]))
    others = (replace(community, items=items).with_events(part.events) for part in (split.validation, split.test))
    return Split(train, *others)


def retagged(community: Community, texts: pl.DataFrame) -> pl.DataFrame:
    """The items with tags counted from the texts that are left, where members wrote them; others keep theirs."""
    before = _listed(community.events.filter(pl.col("kind") == EventKind.REVIEW.value))
    tags = community.items.select("tags").with_row_index("item").explode("tags", empty_as_null=True).drop_nulls()
    named = tags.join(before, left_on=["item", "tags"], right_on=["item", "tag"], how="semi")
    theirs = named["item"].unique()
    if not len(theirs):
        return community.items
    counted = _listed(texts).sort("item", "n", "tag", descending=[False, True, False])
    left = counted.group_by("item", maintain_order=True).agg(pl.col("tag").head(TAGS_KEPT).alias("left"))
    rows = community.items.with_row_index("item").join(left, on="item", how="left", maintain_order="left")
    written = pl.col("item").is_in(theirs.implode())
    return rows.with_columns(tags=pl.when(written).then(pl.col("left")).otherwise(pl.col("tags"))).drop("item", "left")


def _listed(texts: pl.DataFrame) -> pl.DataFrame:
    """Columns `item`, `tag` and `n`: how many members wrote each between commas."""
    parts = texts.drop_nulls(["item", "text"]).select(
        "member", "item", tag=pl.col("text").str.to_lowercase().str.split(",")
    )
    parts = parts.explode("tag", empty_as_null=True).with_columns(pl.col("tag").str.strip_chars())
    parts = parts.filter(pl.col("tag") != "").unique(["member", "item", "tag"])
    return parts.group_by("item", "tag").len("n")
