"""What every source says of every item for a batch of members, on one scale, and the blend of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.collaborative.scorer import Scorer
from penchant.data.interactions import Histories
from penchant.recommend.newitems import NewItems
from penchant.recommend.scale import Scale
from penchant.vectors import Floats, Rows, kth_largest

TEXT: Final = "text"
POPULARITY: Final = "popularity"
AGAIN: Final = "again"
NEAR: Final = 100
"""New items whose texts are closest to a history, which are judged in earnest however their behaviour is guessed."""
CELLS_AT_ONCE: Final = 4_000_000
"""Scores of one source held in memory at one time."""


@dataclass(frozen=True, eq=False)
class Opinions:
    """Scores of a batch of members on one scale, by source, with what is needed to trace them back."""

    scores: dict[str, Floats]
    """Source to (members, items) scores in spreads above the member's mean."""
    scales: dict[str, Scale]
    """Source to how its own scores were scaled."""
    cold: NDArray[np.bool_]
    """(items,) items that nobody had touched when the sources were fitted."""
    trust: float
    """How far descriptions speak for behaviour about cold items; 0 where nothing can."""
    new_items: NewItems | None = None
    """What tells from descriptions what behaviour would say of cold items; their texts alone do where it is absent."""
    items: Rows | None = None
    """The item rows that the columns of the scores stand for, ascending; every item in its place if absent."""

    @classmethod
    def of(
        cls,
        sources: Mapping[str, Scorer],
        batch: Histories,
        shut: NDArray[np.bool_],
        *,
        cold: NDArray[np.bool_],
        trust: float,
        new_items: NewItems | None = None,
    ) -> "Opinions":
        """Ask all sources.

        Behaviour knows nothing of a cold item; there its scores are what descriptions tell of it, times `trust`.

        Args:
            sources: fitted scorers by name.
            batch: the members' histories.
            shut: (members, items) True where a member may not be shown an item.
            cold: (items,) items without any event.
            trust: 0 leaves cold items to the text's own weight, 1 lets descriptions speak for all sources.
            new_items: tells what behaviour would say; the text's own scores do if it is absent or has learned nothing.
        """
        scores: dict[str, Floats] = {}
        scales: dict[str, Scale] = {}
        barred = [np.flatnonzero(row) for row in shut]
        for name, source in sources.items():
            raw = source.score(batch)
            scales[name] = Scale.less(raw, barred)
            scores[name] = scales[name].apply(raw)
        new_items = new_items or None
        if cold.any() and (new_items is not None or TEXT in scores):
            rows = np.flatnonzero(cold)
            close = scores[TEXT][:, rows] if TEXT in scores else None
            if new_items is not None:
                near = min(NEAR, len(rows))
                also = [closest(own, near) for own in close] if close is not None else None
                close = new_items.score(batch, also)
            assert close is not None
            guess = np.float32(trust) * close
            for name in scores:
                if name != TEXT:
                    scores[name][:, rows] = guess
            return cls(scores, scales, cold, trust, new_items)
        return cls(scores, scales, cold, 0.0)

    def weights(self, weights: Mapping[str, float]) -> dict[str, Floats]:
        """Source to (members, 1) weight: that of sources with no opinion of a member's goes to the text, if it has one.

        Popularity keeps its own, since it has an opinion for everyone.
        """
        ours = {name: np.full((len(scores), 1), weights[name], np.float32) for name, scores in self.scores.items()}
        if TEXT in ours:
            text_speaks = self.scales[TEXT].speaks
            for name in ours:
                if name not in (TEXT, POPULARITY):
                    passed = np.where(text_speaks & ~self.scales[name].speaks, ours[name], 0)
                    ours[name] = ours[name] - passed
                    ours[TEXT] = ours[TEXT] + passed
        return ours

    def blend(self, weights: Mapping[str, float]) -> Floats:
        """(members, all items) the weighted sum of the scores; minus infinity where an item was not asked about."""
        ours = self.weights(weights)
        total = np.zeros_like(next(iter(self.scores.values())))
        for name, scores in self.scores.items():
            total += ours[name] * scores
        if self.items is None:
            return total
        whole = np.full((len(total), len(self.cold)), -np.inf, dtype=np.float32)
        whole[:, self.items] = total
        return whole

    def columns(self, items: Rows) -> Rows:
        """The columns of the scores in which some item rows stand."""
        return items if self.items is None else np.searchsorted(self.items, items)


def closest(scores: Floats, near: int) -> Rows:
    """Places of new items whose texts are closest; none where a text says the same of them all, and so of none.

    >>> closest(np.array([0.1, 0.9, 0.5], dtype=np.float32), 1).tolist(), closest(np.zeros(9, np.float32), 1).tolist()
    ([1], [])
    """
    places = np.flatnonzero(scores >= kth_largest(scores, near))
    return places if len(places) <= 2 * near else places[:0]


def members_at_once(item_count: int) -> int:
    """How many members are scored together, so that memory stays bounded for any catalogue."""
    return max(1, CELLS_AT_ONCE // max(item_count, 1))
