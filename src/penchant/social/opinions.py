"""What every source says of every item, on one scale, and the candidates that are put in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from penchant.social.people import People
from penchant.vectors import Floats, Rows


class Source(Protocol):
    """Something that scores every item for some people; larger is better, on a scale of its own."""

    @property
    def name(self) -> str: ...

    def score(self, people: People) -> Floats:
        """(people, items)"""
        ...


def opinions(sources: Mapping[str, Source], people: People) -> dict[str, Floats]:
    """(people, items) each source's scores in spreads above the person's mean; zeros where it tells nothing apart."""
    return {name: in_spreads(source.score(people)) for name, source in sources.items()}


def in_spreads(scores: Floats) -> Floats:
    """Scores less the row's mean, divided by its standard deviation.

    >>> in_spreads(np.array([[1.0, 3.0], [2.0, 2.0]], dtype=np.float32)).tolist()
    [[-1.0, 1.0], [0.0, 0.0]]
    """
    mean = scores.mean(axis=1, keepdims=True, dtype=np.float64)
    centred = scores - mean.astype(np.float32)
    spread = np.sqrt(np.einsum("ij,ij->i", centred, centred) / max(scores.shape[1], 1))[:, None]
    # What rounding leaves between equal scores is no opinion.
    speaks = spread > 1e-6 * np.abs(mean)
    centred *= np.where(speaks, 1 / np.where(speaks, spread, 1), 0).astype(np.float32)
    return centred


def blended(found: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """(people, items) the weighted sum of opinions."""
    total = np.zeros_like(next(iter(found.values())))
    for name, weight in weights.items():
        if weight and name in found:
            total += np.float32(weight) * found[name]
    return total


@dataclass(frozen=True, eq=False)
class Candidates:
    """For each person, the items to choose among: those that any source puts near the top.

    Person p owns the entries `offsets[p]` to `offsets[p + 1]`.
    """

    sources: tuple[str, ...]
    offsets: Rows
    items: Rows
    """(entries,) ascending within a person."""
    scores: Floats
    """(entries, sources) opinions."""

    @classmethod
    def of(cls, found: Mapping[str, Floats], shut: NDArray[np.bool_], depth: int) -> "Candidates":
        """The union of each source's best items for each person.

        Args:
            found: opinions.
            shut: (people, items) True where a person may not be shown an item.
            depth: how many of each source's best take part.
        """
        chosen = np.zeros(shut.shape, dtype=bool)
        count = min(depth, shut.shape[1])
        for scores in found.values():
            best = np.argpartition(np.where(shut, np.inf, -scores), count - 1, axis=1)[:, :count]
            speaks = np.ptp(scores, axis=1, keepdims=True) > 0
            np.put_along_axis(chosen, best, np.take_along_axis(chosen, best, axis=1) | speaks, axis=1)
        chosen &= ~shut
        return cls(
            tuple(found),
            np.concatenate([[0], np.cumsum(chosen.sum(axis=1))]).astype(np.int64),
            np.nonzero(chosen)[1],
            np.stack([scores[chosen] for scores in found.values()], axis=1),
        )

    @classmethod
    def joined(cls, parts: list["Candidates"]) -> "Candidates":
        """Those of several batches, one after the other."""
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        return cls(
            parts[0].sources,
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            np.concatenate([part.items for part in parts]),
            np.concatenate([part.scores for part in parts]),
        )

    @property
    def owners(self) -> Rows:
        """(entries,) the person of each."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def without(self, names: tuple[str, ...]) -> "Candidates":
        """The same entries without the opinions of some sources."""
        kept = [place for place, name in enumerate(self.sources) if name not in names]
        return Candidates(tuple(self.sources[place] for place in kept), self.offsets, self.items, self.scores[:, kept])
