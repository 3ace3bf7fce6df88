"""How well a title answers a query, as a grade: vectors, spelling and, if wanted, a fine-tuned pair encoder."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from penchant.artifacts import load_artifact, save_artifact, storage_errors
from penchant.errors import ArtifactError, ConfigError, NotFittedError, TooLittleDataError
from penchant.search.dense import encoded, for_queries, same_vectors
from penchant.search.grades import GraderConfig
from penchant.search.kernel import Kernel
from penchant.search.linear import Linear, dealt, fitted, pick_weights
from penchant.search.pairs import Pair, compared, crossed, spelled
from penchant.text.encoder import Encoder
from penchant.training.boosting import boosting
from penchant.training.options import Options
from penchant.vectors import Floats

if TYPE_CHECKING:
    from lightgbm import Booster

    from penchant.text.finetune import TunedModel

KIND: Final = "grader"
TREES: Final = "grader.txt"
TUNED: Final = "tuned"
_FEWEST: Final = 5
"""Pairs of each grade that are needed for each fold."""


class Grader:
    """Boosted trees over comparisons of the two texts and over what each part of the grader says of them.

    Grades are chosen for macro-F1: the probability of each is multiplied by a weight, so that a rare grade is given as
    often as it pays. Weights and trees are learned on what the parts say of pairs that they have not seen.
    """

    def __init__(
        self,
        config: GraderConfig | None = None,
        *,
        encoder: Encoder | None = None,
        query_encoder: Encoder | None = None,
    ) -> None:
        self.config = config or GraderConfig()
        self.encoder = encoder
        self.query_encoder = query_encoder or (for_queries(encoder) if encoder is not None else None)
        self.grades: tuple[int, ...] = ()
        self.weights: Floats = np.zeros(0, dtype=np.float32)
        """(grades,) what each probability is multiplied by where one grade is to be said."""
        self._middle: tuple[Floats, Floats] = (np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.float32))
        """(width,) each: the mean of the vectors of queries and of titles."""
        self._models: dict[str, Kernel | Linear] = {}
        self._tuned: TunedModel | None = None
        self._trees: Booster | None = None

    def fit(self, pairs: Sequence[Pair], grades: Sequence[int], options: Options | None = None) -> Self:
        """Learn from graded pairs.

        Raises:
            TooLittleDataError: there are fewer than two grades, or too few pairs of one.
            ConfigError: the configuration wants an encoder, and none was given.
        """
        options = options or Options()
        self._check()
        names, truth = np.unique(np.asarray(grades), return_inverse=True)
        counts = np.bincount(truth)
        if len(names) < 2 or counts.min() < _FEWEST * self.config.folds:
            raise TooLittleDataError(
                f"grades {names.tolist()} have {counts.tolist()} pairs; two grades at least are wanted, and "
                f"{_FEWEST * self.config.folds} pairs of each"
            )
        self.grades = tuple(int(name) for name in names)
        seen = self._seen(pairs, is_new=True)
        folds = dealt(truth, self.config.folds, options.rng())
        said = {name: np.zeros((len(pairs), len(names)), dtype=np.float32) for name in self._part_names()}
        for fold in range(self.config.folds):
            own, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
            for name, part in self._parts(seen, pairs, truth, others, options).items():
                said[name][own] = part(own)
        rows = np.hstack([seen["compared"], *said.values()])
        held = np.zeros((len(pairs), len(names)), dtype=np.float32)
        for fold in range(self.config.folds):
            own, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
            held[own] = self._predicted(self._grown(rows[others], truth[others], options), rows[own])
        self.weights = pick_weights(held, truth)
        self._trees = self._grown(rows, truth, options)
        self._parts(seen, pairs, truth, np.arange(len(pairs)), options, keep=True)
        return self

    def probabilities(self, pairs: Sequence[Pair]) -> Floats:
        """(pairs, grades) the probability of each grade.

        Raises:
            NotFittedError: before `fit` or `load`.
        """
        if self._trees is None:
            raise NotFittedError("the grader has learned nothing yet; call fit or load first")
        if not len(pairs):
            return np.zeros((0, len(self.grades)), dtype=np.float32)
        self._check()
        seen = self._seen(pairs)
        said = [model(seen[name]) for name, model in self._models.items()]
        if self._tuned is not None:
            said.append(self._tuned.predict(list(pairs)))
        return self._predicted(self._trees, np.hstack([seen["compared"], *said]))

    def predict(self, pairs: Sequence[Pair]) -> np.ndarray:
        """(pairs,) one grade each."""
        return np.array(self.grades)[(self.probabilities(pairs) * self.weights).argmax(axis=1)]

    def score(self, pairs: Sequence[Pair]) -> Floats:
        """(pairs,) the grade to be expected: what to put them in order by."""
        return (self.probabilities(pairs) @ np.array(self.grades, dtype=np.float32)).astype(np.float32)

    def _part_names(self) -> list[str]:
        wanted = {
            "meaning": self.config.meaning,
            "spelling": self.config.spelling,
            TUNED: self.config.tuned is not None,
        }
        return [name for name, used in wanted.items() if used]

    def _check(self) -> None:
        if (self.config.meaning or self.config.tuned) and self.encoder is None:
            raise ConfigError("the grader reads meaning and has no encoder; give one, or set meaning and tuned off")

    def _seen(self, pairs: Sequence[Pair], *, is_new: bool = False) -> dict[str, Any]:
        cosines = np.zeros(len(pairs), dtype=np.float32)
        seen: dict[str, Any] = {}
        if self.config.meaning:
            assert self.encoder is not None
            assert self.query_encoder is not None
            queries = encoded(self.query_encoder, [query for query, _ in pairs])
            titles = encoded(self.encoder, [title for _, title in pairs])
            cosines = np.einsum("ij,ij->i", queries, titles)
            if is_new:
                self._middle = queries.mean(axis=0), titles.mean(axis=0)
            seen["meaning"] = crossed(queries, titles, self._middle)
        if self.config.spelling:
            seen["spelling"] = spelled(pairs, columns=self.config.columns)
        return seen | {"compared": compared(pairs, cosines)}

    def _parts(
        self,
        seen: dict[str, Any],
        pairs: Sequence[Pair],
        truth: np.ndarray,
        rows: np.ndarray,
        options: Options,
        *,
        keep: bool = False,
    ) -> dict[str, Callable[[np.ndarray], Floats]]:
        """What each part, learned on some pairs, says of others of them."""
        parts: dict[str, Callable[[np.ndarray], Floats]] = {}
        models: dict[str, Kernel | Linear] = {}
        if self.config.meaning:
            models["meaning"] = Kernel.fit(
                seen["meaning"][rows],
                truth[rows],
                anchors=self.config.anchors,
                reach=self.config.reach,
                softness=self.config.meaning_softness,
                rng=options.rng(),
            )
        if self.config.spelling:
            models["spelling"] = fitted(seen["spelling"][rows], truth[rows], self.config.spelling_softness)
        for name, model in models.items():
            parts[name] = lambda wanted, name=name, model=model: model(seen[name][wanted])  # type: ignore[misc]
        tuned: TunedModel | None = None
        if self.config.tuned is not None:
            some = options.rng().permutation(rows)[: self.config.tuned_rows]
            tuned = self._finetuned([pairs[row] for row in some], truth[some], options)
            parts[TUNED] = lambda wanted: tuned.predict([pairs[row] for row in wanted])
        if keep:
            self._models, self._tuned = models, tuned
        return parts

    def _finetuned(self, pairs: Sequence[Pair], truth: np.ndarray, options: Options) -> "TunedModel":
        from penchant.text.cache import CachedEncoder
        from penchant.text.finetune import Example, finetune
        from penchant.text.transformer import TransformerEncoder

        encoder = self.encoder.encoder if isinstance(self.encoder, CachedEncoder) else self.encoder
        if not isinstance(encoder, TransformerEncoder):
            raise ConfigError(f"{type(encoder).__name__} cannot be fine-tuned; give what load_encoder gives")
        examples = [
            Example(query, str(self.grades[grade]), title) for (query, title), grade in zip(pairs, truth, strict=True)
        ]
        assert self.config.tuned is not None
        (task,) = self.config.tuned.tasks
        task = task.model_copy(update={"labels": tuple(map(str, self.grades))})
        return finetune(encoder, examples, self.config.tuned.changed(tasks=(task,)), options)

    def _grown(self, rows: Floats, truth: np.ndarray, options: Options) -> "Booster":
        import lightgbm

        settings = boosting(
            options,
            objective="multiclass",
            num_class=len(self.grades),
            num_leaves=self.config.leaves,
            learning_rate=self.config.learning_rate,
            min_data_in_leaf=30,
            feature_fraction=0.7,
            bagging_fraction=0.8,
            bagging_freq=1,
            lambda_l2=5.0,
        )
        return lightgbm.train(settings, lightgbm.Dataset(rows, label=truth), self.config.trees)

    def _predicted(self, trees: "Booster", rows: Floats) -> Floats:
        return np.asarray(trees.predict(rows, num_threads=1), dtype=np.float32)

    def save(self, folder: Path | str) -> None:
        """Write what was learned; the encoder is not written.

        Raises:
            NotFittedError: nothing was learned yet.
            StorageError: the folder cannot be written.
        """
        if self._trees is None:
            raise NotFittedError("the grader has learned nothing yet, so there is nothing to save")
        folder = Path(folder)
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._trees.save_model(folder / TREES)
        if self._tuned is not None:
            self._tuned.save(folder / TUNED)
        arrays: dict[str, np.ndarray] = {"weights": self.weights}
        for name, model in self._models.items():
            arrays |= {f"{name}/{part}": array for part, array in model.arrays().items()}
        if self.config.meaning:
            arrays |= {"middle/queries": self._middle[0], "middle/titles": self._middle[1]}
        save_artifact(
            folder,
            KIND,
            arrays=arrays,
            meta={
                "config": self.config.model_dump(mode="json"),
                "grades": self.grades,
                "encoder": self.encoder.name if self.encoder is not None else None,
            },
            files=[TREES],
        )

    @classmethod
    def load(
        cls, folder: Path | str, *, encoder: Encoder | None = None, query_encoder: Encoder | None = None
    ) -> "Grader":
        """Read back what `save` wrote; grades are identical.

        Raises:
            ArtifactError: the folder is damaged or of another kind, or the encoder is another one.
        """
        import lightgbm

        folder = Path(folder)
        artifact = load_artifact(folder, KIND)
        saved_with = artifact.meta["encoder"]
        if encoder is not None and saved_with is not None and not same_vectors(encoder.name, saved_with):
            raise ArtifactError(f"{folder} was learned with the encoder {saved_with!r}; {encoder.name!r} was given")
        grader = cls(GraderConfig.model_validate(artifact.meta["config"]), encoder=encoder, query_encoder=query_encoder)
        grader.grades, grader.weights = tuple(artifact.meta["grades"]), artifact.arrays["weights"]
        saved = artifact.arrays
        if grader.config.meaning:
            grader._middle = saved["middle/queries"], saved["middle/titles"]
            linear = Linear(saved["meaning/weights"], saved["meaning/bias"])
            grader._models["meaning"] = Kernel(
                saved["meaning/anchors"], saved["meaning/mixing"], grader.config.reach, linear
            )
        if grader.config.spelling:
            grader._models["spelling"] = Linear(saved["spelling/weights"], saved["spelling/bias"])
        if (folder / TUNED).is_dir():
            from penchant.text.finetune import TunedModel

            grader._tuned = TunedModel.load(folder / TUNED)
        grader._trees = lightgbm.Booster(model_file=folder / TREES)
        return grader
