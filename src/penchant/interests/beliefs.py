"""Unlabelled texts that the labeller is sure of, learned from as if labelled: each class in its share."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from penchant.vectors import Floats, Rows


class BeliefsConfig(BaseModel):
    """Learning from unlabelled texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounds: NonNegativeInt = 0
    """How often unlabelled texts are labelled and learned from; worth trying where names say little."""
    per_class: PositiveInt = 300
    """At most so many texts of each class in the first round; twice as many in the second, and so on."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Texts with a smaller probability are not believed."""
    weight: float = Field(default=0.3, gt=0, le=1)
    """How much a believed text counts against a labelled one."""
    most_texts: PositiveInt = 20_000
    """At most so many unlabelled texts are looked at."""
    most_labelled: PositiveInt = 3_000
    """With more labelled texts than this, unlabelled ones are of no use, and are left out altogether."""


def believed(
    probabilities: Floats, config: BeliefsConfig, *, turn: int, exclusive: bool
) -> tuple[Rows, Floats, Floats]:
    """The texts to believe, by row; what they are believed to be; and how much each counts.

    Self-training (Yarowsky, 1995; Lee, 2013) runs away with the classes it already favours. So the probabilities are
    first evened out over classes, as far as half way on a logarithmic scale, and each class gives the texts it is
    surest of, up to a bound.

    Args:
        probabilities: (texts, classes) of unlabelled texts.
        config: how many, how sure, how heavy.
        turn: 0 for the first round.
        exclusive: whether classes shut each other out.

    >>> said = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.5, 0.5]], dtype=np.float32)
    >>> rows, targets, weights = believed(said, BeliefsConfig(per_class=1, threshold=0.6), turn=0, exclusive=True)
    >>> sorted(rows.tolist())
    [0, 2]
    """
    even = evened(probabilities) if exclusive else probabilities
    best, sureness = even.argmax(1), even.max(1)
    bound = config.per_class * 2**turn
    chosen: list[np.ndarray] = []
    for label in np.unique(best):
        own = np.flatnonzero((best == label) & (sureness >= config.threshold))
        chosen.append(own[np.argsort(-sureness[own], kind="stable")[:bound]])
    rows = np.sort(np.concatenate(chosen)).astype(np.int64) if chosen else np.zeros(0, dtype=np.int64)
    return rows, even[rows], (config.weight * sureness[rows]).astype(np.float32)


def evened(probabilities: Floats, *, turns: int = 10) -> Floats:
    """(texts, classes) probabilities with the classes' mean shares drawn half way to equal; rows sum to one."""
    even = probabilities.astype(np.float32)
    shares = even.mean(0, keepdims=True)
    wanted = np.sqrt(np.maximum(shares, 1e-6))
    wanted /= wanted.sum()
    for _ in range(turns):
        even = even * (wanted / np.maximum(even.mean(0, keepdims=True), 1e-6)) ** 0.5
        even /= even.sum(1, keepdims=True)
    return even
