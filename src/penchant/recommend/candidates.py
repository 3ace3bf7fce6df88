"""Candidates: the items that any source puts near the top, with every source's score of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.collaborative.scorer import Scorer
from penchant.data.interactions import Histories
from penchant.recommend.newitems import NewItems
from penchant.recommend.opinions import Opinions, members_at_once
from penchant.vectors import Floats, Rows, best_places, chunks


@dataclass(frozen=True, eq=False)
class Candidates:
    """For each member of a batch, the items to choose among; a ranker's rows.

    Member m owns the entries `offsets[m]` to `offsets[m + 1]`.
    """

    sources: tuple[str, ...]
    offsets: Rows
    items: Rows
    """(entries,) item rows, ascending within a member."""
    scores: Floats
    """(entries, sources) each source's score, in spreads above the member's mean."""

    @classmethod
    def of(
        cls,
        opinions: Opinions,
        barred: NDArray[np.bool_],
        per_source: int,
        *,
        further: Sequence[Rows] | None = None,
    ) -> "Candidates":
        """The union of each source's best items for each member.

        Args:
            opinions: of the members.
            barred: (members, items) True where a member may not be shown an item.
            per_source: how many of each source's best items take part.
            further: for each member, items that take part whatever the sources say of them.
        """
        if opinions.items is not None:
            # They were found when the sources were asked.
            return cls(
                sources=tuple(opinions.scores),
                offsets=np.array([0, len(opinions.items)], dtype=np.int64),
                items=opinions.items,
                scores=np.concatenate(list(opinions.scores.values())).T,
            )
        count = min(per_source, barred.shape[1])
        each: list[Rows] = []
        for row, shut in enumerate(barred):
            best = [best_places(np.where(shut, -np.inf, found[row]), count) for found in opinions.scores.values()]
            items = np.unique(np.concatenate([*best, *([further[row]] if further is not None else [])]))
            each.append(items[~shut[items]])
        lengths = [len(items) for items in each]
        owners, items = np.repeat(np.arange(len(each)), lengths), np.concatenate([np.empty(0, dtype=np.int64), *each])
        return cls(
            sources=tuple(opinions.scores),
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            items=items,
            scores=np.stack([found[owners, items] for found in opinions.scores.values()], axis=1),
        )

    @property
    def owners(self) -> Rows:
        """(entries,) the member of the batch that each entry belongs to."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


def gather(
    sources: Mapping[str, Scorer],
    batch: Histories,
    shut: sp.csr_matrix,
    *,
    closed: NDArray[np.bool_],
    cold: NDArray[np.bool_],
    trust: float,
    new_items: NewItems | None = None,
    per_source: int = 100,
) -> Candidates:
    """The union of each source's best items for each member, a few members at a time.

    Args:
        sources: fitted scorers by name.
        batch: the members' histories.
        shut: (members, items) nonzero where a member may not be shown an item.
        closed: (items,) True where nobody may.
        cold: (items,) items that nobody has touched.
        trust: as `Opinions.of` takes it.
        new_items: as `Opinions.of` takes it.
        per_source: how many of each source's best items take part.
    """
    parts: list[Candidates] = []
    for part in chunks(len(batch), members_at_once(len(closed))):
        barred = (shut[part].toarray() > 0) | closed
        opinions = Opinions.of(sources, batch.rows(part), barred, cold=cold, trust=trust, new_items=new_items)
        parts.append(Candidates.of(opinions, barred, per_source))
    lengths = [np.diff(found.offsets) for found in parts]
    return Candidates(
        sources=tuple(sources),
        offsets=np.cumsum(np.concatenate([[0], *lengths])).astype(np.int64),
        items=np.concatenate([np.empty(0, dtype=np.int64), *(found.items for found in parts)]),
        scores=np.concatenate([np.empty((0, len(sources)), np.float32), *(found.scores for found in parts)]),
    )
