"""Why a text got its label: what each word adds to the label's log-odds, by gradients or by leaving words out.

The whole labeller is explained, since that is what answers. Its blend's logit is a weighted sum of the logits of its
sources, so what a word adds is a weighted sum too: through spelling exactly, through names, meaning and a tuned model
by integrated gradients over the token embeddings.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveInt

from penchant.errors import InputError
from penchant.interests.gradients import Baseline, Route
from penchant.interests.labeller import Labeller
from penchant.interests.occlusion import occluded
from penchant.interests.standing import Standing, best_label
from penchant.interests.through import through_sources
from penchant.text.words import word_spans

_SIGN: Final = "[\u2190-\u2bff\U0001f000-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]*"
_SYMBOL: Final = re.compile(f"{_SIGN}(?:\u200d{_SIGN})*")
"""One emoji, or several joined to one."""


class AttributionConfig(BaseModel):
    """How labels are explained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["gradients", "occlusion"] = "gradients"
    """`gradients`: integrated gradients (needs the extra `train` and a transformer's encoder, unless spelling is all
    there is); `occlusion`: how far the log-odds fall when a word is left out (Zeiler and Fergus, 2014)."""
    steps: PositiveInt = 16
    """Points on the path of integrated gradients."""
    baseline: Baseline = "pad"
    """What stands for a token that says nothing, at the start of that path."""
    unit: Literal["word", "character"] = "word"
    """What gets a share; a character of its own for each sign, or words as people read them."""
    most_left_out: PositiveInt = 200
    """Occlusion leaves out at most so many pieces of a text in turn; a longer text's words go in runs that share."""


@dataclass(frozen=True)
class Piece:
    """A part of a text and what it adds."""

    text: str
    start: int
    end: int
    share: float
    """In log-odds of the label; below zero it speaks against it."""
    word: bool
    """Whether it is a word or symbol; else it is what stands between them."""


@dataclass(frozen=True)
class Attribution:
    """Why a text has a label, in pieces that make up the text.

    With gradients the shares and `rest` add up to `log_odds`. Occlusion's shares do not: two words that say the same
    hide each other's absence.
    """

    text: str
    label: str
    probability: float
    """What the labeller says, calibrated."""
    log_odds: float
    """Of the label, before the curves of calibration."""
    pieces: tuple[Piece, ...]
    missed: float = 0.0
    """How much of the shares the steps of integration made up (below zero: lost)."""

    @property
    def rest(self) -> float:
        """What is said of the label before any word is read: how common it is, and what the words have in common."""
        return self.log_odds - sum(piece.share for piece in self.pieces)

    @property
    def words(self) -> tuple[Piece, ...]:
        """The pieces that are words or symbols, in order."""
        return tuple(piece for piece in self.pieces if piece.word)

    @property
    def highlights(self) -> tuple[tuple[str, float], ...]:
        """The whole text in order, each piece with a weight from -1 to 1: its share against the largest.

        >>> pieces = Piece("好", 0, 1, 2.0, True), Piece("！", 1, 2, -1.0, False)
        >>> Attribution("好！", "tea", 0.9, 2.2, pieces).highlights
        (('好', 1.0), ('！', -0.5))
        """
        largest = max((abs(piece.share) for piece in self.pieces), default=0.0)
        return tuple((piece.text, piece.share / largest if largest else 0.0) for piece in self.pieces)


def attribute(
    labeller: Labeller,
    texts: Sequence[str],
    labels: Sequence[str] | None = None,
    config: AttributionConfig | None = None,
) -> list[Attribution]:
    """What each piece of each text adds to a label of it.

    Where it is exact: spelling, linear in its n-grams, is spread over the characters that they cover. Where labels shut
    each other out, gradients follow the label's mean logit against that of its rivals, each weighted by its probability
    at the text, which is the slope of the log-odds there. Where it is an estimate: integrated gradients by their steps
    (see `Attribution.missed`); a vector drawn to its neighbours is followed with the neighbours held; the networks of
    an ensemble with their weights held. The curves of calibration, which only rise, are left out throughout.

    Args:
        labeller: fitted.
        texts: any; a blank one has no shares.
        labels: one for each text; the labeller's best by default.
        config: the method; gradients by default.

    Raises:
        NotFittedError: the labeller has learned nothing yet.
        UnknownIdError: there is no such label.
        InputError: there is not one label for each text.
        ConfigError: gradients are asked for, and the encoder has none.
        MissingExtraError: gradients are asked for, and captum is not installed.

    >>> from penchant.interests.examples import LabelledTexts
    >>> from penchant.interests.labeller import LabellerConfig
    >>> given = LabelledTexts.of(["red apple", "green apple", "blue car", "fast car"], ["fruit"] * 2 + ["cars"] * 2)
    >>> labeller = Labeller(LabellerConfig(names=False, meaning=False)).fit(given)
    >>> (why,) = attribute(labeller, ["an apple!"])
    >>> why.label, max(why.words, key=lambda word: word.share).text
    ('fruit', 'apple')
    """
    config = config or AttributionConfig()
    if isinstance(texts, str):
        raise InputError("texts is one string, whose letters would be explained one by one; give a list of texts")
    if labels is not None and len(labels) != len(texts):
        raise InputError(f"{len(labels)} labels for {len(texts)} texts; give one for each, or none at all")
    answers = labeller.label(texts)
    chosen = [best_label(answers, row) for row in range(len(texts))] if labels is None else labels
    standing = Standing(labeller, texts, chosen)
    said = answers.probabilities[np.arange(len(texts)), standing.rows]
    spans = [list(_spans(text, config.unit)) for text in texts]
    if config.method == "occlusion":
        shares, missed = occluded(standing, texts, spans, config.most_left_out), np.zeros(len(texts))
    else:
        characters, missed = through_sources(texts, standing, Route(config.steps, config.baseline))
        shares = [
            np.array([characters[row][start:end].sum() for start, end, _ in spans[row]]) for row in range(len(texts))
        ]
    return [
        Attribution(
            text,
            labeller.taxonomy.labels[standing.rows[row]],
            float(said[row]),
            float(standing.log_odds[row]),
            tuple(
                Piece(text[start:end], start, end, float(share), word)
                for (start, end, word), share in zip(spans[row], shares[row], strict=True)
            ),
            float(missed[row]),
        )
        for row, text in enumerate(texts)
    ]


def _spans(text: str, unit: str) -> Iterator[tuple[int, int, bool]]:
    """Start, end and whether it is a word or symbol, for all of the text in order."""
    words = (
        [(at, at + 1) for at, sign in enumerate(text) if sign.isalnum()] if unit == "character" else word_spans(text)
    )
    last = 0
    for start, end in [*words, (len(text), len(text))]:
        for symbols in _SYMBOL.finditer(text, last, start):
            if symbols.start() > last:
                yield last, symbols.start(), False
            yield symbols.start(), symbols.end(), True
            last = symbols.end()
        if start > last:
            yield last, start, False
        if end > start:
            yield start, end, True
        last = end
