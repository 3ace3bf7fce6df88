"""Parting a community's events into training, validation and test, by four protocols."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.errors import ConfigError, TooLittleDataError
from penchant.vectors import Rows

TRAIN: Final = 0
VALIDATION: Final = 1
TEST: Final = 2


@dataclass(frozen=True)
class Split:
    """Three communities with the same members, items and row numbers, whose events are disjoint and add up to all.

    Models are fitted on `train`, chosen on `validation` and judged on `test`. Ties and labels stay in all three.
    """

    train: Community
    validation: Community
    test: Community

    def __repr__(self) -> str:
        return (
            f"Split(train={len(self.train.events)}, validation={len(self.validation.events)}, "
            f"test={len(self.test.events)} events)"
        )

    @property
    def fit(self) -> Community:
        """Training and validation together: what is known at the time of the test."""
        return self.train.with_events(pl.concat([self.train.events, self.validation.events]))


def random_split(community: Community, seed: int, shares: Sequence[float] = (0.8, 0.1, 0.1)) -> Split:
    """Each member's items shuffled, then cut by share: RecBole's ratio split (Zhao et al. 2021), user by user.

    Validation and test take the floor of their share of a member's distinct items, training the rest. All events of a
    member with one item stay together, so that a part never repeats what another has seen. Searches name no item to
    hold out and stay in training. Time plays no part here, so training holds events later than the test's.

    Raises:
        ConfigError: shares are not three, below zero, or do not add up to one.

    >>> films = pl.DataFrame({"item_id": [str(n) for n in range(10)], "title": "Film"})
    >>> seen = films.select("item_id", member_id=pl.lit("m1"), kind=pl.lit("play"), at=datetime(2026, 1, 5))
    >>> random_split(Community.from_tables(films, seen), seed=0)
    Split(train=8, validation=1, test=1 events)
    """
    if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise ConfigError(f"shares of training, validation and test must be three and add up to 1; got {list(shares)}")
    events = community.events
    member, item = _rows(events["member"]), _rows(events["item"])
    has_item = item >= 0
    pairs, pair_of = np.unique(member[has_item] * len(community.item_ids) + item[has_item], return_inverse=True)
    owner = pairs // max(len(community.item_ids), 1)
    shuffled = np.lexsort((np.random.default_rng(seed).random(len(pairs)), owner))
    counts = np.bincount(owner, minlength=len(community.member_ids))
    place = np.arange(len(pairs)) - np.repeat(np.cumsum(counts) - counts, counts)
    # 0.1 * 30 must not floor to 2 for want of the last bit.
    validation = np.floor(counts * shares[VALIDATION] + 1e-9).astype(np.int64)[owner]
    test = np.floor(counts * shares[TEST] + 1e-9).astype(np.int64)[owner]
    train = counts[owner] - validation - test
    part_of_pair = np.empty(len(pairs), dtype=np.int8)
    part_of_pair[shuffled] = (place >= train).astype(np.int8) + (place >= train + validation)
    part = np.full(len(events), TRAIN, dtype=np.int8)
    part[has_item] = part_of_pair[pair_of]
    return _cut(community, part)


def last_split(community: Community, seed: int, *, weights: EventWeights | None = None, unseen: bool = False) -> Split:
    """Each member's last event out for the test, the one before it for validation (leave-one-out).

    Only events that say a member likes an item may be held out: those of positive weight. Events at the same moment
    come in random order, by the seed. What a member did after the validation event (a search, a return) goes with
    it, so that nothing a member did later is in an earlier part; other members' later events are in training, as is
    usual with this protocol. Members with fewer than three such events stay in training whole.

    Args:
        community: whose events to part.
        seed: of the order among events at the same moment.
        weights: how much each kind of event says; the defaults if absent.
        unseen: hold out only a member's first event with an item, so that the test asks for something new to them.
    """
    events = community.events
    member, item = _rows(events["member"]), _rows(events["item"])
    at = events["at"].to_physical().to_numpy()
    order = np.lexsort((np.random.default_rng(seed).random(len(events)), at, member))
    held = ((weights or EventWeights()).apply(events).to_numpy() > 0) & (item >= 0)
    held = held[order]
    owner = member[order]
    if unseen:
        pair = owner * len(community.item_ids) + item[order]
        first = np.zeros(len(events), dtype=bool)
        # A search has item -1: its pair may meet another's, so only rows with items take part.
        with_item = np.flatnonzero(item[order] >= 0)
        first[with_item[np.unique(pair[with_item], return_index=True)[1]]] = True
        held &= first
    totals = np.bincount(owner, weights=held, minlength=len(community.member_ids)).astype(np.int64)
    earlier_members = (np.cumsum(totals) - totals)[owner]
    later = totals[owner] - (np.cumsum(held) - earlier_members)
    part = np.empty(len(events), dtype=np.int8)
    part[order] = np.where(totals[owner] >= 3, TEST - np.minimum(later, 2), TRAIN)
    return _cut(community, part)


def time_split(
    community: Community,
    *,
    test_share: float | None = None,
    test_from: datetime | None = None,
    validation_share: float | None = None,
    validation_from: datetime | None = None,
) -> Split:
    """Two moments cut all events: before the first is training, between them validation, from the second on test.

    Name each moment by a date or by the share of all events that should follow it (one tenth if neither is named;
    validation's share is of all events too). Events at one moment are never parted, so a share holds nearly.

    Raises:
        ConfigError: a share is not between 0 and 1, a moment is named twice, or the moments stand in wrong order.
        TooLittleDataError: a part is left without events.
    """
    at = community.events["at"]
    if at.is_empty():
        raise TooLittleDataError("a community without events cannot be split by time; read some events first")
    _one_of("test", test_share, test_from)
    _one_of("validation", validation_share, validation_from)
    test_start = _utc(test_from) if test_from else _moment(at, len(at), test_share)
    if validation_from:
        validation_start = _utc(validation_from)
    else:
        before = int((at < test_start).sum())
        if not before:
            raise TooLittleDataError(f"no event is before {test_start:%Y-%m-%d %H:%M}, the start of the test")
        validation_start = _moment(at[:before], len(at), validation_share)
    if validation_start > test_start:
        raise ConfigError(f"validation starts at {validation_start}, after the test at {test_start}; swap them")
    part = (at >= validation_start).cast(pl.Int8) + (at >= test_start).cast(pl.Int8)
    split = _cut(community, part.to_numpy())
    for name in ("train", "validation", "test"):
        if getattr(split, name).events.is_empty():
            raise TooLittleDataError(
                f"split by time leaves {name} without events: the data runs from {at[0]} to {at[-1]}, validation "
                f"starts at {validation_start}, the test at {test_start}; choose other moments or shares"
            )
    return split


def new_items_split(community: Community, seed: int, share: float = 0.1) -> Split:
    """Some items are held out with all their events, so that training has never seen anyone touch them.

    Of the items that have events, a random `share` goes to the test and as many to validation. Searches stay in
    training.

    Raises:
        ConfigError: the share is not above 0 and below one half.
        TooLittleDataError: there are too few items to hold one out for each part.
    """
    if not 0 < share < 0.5:
        raise ConfigError(f"the share of held-out items must be above 0 and below 0.5; got {share}")
    item = _rows(community.events["item"])
    touched = np.unique(item[item >= 0])
    held = int(len(touched) * share)
    if not held:
        raise TooLittleDataError(f"{len(touched)} items have events; {share:.0%} of them is not one: hold out more")
    chosen = np.random.default_rng(seed).permutation(touched)
    # One place more, always in training, for the row -1 of events without an item.
    part_of_item = np.full(len(community.item_ids) + 1, TRAIN, dtype=np.int8)
    part_of_item[chosen[:held]] = TEST
    part_of_item[chosen[held : 2 * held]] = VALIDATION
    return _cut(community, part_of_item[item])


def _rows(rows: pl.Series) -> Rows:
    """Row numbers as int64, -1 where there is none."""
    return rows.cast(pl.Int64).fill_null(-1).to_numpy()


def _cut(community: Community, part: NDArray[np.int8]) -> Split:
    events = community.events
    train, validation, test = (
        community.with_events(events.filter(pl.Series(part == which))) for which in (TRAIN, VALIDATION, TEST)
    )
    return Split(train, validation, test)


def _one_of(name: str, share: float | None, moment: datetime | None) -> None:
    if share is not None and moment is not None:
        raise ConfigError(f"give {name}_share or {name}_from, not both; got {share} and {moment}")
    if share is not None and not 0 < share < 1:
        raise ConfigError(f"{name}_share must be above 0 and below 1; got {share}")


def _moment(at: pl.Series, total: int, share: float | None) -> datetime:
    """The moment from which about `share` of `total` events follow, counted from the end of sorted times."""
    count = round(total * (0.1 if share is None else share))
    return at[max(len(at) - max(count, 1), 0)]


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
