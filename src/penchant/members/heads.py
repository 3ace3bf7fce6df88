"""Models that turn what was read of members into probabilities of classes; each is saved without a pickle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.artifacts import MANIFEST, storage_errors
from penchant.text.finetune import TunedModel
from penchant.text.transformer import TransformerEncoder
from penchant.training.boosting import boosting
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

_LINEAR: Final = ("weights", "bias", "mean", "scale")
_TREES: Final = {
    "learning_rate": 0.03, "num_leaves": 7, "feature_fraction": 0.4, "bagging_fraction": 0.8, "bagging_freq": 1,
    "lambda_l2": 5.0,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Linear:
    """Multinomial logistic regression over scaled columns."""

    weights: Floats
    """(features, classes)."""
    bias: Floats
    mean: Floats | None = None
    """Subtracted from each column, and `scale` divided by; None where columns are taken as they are."""
    scale: Floats | None = None

    @classmethod
    def fit(
        cls, features: Any, codes: Rows, classes: int, *, penalty: float, scaled: bool, weights: NDArray | None = None
    ) -> "Linear":
        """Fit by L-BFGS; `penalty` is C, so that less is smoother."""
        from sklearn.linear_model import LogisticRegression

        mean = scale = None
        if scaled:
            mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
            features = (features - mean) / scale
        model = LogisticRegression(C=penalty, max_iter=500).fit(features, codes, sample_weight=weights)
        found = np.zeros((features.shape[1], classes), dtype=np.float32)
        bias = np.full(classes, -30.0, dtype=np.float32)
        if len(model.classes_) == 2:
            # Scikit-learn keeps one column for two classes.
            found[:, model.classes_[1]], bias[model.classes_] = model.coef_[0], (0.0, model.intercept_[0])
        else:
            found[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
        return cls(found, bias, mean, scale)

    def log_probabilities(self, features: Any) -> Floats:
        """(rows, classes)."""
        if self.mean is not None and self.scale is not None:
            features = (features - self.mean) / self.scale
        scores = features @ self.weights
        return log_softmax(np.asarray(scores.todense() if sp.issparse(scores) else scores) + self.bias)


@dataclass(frozen=True, eq=False)
class Trees:
    """Gradient-boosted trees (LightGBM) over profiles; what a member has nothing to tell of stays missing."""

    text: str
    """LightGBM's own format."""
    classes: int

    @classmethod
    def fit(cls, features: Floats, codes: Rows, classes: int, *, rounds: int, seed: int) -> "Trees":
        """Fit so many rounds."""
        import lightgbm

        goal = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
        fewest = max(2, min(20, len(codes) // 20))
        settings = boosting(Options(seed=seed, threads=1), **_TREES, **goal, min_data_in_leaf=fewest)
        data = lightgbm.Dataset(features.astype(np.float64), codes, free_raw_data=True)
        model = lightgbm.train(settings, data, num_boost_round=rounds)
        return cls(model.model_to_string(), classes)

    def log_probabilities(self, features: Floats) -> Floats:
        """(rows, classes)."""
        import lightgbm

        told = np.asarray(lightgbm.Booster(model_str=self.text).predict(features.astype(np.float64), num_threads=1))
        both = np.column_stack([1 - told, told]) if self.classes == 2 else told
        return np.log(np.clip(both, 1e-6, 1)).astype(np.float32)


def log_softmax(scores: NDArray) -> Floats:
    """(rows, classes) logs of probabilities."""
    top = scores - scores.max(axis=1, keepdims=True)
    return (top - np.log(np.exp(top).sum(axis=1, keepdims=True))).astype(np.float32)


@dataclass(frozen=True)
class Stack:
    """A calibrated blend: a weight for each source, a bias for each class, found by likelihood on held-out members."""

    weights: tuple[float, ...]
    bias: tuple[float, ...]

    @classmethod
    def fit(cls, logs: list[Floats], codes: Rows, *, strength: float = 2.0) -> "Stack":
        """Find weights of at least 0 by penalised likelihood.

        Args:
            logs: of each source, (members, classes) log-probabilities of members it was not fitted on.
            codes: (members,) the true classes.
            strength: of the pull towards equal weights and no bias, in members.
        """
        from scipy.optimize import minimize

        stacked = np.stack(logs).astype(np.float64)
        sources, _, classes = stacked.shape
        start = np.concatenate([np.full(sources, 1 / sources), np.zeros(classes)])

        wanted = np.eye(classes)[codes]

        def loss(point: NDArray) -> tuple[float, NDArray]:
            scores = np.tensordot(point[:sources], stacked, axes=1) + point[sources:]
            scores -= scores.max(axis=1, keepdims=True)
            chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            likelihood = np.log(chances[np.arange(len(codes)), codes]).sum()
            missed = chances - wanted
            slope = np.concatenate([(stacked * missed).sum(axis=(1, 2)), missed.sum(axis=0)])
            away = point - start
            return float(strength * (away**2).sum() - likelihood), slope + 2 * strength * away

        bounds = [(0.0, None)] * sources + [(None, None)] * classes
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
        return cls(tuple(found[:sources].tolist()), tuple(found[sources:].tolist()))

    def blend(self, logs: list[Floats]) -> Floats:
        """(members, classes) log-probabilities."""
        scores = sum(weight * source for weight, source in zip(self.weights, logs, strict=True))
        return log_softmax(np.asarray(scores) + np.array(self.bias))


def conformal_threshold(logs: Floats, codes: Rows, coverage: float) -> float:
    """The probability from which a class is named, so that the true one is named so often (Sadinle et al., 2019)."""
    missed = 1 - np.exp(logs[np.arange(len(codes)), codes].astype(np.float64))
    level = min(1.0, np.ceil((len(codes) + 1) * coverage) / len(codes))
    return float(1 - np.quantile(missed, level, method="higher"))


def save_heads(folder: Path, heads: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Write what is no array into a folder; the arrays that are left to be saved, and the names of the files written.

    Args:
        folder: made if absent.
        heads: by name: `Linear`, `Trees`, or a tuned language model.

    Raises:
        StorageError: the folder cannot be written.
    """
    arrays: dict[str, np.ndarray] = {}
    files = []
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, head in heads.items():
            if isinstance(head, Linear):
                parts = {part: getattr(head, part) for part in _LINEAR}
                arrays |= {f"{name}/{part}": values for part, values in parts.items() if values is not None}
            elif isinstance(head, Trees):
                files.append(f"{name}.txt")
                (folder / files[-1]).write_text(head.text, encoding="utf-8")
            else:
                head.save(folder / name)
                files.append(f"{name}/{MANIFEST}")
    return arrays, files


def load_heads(
    folder: Path,
    names: Sequence[str],
    arrays: Mapping[str, np.ndarray],
    classes: int,
    encoder: TransformerEncoder | None = None,
) -> dict[str, Any]:
    """Read back what `save_heads` wrote.

    Args:
        folder: that it was written to.
        names: of the heads.
        arrays: those that it gave.
        classes: how many there are.
        encoder: that a tuned language model was tuned from.
    """
    heads: dict[str, Any] = {}
    for name in names:
        if f"{name}/weights" in arrays:
            parts = {part: arrays.get(f"{name}/{part}") for part in _LINEAR}
            heads[name] = Linear(**parts)  # type: ignore[arg-type]
        elif (folder / f"{name}.txt").is_file():
            heads[name] = Trees((folder / f"{name}.txt").read_text("utf-8"), classes)
        else:
            # In the precision of the encoder that it was tuned from, or answers would differ.
            options = encoder.options if encoder is not None else None
            heads[name] = TunedModel.load(folder / name, encoder, options=options)
    return heads
