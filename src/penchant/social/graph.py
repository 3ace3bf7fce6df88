"""Members, items and tags as one typed graph: who is tied to whom, who likes what, what is about what."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.columns import TieKind
from penchant.data.community import Community
from penchant.data.interactions import DAY, Decay, EventWeights, seconds
from penchant.social.cells import gathered, grown, kept_cells, scaled
from penchant.social.tags import Tags
from penchant.vectors import Floats, Rows

KIND: Final = "social-graph"


class GraphConfig(BaseModel):
    """What the graph's edges weigh."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_weights: EventWeights = EventWeights()
    """How much an event of each kind says that a member likes an item."""
    half_life_days: PositiveFloat | None = 365.0
    """Days after which an event counts half; None for no fading."""
    friend_weight: PositiveFloat = 1.0
    """Weight of a mutual tie, in each direction."""
    follow_weight: PositiveFloat = 1.0
    """Weight of a follow, from who follows to who is followed."""
    fewest_tagged: PositiveInt = 2
    """Tags of fewer items are left out: they connect nothing."""
    rows_at_once: PositiveInt = 1_000_000
    """Events or ties read at one time, which bounds the memory of making the graph."""


@dataclass(frozen=True)
class TieCounts:
    """What became of the rows of the ties table."""

    rows: int = 0
    to_oneself: int = 0
    """Left out."""
    repeated: int = 0
    """Rows that say again what another has said (a friendship named from both sides too); they count once."""
    blocked: int = 0
    """Ties between two of whom one blocks the other; the block wins, whichever came first."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Three kinds of edges over members, items and tags; every member stays in, also one without any edge.

    `ties[a, b]` is how strongly a's view goes to b: 1 where a follows b, 1 both ways where they are friends. Of a
    member's events with an item the heaviest counts, faded by age, less what speaks against it. `ties` and
    `likes` are what was read; `events` is what is left above zero.

    >>> from penchant.data.simulated import SimulatedConfig, simulate
    >>> bazaar = simulate(SimulatedConfig(events=300, members=20, seed=1)).community
    >>> graph = Graph.of(bazaar)
    >>> graph.events.shape, graph.ties.shape, graph.member_count
    ((20, 136), (20, 20), 20)
    """

    config: GraphConfig
    likes: sp.csr_matrix
    """(members, items) the heaviest event that speaks for an item, faded to `now`."""
    dislikes: sp.csr_matrix
    """(members, items) the sum of those that speak against it, faded alike; zero or less."""
    ties: sp.csr_matrix
    """(members, members) without oneself, and without pairs of whom one blocks the other."""
    blocked: sp.csr_matrix
    """(members, members) one where either blocks the other."""
    tags: sp.csr_matrix
    """(items, tags) how much a tag says of an item."""
    tag_names: tuple[str, ...]
    private: NDArray[np.bool_]
    """(members,) whose activity is not to be shown to others."""
    now: float
    """Seconds since 1970 to which events are faded."""
    counts: TieCounts = TieCounts()

    @classmethod
    def of(cls, community: Community, config: GraphConfig | None = None) -> Self:
        """The graph of a community, made a bounded part of its tables at a time."""
        config = config or GraphConfig()
        members = len(community.member_ids)
        nothing = sp.csr_matrix((members, members), dtype=np.float32)
        empty = sp.csr_matrix((members, len(community.item_ids)), dtype=np.float32)
        tags = Tags.of(community, fewest=config.fewest_tagged)
        start = cls(
            config, empty, empty, nothing, nothing, tags.matrix, tags.names,
            private=_private(community), now=_now(community),
        )  # fmt: skip
        return start._with_events(community.events)._with_ties(community.ties)

    def extended(self, community: Community, *, events: pl.DataFrame, ties: pl.DataFrame) -> Self:
        """The graph with what is new, as if it had been made anew from all.

        Args:
            community: as it is now: members and items known before keep their rows, new ones come after.
            events: rows of `community.events` that were not there before.
            ties: rows of `community.ties` that were not there before.
        """
        members, items = len(community.member_ids), len(community.item_ids)
        moment = _now(community)
        fading = float(self._fading(np.array([(moment - self.now) / DAY]))[0])
        tags = Tags.of(community, fewest=self.config.fewest_tagged)
        wider = replace(
            self,
            likes=grown(self.likes, (members, items)) * np.float32(fading),
            dislikes=grown(self.dislikes, (members, items)) * np.float32(fading),
            ties=grown(self.ties, (members, members)),
            blocked=grown(self.blocked, (members, members)),
            tags=tags.matrix,
            tag_names=tags.names,
            private=_private(community),
            now=moment,
        )
        return wider._with_events(events)._with_ties(ties)

    @property
    def member_count(self) -> int:
        """How many members there are, with and without edges."""
        return int(self.likes.shape[0])

    @property
    def item_count(self) -> int:
        """How many items there are, with and without edges."""
        return int(self.likes.shape[1])

    @cached_property
    def events(self) -> sp.csr_matrix:
        """(members, items) how much each member likes each item, faded by age; only what is above zero."""
        total = (self.likes + self.dislikes).tocsr()
        total.data[total.data < 0] = 0
        total.eliminate_zeros()
        total.sort_indices()
        return total

    @cached_property
    def shown_ties(self) -> sp.csr_matrix:
        """(members, members) the ties along which activity may be shown: those to members who are not private."""
        return kept_cells(self.ties, lambda _, others: ~self.private[others])

    def friends(self, member: int) -> Rows:
        """Rows of the members that a member looks to: friends and followed, private ones too."""
        return self.ties.indices[self.ties.indptr[member] : self.ties.indptr[member + 1]].astype(np.int64)

    def _with_events(self, events: pl.DataFrame) -> Self:
        shape = (self.member_count, self.item_count)
        likes = gathered(_clipped(self._parts(events), 0, None), shape, add=False, into=self.likes)
        dislikes = gathered(_clipped(self._parts(events), None, 0), shape, add=True, into=self.dislikes)
        return replace(self, likes=likes, dislikes=dislikes)

    def _parts(self, events: pl.DataFrame) -> Iterator[tuple[Rows, Rows, Floats]]:
        for part in events.iter_slices(self.config.rows_at_once):
            weighed = part.select(
                "member", "item", pl.col("at").dt.epoch("us").alias("at"), self.config.event_weights.apply(part)
            ).filter(pl.col("item").is_not_null() & (pl.col("weight") != 0))
            age = (self.now - weighed["at"].to_numpy() / 1e6) / DAY
            yield (
                weighed["member"].to_numpy().astype(np.int64),
                weighed["item"].to_numpy().astype(np.int64),
                weighed["weight"].to_numpy() * self._fading(age),
            )

    def _fading(self, age_days: NDArray[np.float64]) -> Floats:
        return Decay(half_life=self.config.half_life_days).factor(age_days)

    def _with_ties(self, ties: pl.DataFrame) -> Self:
        shape = (self.member_count, self.member_count)
        own = int((ties["member"] == ties["other"]).sum())
        others = ties.filter(pl.col("member") != pl.col("other"))
        blocks = others.filter(pl.col("kind") == TieKind.BLOCK.value)
        blocked = gathered(_both_ways(blocks, 1.0, self.config), shape, add=False, into=self.blocked)
        made = others.filter(pl.col("kind") != TieKind.BLOCK.value)
        friends = made.filter(pl.col("kind") == TieKind.FRIEND.value)
        follows = made.filter(pl.col("kind") == TieKind.FOLLOW.value)
        into = gathered(_both_ways(friends, self.config.friend_weight, self.config), shape, add=False, into=self.ties)
        into = gathered(_one_way(follows, self.config.follow_weight, self.config), shape, add=False, into=into)
        barred = into.multiply(blocked).tocsr()
        barred.eliminate_zeros()
        allowed = into - barred
        allowed.eliminate_zeros()
        pairs = pl.min_horizontal("member", "other"), pl.max_horizontal("member", "other").alias("second")
        distinct = friends.select(*pairs).n_unique() + follows.select("member", "other").n_unique()
        counts = TieCounts(
            rows=self.counts.rows + len(ties),
            to_oneself=self.counts.to_oneself + own,
            repeated=self.counts.repeated + len(made) - (distinct if len(made) else 0),
            blocked=self.counts.blocked + int(sp.triu(barred.maximum(barred.T)).nnz),
        )
        return replace(self, ties=allowed.tocsr(), blocked=blocked, counts=counts)

    def save(self, folder: Path | str) -> None:
        """Write the graph."""
        save_artifact(
            folder,
            KIND,
            arrays={"private": self.private},
            matrices={
                name: getattr(self, name) for name in ("likes", "dislikes", "ties", "blocked", "tags")
            },
            meta={
                "config": self.config.model_dump(mode="json"),
                "tags": list(self.tag_names),
                "now": self.now,
                "counts": vars(self.counts),
            },
        )  # fmt: skip

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read back what `save` wrote."""
        artifact = load_artifact(folder, KIND)
        meta: dict[str, Any] = artifact.meta
        return cls(
            GraphConfig.model_validate(meta["config"]),
            **artifact.matrices,
            tag_names=tuple(meta["tags"]),
            private=artifact.arrays["private"].astype(bool),
            now=meta["now"],
            counts=TieCounts(**meta["counts"]),
        )


def normalised(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """A matrix whose cells are divided by the roots of their row's and column's sums (Kipf and Welling, 2017).

    A hub of a hundred thousand ties says little to each of them, and each of them little to the hub.

    >>> normalised(sp.csr_matrix(np.array([[4.0, 0.0], [0.0, 0.0]]))).toarray().tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    return scaled(matrix, _inverse_root(matrix.sum(axis=1)), _inverse_root(matrix.sum(axis=0)))


def averaged(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """A matrix whose rows add up to one; empty rows stay empty.

    >>> averaged(sp.csr_matrix(np.array([[1.0, 3.0], [0.0, 0.0]]))).toarray().tolist()
    [[0.25, 0.75], [0.0, 0.0]]
    """
    totals = np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
    return scaled(matrix, rows=(1 / np.where(totals > 0, totals, 1)).astype(np.float32))


def _inverse_root(totals: Any) -> Floats:
    sums = np.asarray(totals, dtype=np.float64).ravel()
    return np.where(sums > 0, 1 / np.sqrt(np.where(sums > 0, sums, 1)), 0).astype(np.float32)


def _clipped(
    parts: Iterator[tuple[Rows, Rows, Floats]], low: float | None, high: float | None
) -> Iterator[tuple[Rows, Rows, Floats]]:
    """Only the cells above `low`, or only those below `high`."""
    for rows, columns, values in parts:
        kept = values > low if low is not None else values < (high or 0)
        yield rows[kept], columns[kept], values[kept]


def _one_way(ties: pl.DataFrame, weight: float, config: GraphConfig) -> Iterator[tuple[Rows, Rows, Floats]]:
    for part in ties.iter_slices(config.rows_at_once):
        first, second = (part[name].to_numpy().astype(np.int64) for name in ("member", "other"))
        yield first, second, np.full(len(first), weight, dtype=np.float32)


def _both_ways(ties: pl.DataFrame, weight: float, config: GraphConfig) -> Iterator[tuple[Rows, Rows, Floats]]:
    for first, second, values in _one_way(ties, weight, config):
        yield first, second, values
        yield second, first, values


def _private(community: Community) -> NDArray[np.bool_]:
    return community.members["private"].fill_null(False).to_numpy().astype(bool)


def _now(community: Community) -> float:
    moment: datetime | None = community.now
    return seconds(moment) if moment is not None else 0.0
