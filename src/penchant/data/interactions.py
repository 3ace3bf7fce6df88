"""Events as numbers: how much each kind says, and each member's history as arrays in order of time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveFloat

from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.data.vocabulary import Vocabulary
from penchant.vectors import Floats, Rows

DAY: Final = 86_400.0
_FEW: Final = 10_000
"""Events of a batch up to which the cells they make are kept, since one source after another asks for them."""


FELT: Final = "felt"
"""A column of events: how the member felt, from -1 to 1, as their words tell; null or NaN where nothing does."""


def with_felt(community: Community, felt: Floats | None) -> Community:
    """The community whose events say how their members felt, which weights follow; itself where nothing is known.

    Args:
        community: whose events they are.
        felt: (events,) from -1 to 1, NaN where it is not known.
    """
    if felt is None:
        return community
    return community.with_events(community.events.with_columns(pl.Series(FELT, felt, dtype=pl.Float32)))


class EventWeights(BaseModel):
    """How much an event of each kind says that a member likes an item; zero says nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    show: float = 0.0
    view: float = 0.3
    play: float = 0.6
    read: float = 0.6
    click: float = 0.4
    like: float = 1.0
    hide: float = -1.0
    save: float = 0.9
    cart: float = 0.9
    buy: float = 1.0
    # "return" is a keyword, so the field has another name and the alias the kind's.
    returned: float = -0.5
    rate: float = 1.0
    share: float = 1.0
    review: float = 1.0
    search: float = 0.0
    rating_floor: float | None = None
    """Ratings below this count as nothing; None counts every rating as interest, as ranking benchmarks do."""

    def of(self, kind: str) -> float:
        """The weight of one kind of event.

        >>> EventWeights().of("return")
        -0.5
        """
        return float(getattr(self, "returned" if kind == EventKind.RETURN else kind))

    def apply(self, events: pl.DataFrame) -> pl.Series:
        """(rows of `events`) the weight of each event, Float32; a column `felt` scales those above zero."""
        table = {kind.value: self.of(kind) for kind in EventKind}
        weight = pl.col("kind").cast(pl.String).replace_strict(table, return_dtype=pl.Float32)
        if self.rating_floor is not None:
            low = (pl.col("kind") == EventKind.RATE.value) & (pl.col("amount") < self.rating_floor)
            weight = pl.when(low).then(0.0).otherwise(weight).cast(pl.Float32)
        if FELT in events.columns:
            # A scathing review is no sign of liking; where nothing is known, the kind alone speaks.
            liked = weight * (1 + pl.col(FELT).fill_nan(None).fill_null(1.0)) / 2
            weight = pl.when(weight > 0).then(liked).otherwise(weight).cast(pl.Float32)
        return events.select(weight.alias("weight")).to_series()


class Decay(BaseModel):
    """How an event's weight fades with age: by half every `half_life` days; None keeps all events equal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    half_life: PositiveFloat | None = None

    def factor(self, age_days: NDArray[np.float64]) -> Floats:
        """The share of an event's weight left at each age; an age below zero counts as zero.

        >>> Decay(half_life=10).factor(np.array([0.0, 10.0, 20.0])).tolist()
        [1.0, 0.5, 0.25]
        """
        if self.half_life is None:
            return np.ones(len(age_days), dtype=np.float32)
        return np.exp2(-np.maximum(age_days, 0) / self.half_life).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Histories:
    """The weighted item events of a batch of members, in order of time: what every recommender reads.

    Row i of the batch owns the entries `offsets[i]` to `offsets[i + 1]` of `items`, `at` and `weights`. A history may
    belong to a member of the community or to a stranger who has just done a few things; a model cannot tell.

    >>> one = Histories.of_items([[3, 1]], at=[[0.0, 86400.0]])
    >>> one.matrix(4, now=86400.0, decay=Decay(half_life=1)).toarray().tolist()
    [[0.0, 1.0, 0.0, 0.5]]
    """

    offsets: Rows
    items: Rows
    at: NDArray[np.float64]
    """Seconds since 1970, UTC."""
    weights: Floats

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of_items(
        cls, items: Sequence[Sequence[int]], *, at: Sequence[Sequence[float]] | None = None, weight: float = 1.0
    ) -> "Histories":
        """Histories of given item rows, all of one weight; without times, an event a second from zero."""
        lengths = np.array([len(row) for row in items], dtype=np.int64)
        times = at if at is not None else [list(range(length)) for length in lengths]
        return cls(
            offsets=np.concatenate([[0], np.cumsum(lengths)]),
            items=np.array([item for row in items for item in row], dtype=np.int64),
            at=np.array([moment for row in times for moment in row], dtype=np.float64),
            weights=np.full(lengths.sum(), weight, dtype=np.float32),
        )

    @property
    def owners(self) -> Rows:
        """(entries,) the batch row that each entry belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def rows(self, batch: slice | Rows) -> "Histories":
        """The histories of some rows of the batch, in the order asked for."""
        chosen = np.arange(len(self))[batch]
        lengths = np.diff(self.offsets)[chosen]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.repeat(self.offsets[chosen] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Histories(offsets, self.items[entries], self.at[entries], self.weights[entries])

    def matrix(self, item_count: int, *, now: float | None = None, decay: Decay | None = None) -> sp.csr_matrix:
        """(batch, item_count) float32: for each member and item the weight of its events, decayed by their age.

        Where a member did several things with an item the largest positive weight counts, so that ten views do not
        outweigh a purchase; a negative event (hide, return) after them takes its weight off again.

        Args:
            item_count: columns of the matrix.
            now: seconds since 1970 from which ages are counted; the member's own last event if absent.
            decay: how weights fade; not at all if absent.
        """
        owners, items, weights = self.cells(now=now, decay=decay)
        # The cells are in order, so the matrix is written down as it is: sorting them once more takes longer than this.
        offsets = np.searchsorted(owners, np.arange(len(self) + 1))
        return sp.csr_matrix((weights, items, offsets), shape=(len(self), item_count))

    def cells(self, *, now: float | None = None, decay: Decay | None = None) -> tuple[Rows, Rows, Floats]:
        """Batch rows, item rows and weights of the cells of `matrix` that are not zero, in order: quicker for a few."""
        weights = self.weights
        if decay is not None and decay.half_life is not None and len(self.items):
            if now is None:
                # Entries are in order of time, so a member's last one ends the row; empty rows repeat nothing.
                reference = np.repeat(self.at[self.offsets[1:] - 1], np.diff(self.offsets))
            else:
                reference = np.full(len(self.at), now)
            weights = weights * decay.factor((reference - self.at) / DAY)
        owners, items, inverse = self._distinct()
        best = np.zeros(len(owners), dtype=np.float32)
        np.maximum.at(best, inverse, weights)
        if (weights < 0).any():
            np.add.at(best, inverse, np.minimum(weights, 0))
        kept = best != 0
        return owners[kept], items[kept], best[kept]

    def weighing(self, weights: Floats) -> "Histories":
        """The same events with other weights: what follows from the items of a few is not worked out anew."""
        if len(self.items) <= _FEW:
            self._distinct()
        other = replace(self, weights=weights)
        if (known := self.__dict__.get("_distinct_cells")) is not None:
            other.__dict__["_distinct_cells"] = known
        return other

    def _distinct(self) -> tuple[Rows, Rows, Rows]:
        """Batch rows and item rows of the cells that have any event, in order, and the cell of each entry."""
        found: tuple[Rows, Rows, Rows] | None = self.__dict__.get("_distinct_cells")
        if found is None:
            wide = int(self.items.max(initial=0)) + 1
            cells, inverse = np.unique(self.owners * wide + self.items, return_inverse=True)
            owners, items = np.divmod(cells, wide)
            found = owners, items, inverse
            if len(self.items) <= _FEW:
                self.__dict__["_distinct_cells"] = found
        return found

    def touched(self, item_count: int) -> sp.csr_matrix:
        """(batch, item_count) one where the member had any event with the item, of whatever weight."""
        ones = np.ones(len(self.items), dtype=np.float32)
        matrix = sp.csr_matrix((ones, (self.owners, self.items)), shape=(len(self), item_count))
        matrix.data[:] = 1
        return matrix


def seconds(moment: datetime) -> float:
    """Seconds since 1970 of a time; a time without a zone is UTC."""
    return float(pl.Series([moment]).dt.epoch("us")[0]) / 1e6


def history_of(events: pl.DataFrame, item_ids: Vocabulary, *, weights: EventWeights | None = None) -> Histories:
    """One history from a table with string ids, in order of time; events of unknown items, and of none, are left out.

    Args:
        events: `item_id`, `kind`, `at` and `amount`, as `Store.history` gives them; all of one member.
        item_ids: the items that are known.
        weights: what each kind of event says.
    """
    rows = [None if item is None else item_ids.row_or_none(item) for item in events["item_id"]]
    known = events.with_columns(pl.Series("item", rows, dtype=pl.UInt32)).filter(pl.col("item").is_not_null())
    known = known.sort("at", maintain_order=True)
    return Histories(
        offsets=np.array([0, len(known)], dtype=np.int64),
        items=known["item"].to_numpy().astype(np.int64),
        at=known["at"].dt.epoch("us").to_numpy() / 1e6,
        weights=(weights or EventWeights()).apply(known).to_numpy(),
    )


def histories(community: Community, members: Rows | None = None, *, weights: EventWeights | None = None) -> Histories:
    """The histories of some members (all, in row order, if none are named), in order of time.

    Events without an item (searches) are left out; events of weight zero stay, so that what was seen is known.
    """
    weights = weights or EventWeights()
    events = community.events
    with_weight = events.select("member", "item", pl.col("at").dt.epoch("us").alias("at"), weights.apply(events))
    with_weight = with_weight.filter(pl.col("item").is_not_null())
    member = with_weight["member"].to_numpy()
    order = np.argsort(member, kind="stable")
    counts = np.bincount(member, minlength=len(community.member_ids))
    everyone = Histories(
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        items=with_weight["item"].to_numpy()[order].astype(np.int64),
        at=with_weight["at"].to_numpy()[order] / 1e6,
        weights=with_weight["weight"].to_numpy()[order],
    )
    return everyone if members is None else everyone.rows(members)
