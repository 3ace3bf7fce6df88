"""Choosing each source's settings on validation data: one field after the other, the best kept."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.collaborative.scorer import Scorer, ScorerConfig
from penchant.data.community import Community
from penchant.data.interactions import Histories
from penchant.evaluation.ranking import evaluate_rankings
from penchant.recommend.opinions import members_at_once
from penchant.recommend.sources import make
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Rows, chunks, top_k

SCORING_ONLY: Final = frozenset({"recency", "lift"})
"""Fields that change how a history is read and nothing that is learned: trying them needs no new fit."""


@dataclass(frozen=True, eq=False)
class Validation:
    """What settings are judged by: histories, what must not be shown, and what was liked next."""

    batch: Histories
    shut: sp.csr_matrix
    """(members, items) nonzero where a member may not be shown an item."""
    relevant: sp.csr_matrix
    """(members, items) nonzero where a held-out item was liked."""
    closed: NDArray[np.bool_]
    """(items,) True where nobody may be shown an item."""
    id_rank: Rows
    """(items,) the tie rule."""
    members: Rows
    """(members,) whose rows these are."""

    def ndcg(self, scorer: Scorer, k: int) -> float:
        """Mean NDCG of a scorer's own lists of k."""
        lists = []
        for part in chunks(len(self.batch), members_at_once(len(self.closed))):
            scores = scorer.score(self.batch.rows(part))
            scores[(self.shut[part].toarray() > 0) | self.closed] = -np.inf
            lists.append(top_k(scores, k, tie_rank=self.id_rank))
        return evaluate_rankings(np.concatenate(lists), self.relevant, k).means[f"ndcg@{k}"]


@dataclass(frozen=True, eq=False)
class Tuned:
    """A fitted source with the settings that did best, and how every trial did."""

    scorer: Scorer
    config: ScorerConfig
    trials: tuple[tuple[dict[str, Any], float], ...]

    @property
    def best(self) -> float:
        """NDCG of the settings kept, on validation data."""
        return max(found for _, found in self.trials)


def tune(
    name: str,
    start: ScorerConfig,
    grid: Mapping[str, tuple[Any, ...]],
    train: Community,
    validation: Validation,
    options: Options,
    *,
    encoder: Encoder | None = None,
    k: int = 10,
) -> Tuned:
    """Fit a source and improve its settings field by field.

    Args:
        name: of the source.
        start: settings to start from.
        grid: field to the values to try, in order; a field whose values change nothing that is learned costs no fit.
        train: what every trial is fitted on.
        validation: what every trial is judged by.
        options: how to run.
        encoder: for the source that reads texts.
        k: length of the lists judged.
    """
    config = start
    fitted = make(name, config, encoder=encoder).fit(train, options)
    best = validation.ndcg(fitted, k)
    trials: list[tuple[dict[str, Any], float]] = [(config.as_meta(), best)]
    for field, values in grid.items():
        for value in values:
            if value == getattr(config, field):
                continue
            tried = config.model_copy(update={field: value})
            if field in SCORING_ONLY:
                scorer = copy.copy(fitted)
                scorer.config = tried
            else:
                scorer = make(name, tried, encoder=encoder).fit(train, options)
            found = validation.ndcg(scorer, k)
            trials.append((tried.as_meta(), found))
            if found > best:
                best, config, fitted = found, tried, scorer
    return Tuned(fitted, config, tuple(trials))
