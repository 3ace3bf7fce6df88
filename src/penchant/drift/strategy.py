"""What to do about a change: the plan with the largest expected gain, member by member, not by the verdict alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from penchant.artifacts import load_artifact, save_artifact
from penchant.collaborative.scorer import Scorer
from penchant.data.attention import PLANS, Plan
from penchant.drift.plans import performances
from penchant.errors import InputError, NotFittedError, TooLittleDataError
from penchant.vectors import Floats

if TYPE_CHECKING:
    import lightgbm

KIND: Final = "drift-strategy"
_FEWEST: Final = 50
"""Windows to learn from."""


class StrategyConfig(BaseModel):
    """How plans are tried and chosen.

    >>> StrategyConfig().k
    20
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: PositiveInt = 20
    """Length of the lists that plans are judged by."""
    half_life: PositiveFloat = 2.0
    """Windows after which an event counts half under `decay`."""
    trees: PositiveInt = 160
    """Trees that foresee each plan's gain."""
    leaves: int = Field(default=6, ge=2, le=64)
    """Leaves of a tree."""
    caution: NonNegativeFloat = 0.0
    """NDCG by which another plan must be expected to beat the one that it would replace."""
    usual: Plan | None = None
    """The plan that another one must beat; None for the one that is best on average."""


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen, and why."""

    plan: Plan
    expected: dict[Plan, float]
    """NDCG that each plan is expected to reach."""


class Strategy:
    """Foresees how well each plan would do next, from the judge's odds and from how well each did so far.

    Learned on streams with planted changes of members whom neither judge nor scorer has learned from. A plan's expected
    NDCG is that of boosted trees; the plan with the largest wins, unless the plan that is best on average is as good.
    """

    def __init__(self, config: StrategyConfig | None = None) -> None:
        self.config = config or StrategyConfig()
        self._models: tuple[lightgbm.Booster, ...] = ()
        self._usual = 0

    def fit(
        self, scorer: Scorer, items: NDArray[np.int32], odds: Floats, *, repeats: bool = False, seed: int = 0
    ) -> Self:
        """Learn from streams.

        Args:
            scorer: fitted on other members.
            items: (streams, windows, events) item rows.
            odds: (streams, windows, questions) the judge's log odds; NaN where there is too little before.
            repeats: whether items that a member has met may be shown again.
            seed: of the trees.

        Raises:
            TooLittleDataError: there are hardly any windows.
        """
        return self.fit_on(self.tried(scorer, items, repeats=repeats), odds, seed=seed)

    def tried(self, scorer: Scorer, items: NDArray[np.int32], *, repeats: bool = False) -> Floats:
        """(streams, windows, plans) how well each plan foresees each window."""
        return performances(scorer, items, k=self.config.k, half_life=self.config.half_life, repeats=repeats)

    def fit_on(self, reached: Floats, odds: Floats, *, seed: int = 0) -> Self:
        """Learn from what each plan reached; see `fit`.

        Args:
            reached: what `tried` gives.
            odds: (streams, windows, questions).
            seed: of the trees.
        """
        import lightgbm

        features, coming = self._features(reached, odds), reached[:, 1:]
        rows: NDArray[np.bool_] = np.logical_not(np.isnan(coming).any(axis=2))
        rows[:, 0] = False
        if rows.sum() < _FEWEST:
            raise TooLittleDataError(f"there are {int(rows.sum())} windows to learn plans from; {_FEWEST} are wanted")
        seen, wanted = features[:, :-1][rows], coming[rows].astype(np.float64)
        self._usual = int(wanted.mean(axis=0).argmax()) if self.config.usual is None else PLANS.index(self.config.usual)
        # What plans have in common, an easy window or a hard one, says nothing of which to take.
        wanted = wanted - wanted.mean(axis=1, keepdims=True)
        settings = {
            "objective": "regression",
            "num_leaves": self.config.leaves,
            "learning_rate": 0.05,
            "min_data_in_leaf": 40,
            "lambda_l2": 5.0,
            "feature_fraction": 0.7,
            "seed": seed,
            "num_threads": 1,
            "deterministic": True,
            "verbosity": -1,
        }
        self._models = tuple(
            lightgbm.train(settings, lightgbm.Dataset(seen, wanted[:, place]), self.config.trees)
            for place in range(len(PLANS))
        )
        return self

    def choose(self, reached: Floats, odds: Floats) -> NDArray[np.int64]:
        """(streams, windows) the place in `PLANS` of the plan for what comes after each window.

        Args:
            reached: (streams, windows, plans) how well each plan has foreseen each window so far.
            odds: (streams, windows, questions) the judge's.
        """
        expected = self.expected(reached, odds)
        best = expected.argmax(axis=2)
        gain = np.take_along_axis(expected, best[:, :, None], axis=2)[:, :, 0] - expected[:, :, self._usual]
        return np.where(gain > self.config.caution, best, self._usual)

    def expected(self, reached: Floats, odds: Floats) -> NDArray[np.float64]:
        """(streams, windows, plans) how far above the plans' mean each is expected to be.

        Raises:
            NotFittedError: nothing was learned yet.
            InputError: shapes do not fit.
        """
        if not self._models:
            raise NotFittedError("this strategy has not learned yet; call fit first, or load a saved one")
        if reached.shape[:2] != odds.shape[:2] or reached.shape[2] != len(PLANS):
            raise InputError(f"what plans reached is {reached.shape} and the odds are {odds.shape}; windows must agree")
        features = self._features(reached, odds)
        flat = features.reshape(-1, features.shape[2])
        said = np.stack([model.predict(flat) for model in self._models], axis=1)
        return said.reshape(*features.shape[:2], len(PLANS))

    def choice(self, reached: Floats, odds: Floats) -> Choice:
        """What to do for one member after their last window.

        Args:
            reached: (windows, plans).
            odds: (windows, questions).
        """
        expected = self.expected(reached[None], odds[None])[0, -1]
        plan = PLANS[int(self.choose(reached[None], odds[None])[0, -1])]
        return Choice(plan, dict(zip(PLANS, expected.tolist(), strict=True)))

    def _features(self, reached: Floats, odds: Floats) -> Floats:
        """(streams, windows, features) what is known after each window: odds, and how plans did, lately and so far."""
        centred = reached - np.nanmean(np.where(np.isnan(reached), 0, reached), axis=2, keepdims=True)
        known = ~np.isnan(centred)
        count = np.maximum(np.cumsum(known, axis=1), 1)
        mean = np.cumsum(np.where(known, centred, 0), axis=1) / count
        before = np.concatenate([np.full_like(odds[:, :1], np.nan), odds[:, :-1]], axis=1)
        parts = [odds, before, centred, mean, reached.mean(axis=2, keepdims=True)]
        return np.concatenate(parts, axis=2).astype(np.float32)

    def save(self, folder: Path | str) -> None:
        """Write what was learned.

        Raises:
            NotFittedError: nothing was.
        """
        if not self._models:
            raise NotFittedError("this strategy has not learned yet; there is nothing to save")
        meta: dict[str, Any] = {
            "config": self.config.model_dump(mode="json"),
            "models": [model.model_to_string() for model in self._models],
            "usual": self._usual,
        }
        save_artifact(Path(folder), KIND, meta=meta)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote; choices are identical.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        import lightgbm

        meta = load_artifact(Path(folder), KIND).meta
        model = cls(StrategyConfig.model_validate(meta["config"]))
        model._models = tuple(lightgbm.Booster(model_str=text) for text in meta["models"])
        model._usual = meta["usual"]
        return model
