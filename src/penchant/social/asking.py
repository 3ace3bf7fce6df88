"""Which question to ask next: the one after whose answer the list shown is expected to be best."""

from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from penchant.social.known import Known
from penchant.vectors import Floats, Rows

if TYPE_CHECKING:
    from penchant.social.newcomers import Newcomers

LISTED: Final = 10
"""Length of the list whose worth decides."""
FOREMOST: Final = 400
"""Items among which the list is sought: those most liked."""


class Asking:
    """Expected value of sample information (Raiffa and Schlaifer, 1961), for a list of the best few items.

    A question may tell much of who somebody is and change nothing that is shown. So for each answer to a question the
    list that would follow is made, and what of it would be liked is counted as DCG counts it; the answers are weighed
    by how likely they are.
    """

    def __init__(self, newcomers: "Newcomers") -> None:
        self.newcomers = newcomers

    def worth(self, known: Known, numbers: Rows) -> Floats:
        """(numbers,) DCG that the list is expected to have after the answer to each question.

        Args:
            known: of somebody.
            numbers: of the questions.
        """
        model, config, columns = self.newcomers, self.newcomers.config, self._columns
        belief = model.belief(known)
        beside = model.parts(known, columns).beside(config)
        shut = np.isin(columns, model.asked_items(known)) | (columns == self._asked_about(numbers)[:, None])
        total = np.zeros(len(numbers), dtype=np.float32)
        for kinds_say, members_say in zip(model.chances, model.chances_of_members, strict=True):
            kinds = belief.kinds * kinds_say[:, numbers].T
            members = belief.members * members_say[:, numbers].T
            likely = kinds.sum(axis=1)
            scores = config.kind_weight * (_shares(kinds) @ self._chance) + beside
            scores += (1 - config.kind_weight) * (_shares(members) @ self._likes)
            scores[shut] = 0
            total += likely * _dcg(scores)
        return total

    def _asked_about(self, numbers: Rows) -> Rows:
        """(numbers,) column of the item that a question is about, which is then not shown; -1 of topics."""
        items = self.newcomers.questions.items
        return np.where(numbers < len(items), items[np.minimum(numbers, len(items) - 1)], -1)

    @cached_property
    def _columns(self) -> Rows:
        return np.sort(np.argsort(-self.newcomers.overall, kind="stable")[:FOREMOST])

    @cached_property
    def _chance(self) -> Floats:
        return np.ascontiguousarray(self.newcomers.mixture.chance[:, self._columns])

    @cached_property
    def _likes(self) -> Floats:
        return np.asarray(self.newcomers.likes[:, self._columns].toarray(), dtype=np.float32)


def _shares(weights: Floats) -> Floats:
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)


def _dcg(scores: Floats) -> Floats:
    """(rows,) of the best items of each row, were the scores the chances that they are liked."""
    count = min(LISTED, scores.shape[1])
    best = -np.sort(-np.partition(scores, -count, axis=1)[:, -count:], axis=1)
    return (best @ (1 / np.log2(np.arange(2, count + 2)))).astype(np.float32)
