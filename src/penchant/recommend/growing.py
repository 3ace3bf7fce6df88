"""Items that came after the fit: a recommender that knows them at once, from what they say of themselves."""

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.collaborative.again import Again
from penchant.collaborative.factors import Als
from penchant.collaborative.itemtoitem import ItemToItem, strongest
from penchant.collaborative.popularity import Popularity
from penchant.data.columns import ITEMS
from penchant.data.community import Community, conform
from penchant.data.vocabulary import Vocabulary
from penchant.recommend.opinions import TEXT
from penchant.recommend.similarity import TextSimilarity
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, unit_rows

if TYPE_CHECKING:
    from penchant.recommend.recommender import Recommender


def grown(recommender: "Recommender", items: pl.DataFrame, *, encoder: Encoder | None = None) -> "Recommender":
    """The same recommender with further items, and with items whose row has changed.

    Behaviour knows nothing of a new item, as of any that nobody has touched; where there is text, its description
    finds those who like things of its kind, and once someone has done something with it, that speaks for items like it.
    A known item takes its new row (price, availability, categories) and keeps the vector of its old text.

    Args:
        recommender: fitted.
        items: new or changed, with the columns of `ITEMS` that there are.
        encoder: the one that the items were read with; without it new items have no description to be found by.
    """
    from penchant.recommend.recommender import Recommender

    table = conform(items.select([name for name in items.columns if name in ITEMS]), "items")
    community, count = recommender.community, len(recommender.community.items)
    known = table["item_id"].is_in(community.item_ids.ids.implode())
    new = table.filter(~known)
    merged = _merged(community.items, table.filter(known), new)
    sources = recommender.sources
    if len(new):
        wider = _community(community, merged, new)
        sources = {name: _with(source, wider, len(new), encoder) for name, source in sources.items()}
    else:
        wider = _community(community, merged, None)
    cold = np.concatenate([recommender.cold, np.ones(len(merged) - count, dtype=bool)])
    text = sources.get(TEXT)
    vectors = text.vectors if isinstance(text, TextSimilarity) else None
    return Recommender(
        wider, sources, recommender.weights, recommender.config,
        cold=cold, ranker=recommender.ranker, verdicts=recommender.verdicts,
        new_items=recommender.new_items.on(wider, cold, vectors) if recommender.new_items is not None else None,
    )  # fmt: skip


def _merged(items: pl.DataFrame, changed: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """The items in their rows, the changed ones with what they say now, and the new ones below them."""
    own = [name for name in items.columns if name not in ITEMS]
    if len(changed):
        order = pl.DataFrame({"item_id": items["item_id"]}).join(
            changed.with_columns(_there=pl.lit(True)), on="item_id", how="left", maintain_order="left"
        )
        there = order["_there"].fill_null(False)
        items = items.with_columns(
            pl.when(there).then(order[name]).otherwise(items[name]).alias(name) for name in ITEMS if name != "item_id"
        )
    further = new.with_columns(pl.lit(None, dtype=items.schema[name]).alias(name) for name in own)
    return pl.concat([items, further.select(items.columns)]).rechunk()


def _community(community: Community, items: pl.DataFrame, new: pl.DataFrame | None) -> Community:
    other = replace(community, items=items)
    for name in ("member_ids",) if new is not None else ("member_ids", "item_ids"):
        if name in community.__dict__:
            other.__dict__[name] = community.__dict__[name]
    if new is not None:
        other.__dict__["item_ids"] = Vocabulary(items["item_id"], name="item")
    return other


def _with(source: Any, community: Community, more: int, encoder: Encoder | None) -> Any:
    """A source that has so many items more at its end."""
    other = copy(source)
    if isinstance(source, TextSimilarity):
        _grow_text(other, community, more, encoder)
    elif isinstance(source, ItemToItem):
        other.learned(source.weights, source.modelled_items, len(community.items), left_out_items=source.left_out_items)
    elif isinstance(source, Als):
        other._take(np.pad(source.item_factors, ((0, more), (0, 0))))
    elif isinstance(source, Popularity):
        other._totals, other._likers = np.pad(source.totals, (0, more)), np.pad(source.likers, (0, more))
    elif isinstance(source, Again):
        # As a young item is taken to be: no readier to come back to than the least.
        other._readiness = np.pad(source.readiness, (0, more), constant_values=float(source.readiness.min(initial=0)))
    return other


def _grow_text(source: TextSimilarity, community: Community, more: int, encoder: Encoder | None) -> None:
    """Vectors of the new items, and their nearest items in both directions."""
    old, neighbours = source.vectors, source.config.neighbours
    encoder = encoder or source.encoder
    new: Floats
    if encoder is None:
        new = np.zeros((more, old.shape[1]), dtype=np.float32)
    else:
        texts = Community(
            community.members, community.items.tail(more), community.events, community.ties, community.labels
        ).item_texts
        new = unit_rows(encoder.encode(texts) - np.asarray(source._mean))
    vectors = np.concatenate([old, new])
    near = new @ vectors.T
    near[np.arange(more), np.arange(len(old), len(vectors))] = 0
    # (new, all items): whom each new item is near to; the same cells, turned, are what speaks for it.
    close = strongest(near, neighbours)
    total = len(vectors)
    weights = sp.csr_matrix(source.weights)
    weights = sp.csr_matrix(
        (weights.data, weights.indices, np.pad(weights.indptr, (0, more), mode="edge")), (total, total)
    )
    for_new = sp.csr_matrix((close.data, close.indices, np.pad(close.indptr, (total - more, 0))), (total, total))
    source._vectors = vectors
    both = for_new.maximum(for_new.T.tocsr())
    source.learned(sp.csr_matrix(weights + both), np.arange(total), total)
