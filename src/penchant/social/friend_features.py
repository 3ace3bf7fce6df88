"""What the friend ranker goes by: candidates for a few members at a time, and numbers about each pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, PositiveInt

from penchant.social.graph import Graph
from penchant.social.proximity import Proximity, WalkConfig, pair_values
from penchant.social.taste import Taste
from penchant.vectors import Floats, Rows

MUTUAL: Final = (
    "adamic adar", "common neighbours", "resource allocation", "jaccard", "paths of three", "walks to", "walks from",
    "likes in common", "tags in common", "friends of like taste", "taste of their friends",
    "ties of theirs", "ties of one's own", "likes of theirs", "likes of one's own",
)  # fmt: skip
DIRECTED: Final = ("looks back", "followed by followed", "follow the same", "followers of theirs")
NETWORK: Final = "network"
"""Score of the graph network, where its vectors are given."""


class CandidateConfig(BaseModel):
    """Who is put in order for a member."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    each: PositiveInt = 100
    """Candidates taken from each way of finding them: friends in common, walks, taste, the network."""
    walk: WalkConfig = WalkConfig()
    """Of personalised PageRank."""
    cells_at_once: PositiveInt = 20_000_000
    """Pairs of a member and anyone else that are looked at together: about 80 MB for each of ten measures."""

    def members_at_once(self, member_count: int) -> int:
        """Members whose candidates are found together, in a community of so many.

        >>> CandidateConfig().members_at_once(200_000)
        100
        """
        return max(1, self.cells_at_once // max(member_count, 1))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of a member and a candidate, those of one member together, with what is known of each pair."""

    members: Rows
    others: Rows
    features: Floats
    """(pairs, features)"""

    def column(self, names: Sequence[str], name: str) -> Floats:
        """(pairs,) one feature by name."""
        return self.features[:, list(names).index(name)]


class FriendFeatures:
    """Candidates and features over a graph; nothing is learned here, so a tie made a second ago counts.

    Args:
        graph: who is tied to whom, and who likes what.
        config: who is a candidate.
        directed: whether whom one follows is asked, and not whom one is friends with.
        vectors: (members, width) of a graph network; its score is then one feature more.
        taste: what members like, where it is at hand; it does not change with the ties.
    """

    def __init__(
        self,
        graph: Graph,
        config: CandidateConfig,
        *,
        directed: bool,
        vectors: Floats | None = None,
        taste: Taste | None = None,
    ) -> None:
        self.graph = graph
        self.config = config
        self.directed = directed
        self.vectors = vectors
        if taste is not None:
            self.__dict__["taste"] = taste

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in the order of the columns."""
        return MUTUAL + (DIRECTED if self.directed else ()) + ((NETWORK,) if self.vectors is not None else ())

    @cached_property
    def near(self) -> Proximity:
        """Nearness by ties."""
        return Proximity.of(self.graph.ties)

    @cached_property
    def taste(self) -> Taste:
        """Likeness by likes."""
        return Taste.of(self.graph.events, self.graph.tags)

    @cached_property
    def _likes(self) -> Floats:
        return np.diff(self.graph.events.indptr).astype(np.float32)

    def pairs(self, rows: Rows, *, all_others: bool = False) -> Pairs:
        """Candidates of some members: not tied already, not blocked, not private, not oneself.

        Args:
            rows: of the members.
            all_others: whether everyone who may be suggested is a candidate, and not only the likeliest.
        """
        near = self.near
        neighbours = near.adamic_adar(rows)
        walks = near.pagerank(rows, self.config.walk)
        alike = self.taste.alike(rows)
        shut = self.shut(rows)
        if all_others:
            local, others = np.nonzero(~shut)
        else:
            ways = [neighbours.toarray(), walks, alike.toarray()]
            if self.vectors is not None:
                ways.append(self.vectors[rows] @ self.vectors.T)
            chosen = np.zeros(shut.shape, dtype=bool)
            for scores in ways:
                _choose(chosen, np.where(shut, 0, scores), self.config.each)
            local, others = np.nonzero(chosen & ~shut)
        return Pairs(rows[local], others, self._features(rows, local, others, neighbours, walks, alike))

    def _features(
        self,
        rows: Rows,
        local: Rows,
        others: Rows,
        neighbours: sp.csr_matrix,
        walks: Floats,
        alike: sp.csr_matrix,
    ) -> Floats:
        near, members = self.near, rows[local]
        common = pair_values(near.common_neighbours(rows), local, others)
        own, theirs = near.degrees[members], near.degrees[others]
        to = walks[local, others]
        columns = [
            pair_values(neighbours, local, others),
            common,
            pair_values(near.resource_allocation(rows), local, others),
            common / np.maximum(own + theirs - common, 1),
            near.paths_of_three(rows)[local, others],
            to,
            # A walk between two goes as easily the other way, but for how many ways lead on from each.
            to * own / np.maximum(theirs, 1),
            self.taste.of_items(members, others),
            self.taste.of_tags(members, others),
            self._friends_of_like_taste(rows)[local, others] / np.maximum(own, 1),
            (alike @ near.ties).toarray()[local, others] / np.maximum(theirs, 1),
            theirs,
            own,
            self._likes[others],
            self._likes[members],
        ]
        if self.directed:
            columns += [
                pair_values(near.followers[rows], local, others),
                pair_values(near.followed_by_followed(rows), local, others),
                pair_values(near.follow_the_same(rows), local, others),
                np.diff(near.followers.indptr)[others],
            ]
        if self.vectors is not None:
            columns.append(np.einsum("ij,ij->i", self.vectors[members], self.vectors[others]))
        return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)

    def _friends_of_like_taste(self, rows: Rows) -> Floats:
        """(rows, members) how alike each is to all friends of a member together."""
        return self.taste.alike_to((self.near.ties[rows] @ self.taste.items).tocsr()).toarray()

    def shut(self, rows: Rows) -> np.ndarray:
        """(rows, members) True where one may not be suggested: oneself, tied already, blocked, or private."""
        tied = self.near.directed if self.directed else self.near.ties
        shut = (tied[rows] + self.graph.blocked[rows]).toarray() > 0
        shut |= self.graph.private[None, :]
        shut[np.arange(len(rows)), rows] = True
        return shut


def _choose(chosen: np.ndarray, scores: Floats, count: int) -> None:
    """Mark the best candidates of each row; nobody for whom nothing speaks."""
    if scores.shape[1] > count:
        bound = np.partition(scores, -count, axis=1)[:, -count][:, None]
        chosen |= (scores >= bound) & (scores > 0)
    else:
        chosen |= scores > 0
