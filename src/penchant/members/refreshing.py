"""Profiles that go on from where they were: members with something new are described anew, the others grow older."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.data.community import Community
from penchant.data.interactions import FELT
from penchant.data.strata import Strata
from penchant.members.doings import LATELY
from penchant.members.features import FEELINGS, TIERS
from penchant.members.leanings import Writings, tiers
from penchant.members.moments import present
from penchant.members.profiles import NEVER, Profiles
from penchant.members.profiling import ProfileConfig, basis, clocks, profiles
from penchant.vectors import Floats, Rows

_AGES: Final = (
    ("tenure_days", 0, None, None),
    ("recency_days", 1, "gap_days", "overdue"),
    ("order_recency_days", 2, "order_gap_days", "order_overdue"),
)
"""What passes by itself: an age, the date that it counts from, and, with the usual gap, how far overdue that is."""


def refreshed(
    made: Profiles,
    community: Community,
    changed: Collection[str],
    config: ProfileConfig | None = None,
    *,
    at: datetime | None = None,
    item_vectors: Floats | None = None,
    writings: Writings | None = None,
    strata: Strata | None = None,
) -> Profiles:
    """What `profiles` would give of the community as it is now, from profiles made before.

    Described anew are the members named, those who are new, those whose own clock (`offset_column`) is another, and
    those of whose events one has since passed from one window of time to the next. Where items, settings or kinds of
    event are others than before, all are.

    Args:
        made: profiles of the same community as it was.
        community: as it is now.
        changed: ids of members of whom an event came, late ones included, was corrected or went.
        config: the same as before.
        at: the moment; the present if absent.
        item_vectors: (items, width) of the items' texts, where `made` has vectors of texts.
        writings: what members wrote, with vectors, where `made` was made with some.
        strata: the tiers as they are now; without them each member's stay as they were.

    Raises:
        InputError: vectors, strata or a column do not fit the community.

    >>> from penchant.data.simulated import SimulatedConfig, simulate
    >>> bazaar = simulate(SimulatedConfig(events=2_000)).community
    >>> before = profiles(bazaar.with_events(bazaar.events.head(1_990)))
    >>> late = bazaar.member_ids.decode(bazaar.events["member"].tail(10)).to_list()
    >>> now = refreshed(before, bazaar, late)
    >>> np.array_equal(now.values, profiles(bazaar, shares=before.shares).values, equal_nan=True)
    True
    """
    config = config or ProfileConfig()
    moment = at or present(community)
    if moment is None or made.at is None or made.dates is None or not _holds(made, community, config, item_vectors):
        return profiles(
            community,
            config,
            at=at,
            item_vectors=item_vectors,
            writings=writings,
            strata=strata,
            shares=made.shares or None,
        )
    row_before = {member: row for row, member in enumerate(made.members)}
    before = np.array([row_before.get(member, -1) for member in community.member_ids.ids], dtype=np.int64)
    anew = before < 0
    known = [community.member_ids.row_or_none(member) for member in changed]
    anew[[row for row in known if row is not None]] = True
    anew[_passed(community, made.at, moment)] = True
    own = clocks(community, config)
    if own is not None and made.clocks is not None:
        anew |= own != np.where(before >= 0, made.clocks[before], np.nan)
    values, text, dates = _carried(made, before)
    _grow_older(made, values, dates, moment)
    rows = np.flatnonzero(anew)
    fresh = profiles(
        _alone(community, rows), config, at=moment, item_vectors=item_vectors if text is not None else None,
        writings=writings,
        names=made.names,
    )  # fmt: skip
    assert fresh.dates is not None
    values[rows], dates[rows] = _keeping_tiers(made, fresh.values, values[rows]), fresh.dates
    if text is not None and fresh.text is not None:
        text[rows] = fresh.text
    if strata is not None:
        for place, name in enumerate(TIERS):
            values[:, made.names.index(name)] = tiers(strata)[:, place]
    future = len(community.events) - int(community.events["at"].search_sorted(moment, side="right"))
    return replace(
        made,
        members=tuple(community.member_ids.ids),
        values=values,
        text=text,
        at=moment,
        future=future,
        dates=dates,
        clocks=own,
    )


def profile_of(
    made: Profiles,
    items: pl.DataFrame,
    member_id: str,
    history: pl.DataFrame,
    config: ProfileConfig | None = None,
    *,
    at: datetime | None = None,
    item_vectors: Floats | None = None,
    writings: Writings | None = None,
    about: Mapping[str, Any] | None = None,
) -> Profiles:
    """One member's profile from their events as they are now, with the features of profiles made before.

    Args:
        made: of the community; nobody's row in it is asked.
        items: the items table that `made` rests on.
        member_id: who may have joined a moment ago.
        history: their events, with the columns of `penchant.data.columns.EVENTS`; those with other items are left out.
        config: the same as before.
        at: the moment; by default the later of the one of `made` and the member's last event.
        item_vectors: (items, width) of the items' texts, where `made` has vectors of texts.
        writings: what members wrote, with vectors, where `made` was made with some.
        about: their row of the members table, where settings ask for a column of it.
    """
    config = config or ProfileConfig()
    known = history.filter(pl.col("item_id").is_null() | pl.col("item_id").is_in(items["item_id"].implode()))
    members = pl.DataFrame({"member_id": [member_id]})
    if config.offset_column is not None:
        hours = (about or {}).get(config.offset_column)
        members = members.with_columns(pl.lit(hours, dtype=pl.Float64).alias(config.offset_column))
    one = Community.from_tables(items, known, members)
    moments = [moment for moment in (at or made.at, None if at else present(one)) if moment is not None]
    return profiles(
        one, config, at=max(moments, default=None), item_vectors=item_vectors, writings=writings, names=made.names
    )


def _holds(made: Profiles, community: Community, config: ProfileConfig, item_vectors: Floats | None) -> bool:
    """Whether rows made before can stand beside rows made now."""
    kinds = {f"kind:{kind}" for kind in community.events["kind"].unique().cast(pl.String)}
    return (
        made.basis == basis(community, config)
        and kinds <= set(made.names)
        and (FELT in community.events.columns) == (FEELINGS[0] in made.names)
        and (made.text is None) == (item_vectors is None)
        # Profiles of an earlier release do not say whose clock they were made by.
        and (made.clocks is None) == (config.offset_column is None)
    )


def _passed(community: Community, before: datetime, now: datetime) -> Rows:
    """Members of whose events one has gone from one window to another between two moments, or has come at all."""
    first, last = min(before, now), max(before, now)
    at = pl.col("at")
    passed = pl.lit(value=False)
    for days in (0, *LATELY):
        passed |= (at >= first - timedelta(days=days)) & (at <= last - timedelta(days=days, seconds=-1))
    if first == last:
        return np.zeros(0, dtype=np.int64)
    return community.events.filter(passed)["member"].unique().to_numpy().astype(np.int64)


def _carried(made: Profiles, before: Rows) -> tuple[Floats, Floats | None, NDArray[np.int64]]:
    """The rows of before in the order of now; members who are new have nothing yet."""
    assert made.dates is not None
    there = (before >= 0)[:, None]
    values = np.where(there, made.values[before], np.float32(np.nan))
    dates = np.where(there, made.dates[before], NEVER)
    text = None if made.text is None else np.where(there, made.text[before], np.float32(0))
    return values, text, dates


def _grow_older(made: Profiles, values: Floats, dates: NDArray[np.int64], moment: datetime) -> None:
    """Count again, in the rows themselves, what passes by itself."""
    now = np.int64(pl.Series([moment]).dt.epoch("us")[0])
    for name, date, gap, late in _AGES:
        since = dates[:, date]
        # By whole seconds, as `penchant.members.doings.age` counts.
        days = np.where(since == NEVER, np.nan, (now - since) // 1_000_000 / 86_400)
        values[:, made.names.index(name)] = days
        if gap is not None and late is not None:
            usual = values[:, made.names.index(gap)].astype(np.float64)
            values[:, made.names.index(late)] = days / (usual + 1)


def _alone(community: Community, rows: Rows) -> Community:
    """The community with the events of some members, and those members only."""
    place = pl.DataFrame(
        {"member": pl.Series(rows, dtype=pl.UInt32), "_place": pl.Series(range(len(rows)), dtype=pl.UInt32)}
    )
    own = community.events.join(place, on="member", how="inner", maintain_order="left")
    own = own.with_columns(pl.col("_place").alias("member")).drop("_place")
    return replace(
        community, members=community.members[rows.tolist()], events=own, ties=community.ties.clear(),
        labels=community.labels.clear(),
    )  # fmt: skip


def _keeping_tiers(made: Profiles, fresh: Floats, old: Floats) -> Floats:
    """Tiers are another system's verdict, and stay until it gives another."""
    for name in TIERS:
        if name in made.names:
            fresh[:, made.names.index(name)] = old[:, made.names.index(name)]
    return fresh
