"""What a classifier reads of each member: items, likes, what was written and what it was about, and the profile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.data.columns import PATH_SEPARATOR, EventKind
from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.members.profiling import profiles
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, Rows

_UNSEEN: Final = ("show",)
_LIKED: Final = 0.7
"""How much what was liked counts beside what was chosen at all."""


@dataclass(frozen=True, eq=False)
class Activity:
    """One row a member."""

    items: sp.csr_matrix
    """(members, 2 × items) unit rows of the items they had to do with, rare ones more, beside those they liked."""
    text: Floats
    """(members, width) mean of the vectors of their events: of what they wrote, else of the item; zeros without any."""
    profile: Floats
    """(members, features) see `profiles`."""
    event_vectors: Floats
    """(distinct texts, width)."""
    event_rows: Rows
    """(events that are kept,) which of the vectors is each event's."""
    event_members: Rows
    """(events that are kept,) whose."""


def read_activity(
    community: Community, encoder: Encoder, item_ids: Sequence[str], rarity: Floats, features: Sequence[str]
) -> Activity:
    """Read every member.

    Args:
        community: whose members.
        encoder: of the texts.
        item_ids: the items that have a column.
        rarity: (items,) weight of each column.
        features: of the profile, the same for every community that is read.
    """
    events = community.events.filter(~pl.col("kind").cast(pl.String).is_in(_UNSEEN))
    texts, rows = _texts(community, events)
    vectors = encoder.encode(texts) if texts else np.zeros((0, encoder.width), dtype=np.float32)
    members = events["member"].to_numpy().astype(np.int64)
    count = len(community.members)
    total = np.zeros((count, encoder.width), dtype=np.float32)
    said = rows >= 0
    # Texts are few beside events, so each member's are counted first and added up in one product.
    taken = sp.csr_matrix((np.ones(said.sum(), np.float32), (members[said], rows[said])), shape=(count, len(texts)))
    if texts:
        total = np.asarray(taken @ vectors, dtype=np.float32)
    held = np.asarray(taken.sum(axis=1)).ravel()
    mean = total / np.maximum(held, 1)[:, None]
    made = profiles(community, names=features)
    return Activity(
        _items(community, events, item_ids, rarity),
        mean.astype(np.float32),
        made.values,
        vectors,
        rows[said],
        members[said],
    )


def rarities(community: Community) -> Floats:
    """(items,) how much an item tells: the log of how few members had to do with it."""
    pairs = community.events.select("member", "item").drop_nulls().unique()
    counts = np.bincount(pairs["item"].to_numpy(), minlength=len(community.items))
    return np.log((1 + len(community.members)) / (1 + counts)).astype(np.float32)


def common_categories(community: Community, most: int = 20) -> tuple[str, ...]:
    """First levels of categories by how many events they have, the most common first."""
    first = community.items["categories"].list.first().str.split(PATH_SEPARATOR).list.first()
    counted = first.gather(community.events["item"].drop_nulls()).drop_nulls().alias("category").value_counts()
    return tuple(counted.sort(["count", "category"], descending=[True, False])["category"].head(most))


def rendered(community: Community, members: Rows, *, most: int = 40) -> list[str]:
    """Each member's recent activity as a text that a language model reads, the latest first.

    >>> from datetime import datetime
    >>> shop = Community.from_tables(
    ...     items=pl.DataFrame({"item_id": ["p"], "title": ["Kettle"]}),
    ...     events=pl.DataFrame({"member_id": ["m", "m"], "item_id": ["p", "p"], "kind": ["buy", "review"],
    ...         "text": [None, "boils fast"], "at": [datetime(2026, 1, day) for day in (1, 2)]}),
    ... )
    >>> rendered(shop, np.array([0]))
    ['review Kettle: boils fast; buy Kettle']
    """
    titles = community.items["title"]
    kept = community.events.filter(~pl.col("kind").cast(pl.String).is_in(_UNSEEN))
    recent = kept.reverse().group_by("member", maintain_order=True).head(most)
    told: dict[int, list[str]] = {}
    shown = recent.with_columns(titles.gather(recent["item"].cast(pl.Int64)).alias("title"))
    for member, kind, title, text, amount in shown.select("member", "kind", "title", "text", "amount").iter_rows():
        stars = f" {amount:g}/5" if kind == EventKind.RATE.value and amount is not None else ""
        line = " ".join(part for part in (str(kind), title) if part) + stars
        told.setdefault(member, []).append(f"{line}: {text}" if text else line)
    return ["; ".join(told.get(int(member), [])) for member in members]


def _texts(community: Community, events: pl.DataFrame) -> tuple[list[str], Rows]:
    """Distinct texts of events and, for each event, which is its own; -1 where it has none."""
    about = pl.Series("about", community.item_texts, dtype=pl.String).gather(events["item"].cast(pl.Int64))
    own = pl.select(
        pl.when(events["text"].str.strip_chars().str.len_chars() > 0)
        .then(events["text"])
        .otherwise(about)
        .alias("said")
    ).to_series()
    distinct = own.drop_nulls().unique(maintain_order=True)
    numbers = pl.DataFrame({"said": distinct}).with_row_index("row")
    rows = own.to_frame().join(numbers, on="said", how="left", maintain_order="left")["row"]
    return distinct.to_list(), rows.cast(pl.Int64).fill_null(-1).to_numpy()


def _items(community: Community, events: pl.DataFrame, item_ids: Sequence[str], rarity: Floats) -> sp.csr_matrix:
    column = {item_id: place for place, item_id in enumerate(item_ids)}
    place = np.array([column.get(item_id, -1) for item_id in community.item_ids.ids], dtype=np.int64)
    acted = events.filter(pl.col("item").is_not_null())
    member, item = acted["member"].to_numpy().astype(np.int64), place[acted["item"].to_numpy()]
    liking = _liking(acted)
    shape = (len(community.members), len(item_ids))
    kept = item >= 0
    touched = sp.csr_matrix((np.ones(kept.sum(), np.float32), (member[kept], item[kept])), shape=shape)
    touched.data[:] = 1
    liked = kept & (liking > 0)
    likes = sp.csr_matrix((np.ones(liked.sum(), np.float32), (member[liked], item[liked])), shape=shape)
    likes.data[:] = 1
    return sp.hstack([_unit(touched @ sp.diags(rarity)), _LIKED * _unit(likes)]).tocsr().astype(np.float32)


def _liking(events: pl.DataFrame) -> Floats:
    """How much an event says that its member likes the item; stars count from the middle of all that were given."""
    weights = EventWeights().apply(events).to_numpy().astype(np.float32)
    starred = events["kind"].cast(pl.String).is_in([EventKind.RATE.value, EventKind.REVIEW.value])
    starred &= events["amount"].is_not_null()
    if starred.any():
        stars = events["amount"].filter(starred).to_numpy()
        weights = weights.copy()
        weights[starred.to_numpy()] = stars - np.median(stars) + 0.5
    return weights


def _unit(matrix: sp.csr_matrix) -> sp.csr_matrix:
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sp.csr_matrix(sp.diags(1 / np.maximum(lengths, 1e-9)) @ matrix)
