"""What is held out to tune and weigh on: people, what they may not be shown, and what they liked next."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import scipy.sparse as sp

from penchant.data.community import Community
from penchant.data.interactions import EventWeights, histories
from penchant.evaluation.ranking import RankingMetrics, evaluate_rankings
from penchant.social.people import People
from penchant.vectors import Floats, Rows, chunks, top_k

CELLS_AT_ONCE: Final = 8_000_000
"""Scores held in memory at one time."""

Score = Callable[[People], Floats]
"""(people, items) scores of some people."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Members, and what each of them is known to have liked that no model was shown."""

    members: Rows
    shut: sp.csr_matrix
    """(members, items) nonzero where a member has met an item, which is not shown again."""
    relevant: sp.csr_matrix
    """(members, items) nonzero where a held-out item was liked."""
    id_rank: Rows
    """(items,) the tie rule."""

    @classmethod
    def of(
        cls,
        known: Community,
        held_out: Community,
        weights: EventWeights,
        *,
        also_met: Community | None = None,
        most: int | None = None,
        rng: np.random.Generator | None = None,
    ) -> Self:
        """Members with something to be found.

        Args:
            known: whose events are known; items in them count as met where the event weighs anything.
            held_out: whose events of positive weight are to be foreseen.
            weights: how much each kind of event says.
            also_met: further events whose items count as met.
            most: a sample of so many members, where there are more.
            rng: draws the sample.
        """
        item_count = len(known.item_ids)
        met = _weighing(known, weights, item_count)
        if also_met is not None:
            met = met.maximum(_weighing(also_met, weights, item_count)).tocsr()
        liked = histories(held_out, weights=weights).matrix(item_count)
        liked.data = (liked.data > 0).astype(np.float32)
        relevant = sp.csr_matrix(liked - liked.multiply(met))
        relevant.eliminate_zeros()
        members = np.flatnonzero(np.diff(relevant.indptr))
        if most is not None and rng is not None and len(members) > most:
            members = np.sort(rng.choice(members, most, replace=False))
        return cls(members, met[members].tocsr(), relevant[members].tocsr(), known.item_ids.id_rank)

    def part(self, which: Rows) -> "HeldOut":
        """Some of these members, by place."""
        return HeldOut(self.members[which], self.shut[which], self.relevant[which], self.id_rank)

    def ndcg(self, scores: Floats, k: int) -> np.ndarray:
        """(members,) NDCG of lists by some scores; these are overwritten where items were met."""
        return self.judged(scores, k).per_member[f"ndcg@{k}"]

    def judged(self, scores: Floats, k: int) -> RankingMetrics:
        """All ranking metrics of lists by (members, items) scores; these are overwritten where items were met."""
        return evaluate_rankings(self.ranked(scores, k), self.relevant, k)

    def ranked(self, scores: Floats, k: int) -> Rows:
        """(members, k) item rows, best first; scores are overwritten where items were met."""
        rows = np.repeat(np.arange(len(self.members)), np.diff(self.shut.indptr))
        scores[rows, self.shut.indices] = -np.inf
        return top_k(scores, k, tie_rank=self.id_rank)

    def scores(self, people: People, score: Score) -> Floats:
        """(members, items) scores, made a few members at a time."""
        size = max(1, CELLS_AT_ONCE // max(self.shut.shape[1], 1))
        return np.concatenate([score(people.part(part)) for part in chunks(len(people), size)])


def _weighing(community: Community, weights: EventWeights, item_count: int) -> sp.csr_matrix:
    """(members, items) one where a member had any event with the item that says anything."""
    batch = histories(community, weights=weights)
    saying = batch.weights != 0
    owners, items = batch.owners[saying], batch.items[saying]
    matrix = sp.csr_matrix((np.ones(len(items), np.float32), (owners, items)), shape=(len(batch), item_count))
    matrix.data[:] = 1
    return matrix
