"""Members who stand in for newcomers, so that questions and their order can be judged before anybody new comes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import scipy.sparse as sp

from penchant.social.answers import Answer
from penchant.social.graph import Graph
from penchant.social.known import Known
from penchant.social.newcomers import Newcomers
from penchant.social.questions import Questions
from penchant.vectors import Floats, Rows

INFORMATIVE: Final = "adaptive"
POPULAR: Final = "popular items"
RANDOM: Final = "random"
STRATEGIES: Final = (INFORMATIVE, POPULAR, RANDOM)
"""What decides which question is next: what it tells, how many like the item, or chance."""


@dataclass(frozen=True, eq=False)
class StandIns:
    """Members held out whole. Half of what each likes speaks for them when they are asked; the other half is judged."""

    rows: Rows
    """Of the members, in the whole community."""
    speaks: sp.csr_matrix
    """(stand-ins, items) ones: what answers are made from."""
    judged: sp.csr_matrix
    """(stand-ins, items) ones: what is to be foreseen."""
    ties: sp.csr_matrix
    """(stand-ins, members) whom they look to."""

    @classmethod
    def drawn(
        cls,
        likes: sp.csr_matrix,
        ties: sp.csr_matrix,
        share: float,
        rng: np.random.Generator,
        *,
        fewest: int = 4,
        most: int | None = None,
    ) -> "StandIns":
        """A share of the members, among those who like at least so many items.

        Args:
            likes: (members, items) positive where a member likes an item.
            ties: (members, members) who looks to whom.
            share: of all members.
            rng: who, and which half.
            fewest: items liked.
            most: members, at most.
        """
        able = np.flatnonzero(np.diff(likes.indptr) >= fewest)
        count = min(len(able), round(share * likes.shape[0]), most or len(able))
        rows = np.sort(rng.choice(able, count, replace=False)).astype(np.int64)
        chosen = likes[rows].tocsr()
        half = np.zeros(chosen.nnz, dtype=bool)
        for start, end in zip(chosen.indptr[:-1], chosen.indptr[1:], strict=True):
            half[rng.permutation(np.arange(start, end))[: (end - start) // 2]] = True
        return cls(rows, _cells(chosen, half), _cells(chosen, ~half), ties[rows].tocsr())

    def __len__(self) -> int:
        return len(self.rows)

    def friends(self, place: int) -> Rows:
        """Rows of those whom one stand-in looks to."""
        return self.ties.indices[self.ties.indptr[place] : self.ties.indptr[place + 1]].astype(np.int64)


def columns_of(newcomers: Newcomers, judged: sp.csr_matrix, place: int) -> Rows:
    """Columns of what is to be foreseen for one stand-in.

    Items that newcomers are not shown at all get numbers past the last column: they count as missed.
    """
    rows = judged.indices[judged.indptr[place] : judged.indptr[place + 1]]
    column = np.searchsorted(newcomers.items, rows)
    known = newcomers.items[np.minimum(column, len(newcomers.items) - 1)] == rows
    return np.where(known, column, len(newcomers.items) + np.arange(len(rows))).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Interview:
    """What one stand-in was asked, step by step."""

    known: tuple[Known, ...]
    """Before the first question, after the first answer, and so on."""

    def asked(self, newcomers: Newcomers, steps: int) -> Rows:
        """Columns of the items asked about in the first steps."""
        return newcomers.asked_items(self.known[min(steps, len(self.known) - 1)])


def interview(
    newcomers: Newcomers,
    speaks: sp.csr_matrix,
    start: Known,
    steps: int,
    *,
    strategy: str = INFORMATIVE,
    about: str = "all",
    rng: np.random.Generator | None = None,
) -> Interview:
    """Ask one stand-in.

    Args:
        newcomers: fitted without them.
        speaks: (1, columns) what they like, of the half that speaks.
        start: what is known before the first question.
        steps: how many questions.
        strategy: one of `STRATEGIES`.
        about: `items`, `topics` or `all`, where the strategy has a choice.
        rng: of the strategy `random`.
    """
    questions = newcomers.questions
    known = [start]
    order = _order(newcomers, strategy, about, rng)
    for step in range(steps):
        number = newcomers.next_question(known[-1], about=about) if order is None else _at(order, step)
        if number is None:
            break
        known.append(known[-1].answered(number, _said(questions, number, speaks)))
    return Interview(tuple(known))


def ndcg(scores: Floats, judged: Rows, shut: Rows, k: int = 10) -> float:
    """NDCG of the best k columns (Järvelin and Kekäläinen, 2002); NaN where nothing is left to foresee.

    Args:
        scores: (columns,)
        judged: columns of what is to be foreseen.
        shut: columns that may not be shown, and are not counted as missed.
        k: length of the list.

    >>> ndcg(np.array([3.0, 2.0, 1.0]), judged=np.array([1]), shut=np.array([0]), k=2)
    1.0
    """
    wanted = np.setdiff1d(judged, shut)
    if not len(wanted):
        return float("nan")
    open_scores = scores.astype(np.float64)
    open_scores[shut] = -np.inf
    # All that equal the k-th best stay in, so that equal scores go by column.
    pool = np.flatnonzero(open_scores >= np.partition(open_scores, -min(k, len(scores)))[-min(k, len(scores))])
    best = pool[np.argsort(-open_scores[pool], kind="stable")][:k]
    discount = 1 / np.log2(np.arange(2, k + 2))
    return float(discount[: len(best)][np.isin(best, wanted)].sum() / discount[: min(k, len(wanted))].sum())


def _order(newcomers: Newcomers, strategy: str, about: str, rng: np.random.Generator | None) -> Sequence[int] | None:
    questions = newcomers.questions
    if strategy == INFORMATIVE:
        return None
    if strategy == POPULAR:
        return [int(number) for number in np.argsort(-newcomers.overall[questions.items], kind="stable")]
    allowed = np.flatnonzero((questions.subjects == (about == "topics")) | (about == "all"))
    chooser: Callable[[Rows], Rows] = (rng or np.random.default_rng()).permutation
    return [int(number) for number in chooser(allowed)]


def _at(order: Sequence[int], step: int) -> int | None:
    return order[step] if step < len(order) else None


def _said(questions: Questions, number: int, speaks: sp.csr_matrix) -> Answer:
    return questions.told_by(number, speaks)


def _cells(matrix: sp.csr_matrix, kept: np.ndarray) -> sp.csr_matrix:
    cells = matrix.tocoo()
    found = (np.ones(int(kept.sum()), dtype=np.float32), (cells.row[kept], cells.col[kept]))
    return sp.csr_matrix(found, shape=matrix.shape)


def without_members(graph: Graph, rows: Rows) -> Graph:
    """The graph as if some members had never done anything; who is tied to whom is kept for asking."""
    kept = np.ones(graph.member_count, dtype=np.float32)
    kept[rows] = 0
    away = sp.diags_array(kept).tocsr()
    likes, dislikes = (sp.csr_matrix(away @ part) for part in (graph.likes, graph.dislikes))
    likes.eliminate_zeros()
    dislikes.eliminate_zeros()
    ties = sp.csr_matrix(away @ graph.ties @ away)
    ties.eliminate_zeros()
    return replace(graph, likes=likes, dislikes=dislikes, ties=ties)
