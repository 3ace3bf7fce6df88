"""Evidence of an interest: the looks that carry most of its share."""

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.data.community import Community
from penchant.data.strata import Tier
from penchant.interests.looks import Looks
from penchant.vectors import Floats


def evidence_of(
    table: pl.DataFrame, seen: Looks, strength: Floats, item_labels: sp.csr_matrix, community: Community, count: int
) -> pl.Series:
    """For each row of a strata table the looks that carry most of its share; nothing for latent interests.

    Args:
        table: `member`, `label` and `tier`.
        seen: looks of the table's members.
        strength: (looks,) what each counts now.
        item_labels: (items, labels) probability that an item is about a label.
        community: whose items they are.
        count: how many looks are named, at most.
    """
    about = pl.DataFrame(
        {
            "item": np.repeat(np.arange(item_labels.shape[0]), np.diff(item_labels.indptr)).astype(np.uint32),
            "label": item_labels.indices.astype(np.uint32),
            "probability": item_labels.data,
        }
    )
    looked = pl.DataFrame(
        {
            "member": seen.member.astype(np.uint32),
            "item": seen.item.astype(np.uint32),
            "at": seen.at,
            "kind": seen.kind,
            "strength": strength,
        }
    )
    wanted = table.filter(pl.col("tier") != Tier.LATENT.value).select("member", "label")
    pieces = (
        looked.join(about, on="item", maintain_order="left")
        .join(wanted, on=["member", "label"], how="semi", maintain_order="left")
        .with_columns((pl.col("strength") * pl.col("probability")).alias("part"))
        .with_columns((pl.col("part") / pl.col("part").sum().over("member", "label")).alias("share"))
        # Of looks that carry the same, the latest is remembered best.
        .sort("share", "at", descending=True, maintain_order=True)
        .group_by("member", "label", maintain_order=True)
        .head(count)
    )
    listed = (
        pieces.with_columns(
            community.item_ids.decode(pieces["item"]).alias("item_id"),
            community.items["title"].gather(pieces["item"]).alias("title"),
            pl.from_epoch((pl.col("at") * 1e6).cast(pl.Int64), time_unit="us").dt.replace_time_zone("UTC").alias("at"),
            pl.col("kind").cast(pl.String),
            pl.col("share").cast(pl.Float32),
        )
        .group_by("member", "label", maintain_order=True)
        .agg(pl.struct("item_id", "title", "kind", "at", "share").alias("evidence"))
    )
    return table.select("member", "label").join(listed, on=["member", "label"], how="left", maintain_order="left")[
        "evidence"
    ]
