"""One person's answer in a large catalogue: what the sources say of the candidates, and of nothing else.

Most sources say nothing of most items to one person. Where an item is scored by what it shares with a history, all
others are zero, so the mean and the spread of a hundred thousand scores follow from a few thousand of them, and the
best of them are looked for among those.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.collaborative.popularity import Popularity
from penchant.collaborative.scorer import Scorer
from penchant.data.interactions import Histories
from penchant.recommend.newitems import NewItems
from penchant.recommend.opinions import NEAR, TEXT, Opinions, closest
from penchant.recommend.scale import Scale
from penchant.vectors import Floats, Rows, best_places

SPARSE: Final = 0.25
"""A source that says something of more than this share of the items is asked for its best among all of them."""


class Nearby:
    """The sources of a recommender, ready to be asked for one person's candidates.

    Args:
        sources: fitted scorers by name.
        closed: (items,) True where nobody may be shown an item.
        cold: (items,) items that nobody had touched when the sources were fitted.
        trust: as `Opinions.of` takes it.
        new_items: as `Opinions.of` takes it.
        per_source: how many of each source's best items take part.
    """

    def __init__(
        self,
        sources: Mapping[str, Scorer],
        *,
        closed: NDArray[np.bool_],
        cold: NDArray[np.bool_],
        trust: float,
        new_items: NewItems | None,
        per_source: int,
    ) -> None:
        self._sources = sources
        self._cold = cold
        self._cold_rows = np.flatnonzero(cold)
        self._trust = np.float32(trust)
        self._new_items = new_items or None
        self._per_source = per_source
        self._popular: dict[str, tuple[Floats, Rows]] = {}
        for name, source in sources.items():
            if isinstance(source, Popularity):
                raw = np.log1p(source.totals)
                order = np.argsort(-raw, kind="stable")
                # The same for everybody, so its order is found once.
                self._popular[name] = raw, order[~closed[order]]

    def opinions(self, history: Histories, barred: NDArray[np.bool_], further: Rows | None = None) -> Opinions:
        """What every source says of the candidates of one history, as `Opinions.of` and `Candidates.of` find them.

        Args:
            history: of one person.
            barred: (items,) True where they may not be shown an item.
            further: items that take part whatever the sources say of them, if any do.
        """
        shut = np.flatnonzero(barred)
        open_items = ~barred
        count = len(barred) - len(shut)
        raw: dict[str, Floats] = {}
        scales: dict[str, Scale] = {}
        # The items that may be shown and that a source says anything of; None where it speaks of most.
        spoken: dict[str, Rows | None] = {}
        for name, source in self._sources.items():
            if name in self._popular:
                raw[name] = self._popular[name][0]
                spoken[name] = None
            else:
                raw[name] = source.score(history)[0]
                found = np.flatnonzero((raw[name] != 0) & open_items)
                spoken[name] = found if len(found) <= SPARSE * len(barred) else None
            scales[name] = _scale(raw[name], spoken[name], shut, count)
        guess = self._guess(history, raw, scales, spoken)
        coldest = self._best_cold(guess, barred) if guess is not None else None
        best = [self._best(name, raw[name], spoken[name], scales[name], coldest, barred) for name in self._sources]
        items = np.unique(np.concatenate([*best, *([further] if further is not None else [])]))
        items = items[~barred[items]]
        scores = {name: scales[name].apply(raw[name][items][None]) for name in self._sources}
        if guess is None:
            return Opinions(scores, scales, self._cold, 0.0, items=items)
        cold = np.flatnonzero(self._cold[items])
        told = guess[np.searchsorted(self._cold_rows, items[cold])]
        for name in scores:
            if name != TEXT:
                scores[name][0, cold] = told
        return Opinions(scores, scales, self._cold, float(self._trust), self._new_items, items)

    def _guess(
        self,
        history: Histories,
        raw: Mapping[str, Floats],
        scales: Mapping[str, Scale],
        spoken: Mapping[str, Rows | None],
    ) -> Floats | None:
        """(cold items,) what behaviour would say of them, told from descriptions; None where nothing tells."""
        if not len(self._cold_rows) or (self._new_items is None and TEXT not in raw):
            return None
        if self._new_items is None:
            return self._trust * scales[TEXT].apply(raw[TEXT][self._cold_rows][None])[0]
        also = None
        if TEXT in raw:
            near = min(NEAR, len(self._cold_rows))
            found = spoken[TEXT]
            if found is None:
                also = [closest(raw[TEXT][self._cold_rows], near)]
            else:
                rows = found[self._cold[found]]
                rows = rows[best_places(raw[TEXT][rows], near)]
                also = [np.searchsorted(self._cold_rows, np.sort(rows))]
        return self._trust * self._new_items.score(history, also)[0]

    def _best(
        self,
        name: str,
        raw: Floats,
        spoken: Rows | None,
        scale: Scale,
        cold: tuple[Rows, Floats] | None,
        barred: NDArray[np.bool_],
    ) -> Rows:
        """The so many items of which one source says most; of cold ones it says what is guessed."""
        count, guessed = self._per_source, cold is not None and name != TEXT
        if name in self._popular:
            rows = self._most_popular(name, barred, guessed)
        elif spoken is None:
            values = np.where(barred | self._cold if guessed else barred, np.float32(-np.inf), raw)
            rows = best_places(values, count)
        else:
            rows = spoken[~self._cold[spoken]] if guessed else spoken
            rows = rows[best_places(raw[rows], count)]
        if not guessed:
            return rows
        assert cold is not None
        values = np.concatenate([scale.apply(raw[rows][None])[0], cold[1]])
        return np.concatenate([rows, cold[0]])[best_places(values, count)]

    def _most_popular(self, name: str, barred: NDArray[np.bool_], warm: bool) -> Rows:
        count, order = self._per_source, self._popular[name][1]
        rows = order[:0]
        # Most of the first few may be shown; where not, all are looked at.
        for looked in (4 * count, len(order)):
            rows = order[:looked]
            rows = rows[~(barred[rows] | self._cold[rows] if warm else barred[rows])]
            if len(rows) >= count:
                break
        return rows[:count]

    def _best_cold(self, guess: Floats, barred: NDArray[np.bool_]) -> tuple[Rows, Floats]:
        """The cold items of which most is guessed, and how much."""
        places = best_places(np.where(barred[self._cold_rows], np.float32(-np.inf), guess), self._per_source)
        places = places[~barred[self._cold_rows[places]]]
        return self._cold_rows[places], guess[places]


def _scale(raw: Floats, spoken: Rows | None, shut: Rows, count: int) -> Scale:
    """The mean and spread of one source's scores over what is not barred."""
    if spoken is None:
        return Scale.less(raw[None], [shut])
    values = raw[spoken].astype(np.float64)
    return Scale.of_sums(values.sum(keepdims=True), (values @ values)[None], count)
