"""Event by event: how unlike each is to what its member did before, as numbers that a model learns from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penchant.drift.likeness import Cube, at_reference, before, likeness
from penchant.drift.surprise import Surprise
from penchant.drift.views import ItemViews
from penchant.drift.windows import NOTHING
from penchant.vectors import chunks

LAGS = (0, 1)
"""An event is compared with all windows before its own, and with all but the last of these."""
_CELLS = 8_000_000
"""Pairs of events compared at a time."""


@dataclass(frozen=True, eq=False)
class Compared:
    """Streams compared under every view."""

    items: NDArray[np.int32]
    between: Mapping[str, Cube]
    """By view, (streams, windows, windows) similarities of the events of two windows, added up."""
    events: Mapping[int, Cube]
    """By lag, (streams, windows, events, `event_names`); NaN in windows without history."""
    real: NDArray[np.bool_]
    surprise: Cube | None = None
    """(streams, windows, events) how far each event lies above what is usual for the member; None where nobody
    foresees events."""

    @property
    def sizes(self) -> Cube:
        """(streams, windows) events of each."""
        return np.asarray(self.real.sum(axis=2), dtype=np.float32)

    def of(self, rows: NDArray) -> "Compared":
        """Some of the streams."""
        return Compared(
            self.items[rows],
            {name: table[rows] for name, table in self.between.items()},
            {lag: table[rows] for lag, table in self.events.items()},
            self.real[rows],
            None if self.surprise is None else self.surprise[rows],
        )


def event_names(views: ItemViews, *, surprise: bool = False) -> tuple[str, ...]:
    """Names of the numbers of an event."""
    names = [f"{view}/{part}" for view in views.vectors for part in ("mean", "excess", "best", "own", "lift", "within")]
    names += ["known/before", "known/window", "popularity", "popularity/shift", "price/shift"]
    return (*names, "surprise") if surprise else tuple(names)


def compare(items: NDArray[np.int32], views: ItemViews, surprise: Surprise | None = None) -> Compared:
    """Compare all events of streams (streams, windows, events).

    Args:
        items: item rows.
        views: what items are.
        surprise: foresees events, and has not learned from these members.
    """
    at_once = max(1, _CELLS // max(1, items.shape[1] * items.shape[2]) ** 2)
    made = [_compare(items[part], views, surprise) for part in chunks(len(items), at_once)]
    if len(made) == 1:
        return made[0]
    return Compared(
        items,
        {name: np.concatenate([one.between[name] for one in made]) for name in made[0].between},
        {lag: np.concatenate([one.events[lag] for one in made]) for lag in LAGS},
        items != NOTHING,
        None if surprise is None else np.concatenate([one.surprise for one in made if one.surprise is not None]),
    )


def _compare(items: NDArray[np.int32], views: ItemViews, surprise: Surprise | None) -> Compared:
    real = items != NOTHING
    found = {name: likeness(items, vectors) for name, vectors in views.vectors.items()}
    sizes = real.sum(axis=2).astype(np.float32)
    rest = np.maximum(sizes - 1, 1)[:, :, None]
    safe = np.where(real, items, 0)
    same = _repeats(items, real)
    numbers = np.where(real[..., None], views.numbers[safe], 0)
    by_lag: dict[int, Cube] = {}
    unforeseen = None if surprise is None else surprise.of_windows(items)
    pairs = {name: like.pairs() for name, like in found.items()}
    for lag in LAGS:
        length = before(sizes, lag, axis=1)
        held = np.maximum(length, 1)[:, :, None]
        columns = []
        for name, like in found.items():
            own = _own(like.sums) / rest
            mean = at_reference(before(like.sums, 0, axis=3), lag) / held
            top = at_reference(_best_before(like.best), lag)
            between, count = pairs[name]
            inside = _inside(between, lag) / np.maximum(_inside(count, lag), 1)
            lift = mean - views.usual[name][safe]
            columns += [
                mean,
                mean - inside[:, :, None],
                top,
                own,
                lift,
                np.broadcast_to(inside[:, :, None], mean.shape),
            ]
        told = before(numbers.sum(axis=2), lag, axis=1) / np.maximum(length, 1)[..., None]
        columns.append(at_reference(before(same, 0, axis=3), lag))
        columns.append(_own(same))
        columns.append(numbers[..., 0])
        columns += [numbers[..., which] - told[:, :, None, which] for which in range(2)]
        if unforeseen is not None:
            columns.append(unforeseen)
        stacked = np.stack(columns, axis=-1).astype(np.float32)
        stacked[np.broadcast_to((length == 0)[:, :, None], real.shape)] = np.nan
        by_lag[lag] = stacked
    return Compared(items, {name: between for name, (between, _) in pairs.items()}, by_lag, real, unforeseen)


def _inside(between: Cube, lag: int) -> Cube:
    """(streams, windows) cells added up over all pairs of windows before each, but the last `lag`."""
    both = np.cumsum(np.cumsum(between, axis=1), axis=2)
    here = np.arange(between.shape[1])
    return before(np.diff(both[:, here, here], axis=1, prepend=0), lag, axis=1)


def _own(sums: Cube) -> Cube:
    """(streams, windows, events) each event's cell of its own window."""
    rows = np.arange(sums.shape[1])
    return sums[:, rows, :, rows].transpose(1, 0, 2)


def _best_before(best: Cube) -> Cube:
    """The largest of the windows before each, along the last axis."""
    running = np.maximum.accumulate(best, axis=3)
    shifted = np.full_like(running, -1)
    shifted[..., 1:] = running[..., :-1]
    return shifted


def _repeats(items: NDArray[np.int32], real: NDArray[np.bool_]) -> Cube:
    """(streams, windows, events, windows) how often each event's item stands in each window, itself left out."""
    streams, windows, width = items.shape
    flat = items.reshape(streams, -1)
    equal = flat[:, :, None] == flat[:, None, :]
    equal &= real.reshape(streams, -1)[:, None, :]
    here = np.arange(windows * width)
    equal[:, here, here] = False
    return equal.reshape(streams, windows, width, windows, width).sum(axis=4, dtype=np.float32)
