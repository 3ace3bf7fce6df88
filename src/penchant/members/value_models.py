"""The models behind `penchant.members.value`: boosted trees, linear models beside them, and their calibration."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from penchant.artifacts import storage_errors
from penchant.training.boosting import boosting
from penchant.training.options import Options
from penchant.vectors import Floats

if TYPE_CHECKING:
    import lightgbm

    from penchant.members.value import Taught, ValueConfig

_FOLDS: Final = 5
_TOLD: Final = 4
"""Features named as reasons."""
_WITHIN: Final = 2.0
"""Standard deviations beyond which the linear models see no difference: what months of events show may lie far outside
what weeks did, and a straight line would follow it anywhere."""


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear model over features on a log scale, standardised; what is missing counts as the mean."""

    means: Floats
    scales: Floats
    weights: Floats
    bias: float
    within: float = math.inf
    """Standard deviations beyond which values count as no larger."""

    def __call__(self, features: Floats) -> NDArray[np.float64]:
        """(rows,) log-odds, or log money."""
        seen = np.clip((_logged(features) - self.means) / self.scales, -self.within, self.within)
        return np.nan_to_num(seen, nan=0.0) @ self.weights.astype(np.float64) + self.bias


@dataclass(frozen=True, eq=False)
class Fitted:
    """What was learned."""

    names: tuple[str, ...]
    returns: tuple["lightgbm.Booster", ...]
    spends: tuple["lightgbm.Booster", ...]
    linear: Linear
    money: Linear
    boosted: float
    learned_money: float
    slope: float
    offset: float
    """Platt's: the blend's log-odds become a probability after `slope * blend + offset`."""
    factor: float
    """What expected money is multiplied by, so that all of it adds up on members left out."""

    def foresee(self, features: Floats) -> tuple[Floats, Floats]:
        """Probability of a purchase, and money to expect, of each row."""
        odds = self.slope * _blend(self.returns, self.linear, features, self.boosted) + self.offset
        returns = 1 / (1 + np.exp(-odds))
        logs = self.boosted * _mean(self.spends, features) + (1 - self.boosted) * self.money(features)
        past = features[:, self.names.index("spend")]
        money = self.factor * _money(logs, returns, past, self.learned_money)
        return returns.astype(np.float32), money.astype(np.float32)

    def reasons(self, features: Floats) -> list[tuple[tuple[str, float, float], ...]]:
        """For each row the features that move the trees' log-odds of staying away most, by Shapley values.

        TreeSHAP: Lundberg and Lee (2017); features that say nothing of the row are left out.
        """
        added = np.mean([model.predict(features, pred_contrib=True) for model in self.returns], axis=0)[:, :-1]
        told = []
        for row, effects in zip(features, -added, strict=True):
            order = [place for place in np.argsort(-np.abs(effects), kind="stable") if not np.isnan(row[place])]
            told.append(tuple((self.names[place], float(row[place]), float(effects[place])) for place in order[:_TOLD]))
        return told

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The numbers, for an artifact."""
        return {
            f"{name}/{field}": np.asarray(getattr(model, field))
            for name, model in (("linear", self.linear), ("money", self.money))
            for field in ("means", "scales", "weights")
        }

    @property
    def meta(self) -> dict[str, Any]:
        """The rest, as JSON can hold it."""
        return {
            "names": list(self.names),
            "models": len(self.returns),
            "biases": [self.linear.bias, self.money.bias],
            "within": self.linear.within,
            "boosted": self.boosted,
            "learned_money": self.learned_money,
            "slope": self.slope,
            "offset": self.offset,
            "factor": self.factor,
        }

    def write(self, folder: Path) -> list[str]:
        """Write the trees in LightGBM's own format; the names of the files."""
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            text = {
                f"{kind}-{place}.txt": model.model_to_string()
                for kind, models in (("return", self.returns), ("spend", self.spends))
                for place, model in enumerate(models)
            }
            for name, model in text.items():
                (folder / name).write_text(model, encoding="utf-8")
        return list(text)


def read(folder: Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> Fitted:
    """What `Fitted.write`, its arrays and its meta hold, as a model."""
    import lightgbm

    def trees(kind: str) -> tuple["lightgbm.Booster", ...]:
        return tuple(
            lightgbm.Booster(model_str=(folder / f"{kind}-{place}.txt").read_text(encoding="utf-8"))
            for place in range(meta["models"])
        )

    def linear(name: str, bias: float) -> Linear:
        means, scales, weights = (arrays[f"{name}/{field}"] for field in ("means", "scales", "weights"))
        return Linear(means, scales, weights, bias, meta["within"])

    first, second = meta["biases"]
    return Fitted(
        tuple(meta["names"]), trees("return"), trees("spend"), linear("linear", first), linear("money", second),
        meta["boosted"], meta["learned_money"], meta["slope"], meta["offset"], meta["factor"],
    )  # fmt: skip


def fitted(lessons: Sequence["Taught"], config: "ValueConfig", seed: int) -> Fitted:
    """Learn from members at several moments; calibrate on members left out, all their moments with them."""
    features = np.vstack([one.features for one in lessons])
    members = np.concatenate([one.members for one in lessons])
    returned = np.concatenate([one.returned for one in lessons])
    spent = np.log1p(np.concatenate([one.spent for one in lessons]))
    blend, logs = np.zeros(len(members)), np.zeros(len(members))
    fold_of = np.random.default_rng(seed).permutation(members.max() + 1)[members] % _FOLDS
    for fold in range(_FOLDS):
        out, rest = fold_of == fold, fold_of != fold
        if not out.any() or len(np.unique(returned[rest])) < 2:
            continue
        trees = _trees(features[rest], returned[rest], config, seed, "binary", models=1)
        blend[out] = _blend(
            trees, logistic(features[rest], returned[rest], within=_WITHIN), features[out], config.boosted
        )
        money = _trees(features[rest], spent[rest], config, seed, "regression", models=1)
        straight = ridge(features[rest], spent[rest], within=_WITHIN)
        logs[out] = config.boosted * _mean(money, features[out]) + (1 - config.boosted) * straight(features[out])
    slope, offset = _platt(blend, returned)
    returns = 1 / (1 + np.exp(-(slope * blend + offset)))
    past = features[:, lessons[0].names.index("spend")]
    foreseen = float(_money(logs, returns, past, config.learned_money).sum())
    return Fitted(
        lessons[0].names,
        _trees(features, returned, config, seed, "binary", models=config.models),
        _trees(features, spent, config, seed, "regression", models=config.models),
        logistic(features, returned, within=_WITHIN),
        ridge(features, spent, within=_WITHIN),
        config.boosted,
        config.learned_money,
        slope,
        offset,
        float(np.expm1(spent).sum()) / foreseen if foreseen > 0 else 1.0,
    )


def logistic(
    features: Floats, returned: NDArray[np.bool_], *, strength: float = 0.05, within: float = math.inf
) -> Linear:
    """A logistic regression over features on a log scale; one class alone gives its share for everybody."""
    from sklearn.linear_model import LogisticRegression

    means, scales, seen = _standardised(features, within)
    if len(np.unique(returned)) < 2:
        bias = 4.0 if returned.any() else -4.0
        return Linear(means, scales, np.zeros(features.shape[1], np.float32), bias, within)
    found = LogisticRegression(C=strength, max_iter=2_000).fit(seen, returned)
    return Linear(means, scales, found.coef_[0].astype(np.float32), float(found.intercept_[0]), within)


def ridge(features: Floats, target: Floats, *, strength: float = 100.0, within: float = math.inf) -> Linear:
    """A ridge regression over features on a log scale."""
    from sklearn.linear_model import Ridge

    means, scales, seen = _standardised(features, within)
    found = Ridge(alpha=strength).fit(seen, target)
    return Linear(means, scales, found.coef_.astype(np.float32), float(found.intercept_), within)


def _standardised(features: Floats, within: float) -> tuple[Floats, Floats, NDArray[np.float64]]:
    logged = _logged(features)
    there = ~np.isnan(logged)
    count = np.maximum(there.sum(axis=0), 1)
    means = np.where(there, logged, 0).sum(axis=0) / count
    scales = np.sqrt(np.where(there, (logged - means) ** 2, 0).sum(axis=0) / count)
    scales = np.where(scales > 1e-6, scales, 1.0)
    seen = np.clip((logged - means) / scales, -within, within)
    return means.astype(np.float32), scales.astype(np.float32), np.nan_to_num(seen, nan=0.0)


def _logged(features: Floats) -> NDArray[np.float64]:
    values = features.astype(np.float64)
    return np.sign(values) * np.log1p(np.abs(values))


def _trees(
    features: Floats, target: NDArray[Any], config: "ValueConfig", seed: int, objective: str, *, models: int
) -> tuple["lightgbm.Booster", ...]:
    import lightgbm

    settings = boosting(
        Options(seed=seed, threads=1), objective=objective, num_leaves=config.leaves, learning_rate=config.rate,
        feature_fraction=0.5, bagging_fraction=0.7, bagging_freq=1, min_data_in_leaf=30, lambda_l2=10.0,
    )  # fmt: skip
    data = lightgbm.Dataset(features, np.asarray(target, dtype=np.float64), free_raw_data=False)
    return tuple(
        lightgbm.train({**settings, "seed": seed + turn}, data, num_boost_round=config.trees) for turn in range(models)
    )


def _mean(models: Sequence["lightgbm.Booster"], features: Floats) -> NDArray[np.float64]:
    return np.mean([model.predict(features, raw_score=True) for model in models], axis=0)


def _blend(
    models: Sequence["lightgbm.Booster"], linear: Linear, features: Floats, boosted: float
) -> NDArray[np.float64]:
    return boosted * _mean(models, features) + (1 - boosted) * linear(features)


def _money(
    logs: NDArray[np.float64], returns: NDArray[np.float64], past: Floats, learned: float
) -> NDArray[np.float64]:
    """Money to expect, up to a factor; see `ValueConfig.learned_money`."""
    before = np.log(np.maximum(returns, 1e-6)) + np.log(np.maximum(past.astype(np.float64), 0.01))
    return np.exp(learned * np.maximum(logs, 0.0) + (1 - learned) * before)


def _platt(odds: NDArray[np.float64], returned: NDArray[np.bool_]) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(returned)) < 2:
        return 1.0, 0.0
    found = LogisticRegression(C=1e6, max_iter=1_000).fit(odds[:, None], returned)
    return float(found.coef_[0, 0]), float(found.intercept_[0])
