"""Boosted trees over the statistics: which events are not the member's, and which windows begin a change."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from penchant.errors import NotFittedError, TooLittleDataError
from penchant.training.options import Options
from penchant.vectors import Floats

if TYPE_CHECKING:
    from lightgbm import Booster


class TreesConfig(BaseModel):
    """How trees are grown.

    >>> TreesConfig().leaves
    15
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trees: PositiveInt = 300
    leaves: int = Field(default=15, ge=2)
    learning_rate: PositiveFloat = 0.05
    least_rows: PositiveInt = 50
    """Rows that a leaf holds at least."""
    columns: float = Field(default=0.4, gt=0, le=1)
    """Share of the columns that a tree may use."""
    rows: float = Field(default=0.7, gt=0, le=1)
    """Share of the rows that a tree is grown on."""
    shrinkage: NonNegativeFloat = 5.0
    """Pull of the leaves' values towards zero (L2)."""


class Trees:
    """Boosted trees for a yes-or-no question (Ke et al., LightGBM, 2017), that answer in log odds.

    The log odds are relative to those of yes among the rows learned from: 0 says that a row is like any other.
    """

    def __init__(self, config: TreesConfig | None = None) -> None:
        self.config = config or TreesConfig()
        self.names: tuple[str, ...] = ()
        self.base = 0.0
        """Log odds of yes among the rows learned from."""
        self._booster: Booster | None = None

    def fit(
        self,
        rows: Floats,
        yes: NDArray[np.bool_],
        names: Sequence[str],
        options: Options,
        weights: NDArray | None = None,
    ) -> "Trees":
        """Learn from rows, one column for each name; NaN stands for what is not known.

        Raises:
            TooLittleDataError: all answers are the same.
        """
        import lightgbm

        share = float(yes.mean()) if len(yes) else 0.0
        if not 0 < share < 1:
            raise TooLittleDataError(f"of {len(yes)} examples {int(yes.sum())} are changes; some of either are wanted")
        settings: dict[str, Any] = {
            "objective": "binary",
            "num_leaves": self.config.leaves,
            "learning_rate": self.config.learning_rate,
            "min_data_in_leaf": min(self.config.least_rows, max(1, len(rows) // 20)),
            "feature_fraction": self.config.columns,
            "bagging_fraction": self.config.rows,
            "bagging_freq": 1,
            "lambda_l2": self.config.shrinkage,
            "max_bin": 127,
            "seed": options.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": options.threads or 0,
            "verbosity": -1,
        }
        self.names = tuple(names)
        columns = [f"c{place}" for place in range(len(names))]
        data = lightgbm.Dataset(rows, label=yes.astype(np.float32), weight=weights, feature_name=columns)
        self._booster = lightgbm.train(settings, data, self.config.trees)
        self.base = float(np.log(share / (1 - share)))
        return self

    def odds(self, rows: Floats) -> Floats:
        """(rows,) log odds of yes, relative to those of the rows learned from."""
        if not len(rows):
            return np.zeros(0, dtype=np.float32)
        said = self._trees().predict(rows, raw_score=True, num_threads=1)
        return (np.asarray(said) - self.base).astype(np.float32)

    def importance(self) -> dict[str, float]:
        """The share of the total gain that each column brought, largest first."""
        gains = self._trees().feature_importance("gain")
        shares = dict(zip(self.names, (gains / max(gains.sum(), 1e-9)).tolist(), strict=True))
        return dict(sorted(shares.items(), key=lambda share: -share[1]))

    def state(self) -> dict[str, Any]:
        """What `of_state` makes the same trees from, as JSON can hold it."""
        return {"names": list(self.names), "base": self.base, "trees": self._trees().model_to_string()}

    @classmethod
    def of_state(cls, state: dict[str, Any], config: TreesConfig | None = None) -> "Trees":
        """The trees that `state` told of."""
        import lightgbm

        model = cls(config)
        model.names, model.base = tuple(state["names"]), float(state["base"])
        model._booster = lightgbm.Booster(model_str=state["trees"])
        return model

    def _trees(self) -> "Booster":
        if self._booster is None:
            raise NotFittedError("the trees have learned nothing yet; call fit or of_state first")
        return self._booster
