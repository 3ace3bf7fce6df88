"""Each member's events cut into windows, by count or by calendar: whole, overlapping, or as they come in."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, model_validator

from penchant.data.community import Community
from penchant.data.interactions import DAY, EventWeights, Histories, histories
from penchant.vectors import Rows

Numbers = NDArray[np.float64]
NOTHING: Final = -1
"""Stands for an event in the places of a block that a window does not fill."""


class WindowConfig(BaseModel):
    """How long a window is.

    >>> WindowConfig(events=20).step
    20
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Literal["count", "calendar"] = "count"
    """`count`: so many events each; `calendar`: so many days each, and days without an event make no window."""
    events: PositiveInt = 10
    """Events of a window by count. The last events that do not fill one wait for more."""
    days: PositiveFloat = 14.0
    """Length of a window by calendar, counted from the community's first event."""
    overlap: PositiveInt | None = None
    """Events by which a window by count moves on from the one before; None moves on by a whole window."""
    session_gap: PositiveFloat = 0.5
    """Hours without an event after which a new session begins."""
    weights: EventWeights = EventWeights()
    """Events that say nothing good of an item (weight zero or less) are in no window."""

    @model_validator(mode="after")
    def _moves_within(self) -> Self:
        if self.overlap is not None and self.overlap > self.events:
            raise ValueError(f"windows of {self.events} events that move on by {self.overlap} would leave some out")
        return self

    @property
    def step(self) -> int:
        """Events by which a window by count moves on."""
        return self.overlap or self.events


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of a batch of members, each member's in order of time.

    Window w holds the events `starts[w]` to `ends[w]` of `items` and `at`; member row `members[i]` owns the windows
    `offsets[i]` to `offsets[i + 1]`.

    >>> seen = Histories.of_items([[7, 8, 9, 7, 8]])
    >>> cut = cut_windows(seen, WindowConfig(events=2))
    >>> [cut.items[start:end].tolist() for start, end in zip(cut.starts, cut.ends, strict=True)]
    [[7, 8], [9, 7]]
    """

    members: Rows
    offsets: Rows
    starts: Rows
    ends: Rows
    items: Rows
    at: Numbers
    """(events,) seconds since 1970, UTC."""
    session_gap: float
    """Seconds without an event after which a new session begins."""

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def owners(self) -> Rows:
        """(windows,) place in `members` of each window's member."""
        return np.repeat(np.arange(len(self.members)), np.diff(self.offsets))

    @cached_property
    def sizes(self) -> Rows:
        """(windows,) events in each."""
        return self.ends - self.starts

    @cached_property
    def opened(self) -> Numbers:
        """(windows,) time of the first event."""
        return self.at[self.starts]

    @cached_property
    def closed(self) -> Numbers:
        """(windows,) time of the last event: from then on the window can be judged."""
        return self.at[self.ends - 1]

    @cached_property
    def gaps(self) -> Numbers:
        """(windows,) seconds between a window's first event and the member's event before; 0 for the first window."""
        first = np.isin(np.arange(len(self)), self.offsets[:-1])
        return np.where(first, 0.0, self.at[self.starts] - self.at[np.maximum(self.starts - 1, 0)])

    @cached_property
    def sessions(self) -> Rows:
        """(windows,) sessions that each window's events lie in."""
        breaks = np.concatenate([[0], np.cumsum(np.diff(self.at) > self.session_gap)]).astype(np.int64)
        return breaks[self.ends - 1] - breaks[self.starts] + 1 if len(self) else np.empty(0, np.int64)

    def blocks(self, windows: int, history: int, most: int, *, streams: int = 2_000) -> Iterator["Block"]:
        """The windows as padded arrays, for work on many members at once.

        A member with many windows comes in pieces of `windows`, each beginning with `history` windows of the piece
        before, so that every window is seen with those that went before it.

        Args:
            windows: of a piece.
            history: windows of a piece that were in the piece before; fewer than `windows`.
            most: events of a window; of a fuller one evenly spread ones are taken.
            streams: pieces in a block.
        """
        counts = np.diff(self.offsets)
        step = windows - history
        pieces = np.maximum(1, -(-(counts - history) // step))
        pieces[counts == 0] = 0
        owner = np.repeat(np.arange(len(counts)), pieces)
        place = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        first = self.offsets[owner] + place * step
        for begin in range(0, len(owner), streams):
            rows = slice(begin, begin + streams)
            grid = first[rows, None] + np.arange(windows)
            real = grid < self.offsets[owner[rows] + 1][:, None]
            safe = np.where(real, grid, 0)
            sizes = np.where(real, self.sizes[safe], 0)
            kept = np.minimum(sizes, most)
            slot = np.arange(most)
            # Evenly spread events where there are more than fit.
            spread = (slot * sizes[..., None]) // np.maximum(kept, 1)[..., None]
            filled = slot < kept[..., None]
            events = np.where(filled, self.starts[safe][..., None] + spread, 0)
            yield Block(
                owners=owner[rows],
                windows=np.where(real, grid, NOTHING),
                fresh=real & ((np.arange(windows) >= history) | (place[rows] == 0)[:, None]),
                items=np.where(filled, self.items[events], NOTHING).astype(np.int32),
            )


@dataclass(frozen=True, eq=False)
class Block:
    """Pieces of members' windows as arrays of one shape."""

    owners: Rows
    """(pieces,) place of the member."""
    windows: Rows
    """(pieces, windows) number of each window; `NOTHING` where there is none."""
    fresh: NDArray[np.bool_]
    """(pieces, windows) whether the window is to be judged here, and not only history."""
    items: NDArray[np.int32]
    """(pieces, windows, events) item rows; `NOTHING` in empty places, which come last."""


def windows_of(community: Community, config: WindowConfig | None = None, members: Rows | None = None) -> Windows:
    """The windows of some members (all, if none are named)."""
    config = config or WindowConfig()
    return cut_windows(histories(community, members, weights=config.weights), config, members)


def cut_windows(seen: Histories, config: WindowConfig, members: Rows | None = None) -> Windows:
    """Cut histories into windows; events of weight zero or less are left out."""
    liked = seen.weights > 0
    owner = seen.owners[liked]
    items, at = seen.items[liked], seen.at[liked]
    counts = np.bincount(owner, minlength=len(seen))
    begins = np.cumsum(counts) - counts
    if config.by == "count":
        number = np.maximum(0, (counts - config.events) // config.step + 1)
        offsets = np.concatenate([[0], np.cumsum(number)])
        place = np.arange(offsets[-1]) - np.repeat(offsets[:-1], number)
        starts = np.repeat(begins, number) + place * config.step
        ends = starts + config.events
    else:
        origin = float(at.min()) if len(at) else 0.0
        period = ((at - origin) // (config.days * DAY)).astype(np.int64)
        opens = np.ones(len(at), dtype=bool)
        opens[1:] = (np.diff(owner) != 0) | (np.diff(period) != 0)
        starts = np.flatnonzero(opens)
        ends = np.append(starts[1:], len(at))
        ends = ends[: len(starts)]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(owner[starts], minlength=len(seen)))])
    rows = np.arange(len(seen)) if members is None else np.asarray(members)
    gap = config.session_gap * 3600
    return Windows(rows, offsets.astype(np.int64), starts.astype(np.int64), ends.astype(np.int64), items, at, gap)


def window_grid(items: Rows, at: Numbers, config: WindowConfig) -> tuple[NDArray[np.int32], Numbers]:
    """One member's windows as (windows, events) item rows and times, the last window ending with the last event.

    Windows by calendar are counted back from the last event; of one with more events than `config.events` evenly spread
    ones are taken, and one with fewer ends in `NOTHING`.

    >>> window_grid(np.array([7, 8, 9]), np.array([0.0, 1.0, 2.0]), WindowConfig(events=2))[0].tolist()
    [[8, 9]]
    """
    width = config.events
    if config.by == "count":
        begins = np.arange(len(items) - width, -1, -config.step)[::-1]
        places = begins[:, None] + np.arange(width)
        return items[places].astype(np.int32), at[places]
    if not len(items):
        return np.zeros((0, width), np.int32), np.zeros((0, width))
    age = ((at[-1] - at) // (config.days * DAY)).astype(np.int64)
    starts = np.flatnonzero(np.diff(age, prepend=age[0] + 1))
    sizes = np.diff(np.append(starts, len(items)))
    kept = np.minimum(sizes, width)[:, None]
    slot = np.arange(width)
    places = starts[:, None] + np.where(slot < kept, slot * sizes[:, None] // kept, sizes[:, None] - 1)
    return np.where(slot < kept, items[places], NOTHING).astype(np.int32), at[places]


@dataclass
class WindowStream:
    """One member's windows by count as events come in; an event that comes after a later one is noticed.

    >>> stream = WindowStream(WindowConfig(events=2))
    >>> [stream.add(item, at) for item, at in [(4, 0.0), (5, 60.0), (6, 90.0)]]
    [False, True, False]
    >>> stream.windows
    [[4, 5]]
    """

    config: WindowConfig = field(default_factory=WindowConfig)
    windows: list[list[int]] = field(default_factory=list)
    """Item rows of the windows so far."""
    backwards: int = 0
    """Events whose time lay before that of an event that had come already."""
    _open: list[int] = field(default_factory=list)
    _last: float = -np.inf

    def add(self, item: int, at: float, weight: float = 1.0) -> bool:
        """Take an event; whether a window is full with it."""
        self.backwards += at < self._last
        self._last = max(self._last, at)
        if weight <= 0:
            return False
        self._open.append(item)
        if len(self._open) < self.config.events:
            return False
        self.windows.append(self._open)
        self._open = self._open[self.config.step :]
        return True
