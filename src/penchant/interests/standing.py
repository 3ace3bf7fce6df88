"""How labels stand in a labeller before probabilities are made of it: log-odds in the blend, and what moves them."""

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from penchant.data.columns import PATH_SEPARATOR
from penchant.interests.answers import Labelled
from penchant.interests.labeller import Labeller
from penchant.interests.sources import Tuned, opinions
from penchant.text.cache import CachedEncoder
from penchant.text.tokens import CHARACTERS_PER_TOKEN
from penchant.vectors import Rows


def forgetful(labeller: Labeller) -> Labeller:
    """The labeller with an encoder that keeps nothing on disk: texts with words left out are nobody's texts."""
    encoder = labeller.reader.encoder
    twin = copy.copy(labeller)
    twin.reader = replace(labeller.reader, encoder=encoder.encoder if isinstance(encoder, CachedEncoder) else encoder)
    return twin


def best_label(said: Labelled, text: int) -> str:
    """The likeliest of the lowest labels that a text is given; of all leaves, where it is given none."""
    tree = said.taxonomy
    rows = [tree.row(label) for label in said.labels(text)] or tree.leaf_rows.tolist()
    return tree.labels[max(rows, key=lambda row: said.probabilities[text, row])]


def characters_read(labeller: Labeller) -> float:
    """A bound on the characters of a text that the labeller reads; without an end where its encoder states none."""
    reader, bounds = labeller.reader, [0.0]
    if reader.words is not None:
        bounds.append(reader.words.config.characters)
    if reader.centre is not None:
        bounds.append(getattr(reader.encoder, "max_tokens", np.inf) * CHARACTERS_PER_TOKEN)
    if isinstance(tuned := labeller.sources.get("tuned"), Tuned):
        bounds.append(tuned.model.tokenizer.max_tokens * CHARACTERS_PER_TOKEN)
    return max(bounds)


class Standing:
    """Log-odds of one label for each of some texts.

    Where labels shut each other out, these are of the classes at or below the label against all others. Else they are
    those of the likeliest class at or below it. The temperature of the calibration is in them, its curves are not:
    these rise with the log-odds, in steps that would hide small changes. A blank text has the log-odds of how common
    the label was.
    """

    def __init__(self, labeller: Labeller, texts: Sequence[str], labels: Sequence[str]) -> None:
        self.labeller = labeller
        self.rows = np.array([labeller.taxonomy.row(label) for label in labels], dtype=np.int64)
        self.inside = np.array([_inside(labeller, row) for row in self.rows], dtype=bool).reshape(
            len(labels), len(labeller.classes)
        )
        self.log_odds, self._logits = self._judged(labeller, texts, self.rows, self.inside)

    def of(self, texts: Sequence[str], owners: Rows) -> NDArray[np.float64]:
        """(texts,) log-odds of other texts, kept nowhere, each for the label of the text that `owners` names."""
        return self._judged(forgetful(self.labeller), texts, self.rows[owners], self.inside[owners])[0]

    @property
    def slopes(self) -> NDArray[np.float64]:
        """(texts, classes) how fast the log-odds rise with each class's logit, at the text as it stands.

        Where labels shut each other out, the classes of the label share +1 and the others -1, each group by its
        probabilities: the label's mean against that of its rivals. A label that holds all classes has no rival, and
        nothing moves it.
        """
        if not self.labeller.classes.exclusive:
            chosen = np.where(self.inside, self._logits, -np.inf).argmax(1)
            return np.eye(self.inside.shape[1])[chosen] / self._temperature
        rival = ~self.inside.all(1, keepdims=True)
        within = np.where(self.inside, softmax(np.where(self.inside, self._logits, -np.inf), axis=1), 0)
        others = np.where(self.inside & rival, -np.inf, self._logits)
        without = np.where(~self.inside, softmax(others, axis=1), 0)
        return np.where(rival, within - without, 0) / self._temperature

    @property
    def _temperature(self) -> float:
        return self.labeller.judge.calibration.temperature

    def _judged(
        self, labeller: Labeller, texts: Sequence[str], rows: Rows, inside: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        stripped = [text.strip() for text in texts]
        if not texts:
            return np.zeros(0), np.zeros(inside.shape)
        said = labeller.judge.blend.logits(opinions(labeller.sources, labeller.reader.rows(stripped)))
        logits = said.astype(np.float64) / self._temperature
        log_odds = np.where(inside, logits, -np.inf).max(1)
        if labeller.classes.exclusive:
            rival = ~inside.all(1)
            log_odds = np.zeros(len(texts))
            log_odds[rival] = logsumexp(np.where(inside, logits, -np.inf)[rival], axis=1)
            log_odds[rival] -= logsumexp(np.where(inside, -np.inf, logits)[rival], axis=1)
        blank = np.array([not text for text in stripped])
        common = np.clip(labeller.blank[rows[blank]].astype(np.float64), 1e-6, 1 - 1e-6)
        log_odds[blank] = np.log(common) - np.log1p(-common)
        return log_odds, logits


def _inside(labeller: Labeller, row: int) -> list[bool]:
    """Whether each class is the label of this row or below it."""
    label = labeller.taxonomy.labels[row]
    return [name == label or name.startswith(label + PATH_SEPARATOR) for name in labeller.classes.labels]
