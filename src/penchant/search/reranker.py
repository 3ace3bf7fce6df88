"""The best candidates put in a better order: gradient-boosted trees learned on judged queries."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from penchant.artifacts import storage_errors
from penchant.errors import NotFittedError, TooLittleDataError
from penchant.search.features import FEATURES
from penchant.training.boosting import boosting
from penchant.training.options import Options
from penchant.vectors import Floats

if TYPE_CHECKING:
    from lightgbm import Booster

FILE: Final = "reranker.txt"
LEVELS: Final = 6
"""Grades are told apart in so many steps above none."""


class RerankerConfig(BaseModel):
    """How the order is learned.

    >>> RerankerConfig(depth=20).trees
    800
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    depth: PositiveInt = 50
    """Candidates that are put in order; those below keep the order of the fused list."""
    trees: PositiveInt = 800
    """At most; fewer where the queries held out say so."""
    leaves: PositiveInt = Field(default=7, ge=2)
    learning_rate: PositiveFloat = 0.05
    least_rows: PositiveInt = 40
    """Candidates that a leaf holds at least."""
    patience: PositiveInt = 100
    """Trees without a gain on the queries held out, after which learning stops."""


class Reranker:
    """Trees boosted on a cross-entropy that bounds NDCG (XE-NDCG; Bruch, 2021), as LightGBM has it.

    The gain of a grade is the grade, as in `evaluate_rankings`.
    """

    def __init__(self, config: RerankerConfig | None = None) -> None:
        self.config = config or RerankerConfig()
        self._booster: Booster | None = None

    def fit(self, rows: Sequence[Floats], grades: Sequence[Floats], held_out: Sequence[int], options: Options) -> Self:
        """Learn from the candidates of judged queries.

        Args:
            rows: for each query, (candidates, features).
            grades: for each query, (candidates,); zero where an item does not answer, or nobody judged it.
            held_out: the queries that say when to stop.
            options: seed and threads.

        Raises:
            TooLittleDataError: no query has a candidate that answers it.
        """
        import lightgbm

        away = set(held_out)
        largest = max((float(grade.max(initial=0)) for grade in grades), default=0.0)
        parts: list[lightgbm.Dataset] = []
        for wanted in (False, True):
            chosen = [n for n in range(len(rows)) if (n in away) is wanted and grades[n].max(initial=0) > 0]
            if not chosen:
                raise TooLittleDataError("no judged query has an answer among its candidates; judge more queries")
            levels = np.rint(np.concatenate([grades[n] for n in chosen]) / largest * LEVELS).astype(np.int32)
            parts.append(
                lightgbm.Dataset(
                    np.concatenate([rows[n] for n in chosen]),
                    label=levels,
                    group=[len(rows[n]) for n in chosen],
                    feature_name=list(FEATURES),
                    reference=parts[0] if parts else None,
                    free_raw_data=False,
                )
            )
        settings = boosting(
            options,
            objective="rank_xendcg",
            metric="ndcg",
            eval_at=[10],
            label_gain=[float(level) for level in range(LEVELS + 1)],
            num_leaves=self.config.leaves,
            learning_rate=self.config.learning_rate,
            min_data_in_leaf=self.config.least_rows,
            feature_fraction=0.8,
            bagging_fraction=0.8,
            bagging_freq=1,
            lambda_l2=5.0,
        )
        self._booster = lightgbm.train(
            settings,
            parts[0],
            self.config.trees,
            valid_sets=[parts[1]],
            callbacks=[lightgbm.early_stopping(self.config.patience, verbose=False)],
        )
        return self

    def score(self, rows: Floats) -> Floats:
        """(candidates,) larger for better.

        Raises:
            NotFittedError: nothing was learned yet.
        """
        if self._booster is None:
            raise NotFittedError("the reranker has learned nothing yet; call fit or load first")
        if not len(rows):
            return np.zeros(0, dtype=np.float32)
        # One list is too short to share among threads.
        return np.asarray(self._booster.predict(rows, num_threads=1), dtype=np.float32)

    def importance(self) -> dict[str, float]:
        """The share of the total gain that each feature brought, largest first.

        Raises:
            NotFittedError: nothing was learned yet.
        """
        if self._booster is None:
            raise NotFittedError("the reranker has learned nothing yet; call fit or load first")
        gains = self._booster.feature_importance("gain")
        shares = dict(zip(FEATURES, (gains / max(gains.sum(), 1e-9)).tolist(), strict=True))
        return dict(sorted(shares.items(), key=lambda share: -share[1]))

    def save(self, folder: Path) -> list[str]:
        """Write the trees in LightGBM's text; the names of the files."""
        if self._booster is None:
            raise NotFittedError("the reranker has learned nothing yet, so there is nothing to save")
        with storage_errors(folder):
            self._booster.save_model(folder / FILE, num_iteration=self._booster.best_iteration)
        return [FILE]

    @classmethod
    def load(cls, folder: Path, config: RerankerConfig) -> Self:
        """Read back what `save` wrote."""
        import lightgbm

        model = cls(config)
        model._booster = lightgbm.Booster(model_file=folder / FILE)
        return model
