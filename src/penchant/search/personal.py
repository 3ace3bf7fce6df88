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
from penchant.data.interactions import EventWeights
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


def taste_of(
    community: Community,
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
        community: that the member belongs to.
        member_id: whose.
        catalogue: where the items' rows are.
        dense: where their vectors are.
        middle: (width,) the mean of all vectors, which says nothing of anybody.
        config: how events are read.
        before: only events before this are read; all if absent.

    Raises:
        UnknownIdError: there is no such member.
    """
    member = community.member_ids.row(member_id)
    wanted = (pl.col("member") == member) & pl.col("item").is_not_null()
    if before is not None:
        wanted &= pl.col("at") < before
    own = community.events.filter(wanted).tail(config.events)
    weights = config.event_weights.apply(own).to_numpy() * np.exp2(-np.arange(len(own))[::-1] / config.half_life_events)
    summed: dict[int, float] = {}
    for item_id, weight in zip(community.item_ids.decode(own["item"]), weights.tolist(), strict=True):
        row = catalogue.row(item_id)
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
