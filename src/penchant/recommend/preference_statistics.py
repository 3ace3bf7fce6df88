"""Simple statistics of a prompt, and trees over them: what to expect without any tuning of a language model."""

from collections.abc import Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from penchant.recommend.preference_examples import Prompt
from penchant.recommend.preference_tastes import Tastes, years_of
from penchant.training.boosting import boosting
from penchant.training.options import Options
from penchant.vectors import Floats

Doubles = NDArray[np.float64]

TREE_FEATURES: Final = (
    "expected", "share of likes", "worth of the title", "opinions of the title", "closeness to likes",
    "nearest like", "nearness in years", "worth of likes",
)  # fmt: skip
"""What the trees see, in order."""


def like_share(prompt: Prompt) -> float:
    """The share of likes in the history, one of each kind added.

    >>> like_share(Prompt((("a", True), ("b", True)), "c"))
    0.75
    """
    return (len(prompt.liked) + 1) / (len(prompt.history) + 2)


def similar_share(prompt: Prompt, vectors: dict[str, Floats], sharpness: float) -> float:
    """The share of likes in the history, each title weighed by how close it is to the candidate.

    Args:
        prompt: history and candidate.
        vectors: unit vectors of all titles named.
        sharpness: the weight of a title is the exponential of so many times its cosine with the candidate.
    """
    if not prompt.history:
        return 0.5
    likes = np.array([liked for _, liked in prompt.history], dtype=np.float64)
    weights = np.exp(sharpness * (_cosines(prompt, vectors) - 1))
    prior = weights.mean()
    return float((weights @ likes + prior) / (weights.sum() + 2 * prior))


class TreesConfig(BaseModel):
    """Gradient boosting over the statistics."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fewest: PositiveInt = 1_000
    """Rows below which no trees are grown."""
    parts: PositiveInt = 8
    """Parts of the members: statistics of each are those of models that have not seen it."""
    trees: PositiveInt = 120
    """Trees grown."""
    leaves: PositiveInt = 6
    """Leaves of a tree."""
    learning_rate: PositiveFloat = 0.03
    """Share of each tree's correction that is taken."""
    fewest_in_leaf: PositiveInt = 100
    """Rows in a leaf at least."""


class Trees:
    """LightGBM over statistics of a prompt that come from a model which has not seen the prompt's member."""

    def __init__(self, config: TreesConfig | None = None) -> None:
        self.config = config or TreesConfig()
        self._booster: Any = None

    def fit(self, features: Doubles, liked: NDArray[np.bool_], options: Options) -> Self:
        """Grow trees on out-of-fold statistics."""
        import lightgbm

        settings = boosting(
            options, objective="binary", learning_rate=self.config.learning_rate, num_leaves=self.config.leaves,
            min_data_in_leaf=self.config.fewest_in_leaf, bagging_fraction=0.7, bagging_freq=1, feature_fraction=0.6,
            lambda_l2=20.0,
        )  # fmt: skip
        table = lightgbm.Dataset(features, liked.astype(np.float64), feature_name=_columns())
        self._booster = lightgbm.train(settings, table, self.config.trees)
        return self

    def probability(self, features: Doubles) -> Doubles:
        """(prompts,) how likely each candidate is liked."""
        return np.asarray(self._booster.predict(features, num_threads=1), dtype=np.float64)

    def importance(self) -> dict[str, float]:
        """Feature to its share of the gain."""
        gains = np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)
        return dict(zip(TREE_FEATURES, (gains / max(gains.sum(), 1e-9)).tolist(), strict=True))

    def text(self) -> str:
        """LightGBM's own text form."""
        return str(self._booster.model_to_string())

    @classmethod
    def of_text(cls, config: TreesConfig, text: str) -> Self:
        """From what `text` gave."""
        import lightgbm

        found = cls(config)
        found._booster = lightgbm.Booster(model_str=text)
        return found


def statistics(prompts: Sequence[Prompt], tastes: Tastes, vectors: dict[str, Floats] | None) -> Doubles:
    """(prompts, features) what the trees see of each prompt; where vectors are absent, closeness is zero."""
    named = {title for prompt in prompts for title in (prompt.candidate, *(name for name, _ in prompt.history))}
    worth = tastes.worths(named, vectors)
    expected = tastes.probability(prompts, vectors)
    return np.array(
        [_row(prompt, value, tastes, worth, vectors) for prompt, value in zip(prompts, expected, strict=True)]
    ).reshape(len(prompts), len(TREE_FEATURES))


def _row(
    prompt: Prompt,
    expected: float,
    tastes: Tastes,
    worth: dict[str, tuple[float, float]],
    vectors: dict[str, Floats] | None,
) -> list[float]:
    likes = np.array([liked for _, liked in prompt.history], dtype=bool)
    # Where a history is all of one kind there is nothing to compare.
    both = bool(likes.any() and not likes.all())
    close = nearest = years = led = 0.0
    if both:
        if vectors is not None:
            cosines = _cosines(prompt, vectors)
            close = float(cosines[likes].mean() - cosines[~likes].mean())
            nearest = float(cosines[likes].max() - cosines[~likes].max())
        told = np.nan_to_num(years_of([title for title, _ in prompt.history]), nan=0.0)
        own = float(np.nan_to_num(years_of([prompt.candidate])[0], nan=0.0))
        if own and told.all():
            years = abs(own - float(told[~likes].mean())) - abs(own - float(told[likes].mean()))
        values = np.array([worth[title][0] for title, _ in prompt.history])
        led = float(values[likes].mean() - values[~likes].mean())
    opinions = np.log1p(tastes.opinions_of(prompt.candidate))
    return [expected, like_share(prompt), worth[prompt.candidate][0], opinions, close, nearest, years, led]


def _cosines(prompt: Prompt, vectors: dict[str, Floats]) -> Doubles:
    told = np.stack([vectors[title] for title, _ in prompt.history]).astype(np.float64)
    return told @ vectors[prompt.candidate].astype(np.float64)


def _columns() -> list[str]:
    return [name.replace(" ", "_") for name in TREE_FEATURES]
