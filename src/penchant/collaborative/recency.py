"""How a past event fades: with the days since, and with the events that came after it."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveFloat

from penchant.data.interactions import DAY, Histories
from penchant.vectors import Floats, Rows


class Recency(BaseModel):
    """An event's weight halves with every `half_life_days` of age and every `half_life_events` later events.

    The two ages answer different questions: days tell a taste of last year from one of this week, events tell the last
    ten minutes of a busy evening from its start. Where both are set the weights multiply; where neither is, all events
    weigh the same. Events of one moment have the same age, whatever their order.

    >>> one = Histories.of_items([[7, 8, 9]], at=[[0.0, 86400.0, 86400.0]])
    >>> Recency(half_life_events=2).fade(one).weights.tolist()
    [0.5, 1.0, 1.0]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    half_life_days: PositiveFloat | None = None
    """Days after which an event counts half; None for no fading by days."""
    half_life_events: PositiveFloat | None = None
    """Later events of the same member after which an event counts half; None for no fading by events."""

    @property
    def fades(self) -> bool:
        """Whether any fading is set."""
        return self.half_life_days is not None or self.half_life_events is not None

    def factor(self, days: NDArray[np.float64], events: NDArray[np.int64]) -> Floats:
        """The share of a weight left after so many days and so many later events."""
        halvings = np.zeros(len(days))
        if self.half_life_days is not None:
            halvings += days / self.half_life_days
        if self.half_life_events is not None:
            halvings += events / self.half_life_events
        return np.exp2(-halvings).astype(np.float32)

    def fade(self, batch: Histories) -> Histories:
        """The same histories with faded weights; ages count from each history's own last event."""
        if not self.fades or not len(batch.items):
            return batch
        days = (batch.at[batch.offsets[1:][batch.owners] - 1] - batch.at) / DAY
        return batch.weighing(batch.weights * self.factor(days, later_events(batch)))


def later_events(batch: Histories) -> Rows:
    """(entries,) how many events of the same history are strictly later than each."""
    return batch.offsets[1:][batch.owners] - _moment_ends(batch)


def _moment_ends(batch: Histories) -> Rows:
    """(entries,) one past the last entry of the same history and moment."""
    if not len(batch.items):
        return np.empty(0, dtype=np.int64)
    owners = batch.owners
    starts = np.concatenate([[True], (owners[1:] != owners[:-1]) | (batch.at[1:] != batch.at[:-1])])
    ends = np.append(np.flatnonzero(starts)[1:], len(owners))
    return ends[np.cumsum(starts) - 1]


def latest(batch: Histories, count: int) -> Histories:
    """The last `count` events of each history.

    >>> latest(Histories.of_items([[1, 2, 3], [4]]), 2).items.tolist()
    [2, 3, 4]
    """
    lengths = np.diff(batch.offsets)
    if not len(lengths) or lengths.max() <= count:
        return batch
    kept = np.arange(len(batch.items)) >= np.repeat(batch.offsets[1:] - count, lengths)
    offsets = np.concatenate([[0], np.cumsum(np.minimum(lengths, count))])
    return Histories(offsets, batch.items[kept], batch.at[kept], batch.weights[kept])


def counted_weights(batch: Histories) -> Floats:
    """(entries,) the part of each event in its cell of `Histories.matrix`: the weights that add up to the matrix.

    Of a member's positive events with one item the heaviest counts (the latest of equals) and the others nothing;
    negative ones count as they are.

    >>> counted_weights(Histories.of_items([[5, 5, 6]])).tolist()
    [0.0, 1.0, 1.0]
    """
    if not len(batch.items):
        return batch.weights
    cells = batch.owners * (batch.items.max(initial=0) + 1) + batch.items
    order = np.lexsort((np.arange(len(cells)), batch.weights, cells))
    last_of_cell = np.append(cells[order][1:] != cells[order][:-1], True)
    heaviest = np.zeros(len(cells), dtype=bool)
    heaviest[order[last_of_cell]] = True
    return np.where(heaviest | (batch.weights < 0), batch.weights, 0).astype(np.float32)
