"""How far a label's log-odds fall when words are left out: asks the labeller again, and needs no gradients."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.interests.standing import Standing, characters_read

_TEXTS_AT_ONCE: Final = 4096
"""Texts with words left out that are judged at once."""


def occluded(
    standing: Standing, texts: Sequence[str], spans: list[list[tuple[int, int, bool]]], most: int
) -> list[NDArray[np.float64]]:
    """For each text the fall of the log-odds without each word; zero for what is no word."""
    shares = [np.zeros(len(own)) for own in spans]
    waiting: list[tuple[int, NDArray[np.int64]]] = []
    shorter: list[str] = []

    def judge() -> None:
        owners = np.array([row for row, _ in waiting], dtype=np.int64)
        falls = standing.log_odds[owners] - standing.of(shorter, owners)
        for (row, run), fall in zip(waiting, falls, strict=True):
            shares[row][run] = fall / len(run)
        waiting.clear()
        shorter.clear()

    read = characters_read(standing.labeller)
    for row, text in enumerate(texts):
        words = np.flatnonzero([word and start < read for start, _, word in spans[row]])
        for run in np.array_split(words, min(most, len(words))) if len(words) else []:
            waiting.append((row, run))
            shorter.append(without(text, [spans[row][place][:2] for place in run]))
            if len(waiting) == _TEXTS_AT_ONCE:
                judge()
    if waiting:
        judge()
    return shares


def without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with some spans left out, which come in order and apart from each other.

    >>> without("red apple tart", [(4, 9)])
    'red  tart'
    """
    parts, last = [], 0
    for start, end in spans:
        parts.append(text[last:start])
        last = end
    return "".join([*parts, text[last:]])
