"""From events to looks: what a member did with one item in one session, and how much independent evidence it is."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.data.community import Community
from penchant.data.interactions import DAY, Decay, EventWeights
from penchant.vectors import Floats, Rows

SESSION_GAP: Final = 1_800.0
"""Seconds of silence after which a new session begins."""


@dataclass(frozen=True, eq=False)
class Looks:
    """What members did, one entry for each member, session and item, sorted by member and time.

    A view, a cart and a purchase of one kettle in one evening are one look with the weight of the strongest.
    """

    member: Rows
    item: Rows
    session: Rows
    """Numbered through the whole community."""
    at: NDArray[np.float64]
    """Seconds since 1970, of the last event of the look."""
    weight: Floats
    """From 0 to 1: how much the look says that the member likes the item."""
    kind: pl.Series
    """The kind of the strongest event."""

    def __len__(self) -> int:
        return len(self.member)

    def chosen(self, mask: NDArray[np.bool_]) -> "Looks":
        """Some of the looks."""
        return Looks(
            self.member[mask],
            self.item[mask],
            self.session[mask],
            self.at[mask],
            self.weight[mask],
            self.kind.filter(mask),
        )


def looks(
    community: Community,
    weights: EventWeights,
    *,
    members: Rows | None = None,
    sentiment: Floats | None = None,
) -> Looks:
    """The looks of some members (all if none are named).

    Args:
        community: whose events to read; events without an item are left out.
        weights: how much each kind says; a look's negative events take its weight down, to zero at the least.
        members: rows of the members wanted.
        sentiment: (events,) from -1 to 1, of what was written with an event; NaN where nothing was. A positive weight
            is scaled by (1 + sentiment) / 2, so that a scathing review is no sign of liking.
    """
    events = community.events.select("member", "item", "kind", pl.col("at").dt.epoch("us").alias("at"))
    weight = weights.apply(community.events).to_numpy()
    if sentiment is not None:
        felt = np.where(np.isnan(sentiment), 1.0, (1 + sentiment) / 2)
        weight = np.where(weight > 0, weight * felt, weight)
    events = events.with_columns(pl.Series("weight", weight, dtype=pl.Float32)).filter(pl.col("item").is_not_null())
    if members is not None:
        events = events.filter(pl.col("member").is_in(members))
    events = events.sort("member", "at", maintain_order=True)
    silence = (pl.col("at").diff() > SESSION_GAP * 1e6) | (pl.col("member").diff() != 0)
    found = (
        events.with_columns(silence.fill_null(True).cum_sum().alias("session"))
        .group_by("member", "session", "item", maintain_order=True)
        .agg(
            pl.col("at").last(),
            pl.col("kind").get(pl.col("weight").arg_max()),
            (pl.col("weight").max().clip(0) + pl.col("weight").clip(upper_bound=0).sum()).clip(0, 1).alias("weight"),
        )
    )
    return Looks(
        member=found["member"].to_numpy().astype(np.int64),
        item=found["item"].to_numpy().astype(np.int64),
        session=found["session"].to_numpy().astype(np.int64),
        at=found["at"].to_numpy() / 1e6,
        weight=found["weight"].to_numpy(),
        kind=found["kind"],
    )


@dataclass(frozen=True, eq=False)
class Tally:
    """For each member, how many independent looks there were, and how many of them each label drew."""

    size: Floats
    """(members,)"""
    counts: sp.csr_matrix
    """(members, labels) at most `size` in each row's cells."""


def tally(
    chosen: Looks, labels: sp.csr_matrix, member_count: int, *, now: float, decay: Decay, session_correlation: float
) -> Tally:
    """Weigh looks by strength and age, and count them as the independent looks they amount to.

    Looks of one session go the same way more often than chance, and a weak or old look tells less than a strong fresh
    one; so the sum of weights w is not a number of trials. The effective number is (Σw)² / (Σw² + ρ Σ w·w') with the
    second sum over pairs in one session (Kish, 1965: weighting times clustering).

    Args:
        chosen: the looks to count.
        labels: (items, labels) probability that an item is about a label.
        member_count: rows of the answer.
        now: seconds since 1970 from which ages count.
        decay: how weight fades.
        session_correlation: ρ, from 0 (looks of a session are independent) to 1 (a session counts as one look).
    """
    weight = chosen.weight * decay.factor((now - chosen.at) / DAY)
    total = np.bincount(chosen.member, weights=weight, minlength=member_count)
    squares = np.bincount(chosen.member, weights=weight**2, minlength=member_count)
    sessions, number = np.unique(chosen.session, return_inverse=True)
    together = np.bincount(number, weights=weight, minlength=len(sessions)) ** 2
    owner = np.zeros(len(sessions), dtype=np.int64)
    owner[number] = chosen.member
    clustered = np.bincount(owner, weights=together, minlength=member_count)
    spread = (1 - session_correlation) * squares + session_correlation * clustered
    size = np.divide(total**2, spread, out=np.zeros(member_count), where=spread > 0)
    drawn = sp.csr_matrix((weight, (chosen.member, chosen.item)), shape=(member_count, labels.shape[0])) @ labels
    scale = np.divide(size, total, out=np.zeros(member_count), where=total > 0)
    return Tally(size.astype(np.float32), sp.csr_matrix(sp.diags_array(scale) @ drawn, dtype=np.float32))
