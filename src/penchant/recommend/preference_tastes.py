"""A mixed model of likes: what a title is worth to everyone, how generous a member is, and what they are led by."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from penchant.errors import TooLittleDataError
from penchant.recommend.preference_examples import Prompt
from penchant.vectors import Floats, Rows

Doubles = NDArray[np.float64]

_YEAR: Final = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_TURNS: Final = 4
"""Rounds in which members' levels and titles' worths are found from one another."""
_ITERATIONS: Final = 15
_LEVEL_PULL: Final = 2.0
"""Likes at the common share that a member's level starts from while the titles' worths are found."""
_PRIOR: Final = (0.03, 0.01, 0.003)
"""Variances expected before any member is seen: of levels, of the pull of what all like, of the pull of the year."""
_NOISE: Final = 0.18
_WORTH_SCALE: Final = 5.0


class TastesConfig(BaseModel):
    """How far each part of the model is trusted.

    >>> TastesConfig(title_pull=5).text_pull
    20.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title_pull: PositiveFloat = 12.0
    """Opinions of a title that weigh as much as what its words say of it."""
    text_pull: PositiveFloat = 20.0
    """Ridge penalty on what the words say, where opinions are many."""
    few: NonNegativeFloat = 5_000.0
    """Opinions below which the words are trusted less still: with so many the penalty is twice its size."""
    year_scale: NonNegativeFloat = 10.0
    """Weight of the year that a title names, in standard deviations, beside vectors of length one; 0 leaves it out."""
    member_pull: PositiveFloat = 40.0
    """Members that weigh as much as what is expected of how members differ."""
    directions: PositiveInt = Field(default=3, le=3)
    """Ways in which members differ: level; the pull of what all like; the pull of the year."""


@dataclass(frozen=True, eq=False)
class Opinions:
    """What members said of titles, one entry each."""

    members: Rows
    titles: Rows
    liked: Floats
    names: tuple[str, ...]
    """Titles by row."""

    @classmethod
    def of(cls, opinions: Sequence[dict[str, bool]]) -> Self:
        """From each member's titles and answers."""
        names = tuple(sorted({title for said in opinions for title in said}))
        row = {name: place for place, name in enumerate(names)}
        return cls(
            np.repeat(np.arange(len(opinions)), [len(said) for said in opinions]).astype(np.int64),
            np.array([row[title] for said in opinions for title in said], dtype=np.int64),
            np.array([liked for said in opinions for liked in said.values()], dtype=np.float32),
            names,
        )


class Tastes:
    """A linear mixed model of likes and dislikes.

    like = common share + worth of the title + (level + pull of worth + pull of year) of the member + noise. A title's
    worth is the mean of what members said of it above their levels, drawn towards what its words promise: a ridge
    regression from its text vector and the year it names, so that titles never seen have a worth too. The members'
    three numbers are normally distributed around zero; how widely is learned (by expectation and maximisation), and
    those of whoever asks follow from the history in the prompt, which holds few opinions and so moves them little.
    Method: mixed models after Henderson (1975), fitted as in Laird and Ware, Random-Effects Models for Longitudinal
    Data (1982).
    """

    def __init__(self, config: TastesConfig | None = None) -> None:
        self.config = config or TastesConfig()
        self.share = 0.5
        self.titles: dict[str, int] = {}
        self._sums: Doubles = np.empty(0)
        self._counts: Doubles = np.empty(0)
        self._slopes: Doubles = np.empty(0)
        self._offset = self._centre = 0.0
        self._year = (0.0, 1.0)
        self._spread = np.empty((0, 0))
        self._noise = _NOISE

    def fit(self, opinions: Opinions, vectors: Floats | None) -> Self:
        """Learn from opinions.

        Args:
            opinions: of members about titles.
            vectors: (titles, width) of the titles' words, in the order of `opinions.names`; None leaves words out.

        Raises:
            TooLittleDataError: there are none, or all are alike.
        """
        liked = opinions.liked.astype(np.float64)
        if not len(liked) or liked.min() == liked.max():
            raise TooLittleDataError("to tell likes from dislikes both are needed; found only one kind, or none at all")
        members, titles = opinions.members, opinions.titles
        self.titles = {name: row for row, name in enumerate(opinions.names)}
        self.share = float(liked.mean())
        years = years_of(opinions.names)
        known = ~np.isnan(years)
        self._year = (float(years[known].mean()), float(years[known].std()) or 1.0) if known.any() else (0.0, 1.0)
        words = self._words(opinions.names, vectors)
        count: Doubles = np.bincount(titles, minlength=len(opinions.names)).astype(np.float64)
        each: Doubles = np.bincount(members, minlength=int(members.max()) + 1).astype(np.float64)
        # A title with many opinions tells no more of words than one with several.
        heft = count / (1 + count / self.config.title_pull)
        penalty = self.config.text_pull * (1 + self.config.few / len(liked))
        worth = np.zeros(len(count))
        for _ in range(_TURNS):
            left: Doubles = liked - worth[titles]
            level: Doubles = (np.bincount(members, left) + _LEVEL_PULL * left.mean()) / (each + _LEVEL_PULL)
            above: Doubles = liked - level[members]
            sums: Doubles = np.bincount(titles, above, minlength=len(count)).astype(np.float64)
            self._slopes, self._offset = _ridge(words, sums / np.maximum(count, 1), heft, penalty)
            self._sums, self._counts, self._centre = sums, count, 0.0
            worth = self._worth(words, np.arange(len(count)))
            self._centre = float(worth[titles].mean())
            worth = worth - self._centre
        self._learn_spread(members, liked - self.share - worth[titles], self._led(worth, opinions.names)[titles])
        return self

    def probability(self, prompts: Sequence[Prompt], vectors: dict[str, Floats] | None) -> Doubles:
        """(prompts,) how likely each candidate is liked, between 0.02 and 0.98.

        Args:
            prompts: each answered from its own history alone.
            vectors: of every title named, if the model was fitted with vectors.
        """
        worth = self.worths({title for prompt in prompts for title in _titles(prompt)}, vectors)
        return np.array([self._asked(prompt, worth) for prompt in prompts])

    def worths(self, titles: set[str], vectors: dict[str, Floats] | None) -> dict[str, tuple[float, float]]:
        """Title to its worth above the common share and its year in standard deviations."""
        names = tuple(sorted(titles))
        if not names:
            return {}
        told = np.stack([vectors[name] for name in names]) if vectors is not None else None
        rows = np.array([self.titles.get(name, -1) for name in names])
        worth = self._worth(self._words(names, told), rows) - self._centre
        return dict(zip(names, zip(worth.tolist(), self._standard(names).tolist(), strict=True), strict=True))

    def opinions_of(self, title: str) -> float:
        """How many opinions of a title were learned from."""
        row = self.titles.get(title)
        return 0.0 if row is None else float(self._counts[row])

    def arrays(self) -> dict[str, np.ndarray]:
        """What was learned, for saving."""
        numbers = np.array([self.share, self._offset, self._centre, *self._year, self._noise])
        return {
            "sums": self._sums, "counts": self._counts, "slopes": self._slopes, "spread": self._spread,
            "numbers": numbers,
        }  # fmt: skip

    @classmethod
    def of(cls, config: TastesConfig, titles: Sequence[str], arrays: dict[str, Any]) -> Self:
        """From what `arrays` gave."""
        found = cls(config)
        found.titles = {name: row for row, name in enumerate(titles)}
        found._sums, found._counts, found._slopes = arrays["sums"], arrays["counts"], arrays["slopes"]
        found._spread = arrays["spread"]
        share, offset, centre, mean, deviation, noise = arrays["numbers"].tolist()
        found.share, found._offset, found._centre = share, offset, centre
        found._year, found._noise = (mean, deviation), noise
        return found

    def _standard(self, names: Sequence[str]) -> Doubles:
        """(titles,) the year each names, in standard deviations; zero where it names none."""
        return np.nan_to_num((years_of(names) - self._year[0]) / self._year[1], nan=0.0)

    def _words(self, names: Sequence[str], vectors: Floats | None) -> Doubles:
        year = self.config.year_scale * self._standard(names)[:, None]
        return year if vectors is None else np.hstack([year, vectors.astype(np.float64)])

    def _worth(self, words: Doubles, rows: Rows) -> Doubles:
        """(titles,) worth of titles by their words and, where a row is not -1, by the opinions of them."""
        promised = words @ self._slopes + self._offset
        sums = np.where(rows >= 0, self._sums[rows], 0)
        counts = np.where(rows >= 0, self._counts[rows], 0)
        return (sums + self.config.title_pull * promised) / (counts + self.config.title_pull)

    def _led(self, worth: Doubles, names: Sequence[str]) -> Doubles:
        """(titles, directions) what of a title members differ about."""
        columns = (np.ones(len(worth)), _WORTH_SCALE * worth, self._standard(names))
        return np.stack(columns, axis=1)[:, : self.config.directions]

    def _learn_spread(self, members: Rows, left: Doubles, led: Doubles) -> None:
        """How members differ, and the noise, by expectation and maximisation."""
        expected = np.diag(_PRIOR[: self.config.directions])
        spread, noise, pull = expected.copy(), _NOISE, self.config.member_pull
        groups = np.split(np.argsort(members, kind="stable"), np.cumsum(np.bincount(members))[:-1])
        for _ in range(_ITERATIONS):
            total, error = pull * expected, 0.0
            precision = np.linalg.inv(spread)
            for group in groups:
                own = led[group]
                covariance = np.linalg.inv(precision + own.T @ own / noise)
                mean = covariance @ (own.T @ left[group]) / noise
                total = total + np.outer(mean, mean) + covariance
                error += float(((left[group] - own @ mean) ** 2).sum() + ((own @ covariance) * own).sum())
            spread = total / (len(groups) + pull)
            noise = (error + _NOISE * pull) / (len(left) + pull)
        self._spread, self._noise = spread, noise

    def _asked(self, prompt: Prompt, worth: dict[str, tuple[float, float]]) -> float:
        of = np.array([worth[title] for title in _titles(prompt)])
        led = np.stack([np.ones(len(of)), _WORTH_SCALE * of[:, 0], of[:, 1]], axis=1)[:, : self.config.directions]
        found = self.share + of[-1, 0]
        if prompt.history:
            own = led[:-1]
            left = np.array([liked for _, liked in prompt.history], dtype=np.float64) - self.share - of[:-1, 0]
            covered = own @ self._spread @ own.T + self._noise * np.eye(len(own))
            found += float(led[-1] @ self._spread @ own.T @ np.linalg.solve(covered, left))
        return float(np.clip(found, 0.02, 0.98))


def years_of(titles: Sequence[str]) -> Doubles:
    """(titles,) the last year that each names; NaN where it names none.

    >>> years_of(["2001: A Space Odyssey (1968)", "Heat"]).tolist()
    [1968.0, nan]
    """
    return np.array([float(found[-1]) if (found := _YEAR.findall(title)) else np.nan for title in titles])


def _titles(prompt: Prompt) -> list[str]:
    return [*(title for title, _ in prompt.history), prompt.candidate]


def _ridge(words: Doubles, wanted: Doubles, heft: Doubles, penalty: float) -> tuple[Doubles, float]:
    """Slopes and offset of a weighted ridge regression."""
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=penalty).fit(words, wanted, sample_weight=heft)
    return np.asarray(model.coef_, dtype=np.float64), float(model.intercept_)
