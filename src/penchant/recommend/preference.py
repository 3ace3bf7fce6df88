"""Will this member like this item, from titles they liked and disliked?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from penchant.artifacts import load_artifact, save_artifact
from penchant.errors import NotFittedError, TooLittleDataError
from penchant.recommend.preference_examples import (
    History,
    Judged,
    Prompt,
    by_member,
    opinions_of,
    prompt_of,
)
from penchant.recommend.preference_statistics import Trees, TreesConfig, like_share, similar_share, statistics
from penchant.recommend.preference_tastes import Opinions, Tastes, TastesConfig
from penchant.recommend.preference_tuned import Reader, ReaderConfig
from penchant.recommend.preference_weighing import held_out_weight
from penchant.text.encoder import Encoder
from penchant.text.finetune import CausalModel
from penchant.text.transformer import TransformerEncoder
from penchant.training.options import Options
from penchant.vectors import Floats, unit_rows

KIND: Final = "preference"
LIKES: Final = "share of likes"
SIMILAR: Final = "similar titles"
TASTES: Final = "mixed model"
TREES: Final = "trees"
PAIR: Final = "pair encoder"
CAUSAL: Final = "causal model"


class PreferenceConfig(BaseModel):
    """The parts of the answer, and their weights.

    >>> PreferenceConfig(pair=ReaderConfig()).pair.tuning.mode
    'lora'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tastes: TastesConfig = TastesConfig()
    """The mixed model of titles and members; its log-odds weigh one."""
    trees: TreesConfig | None = TreesConfig()
    """Trees over statistics, where rows are many; None for none."""
    trees_weight: NonNegativeFloat = 0.5
    """Weight of their log-odds."""
    pair: ReaderConfig | None = None
    """A pair encoder to fine-tune; None for none."""
    causal: ReaderConfig | None = None
    """A causal model to prompt, tuned or not; None for none."""
    similar_weight: NonNegativeFloat = 0.0
    """Weight of the log-odds of likes among similar titles; what it tells, the mixed model knows already."""
    sharpness: PositiveFloat = 10.0
    """How much more a title close to the candidate says there."""


class Preference:
    """How likely a member likes a title, from a history of titles liked and disliked, and from what others said.

    A blend of log-odds: a mixed model of likes (see `preference_tastes.Tastes`), trees over simple statistics where
    there are rows enough, and, where the configuration asks for them, language models tuned on the prompts themselves.
    Every prompt is answered from its own history and the rows learned from, never from other prompts. Without an
    encoder it is the same without the language model.

    >>> told = [Judged(Prompt((("Heat (1995)", True), ("Clueless (1995)", False)), "Ronin (1998)"), True)]
    >>> model = Preference().fit(told, Options())
    >>> model.score([("Heat (1995)", True)], "Ronin (1998)") > model.score([("Heat (1995)", False)], "Ronin (1998)")
    True
    """

    def __init__(
        self,
        config: PreferenceConfig | None = None,
        *,
        encoder: Encoder | None = None,
        tuned_from: TransformerEncoder | None = None,
        causal: CausalModel | None = None,
    ) -> None:
        """Set up.

        Args:
            config: the parts.
            encoder: gives titles vectors.
            tuned_from: the encoder that `config.pair` fine-tunes.
            causal: the causal model that `config.causal` prompts.
        """
        self.config = config or PreferenceConfig()
        self.encoder, self._tuned_from, self._causal = encoder, tuned_from, causal
        self._tastes: Tastes | None = None
        self._trees: Trees | None = None
        self._readers: dict[str, Reader] = {}
        self._reader_weights: dict[str, float] = {}
        self._mean: Floats | None = None
        self._vectors: dict[str, Floats] = {}
        self.members = 0
        """Members learned from, as far as their rows tell them apart."""

    def fit(self, rows: Sequence[Judged], options: Options) -> Self:
        """Learn from judged prompts.

        Raises:
            TooLittleDataError: there are none, or all titles are liked, or none.
            NotFittedError: the configuration asks for a language model that was not handed in.
        """
        if not rows:
            raise TooLittleDataError("there are no judged prompts to learn from; give at least one")
        runs = by_member(rows)
        self.members = len(runs)
        self._center({title for run in runs for title in opinions_of(run)})
        self._tastes = self._tastes_of([opinions_of(run) for run in runs])
        self._trees = self._grown(runs, options)
        self._readers, self._reader_weights = {}, {}
        for name, config, base in (
            (PAIR, self.config.pair, self._tuned_from),
            (CAUSAL, self.config.causal, self._causal),
        ):
            if config is not None:
                if base is None:
                    raise NotFittedError(f"the {name} has no model to start from; hand one to Preference")
                self._readers[name] = Reader.tuned(base, rows, config, options)
                weight = config.weight
                self._reader_weights[name] = self._weighed(base, runs, config, options) if weight is None else weight
        return self

    def probability(self, prompts: Sequence[Prompt]) -> NDArray[np.float64]:
        """(prompts,) how likely each candidate is liked."""
        parts = self.parts(prompts)
        weights = self.weights()
        total = np.zeros(len(prompts))
        for name, weight in weights.items():
            total += weight * _log_odds(parts[name])
        return _sigmoid(total / sum(weights.values()))

    def score(self, history: History, candidate: str) -> float:
        """How likely a member with this history likes one title.

        Raises:
            InputError: the candidate or a title is no text.
        """
        return float(self.probability([prompt_of(history, candidate)])[0])

    def rerank(self, history: History, candidates: Sequence[str]) -> list[tuple[str, float]]:
        """Candidates with their probabilities, the likeliest first; equal ones stay in the order given."""
        found = self.probability([prompt_of(history, candidate) for candidate in candidates])
        order = np.argsort(-found, kind="stable")
        return [(candidates[place], float(found[place])) for place in order]

    def parts(self, prompts: Sequence[Prompt]) -> dict[str, NDArray[np.float64]]:
        """What each part says alone: name to (prompts,) probabilities."""
        tastes = self._fitted()
        vectors = self._known({title for prompt in prompts for title in _titles(prompt)})
        found = {
            LIKES: np.array([like_share(prompt) for prompt in prompts]),
            TASTES: tastes.probability(prompts, vectors),
        }
        if vectors is not None:
            sharpness = self.config.sharpness
            found[SIMILAR] = np.array([similar_share(prompt, vectors, sharpness) for prompt in prompts])
        if self._trees is not None:
            found[TREES] = self._trees.probability(statistics(prompts, tastes, vectors))
        for name, reader in self._readers.items():
            found[name] = reader.probability(prompts)
        return found

    def weights(self) -> dict[str, float]:
        """Weights of the parts that take part."""
        self._fitted()
        found = {TASTES: 1.0}
        if self.encoder is not None and self.config.similar_weight:
            found[SIMILAR] = self.config.similar_weight
        if self._trees is not None and self.config.trees_weight:
            found[TREES] = self.config.trees_weight
        return found | {name: weight for name, weight in self._reader_weights.items() if weight}

    def importance(self) -> dict[str, float]:
        """Share of the trees' gain by statistic; nothing where none were grown."""
        return {} if self._trees is None else self._trees.importance()

    def save(self, folder: Path) -> None:
        """Write what was learned; encoders and causal models are handed in again when loading."""
        tastes = self._fitted()
        for name, reader in self._readers.items():
            reader.save(folder / name.replace(" ", "-"))
        arrays = tastes.arrays()
        if self._mean is not None:
            arrays["mean"] = self._mean
        save_artifact(
            folder,
            KIND,
            arrays=arrays,
            meta={
                "config": self.config.model_dump(mode="json"),
                "titles": list(tastes.titles),
                "members": self.members,
                "trees": self._trees.text() if self._trees is not None else None,
                "readers": self._reader_weights,
                "encoder": self.encoder.name if self.encoder is not None else None,
            },
        )

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        encoder: Encoder | None = None,
        tuned_from: TransformerEncoder | None = None,
        causal: CausalModel | None = None,
        options: Options | None = None,
    ) -> Self:
        """Read back what `save` wrote; with the same encoder, answers are identical.

        Raises:
            ArtifactError: the folder is damaged or of another kind.
            NotFittedError: it was fitted with an encoder and none, or another, is given.
        """
        artifact = load_artifact(folder, KIND)
        wanted = artifact.meta["encoder"]
        if wanted != (encoder.name if encoder is not None else None):
            given = encoder.name if encoder is not None else None
            raise NotFittedError(
                f"{folder} was fitted with the encoder {wanted!r} and {given!r} is given; hand in that"
            )
        config = PreferenceConfig.model_validate(artifact.meta["config"])
        found = cls(config, encoder=encoder, tuned_from=tuned_from, causal=causal)
        found._mean, found.members = artifact.arrays.get("mean"), int(artifact.meta["members"])
        found._tastes = Tastes.of(config.tastes, artifact.meta["titles"], artifact.arrays)
        if artifact.meta["trees"] is not None:
            found._trees = Trees.of_text(config.trees or TreesConfig(), artifact.meta["trees"])
        bases: Mapping[str, Any] = {PAIR: (config.pair, tuned_from), CAUSAL: (config.causal, causal)}
        readers = artifact.meta["readers"]
        if not isinstance(readers, Mapping):
            # Of before their parts were judged, when each had what its settings say.
            readers = {name: bases[name][0].weight or 0.3 for name in readers}
        for name, weight in readers.items():
            found._reader_weights[name] = weight
            settings, base = bases[name]
            found._readers[name] = Reader.load(folder / name.replace(" ", "-"), settings, base, options=options)
        return found

    def _fitted(self) -> Tastes:
        if self._tastes is None:
            raise NotFittedError("the preference model has learned nothing yet; call fit or load first")
        return self._tastes

    def _tastes_of(self, opinions: Sequence[dict[str, bool]]) -> Tastes:
        told = Opinions.of(opinions)
        vectors = self._known(set(told.names))
        stacked = np.stack([vectors[name] for name in told.names]) if vectors is not None else None
        return Tastes(self.config.tastes).fit(told, stacked)

    def _grown(self, runs: Sequence[Sequence[Judged]], options: Options) -> Trees | None:
        config = self.config.trees
        rows = [row for run in runs for row in run]
        if config is None or len(rows) < config.fewest or len(runs) < config.parts:
            return None
        part = options.rng().integers(0, config.parts, len(runs))
        owners = np.repeat(np.arange(len(runs)), [len(run) for run in runs])
        vectors = self._known({title for row in rows for title in _titles(row.prompt)})
        features: NDArray[np.float64] | None = None
        for number in np.unique(part):
            apart = np.flatnonzero(part[owners] == number)
            others = self._tastes_of([opinions_of(run) for run, own in zip(runs, part, strict=True) if own != number])
            found = statistics([rows[row].prompt for row in apart], others, vectors)
            if features is None:
                features = np.zeros((len(rows), found.shape[1]))
            features[apart] = found
        assert features is not None
        return Trees(config).fit(features, np.array([row.liked for row in rows]), options)

    def _weighed(
        self,
        base: TransformerEncoder | CausalModel,
        runs: Sequence[Sequence[Judged]],
        config: ReaderConfig,
        options: Options,
    ) -> float:
        """What a reader's log-odds count: as much as helps with members whom no part of the blend has seen."""

        def mixed(learned: Sequence[Sequence[Judged]], prompts: Sequence[Prompt]) -> NDArray[np.float64]:
            vectors = self._known({title for prompt in prompts for title in _titles(prompt)})
            return _log_odds(self._tastes_of([opinions_of(run) for run in learned]).probability(prompts, vectors))

        def said(learned: Sequence[Sequence[Judged]], prompts: Sequence[Prompt]) -> NDArray[np.float64]:
            rows = [row for run in learned for row in run]
            return _log_odds(Reader.tuned(base, rows, config, options).probability(prompts))

        return held_out_weight(runs, mixed, said, options.rng())

    def _center(self, titles: set[str]) -> None:
        """Remember the mean vector of the titles learned from: what all share says nothing."""
        self._mean, self._vectors = None, {}
        if self.encoder is not None:
            self._mean = self.encoder.encode(sorted(titles)).mean(axis=0)

    def _known(self, titles: set[str]) -> dict[str, Floats] | None:
        """Unit vectors of titles; each is encoded once."""
        if self.encoder is None or self._mean is None:
            return None
        new = sorted(titles - self._vectors.keys())
        if new:
            self._vectors |= dict(zip(new, unit_rows(self.encoder.encode(new) - self._mean), strict=True))
        return self._vectors


def _titles(prompt: Prompt) -> list[str]:
    return [*(title for title, _ in prompt.history), prompt.candidate]


def _log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = np.clip(probability, 1e-4, 1 - 1e-4)
    return np.log(kept / (1 - kept))


def _sigmoid(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-odds))
