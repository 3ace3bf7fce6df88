"""Planted changes: streams of windows whose events are partly another's, to judge any detector by.

A stream is `length` windows of `window` events of one member. From a planted onset on a share of the events (the
severity) is another's: of another member of the same part, or of categories the member hardly knows. What is planted
stands in the host's own places in time, so no clock gives it away; where members never touch an item twice, no stream
does either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from penchant.data.interactions import Histories
from penchant.drift.windows import NOTHING
from penchant.errors import InputError, TooLittleDataError
from penchant.vectors import Rows

Kind = Literal["untouched", "shuffled", "abrupt", "gradual", "blip"]
Track = Literal["clean", "natural"]
Splice = Literal["member", "category"]
CHANGES: Final = ("abrupt", "gradual")
SHARES: Final = (0.5, 0.15, 0.35)
"""Members for training, validation and test."""
_TRIES: Final = 30


class InjectionConfig(BaseModel):
    """What streams are made of.

    >>> InjectionConfig(window=20, length=8).events
    160
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    track: Track = "clean"
    """`clean` puts a member's events into a random order first, so that streams without a planted change have none;
    `natural` keeps their order."""
    window: PositiveInt = 10
    """Events of a window."""
    length: int = Field(default=10, ge=5)
    """Windows of a stream."""
    severities: tuple[float, ...] = (0.3, 0.6, 1.0)
    """Shares of the events that a change replaces; each stream draws one."""
    kinds: tuple[Kind, ...] = ("untouched", "untouched", "shuffled", "abrupt", "abrupt", "gradual", "blip")
    """The streams made of each member. A gradual change replaces half its share in its first window and all from the
    second on; a blip lasts one window and counts as no change."""
    splice: Splice = "member"
    """Whose events are planted: of another member of the part, or of categories that the host hardly knows."""
    together: bool = False
    """Whether what is planted in a window stands side by side, as things done at one sitting do, or scattered among the
    host's own events, whose order that breaks."""
    draws: PositiveInt = 1
    """How often all kinds are made of each member."""

    @model_validator(mode="after")
    def _sensible(self) -> "InjectionConfig":
        if not self.severities or not all(0 < severity <= 1 for severity in self.severities):
            raise ValueError(f"each severity must be above 0 and at most 1; got {self.severities}")
        return self

    @property
    def events(self) -> int:
        """Events of a stream: what a member must have to be a host."""
        return self.window * self.length

    @property
    def onsets(self) -> range:
        """The windows in which a change may begin."""
        return range(3, self.length - 1)


@dataclass(frozen=True, eq=False)
class Streams:
    """Streams of equal shape and what was planted in them."""

    items: NDArray[np.int32]
    """(streams, windows, events) item rows."""
    at: NDArray[np.float64]
    """(streams, windows, events) seconds since 1970: the host's own times, in order."""
    foreign: NDArray[np.bool_]
    """(streams, windows, events) what was planted. Never for a detector to see."""
    members: Rows
    """(streams,) row of the host."""
    kinds: NDArray[np.str_]
    severities: NDArray[np.float64]
    """(streams,) 0 where nothing was planted."""
    onsets: Rows
    """(streams,) window in which a change begins; -1 where there is none, as with a blip."""
    blips: Rows
    """(streams,) window of a blip; -1 where there is none."""

    def __len__(self) -> int:
        return len(self.items)

    @property
    def length(self) -> int:
        """Windows of a stream."""
        return self.items.shape[1]

    @property
    def near(self) -> NDArray[np.bool_]:
        """(streams, windows) the onset's window and the one after it: where a detector should speak."""
        since = np.arange(self.length) - self.onsets[:, None]
        return (self.onsets[:, None] >= 0) & (since >= 0) & (since < 2)

    @property
    def quiet(self) -> NDArray[np.bool_]:
        """(streams, windows) nothing has changed: before an onset, and everywhere in streams without one."""
        return (self.onsets[:, None] < 0) | (np.arange(self.length) < self.onsets[:, None])

    def of(self, rows: NDArray) -> "Streams":
        """Some of the streams."""
        return Streams(**{part.name: getattr(self, part.name)[rows] for part in fields(self)})

    @classmethod
    def joined(cls, parts: Sequence["Streams"]) -> "Streams":
        """Streams of one shape after one another."""
        return cls(**{part.name: np.concatenate([getattr(one, part.name) for one in parts]) for part in fields(cls)})


def parts(members: Rows, seed: int, shares: Sequence[float] = SHARES) -> tuple[Rows, Rows, Rows]:
    """Members for training, validation and test, drawn at random.

    >>> [len(part) for part in parts(np.arange(100), seed=0)]
    [50, 15, 35]
    """
    order = np.random.default_rng(seed).permutation(np.asarray(members))
    first, second = (round(len(order) * share) for share in (shares[0], shares[0] + shares[1]))
    return np.sort(order[:first]), np.sort(order[first:second]), np.sort(order[second:])


def inject(
    seen: Histories,
    members: Rows,
    config: InjectionConfig | None = None,
    *,
    seed: int = 0,
    item_topics: sp.csr_matrix | None = None,
) -> Streams:
    """Streams of some members, who also lend the events that are planted in each other's.

    Args:
        seen: histories of everybody by member row; events of weight zero or less are left out.
        members: rows of one part of the members.
        config: shape, kinds and severities.
        seed: of everything that is drawn.
        item_topics: (items, topics) what each item is about, for the splice `category`.

    Raises:
        TooLittleDataError: fewer than two members have enough events.
        InputError: the splice `category` without topics.
    """
    config = config or InjectionConfig()
    rng = np.random.default_rng(seed)
    pool = _Pool.of(seen, members)
    hosts = [place for place, length in enumerate(pool.lengths) if length >= config.events]
    if len(hosts) < 2:
        raise TooLittleDataError(
            f"{len(hosts)} of {len(members)} members have the {config.events} events that a stream of "
            f"{config.length} windows of {config.window} needs; two at least are wanted: make shorter streams"
        )
    if config.splice == "category" and item_topics is None:
        raise InputError("streams with categories planted need item_topics, what each item is about")
    topics = item_topics.tocsc() if item_topics is not None else None
    made = [
        _stream(pool, host, kind, config, topics, rng)
        for host in hosts
        for _ in range(config.draws)
        for kind in config.kinds
    ]
    columns = [np.stack([one[place] for one in made]) for place in range(3)]
    onset, blip, severity = (np.array([one[place] for one in made]) for place in (3, 4, 5))
    return Streams(
        items=columns[0].astype(np.int32),
        at=columns[1],
        foreign=columns[2],
        members=np.repeat(pool.members[hosts], config.draws * len(config.kinds)),
        kinds=np.tile(np.array(config.kinds), len(hosts) * config.draws),
        severities=severity,
        onsets=onset,
        blips=blip,
    )


@dataclass(frozen=True, eq=False)
class _Pool:
    """The positive events of one part of the members."""

    members: Rows
    items: list[NDArray[np.int64]]
    at: list[NDArray[np.float64]]
    once: bool
    """Whether nobody touches an item twice."""

    @property
    def lengths(self) -> list[int]:
        return [len(row) for row in self.items]

    @classmethod
    def of(cls, seen: Histories, members: Rows) -> "_Pool":
        chosen = np.asarray(members, dtype=np.int64)
        items, at = [], []
        for member in chosen.tolist():
            rows = slice(seen.offsets[member], seen.offsets[member + 1])
            liked = seen.weights[rows] > 0
            items.append(seen.items[rows][liked])
            at.append(seen.at[rows][liked])
        repeated = sum(len(row) - len(np.unique(row)) for row in items)
        return cls(chosen, items, at, repeated <= 0.01 * sum(len(row) for row in items))


def _stream(
    pool: _Pool, host: int, kind: Kind, config: InjectionConfig, topics: sp.csc_matrix | None, rng: np.random.Generator
) -> tuple[NDArray, NDArray, NDArray, int, int, float]:
    shape = (config.length, config.window)
    begin = int(rng.integers(len(pool.items[host]) - config.events + 1))
    items = pool.items[host][begin : begin + config.events].copy()
    if config.track == "clean" or kind == "shuffled":
        rng.shuffle(items)
    at = pool.at[host][begin : begin + config.events].reshape(shape)
    items = items.reshape(shape)
    foreign = np.zeros(shape, dtype=bool)
    if kind not in (*CHANGES, "blip"):
        return items, at, foreign, NOTHING, NOTHING, 0.0
    severity = float(rng.choice(config.severities))
    onset = int(rng.choice(np.array(config.onsets)))
    share = np.zeros(config.length)
    share[onset:] = severity
    if kind == "gradual":
        share[onset] = severity / 2
    elif kind == "blip":
        share[onset + 1 :] = 0
    for window in np.flatnonzero(share).tolist():
        # Half an event is one every other time.
        count = int(np.floor(share[window] * config.window + rng.random() * (1 - 1e-9)))
        if config.together:
            begins = int(rng.integers(config.window - count + 1))
            foreign[window, begins : begins + count] = True
        else:
            foreign[window, rng.choice(config.window, count, replace=False)] = True
    need = int(foreign.sum())
    if need:
        own = set(items[~foreign].tolist()) if pool.once else set()
        if config.splice == "member":
            planted = _of_member(pool, host, need, own, config, rng)
        else:
            assert topics is not None
            planted = _of_topics(pool, items, need, own, topics, rng)
        items[foreign] = planted
    return items, at, foreign, -1 if kind == "blip" else onset, onset if kind == "blip" else -1, severity


def _of_member(
    pool: _Pool, host: int, need: int, own: set[int], config: InjectionConfig, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Events of another member who has enough of them; of the one with the most where nobody has."""
    best: NDArray[np.int64] = np.empty(0, np.int64)
    lengths = np.array(pool.lengths)
    rich = np.flatnonzero(lengths >= min(need, lengths.max()))
    rich = rich[rich != host]
    if not len(rich):
        rich = np.array([place for place in np.argsort(-lengths)[:2] if place != host])
    for donor in rng.permutation(rich)[:_TRIES].tolist():
        items = pool.items[donor]
        if own:
            items = items[~np.isin(items, list(own))]
        if len(items) > len(best):
            best = items
        if len(items) >= need:
            break
    if config.track == "clean":
        best = rng.permutation(best)
    begin = int(rng.integers(max(len(best) - need, 0) + 1))
    # Nobody has enough: the events there are come again.
    return np.resize(best[begin:], need)


def _of_topics(
    pool: _Pool, items: NDArray[np.int64], need: int, own: set[int], topics: sp.csc_matrix, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Events with items of a topic that the host hardly knows, as often as the part's members touch them; of several
    topics where one has too few items."""
    known = np.asarray(topics[items.ravel()].sum(axis=0)).ravel()
    rare = np.argsort(known + rng.random(len(known)) * max(0.1 * items.size, 1), kind="stable")
    lender = rng.permutation(len(pool.items))
    touched = np.concatenate([pool.items[place] for place in lender[:200].tolist()])
    if own:
        touched = rng.permutation(np.setdiff1d(touched, list(own)))
    chosen: NDArray[np.int64] = np.empty(0, np.int64)
    for topic in rare.tolist():
        about = topics.indices[topics.indptr[topic] : topics.indptr[topic + 1]]
        more = touched[np.isin(touched, about)]
        chosen = np.concatenate([chosen, rng.permutation(np.setdiff1d(more, chosen) if own else more)])
        if len(chosen) >= need:
            break
    return np.resize(chosen, need)
