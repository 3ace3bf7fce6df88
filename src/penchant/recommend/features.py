"""What the ranker sees of a member and an item they may be shown: every feature, named in one place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.collaborative.itemtoitem import stored
from penchant.data.columns import PATH_SEPARATOR
from penchant.data.community import Community
from penchant.data.interactions import DAY, EventWeights, Histories, seconds
from penchant.data.strata import Tier
from penchant.recommend.candidates import Candidates
from penchant.vectors import Floats, Rows, chunks, unit_rows

RECENT_EVENTS: Final = 5
"""Events that make up a member's recent taste."""
WINDOW: Final = 30.0
"""Days over which popularity is counted lately, and compared with as many before."""
ROWS_AT_ONCE: Final = 50_000
"""Rows whose vectors are held in memory at one time."""

RANK_BY: Final = "rank by "
TEXT_FEATURES: Final = ("closeness to recent taste", "closeness to long-run taste")
ITEM_FEATURES: Final = (
    "age of the item", "days since anyone liked it", "likes", "likes lately", "trend of likes",
    "price against the member's own", "categories the member likes",
)  # fmt: skip
CONTEXT_FEATURES: Final = (
    "hour", "weekday", "events of the member", "days of the member", "events in the last hour", "mainstream taste",
)  # fmt: skip
TIER_FEATURES: Final = tuple(f"{tier.value} interest" for tier in Tier)
SEGMENT_FEATURES: Final = ("liked in the segment", "liked in the segment against elsewhere")
DRIFT_FEATURES: Final = ("sureness of a change", "what the member turned to", "what the member turned from")
SOCIAL_FEATURES: Final = ("social closeness", "friends' likes")
VERDICT_FEATURES: Final = (*TIER_FEATURES, *SEGMENT_FEATURES, *DRIFT_FEATURES, *SOCIAL_FEATURES)
"""What the verdicts of other systems give (`penchant.recommend.verdicts`)."""


def feature_names(sources: Sequence[str], *, text: bool, told: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the columns of `table`, in order; `told` are those of the verdicts.

    >>> feature_names(("popularity", "ease"), text=False)[:6]
    ('popularity', 'ease', 'rank by popularity', 'rank by ease', 'blend', 'rank by blend')
    """
    return (
        *sources, *(RANK_BY + name for name in sources), "blend", RANK_BY + "blend",
        *(TEXT_FEATURES if text else ()), *ITEM_FEATURES, *CONTEXT_FEATURES, *told,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ItemFacts:
    """What is known of the items themselves, and when members liked them."""

    moments: NDArray[np.float64]
    """(likes,) seconds since 1970, in order of time within each item."""
    offsets: Rows
    """Item i owns the moments `offsets[i]` to `offsets[i + 1]`."""
    born: NDArray[np.float64]
    """(items,) when each came into the catalogue, or was first liked where that is not known; NaN for neither."""
    prices: Floats
    """(items,) logarithms; NaN where there is none."""
    categories: sp.csr_matrix
    """(items, categories) one for each category of an item and for every one above it."""
    category_names: tuple[str, ...]
    vectors: Floats | None
    """(items, width) vectors of the items' texts."""
    now: float
    """The time of the last event: when a member without events is thought to ask."""

    @classmethod
    def of(cls, community: Community, weights: EventWeights, vectors: Floats | None) -> "ItemFacts":
        """Read a community's items and the events that say that a member likes one."""
        count = len(community.item_ids)
        events = community.events.select("item", pl.col("at").dt.epoch("us"), weights.apply(community.events))
        liked = events.filter(pl.col("item").is_not_null() & (pl.col("weight") > 0)).sort("item", maintain_order=True)
        item = liked["item"].to_numpy().astype(np.int64)
        moments = liked["at"].to_numpy() / 1e6
        offsets = np.concatenate([[0], np.cumsum(np.bincount(item, minlength=count))]).astype(np.int64)
        first = np.full(count, np.nan)
        found = np.flatnonzero(np.diff(offsets))
        first[found] = moments[offsets[found]]
        created = community.items["created_at"].dt.epoch("us").cast(pl.Float64).to_numpy() / 1e6
        prices = community.items["price"].cast(pl.Float64).to_numpy()
        names, categories = _categories(community)
        return cls(
            moments,
            offsets,
            np.where(np.isnan(created), first, created),
            np.log(np.where(prices > 0, prices, np.nan)).astype(np.float32),
            categories,
            names,
            vectors,
            seconds(community.now) if community.now else 0.0,
        )

    @cached_property
    def totals(self) -> Floats:
        """(items,) how often each was liked, as log(1 + n)."""
        return np.log1p(np.diff(self.offsets)).astype(np.float32)

    @cached_property
    def _line(self) -> tuple[NDArray[np.float64], float, float]:
        """All moments on one line, item after item, with where time starts and how long an item's stretch is."""
        start = float(self.moments.min(initial=self.now))
        length = max(float(self.moments.max(initial=self.now)) - start, 0.0) + 2.0
        item = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        return item * length + (self.moments - start), start, length

    def before(self, items: Rows, at: NDArray[np.float64]) -> Rows:
        """(rows,) how many moments of each row's item lie before each row's time."""
        line, start, length = self._line
        asked = items * length + np.clip(at - start, -0.5, length - 1.5)
        return np.searchsorted(line, asked, side="left") - self.offsets[items]


def _categories(community: Community) -> tuple[tuple[str, ...], sp.csr_matrix]:
    places: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    for row, paths in enumerate(community.items["categories"].to_list()):
        own = set()
        for path in paths or ():
            parts = path.split(PATH_SEPARATOR)
            own |= {PATH_SEPARATOR.join(parts[:depth]) for depth in range(1, len(parts) + 1)}
        for name in sorted(own):
            rows.append(row)
            columns.append(places.setdefault(name, len(places)))
    ones = np.ones(len(rows), dtype=np.float32)
    return tuple(places), sp.csr_matrix((ones, (rows, columns)), shape=(len(community.items), len(places)))


def table(
    candidates: Candidates,
    blended: Floats,
    batch: Histories,
    facts: ItemFacts,
    *,
    kept: NDArray[np.bool_] | None = None,
    told: Callable[[Rows, Rows], Floats] | None = None,
    members: Rows | None = None,
    ranks: Floats | None = None,
) -> Floats:
    """(kept entries, features) the ranker's rows, with the columns of `feature_names`; NaN where a thing is not known.

    The time of asking is that of a history's last event, as everywhere: what a member is shown depends on what they
    did, and not on when the question is asked.

    Args:
        candidates: the entries.
        blended: (entries,) the score of the blend.
        batch: the histories of the candidates' members.
        facts: of the items.
        kept: (entries,) the entries whose rows are wanted, all if absent; places are among all candidates.
        told: gives what verdicts say of member rows and item rows, where there are any.
        members: (batch,) the members' rows, -1 for strangers; all are strangers if absent.
        ranks: (entries, sources and blend) the places, where the entries are not all that were to be ranked.
    """
    rows = np.flatnonzero(kept) if kept is not None else np.arange(len(candidates.items))
    owners, items = candidates.owners[rows], candidates.items[rows]
    if ranks is None:
        ranks = np.stack([places(candidates, scores) for scores in (*candidates.scores.T, blended)], axis=1)
    placed = ranks[rows]
    parts: list[NDArray[np.floating]] = [candidates.scores[rows], placed[:, :-1], blended[rows, None], placed[:, -1:]]
    liked = _liked(batch, len(facts.prices))
    if facts.vectors is not None:
        parts.append(_text(owners, items, batch, liked, facts, facts.vectors))
    at = _last(batch, facts.now)
    parts.append(_of_items(owners, items, at, liked, facts))
    parts.append(_of_members(batch, at, liked, facts)[owners])
    if told is not None:
        asked = members if members is not None else np.full(len(batch), -1, dtype=np.int64)
        parts.append(told(asked[owners], items))
    return np.hstack(parts).astype(np.float32)


def places(candidates: Candidates, scores: Floats) -> Floats:
    """(entries,) the place of each by some scores among its member's candidates, from zero, best first."""
    owners = candidates.owners
    order = np.lexsort((-scores, owners))
    ranks = np.empty(len(scores), dtype=np.float32)
    ranks[order] = np.arange(len(scores)) - candidates.offsets[owners]
    return ranks


def _liked(batch: Histories, item_count: int) -> sp.csr_matrix:
    """(members, items) how much each likes each item of their history; every row adds up to one, or is empty."""
    matrix = batch.matrix(item_count)
    matrix.data = np.maximum(matrix.data, 0)
    return _shares(matrix)


def _shares(matrix: sp.csr_matrix) -> sp.csr_matrix:
    matrix.eliminate_zeros()
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    matrix.data = (matrix.data * np.repeat(1 / np.where(sums > 0, sums, 1), np.diff(matrix.indptr))).astype(np.float32)
    return matrix


def _last(batch: Histories, otherwise: float) -> NDArray[np.float64]:
    """(members,) the time of each history's last event."""
    at = np.full(len(batch), otherwise)
    some = np.flatnonzero(np.diff(batch.offsets))
    at[some] = batch.at[batch.offsets[some + 1] - 1]
    return at


def _text(
    owners: Rows, items: Rows, batch: Histories, liked: sp.csr_matrix, facts: ItemFacts, vectors: Floats
) -> Floats:
    late = np.arange(len(batch.items)) >= batch.offsets[batch.owners + 1] - RECENT_EVENTS
    weights = np.where(late, np.maximum(batch.weights, 0), 0)
    recent = sp.csr_matrix((weights, (batch.owners, batch.items)), shape=liked.shape)
    tastes = [unit_rows(_summed(weight, vectors)) for weight in (recent, liked)]
    found = np.empty((len(items), 2), dtype=np.float32)
    for part in chunks(len(items), ROWS_AT_ONCE):
        own = vectors[items[part]]
        for column, taste in enumerate(tastes):
            found[part, column] = np.einsum("ij,ij->i", taste[owners[part]], own)
    return found


def _summed(weights: sp.csr_matrix, vectors: Floats) -> Floats:
    """(members, width) the weighted sums of the vectors that each touches, and of no others."""
    touched, place = np.unique(weights.indices, return_inverse=True)
    narrow = sp.csr_matrix((weights.data, place, weights.indptr), shape=(weights.shape[0], len(touched)))
    return np.asarray(narrow @ vectors[touched], dtype=np.float32)


def _of_items(
    owners: Rows, items: Rows, at: NDArray[np.float64], liked: sp.csr_matrix, facts: ItemFacts
) -> NDArray[np.float64]:
    asked = at[owners]
    until = facts.before(items, asked)
    lately = until - facts.before(items, asked - WINDOW * DAY)
    earlier = until - lately - facts.before(items, asked - 2 * WINDOW * DAY)
    if len(facts.moments):
        latest = facts.moments[np.clip(facts.offsets[items] + until - 1, 0, len(facts.moments) - 1)]
    else:
        latest = np.zeros(len(items))
    overlap, sizes = _overlaps(owners, items, liked, facts.categories)
    return np.column_stack(
        [
            (asked - facts.born[items]) / DAY,
            np.where(until > 0, (asked - latest) / DAY, np.nan),
            facts.totals[items],
            np.log1p(lately),
            np.log((lately + 1) / (earlier + 1)),
            facts.prices[items] - _mean_prices(liked, facts)[owners],
            np.where(sizes > 0, overlap / np.maximum(sizes, 1), np.nan),
        ]
    )


def _overlaps(
    owners: Rows, items: Rows, liked: sp.csr_matrix, categories: sp.csr_matrix
) -> tuple[NDArray[np.float64], Rows]:
    """(rows,) how much of what each row's member likes lies in the item's categories, and how many it has."""
    tastes = np.asarray((liked @ categories).todense(), dtype=np.float32)
    cells, sizes = stored(categories, items)
    rows = np.repeat(np.arange(len(items)), sizes)
    taken = tastes[owners[rows], categories.indices[cells]]
    return np.bincount(rows, weights=taken, minlength=len(items)).astype(np.float64), sizes


def _mean_prices(liked: sp.csr_matrix, facts: ItemFacts) -> NDArray[np.float64]:
    """(members,) the mean of what each likes, of what has a price; NaN where nothing has."""
    prices = facts.prices[liked.indices].astype(np.float64)
    priced = ~np.isnan(prices)
    owners = np.repeat(np.arange(liked.shape[0]), np.diff(liked.indptr))[priced]
    shares = liked.data[priced]
    total = np.bincount(owners, weights=shares, minlength=liked.shape[0])
    spent = np.bincount(owners, weights=shares * prices[priced], minlength=liked.shape[0])
    return np.divide(spent, total, out=np.full(len(total), np.nan), where=total > 0)


def _of_members(
    batch: Histories, at: NDArray[np.float64], liked: sp.csr_matrix, facts: ItemFacts
) -> NDArray[np.float64]:
    lengths = np.diff(batch.offsets)
    first = at.copy()
    some = np.flatnonzero(lengths)
    first[some] = batch.at[batch.offsets[some]]
    pace = np.bincount(batch.owners, weights=batch.at > at[batch.owners] - 3600, minlength=len(batch))
    days = np.floor(at / DAY)
    return np.column_stack(
        [
            np.floor((at - days * DAY) / 3600),
            # The first of January 1970 was a Thursday; Monday is 0.
            (days + 3) % 7,
            lengths,
            (at - first) / DAY,
            pace,
            np.where(lengths > 0, liked @ facts.totals, np.nan),
        ]
    )
