"""The same query, answered for one member: what they like moves what they find, as far as it was seen to help."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt

from penchant.data.community import Community
from penchant.data.interactions import EventWeights, seconds
from penchant.search.candidates import Candidates
from penchant.search.catalogue import Catalogue
from penchant.search.dense import Dense
from penchant.search.fusion import ndcg
from penchant.vectors import Floats, Rows, unit_rows

STRENGTHS: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2)


class PersonalConfig(BaseModel):
    """How a member's taste is read, and how much it counts.

    >>> PersonalConfig(strength=0.2).half_life_events
    20
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strength: NonNegativeFloat = 0.1
    """Spreads of the scores that an item gains for each spread that it is nearer to the taste; tuned on what members
    took after searching, where enough of them searched."""
    half_life_events: PositiveInt = 20
    """After so many further events an event counts half."""
    events: PositiveInt = Field(default=200)
    """A member's last events that are read."""
    event_weights: EventWeights = EventWeights()
    """How much an event of each kind says; what was hidden pushes away."""


@dataclass(frozen=True, eq=False)
class Taste:
    """What a member likes, as a direction, and the items that say so."""

    vector: Floats
    """(width,) of unit length, from the middle of the catalogue."""
    item_ids: tuple[str, ...]
    """Those that count most, first."""


class Pasts:
    """Every member's events with items, in order of time, each member's in one stretch."""

    def __init__(self, community: Community, weights: EventWeights) -> None:
        self.community = community
        events = community.events.filter(pl.col("item").is_not_null())
        member = events["member"].to_numpy()
        order = np.argsort(member, kind="stable")
        counts = np.bincount(member, minlength=len(community.member_ids))
        self._offsets = np.concatenate([[0], np.cumsum(counts)])
        self._items = events["item"].to_numpy()[order].astype(np.int64)
        self._at = events["at"].to_physical().to_numpy()[order]
        self._weights = weights.apply(events).to_numpy()[order]

    def of(self, member: int, before: datetime | None, most: int) -> tuple[Rows, Floats]:
        """Item rows and weights of a member's last events, those before a moment if one is named."""
        start, stop = self._offsets[member : member + 2]
        if before is not None:
            stop = start + np.searchsorted(self._at[start:stop], round(seconds(before) * 1e6), side="left")
        start = max(start, stop - most)
        return self._items[start:stop], self._weights[start:stop]


def taste_of(
    pasts: Pasts,
    member_id: str,
    catalogue: Catalogue,
    dense: Dense,
    middle: Floats,
    config: PersonalConfig,
    *,
    before: datetime | None = None,
) -> Taste | None:
    """The taste of a member; None where their events say nothing of it.

    Args:
        pasts: of the community that the member belongs to.
        member_id: whose.
        catalogue: where the items' rows are.
        dense: where their vectors are.
        middle: (width,) the mean of all vectors, which says nothing of anybody.
        config: how events are read.
        before: only events before this are read; all if absent.

    Raises:
        UnknownIdError: there is no such member.
    """
    ids = pasts.community.item_ids
    items, own = pasts.of(pasts.community.member_ids.row(member_id), before, config.events)
    weights = own * np.exp2(-np.arange(len(own))[::-1] / config.half_life_events)
    summed: dict[int, float] = {}
    for item, weight in zip(items.tolist(), weights.tolist(), strict=True):
        row = catalogue.row(ids.id(item))
        if row is not None and weight:
            summed[row] = summed.get(row, 0.0) + weight
    if not any(weight > 0 for weight in summed.values()):
        return None
    rows = np.array(list(summed), dtype=np.int64)
    shares = np.array(list(summed.values()), dtype=np.float32)
    direction = unit_rows((shares @ unit_rows(dense.vectors(rows) - middle))[None])[0]
    liked = sorted((row for row in summed if summed[row] > 0), key=lambda row: -summed[row])
    return Taste(direction, tuple(catalogue.items["item_id"][row] for row in liked))


def nearness(taste: Taste, rows: Rows, dense: Dense, middle: Floats) -> Floats:
    """(rows,) cosine of each row with a taste, both from the middle of the catalogue."""
    return unit_rows(dense.vectors(rows) - middle) @ taste.vector


def nearest_liked(taste: Taste, row: int, catalogue: Catalogue, dense: Dense, middle: Floats) -> list[tuple[str, str]]:
    """Id and title of the item, among those that say what a member likes, that is nearest to a row and not itself."""
    known = [(item, liked) for item in taste.item_ids if (liked := catalogue.row(item)) is not None and liked != row]
    if not known:
        return []
    own = dense.vectors(np.array([row]))[0] - middle
    cosines = unit_rows(dense.vectors(np.array([liked for _, liked in known])) - middle) @ own
    item, liked = known[int(cosines.argmax())]
    return [(item, catalogue.titles[liked])]


def personalised(scores: Floats, near: Floats, strength: float) -> Floats:
    """Scores with a taste added, both in spreads of the candidates.

    >>> personalised(np.array([1.0, 0.9, 0.0]), np.array([0.0, 1.0, 0.0]), 1.0).argmax()
    np.int64(1)
    """
    return _in_spreads(scores) + strength * _in_spreads(near)


def pick_strength(
    scores: Sequence[Floats],
    near: Sequence[Floats | None],
    found: Sequence[Candidates],
    relevant: sp.csr_matrix,
    id_rank: Rows,
    *,
    k: int = 10,
) -> float:
    """The strength whose lists have the best NDCG on what members took after searching; the smallest of equals."""

    def value(strength: float) -> float:
        lists = [
            score if close is None else personalised(score, close, strength)
            for score, close in zip(scores, near, strict=True)
        ]
        return ndcg(lists, found, relevant, id_rank, k=k)

    return max(STRENGTHS, key=lambda strength: (round(value(strength), 6), -strength))


def _in_spreads(values: Floats) -> Floats:
    spread = float(values.std()) if len(values) else 0.0
    return ((values - values.mean()) / spread if spread > 1e-9 else np.zeros(len(values))).astype(np.float32)
