"""Labelling with care: which texts to label next, which labels look wrong, and when to stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from penchant.errors import InputError, TooLittleDataError
from penchant.interests.course import stratified_folds
from penchant.interests.linear import fit_linear, log_softmax
from penchant.vectors import Floats, Rows, unit_rows


class SuggestConfig(BaseModel):
    """How texts to label next are picked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["margin", "entropy", "change", "random"] = "margin"
    """What makes a text worth labelling: `margin`: its two likeliest labels are close; `entropy`: all are; `change`:
    its label is expected to move the model far (Settles and Craven, 2008); `random`: nothing, for comparison."""
    diversity: PositiveInt = 50
    """So many times as many of the worthiest texts are looked at as are wanted, and spread out: 1 switches that off."""
    inverse_penalty: PositiveFloat = 3.0
    """C of the linear model over centred vectors."""
    stretch: PositiveFloat = 3.0
    """Length of the centred vectors that the model sees."""


def fit_predict(
    vectors: Floats, labelled: Rows, labels: NDArray[np.int64], classes: int, config: SuggestConfig | None = None
) -> Floats:
    """(texts, classes) probabilities for all texts from a linear model on those that are labelled.

    Args:
        vectors: (texts, width) of all texts, centred.
        labelled: rows of the labelled texts.
        labels: (labelled,) their class numbers.
        classes: how many there are.
        config: penalty and scale.
    """
    config = config or SuggestConfig()
    targets = np.eye(classes, dtype=np.float32)[labels]
    stretched = vectors * config.stretch
    fitted = fit_linear(stretched[labelled], targets, inverse_penalty=config.inverse_penalty)
    return np.exp(log_softmax(fitted.scores(stretched)))


def suggest(
    probabilities: Floats,
    vectors: Floats,
    labelled: Rows,
    count: int,
    config: SuggestConfig | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> Rows:
    """Rows of the texts to label next, no two of them near each other, the worthiest first.

    The texts worth most are clustered into as many as are wanted, weighted by worth, and the text nearest to each
    cluster's centre is picked (Zhdanov, 2019): many copies of one doubtful text teach no more than one, and a text that
    is like many others more than one like none.

    Args:
        probabilities: (texts, classes) of the model so far.
        vectors: (texts, width) centred.
        labelled: rows that have a label already, never suggested.
        count: how many are wanted; fewer come back where fewer are left.
        config: what makes a text worth labelling.
        rng: of the draw; seed 0 by default.

    Raises:
        InputError: the shapes differ, or fewer than one text is wanted.

    >>> said = np.array([[0.9, 0.1], [0.5, 0.5], [0.6, 0.4]], dtype=np.float32)
    >>> suggest(said, np.eye(3, dtype=np.float32), np.array([0]), 1, SuggestConfig(diversity=1)).tolist()
    [1]
    """
    config, rng = config or SuggestConfig(), rng or np.random.default_rng(0)
    if len(probabilities) != len(vectors) or count < 1:
        raise InputError(
            f"{len(probabilities)} rows of probabilities, {len(vectors)} vectors, {count} texts wanted; give a row and "
            "a vector for each text, and ask for one text at least"
        )
    free = np.setdiff1d(np.arange(len(vectors)), labelled)
    if config.method == "random" or len(free) <= count:
        return rng.permutation(free)[:count]
    worths = worth(probabilities[free], vectors[free], config.method)
    if config.diversity == 1:
        return free[np.argsort(-worths, kind="stable")[:count]]
    best = np.argsort(-worths, kind="stable")[: count * config.diversity]
    return free[best[_spread(vectors[free[best]], worths[best], count, rng)]]


def worth(probabilities: Floats, vectors: Floats, method: Literal["margin", "entropy", "change"]) -> Floats:
    """(texts,) how much is to be learned from each text's label, from 0 up.

    >>> said = np.array([[0.5, 0.5], [1.0, 0.0]], dtype=np.float32)
    >>> worth(said, np.ones((2, 1), dtype=np.float32), "margin").tolist()
    [1.0, 0.0]
    """
    if method == "entropy":
        return -(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum(1)
    if method == "change":
        # The gradient of one text's loss, were its label c, is (p - e_c) times its vector; the mean length over c.
        squares = np.square(probabilities).sum(1, keepdims=True)
        lengths = np.sqrt(np.maximum(squares - 2 * probabilities + 1, 0))
        return (probabilities * lengths).sum(1) * np.linalg.norm(vectors, axis=1)
    if probabilities.shape[1] == 1:
        return 1 - probabilities[:, 0]
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    return 1 - (two[:, 1] - two[:, 0])


def _spread(vectors: Floats, worths: Floats, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places of the vectors nearest to the centres of as many clusters, the worthiest first.

    Args:
        vectors: the worthiest first.
        worths: from 0 up.
        count: fewer than there are vectors.
        rng: of the first centres.
    """
    from sklearn.cluster import KMeans

    unit = unit_rows(vectors)
    first = np.sort(np.unique(unit.round(6), axis=0, return_index=True)[1])
    if len(first) <= count:
        # Only copies of these are left: the worthiest of them.
        copies = np.setdiff1d(np.arange(len(unit)), first)
        return np.concatenate([first, copies])[:count]
    points, weights = unit[first], np.maximum(worths[first], 1e-9)
    clusters = KMeans(count, n_init=1, max_iter=20, random_state=int(rng.integers(2**31)))
    away = clusters.fit(points, sample_weight=weights).transform(points)
    picked: list[int] = []
    for column in away.T:
        nearest = column.argsort(kind="stable")
        picked.append(int(next(place for place in nearest if place not in picked)))
    return first[np.sort(picked)]


@dataclass(frozen=True)
class Suspect:
    """A label that looks wrong."""

    row: int
    given: int
    """The class it was given."""
    likely: int
    """The class it looks to be."""
    margin: float
    """By how much the likely class is more probable than the given one."""


def suspects(probabilities: Floats, labels: NDArray[np.int64]) -> list[Suspect]:
    """Labels that are likely errors, the surest first: confident learning (Northcutt et al., 2021).

    A class's threshold is the mean probability of it over the texts that were given it. A text counts as truly of the
    likeliest class whose threshold it reaches; where that is another than the one given, the label is suspect.

    Args:
        probabilities: (texts, classes) by a model that had not seen the text's own label; see `held_out`.
        labels: (texts,) the classes given.

    Raises:
        InputError: there is not one label for each row.

    >>> said = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.95, 0.05]], dtype=np.float32)
    >>> [(found.row, found.likely) for found in suspects(said, np.array([0, 0, 1, 1]))]
    [(3, 0)]
    """
    if len(probabilities) != len(labels):
        raise InputError(f"{len(probabilities)} rows of probabilities for {len(labels)} labels; give one for each")
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels]
    counts = np.bincount(labels, minlength=classes)
    thresholds = np.bincount(labels, own, minlength=classes) / np.maximum(counts, 1)
    thresholds[counts == 0] = np.inf
    reached = np.where(probabilities >= thresholds, probabilities, -1)
    likely = reached.argmax(1)
    doubted = np.flatnonzero((reached.max(1) > 0) & (likely != labels))
    margins = probabilities[doubted, likely[doubted]] - own[doubted]
    order = np.argsort(-margins, kind="stable")
    return [
        Suspect(int(doubted[place]), int(labels[doubted[place]]), int(likely[doubted[place]]), float(margins[place]))
        for place in order
    ]


def held_out(
    vectors: Floats,
    labels: NDArray[np.int64],
    classes: int,
    *,
    folds: int = 5,
    seed: int = 0,
    config: SuggestConfig | None = None,
) -> Floats:
    """(texts, classes) probabilities of each text by a linear model that learned from the other parts of the texts.

    Raises:
        TooLittleDataError: there are fewer texts than parts.
    """
    if len(labels) < folds:
        raise TooLittleDataError(f"{len(labels)} labelled texts cannot be parted in {folds}; label some more")
    fold = stratified_folds(np.eye(classes, dtype=np.float32)[labels], folds, np.random.default_rng(seed))
    said = np.empty((len(labels), classes), dtype=np.float32)
    for number in range(folds):
        kept = np.flatnonzero(fold != number)
        said[fold == number] = fit_predict(vectors, kept, labels[kept], classes, config)[fold == number]
    return said


class StopConfig(BaseModel):
    """When enough has been labelled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agreement: float = Field(default=0.99, gt=0, le=1)
    """Agreement beyond chance between the labels given to all texts before and after a round."""
    rounds: PositiveInt = 3
    """Rounds in a row that must reach it."""


@dataclass(frozen=True)
class StopVerdict:
    """Whether to stop labelling, and the numbers behind it."""

    stop: bool
    agreements: tuple[float, ...]
    """Of each round with the one before (Cohen's kappa)."""


def when_to_stop(answers: Sequence[NDArray[np.int64]], config: StopConfig | None = None) -> StopVerdict:
    """Stop when further labels no longer change what the model says: stabilising predictions (Bloodgood and
    Vijay-Shanker, 2009).

    Args:
        answers: for each round so far, (texts,) the class the model gives to each of the same texts.
        config: how much agreement, for how long.

    >>> same = np.array([0, 1, 0, 1])
    >>> when_to_stop([1 - same, same, same, same, same]).stop, when_to_stop([same, same]).stop
    (True, False)
    """
    config = config or StopConfig()
    agreements = tuple(_kappa(before, after) for before, after in pairwise(answers))
    last = agreements[-config.rounds :]
    return StopVerdict(len(last) == config.rounds and min(last) >= config.agreement, agreements)


def _kappa(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Agreement beyond what the shares of the classes give by chance; 1 where all agree."""
    observed = float((first == second).mean())
    classes = int(max(first.max(), second.max())) + 1
    shares = np.bincount(first, minlength=classes) @ np.bincount(second, minlength=classes) / len(first) ** 2
    return 1.0 if observed == 1 else (observed - float(shares)) / (1 - float(shares))
