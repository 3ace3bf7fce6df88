"""A labelling loop: texts worth a label come up, answers are learned from, and what they are worth is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.errors import InputError, TooLittleDataError
from penchant.interests.learning import (
    StopConfig,
    StopVerdict,
    SuggestConfig,
    fit_predict,
    held_out,
    suggest,
    suspects,
    when_to_stop,
)
from penchant.interests.taxonomy import normal_path
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Floats, Rows, unit_rows

MOST_TEXTS: Final = 20_000
"""Texts that are looked at for the next ones to label, drawn at random where there are more."""
_FOLDS: Final = 5
"""Parts of which each is held out in turn to look for labels that are wrong."""


@dataclass(frozen=True)
class Suggestion:
    """A text worth a label, and what it looks to be so far, the likeliest first; nothing while it is all one."""

    text: str
    likely: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class DoubtedLabel:
    """A label that looks wrong, and the one that the text looks to deserve."""

    text: str
    given: str
    likely: str
    margin: float
    """By how much the likely label is more probable than the given one."""


@dataclass(frozen=True)
class Round:
    """What a round of labelling came to."""

    labelled: int
    labels: int
    verdict: StopVerdict
    doubted: tuple[DoubtedLabel, ...]


class Labelling:
    """Some texts, those of them that are labelled, and a linear model over their vectors that learns as labels come.

    A text with several labels is learned from as one of the first; one label a text is what the model tells apart.

    >>> from penchant.vectors import unit_rows
    >>> class Letters:
    ...     name, width = "letters", 26
    ...     def encode(self, texts):
    ...         counts = [[text.count(chr(97 + letter)) for letter in range(26)] for text in texts]
    ...         return unit_rows(np.array(counts, dtype=np.float32))
    >>> texts = ["aaa", "aab", "zzz", "zzy", "zzx"]
    >>> labelling = Labelling(texts, Letters(), labelled={"aaa": "first", "zzz": "last"})
    >>> labelling.likely("aab")[0][0], [one.text for one in labelling.suggest(3)] == ["aaa", "zzz"]
    ('first', False)
    """

    def __init__(
        self,
        texts: Sequence[str],
        encoder: Encoder,
        *,
        labelled: Mapping[str, str] | None = None,
        config: SuggestConfig | None = None,
        stop: StopConfig | None = None,
        options: Options | None = None,
    ) -> None:
        """
        Args:
            texts: to choose from; blank ones and repeats are passed over.
            encoder: whose vectors are learned on.
            labelled: the label of each text that has one; texts that are not to choose from teach all the same.
            config: what makes a text worth a label.
            stop: when to stop.
            options: seed.

        Raises:
            TooLittleDataError: there is no text.
        """
        self.config, self.stop, self.options = config or SuggestConfig(), stop or StopConfig(), options or Options()
        pool = list(dict.fromkeys(text for text in texts if text.strip()))
        if len(pool) > MOST_TEXTS:
            pool = [pool[row] for row in np.sort(self.options.rng().permutation(len(pool))[:MOST_TEXTS])]
        given = {text: normal_path(label) for text, label in (labelled or {}).items() if text.strip()}
        self.texts = list(dict.fromkeys([*pool, *given]))
        if not self.texts:
            raise TooLittleDataError("there is no text to label; read in items with a title or a text")
        vectors = encoder.encode(self.texts)
        self.vectors: Floats = unit_rows(vectors - vectors.mean(0))
        self._place = {text: row for row, text in enumerate(self.texts)}
        self._given: dict[int, str] = {self._place[text]: label for text, label in given.items()}
        self._shown: set[int] = set()
        self._turn = 0
        self._answers: list[NDArray[np.int64]] = []
        self._order = list(dict.fromkeys(self._given.values()))
        self._fresh: Floats | None = None
        self._answered = False

    def __len__(self) -> int:
        """Texts that have a label."""
        return len(self._given)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels given so far, in the order in which they first came."""
        return tuple(self._order)

    def suggest(self, count: int) -> list[Suggestion]:
        """The texts to label next, no two near each other, the worthiest first; none that was labelled or skipped."""
        done = np.array(sorted({*self._given, *self._shown}), dtype=np.int64)
        rng = np.random.default_rng([self.options.seed, self._turn])
        self._turn += 1
        if len(self._order) < 2:
            # Nothing tells texts apart yet, so they are spread over all there are.
            even = np.full((len(self.texts), 2), 0.5, dtype=np.float32)
            everywhere = self.config.model_copy(update={"diversity": len(self.texts) // count + 1})
            rows = suggest(even, self.vectors, done, count, everywhere, rng=rng)
        else:
            rows = suggest(self._said(), self.vectors, done, count, self.config, rng=rng)
        return [Suggestion(self.texts[row], self.likely(self.texts[row])) for row in rows]

    def likely(self, text: str, most: int = 5) -> tuple[tuple[str, float], ...]:
        """What a text looks to be: labels and their probabilities, the likeliest first; nothing with fewer than two."""
        if len(self._order) < 2:
            return ()
        said = self._said()[self._row(text)]
        return tuple((self._order[column], float(said[column])) for column in np.argsort(-said, kind="stable")[:most])

    def give(self, text: str, label: str) -> str:
        """Learn a text's label, known or new; the label in its one spelling.

        Raises:
            InputError: the label has an empty level, or the text is not among those to choose from.
        """
        row, path = self._row(text), normal_path(label)
        self._given[row], self._fresh, self._answered = path, None, True
        if path not in self._order:
            self._order.append(path)
        return path

    def skip(self, text: str) -> None:
        """Never suggest a text again."""
        self._shown.add(self._row(text))

    def end_round(self) -> Round:
        """Look at what has been learned: whether answers still change, and which given labels look wrong.

        A round without a new label changes nothing, so it does not count as one that agrees with the last.
        """
        if len(self._order) > 1 and (self._answered or not self._answers):
            self._answers.append(self._said().argmax(1))
        self._answered = False
        verdict = when_to_stop(self._answers, self.stop)
        return Round(len(self), len(self._order), verdict, tuple(self._doubted()))

    def _doubted(self) -> list[DoubtedLabel]:
        rows, classes = self._known()
        if len(rows) < 2 * _FOLDS or len(self._order) < 2:
            return []
        said = held_out(
            self.vectors[rows], classes, len(self._order), folds=_FOLDS, seed=self.options.seed, config=self.config
        )
        return [
            DoubtedLabel(self.texts[rows[found.row]], self._order[found.given], self._order[found.likely], found.margin)
            for found in suspects(said, classes)
        ]

    def _said(self) -> Floats:
        """(texts, labels) probabilities by a model of the labels given so far."""
        if self._fresh is None:
            rows, classes = self._known()
            self._fresh = fit_predict(self.vectors, rows, classes, len(self._order), self.config)
        return self._fresh

    def _known(self) -> tuple[Rows, NDArray[np.int64]]:
        rows = np.array(sorted(self._given), dtype=np.int64)
        return rows, np.array([self._order.index(self._given[row]) for row in rows.tolist()], dtype=np.int64)

    def _row(self, text: str) -> int:
        if text not in self._place:
            raise InputError(f"the text {text[:40]!r} is not among the {len(self.texts)} to label")
        return self._place[text]
