"""How alike the events of a stream's windows are, for many streams at once: what all statistics are made from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penchant.drift.windows import NOTHING
from penchant.vectors import Floats

Cube = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Likeness:
    """Similarities of the events of streams, gathered by window, under one view.

    Streams are (streams, windows, events); places without an event count nowhere.
    """

    sums: Cube
    """(streams, windows, events, windows) of each event and window: similarities to its events added up, an event's
    to itself left out."""
    best: Cube
    """The same, but the largest similarity; -1 where there is none."""
    sizes: Cube
    """(streams, windows) events in each."""

    def pairs(self) -> tuple[Cube, Cube]:
        """(streams, windows, windows) similarities between two windows added up, and how many pairs of events."""
        between = self.sums.sum(axis=2)
        count = self.sizes[:, :, None] * self.sizes[:, None, :]
        here = np.arange(self.sizes.shape[1])
        count[:, here, here] -= self.sizes
        return between, count


def likeness(items: NDArray[np.int32], vectors: Floats) -> Likeness:
    """Compare every event of a stream with every other.

    Args:
        items: (streams, windows, events) item rows, `NOTHING` in empty places.
        vectors: (items, width) of length one or zero.
    """
    streams, windows, width = items.shape
    real = items != NOTHING
    placed = vectors[np.where(real, items, 0).reshape(streams, -1)]
    if not real.all():
        placed *= real.reshape(streams, -1, 1)
    products = placed @ placed.transpose(0, 2, 1)
    here = np.arange(windows * width)
    own = products[:, here, here].copy()
    products[:, here, here] = 0
    cells = products.reshape(streams, windows, width, windows, width)
    sums = cells.sum(axis=4)
    if real.all():
        products[:, here, here] = -1
    else:
        products[~np.broadcast_to(real.reshape(streams, 1, -1), products.shape)] = -1
        products[:, here, here] = -1
    del own
    best = cells.max(axis=4)
    return Likeness(sums, best, real.sum(axis=2).astype(np.float32))


def before(values: NDArray, lag: int, *, axis: int = -1) -> NDArray:
    """Sums over the windows before each, but for the last `lag` of these, along an axis of windows."""
    summed = np.cumsum(values, axis=axis)
    shift = lag + 1
    padded = np.zeros_like(summed)
    into, out = [slice(None)] * values.ndim, [slice(None)] * values.ndim
    into[axis], out[axis] = slice(shift, None), slice(None, max(values.shape[axis] - shift, 0))
    padded[tuple(into)] = summed[tuple(out)]
    return padded


def at_reference(cube: Cube, lag: int) -> Cube:
    """(streams, windows, events, windows) gathered at each event's own window less so many: (streams, windows, events).

    What is accumulated over windows *before* each place is read at the reference that ends there.
    """
    windows = cube.shape[1]
    rows = np.arange(windows)
    found = np.zeros(cube.shape[:3], dtype=cube.dtype)
    kept = rows >= lag
    found[:, kept] = cube[:, rows[kept], :, rows[kept] - lag].transpose(1, 0, 2)
    return found
