"""One list out of two: reciprocal ranks or scaled scores, and how much meaning counts against words."""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from penchant.evaluation.ranking import Values, evaluate_rankings
from penchant.search.candidates import Candidates, best_first
from penchant.vectors import Floats, Rows

METHODS: Final = ("rank", "score")
MEANINGS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class FusionConfig(BaseModel):
    """How the two lists become one.

    >>> FusionConfig(meaning=0.3).method
    'rank'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["rank", "score"] = "rank"
    """`rank`: one over a constant plus the place (Cormack, Clarke and Büttcher, 2009), which needs no tuning; `score`:
    both scores from 0 to 1 among the candidates of the query."""
    meaning: float = Field(default=0.5, ge=0, le=1)
    """How much the list by meaning counts; the list by words counts the rest."""
    constant: PositiveFloat = 60.0
    """How little the first places stand out, for `rank`."""


def fuse(found: Candidates, config: FusionConfig) -> Floats:
    """(candidates,) one score each, larger for better."""
    if config.method == "rank":
        words, meaning = (_reciprocal(rank, config.constant) for rank in (found.lexical_rank, found.dense_rank))
    else:
        words, meaning = _scaled(found.lexical, lowest=0.0), _scaled(found.cosine)
    return ((1 - config.meaning) * words + config.meaning * meaning).astype(np.float32)


def pick_fusion(
    found: Sequence[Candidates], relevant: sp.csr_matrix, id_rank: Rows, start: FusionConfig, *, k: int = 10
) -> FusionConfig:
    """The way of fusing whose lists have the best NDCG on validation queries; of equals, the one tried first.

    Args:
        found: for each query.
        relevant: (queries, rows) grades.
        id_rank: (rows,) the tie rule.
        start: whose constant is kept, and which is kept unless another does better.
        k: length of the lists.
    """
    tried = [start] + [
        start.model_copy(update={"method": method, "meaning": meaning}) for method in METHODS for meaning in MEANINGS
    ]
    figures = [ndcg([fuse(one, config) for one in found], found, relevant, id_rank, k=k) for config in tried]
    return tried[int(np.argmax(figures))]


def ndcg(
    scores: Sequence[Floats], found: Sequence[Candidates], relevant: sp.csr_matrix, id_rank: Rows, *, k: int = 10
) -> float:
    """Mean NDCG of the lists that scores of the candidates make."""
    return float(ndcgs(scores, found, relevant, id_rank, k=k).mean())


def ndcgs(
    scores: Sequence[Floats], found: Sequence[Candidates], relevant: sp.csr_matrix, id_rank: Rows, *, k: int = 10
) -> Values:
    """(queries with an answer,) NDCG of each list that scores of the candidates make."""
    return evaluate_rankings(ranked(scores, found, id_rank, k), relevant, k).per_member[f"ndcg@{k}"]


def ranked(scores: Sequence[Floats], found: Sequence[Candidates], id_rank: Rows, k: int) -> Rows:
    """(queries, k) rows of the catalogue, best first, -1 where there are no more."""
    lists = np.full((len(found), min(k, len(id_rank))), -1, dtype=np.int64)
    for place, (score, one) in enumerate(zip(scores, found, strict=True)):
        best = best_first(score, one.rows, id_rank, k)
        lists[place, : len(best)] = one.rows[best]
    return lists


def _reciprocal(rank: Rows, constant: float) -> Floats:
    return np.where(rank >= 0, 1 / (constant + 1 + rank), 0).astype(np.float32)


def _scaled(scores: Floats, *, lowest: float | None = None) -> Floats:
    """Scores from 0 to 1; all 0 where they are equal."""
    low = float(scores.min(initial=np.inf)) if lowest is None else lowest
    spread = float(scores.max(initial=-np.inf)) - low
    return ((scores - low) / spread if np.isfinite(spread) and spread > 0 else np.zeros(len(scores))).astype(np.float32)
