"""Histories cut into windows of one length, as the sequence scorer's network reads them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penchant.data.interactions import Histories
from penchant.vectors import Floats, Rows


@dataclass(frozen=True, eq=False)
class Windows:
    """Runs of consecutive events, each the beginning of its history or with what came before cut off."""

    starts: Rows
    """(windows,) entry at which each begins."""
    lengths: Rows
    """(windows,) its events; none for an empty history."""
    skipped: Rows
    """(windows,) first events that only give context: another window answers for them, or nobody does."""

    def __len__(self) -> int:
        return len(self.starts)

    def rows(self, chosen: slice | Rows) -> "Windows":
        """Some of the windows."""
        return Windows(self.starts[chosen], self.lengths[chosen], self.skipped[chosen])

    def places(self) -> tuple[Rows, NDArray[np.bool_]]:
        """(windows, longest) entries of each window, and which of them are events and not padding behind the last."""
        span = np.arange(int(self.lengths.max(initial=0)))
        real = span < self.lengths[:, None]
        return np.where(real, self.starts[:, None] + span, 0), real


@dataclass(frozen=True, eq=False)
class Padded:
    """The events of some windows in rows of one length."""

    items: Rows
    """(windows, longest)"""
    weights: Floats
    """(windows, longest) zero behind the last event."""
    at: NDArray[np.float64]
    """(windows, longest) seconds; behind the last event those of the last."""
    lengths: Rows

    @classmethod
    def of(cls, batch: Histories, windows: Windows) -> "Padded":
        """The events of windows of a batch."""
        places, real = windows.places()
        if not len(batch.items):
            return cls(places, np.zeros(places.shape, np.float32), np.zeros(places.shape), windows.lengths)
        last = batch.at[np.maximum(windows.starts + windows.lengths - 1, 0)]
        return cls(
            np.where(real, batch.items[places], 0),
            np.where(real, batch.weights[places], 0).astype(np.float32),
            np.where(real, batch.at[places], last[:, None]),
            windows.lengths,
        )

    def without_each(self) -> "Padded":
        """A window of its own for each event of the one window, with that event left out."""
        count = int(self.lengths[0])
        kept = np.array([[place for place in range(count) if place != left] for left in range(count)], dtype=np.int64)
        kept = kept.reshape(count, count - 1)
        lengths = np.full(count, count - 1, dtype=np.int64)
        return Padded(self.items[0][kept], self.weights[0][kept], self.at[0][kept], lengths)


def last_windows(batch: Histories, length: int) -> Windows:
    """One window a history: its last `length` events."""
    ends = batch.offsets[1:]
    starts = np.maximum(batch.offsets[:-1], ends - length)
    return Windows(starts, ends - starts, np.zeros(len(batch), dtype=np.int64))


def overlapping_windows(batch: Histories, length: int) -> Windows:
    """Windows in which every event stands once to be judged, with half a window before it where the history has it.

    >>> overlapping_windows(Histories.of_items([[0] * 7]), 4).starts.tolist()
    [0, 2, 4]
    """
    step = max(1, length // 2)
    starts, lengths, skipped = [], [], []
    for begin, end in zip(batch.offsets[:-1].tolist(), batch.offsets[1:].tolist(), strict=True):
        starts.append(begin)
        lengths.append(min(length, end - begin))
        skipped.append(0)
        answered = begin + lengths[-1]
        while answered < end:
            start = answered - (length - step)
            starts.append(start)
            lengths.append(min(length, end - start))
            skipped.append(answered - start)
            answered = start + lengths[-1]
    return Windows(*(np.array(column, dtype=np.int64) for column in (starts, lengths, skipped)))


def training_windows(batch: Histories, length: int, rng: np.random.Generator) -> Windows:
    """Windows side by side over every history, cut at random places; one that follows another skips nothing.

    `skipped` is one where a window does not begin its history: its first event follows what was cut off, and would
    teach that histories begin with it.
    """
    starts, lengths, skipped = [], [], []
    for begin, end in zip(batch.offsets[:-1].tolist(), batch.offsets[1:].tolist(), strict=True):
        start = begin
        stop = begin + (int(rng.integers(1, length + 1)) if end - begin > length else length)
        while start < end:
            starts.append(start)
            lengths.append(min(stop, end) - start)
            skipped.append(int(start > begin))
            start, stop = stop, stop + length
    return Windows(*(np.array(column, dtype=np.int64) for column in (starts, lengths, skipped)))


def shuffled_within_moments(batch: Histories, rng: np.random.Generator) -> Histories:
    """The same histories with the events of one moment in random order, since that of a file says nothing."""
    order = np.lexsort((rng.random(len(batch.items)), batch.at, batch.owners))
    return Histories(batch.offsets, batch.items[order], batch.at[order], batch.weights[order])
