"""Whom a campaign reaches: who holds a label in some tiers, how many that really is, and what else they hold."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from scipy.special import ndtr, ndtri

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.strata import Strata, Tier
from penchant.errors import InputError, UnknownIdError
from penchant.vectors import Floats, Rows

SHOWN: Final = frozenset({Tier.CORE, Tier.REGULAR, Tier.EMERGING})
"""The tiers of members who show an interest now: whom a campaign usually means."""


@dataclass(frozen=True)
class Overlap:
    """How much of an audience another label would reach too."""

    label: str
    members: int
    share: float
    """Of the audience asked about."""
    lift: float
    """How many times likelier its members hold the label than members at large who can be judged."""


@dataclass(frozen=True, eq=False)
class Audience:
    """The members that a campaign for a label reaches.

    `members` are rows, those of the largest share first. `expected` is how many of them really give the label at least
    the share asked for, and `interval` holds that number with the confidence asked for: every member's share is known
    to its interval only.
    """

    label: str
    tiers: frozenset[Tier]
    members: Rows
    shares: Floats
    """(members,) of each member's looks; predicted for those who hold the label as latent alone."""
    expected: float
    interval: tuple[float, float]
    unjudged: int
    """Members of the community of whom there is too little to tell."""
    overlaps: tuple[Overlap, ...]
    """Other labels of the same tiers, those that share the most members first."""

    def __len__(self) -> int:
        return len(self.members)


def audience(
    strata: Strata,
    label: str,
    tiers: Collection[Tier] = SHOWN,
    *,
    least_share: float = 0.05,
    confidence: float = 0.9,
    overlaps: int = 10,
) -> Audience:
    """The members who hold a label, or one below it, in any of some tiers.

    Whether a member's share is really as large as asked is a coin of its own for each member, its probability read from
    the interval of the share; the sum of coins is about normal (Lyapunov), and its interval follows. Latent interests
    are predictions whose interval begins at zero, so they add members and little certainty.

    Args:
        strata: of all members.
        label: a path of the interest tree.
        tiers: any of these.
        least_share: the share that a member must really have to count as reached.
        confidence: of the interval of the size.
        overlaps: how many other labels are compared.

    Raises:
        UnknownIdError: the interest tree has no such label.
        InputError: no tier is named, or the confidence or share is not between 0 and 1.
    """
    if label not in strata.labels:
        raise UnknownIdError(f"the interest tree has no label {label!r}; it has {len(strata.labels)} labels")
    wanted = frozenset(Tier(tier) for tier in tiers)
    if not wanted:
        raise InputError(f"no tier is named; name some of {', '.join(Tier)}")
    if not 0 < confidence < 1 or not 0 < least_share < 1:
        raise InputError(f"a confidence of {confidence} and a share of {least_share} must both lie between 0 and 1")
    held = strata.table.filter(pl.col("tier").is_in([tier.value for tier in wanted]))
    own = _within(strata, label)
    mine = (
        held.filter(pl.col("label").is_in(own))
        .sort(["member", "share"], descending=[False, True], maintain_order=True)
        .group_by("member", maintain_order=True)
        .first()
        .sort(["share", "member"], descending=[True, False])
    )
    chance = _reaches(mine, least_share)
    expected, deviation = float(chance.sum()), float(np.sqrt((chance * (1 - chance)).sum()))
    reach = float(ndtri((1 + confidence) / 2)) * deviation
    judged = int((strata.evidence_counts >= strata.wanted).sum())
    others = (
        held.filter(~pl.col("label").is_in([*own, *_above(strata, label)]))
        .group_by("label")
        .agg(pl.len().alias("everyone"), pl.col("member").is_in(mine["member"].implode()).sum().alias("both"))
        .filter(pl.col("both") > 0)
        .sort(["both", "label"], descending=[True, False])
        .head(overlaps)
    )
    return Audience(
        label,
        wanted,
        mine["member"].to_numpy().astype(np.int64),
        mine["share"].to_numpy(),
        expected,
        (max(0.0, expected - reach), min(float(len(mine)), expected + reach)),
        len(strata.member_ids) - judged,
        tuple(
            Overlap(
                strata.labels[row["label"]],
                row["both"],
                row["both"] / len(mine),
                row["both"] / len(mine) / (row["everyone"] / max(judged, row["everyone"])),
            )
            for row in others.iter_rows(named=True)
        ),
    )


def _within(strata: Strata, label: str) -> list[int]:
    """Rows of a label and of those below it."""
    below = label + PATH_SEPARATOR
    return [row for row, name in enumerate(strata.labels) if name == label or name.startswith(below)]


def _above(strata: Strata, label: str) -> list[int]:
    """Rows of the labels above a label: who holds it holds them too."""
    return [row for row, name in enumerate(strata.labels) if label.startswith(name + PATH_SEPARATOR)]


def _reaches(held: pl.DataFrame, least_share: float) -> np.ndarray:
    """Probability that each share is at least so large, the interval read as a normal distribution's middle 90%."""
    share, lower, upper = (held[name].to_numpy().astype(np.float64) for name in ("share", "lower", "upper"))
    deviation = np.maximum((upper - lower) / 2 / float(ndtri(0.95)), 1e-9)
    return ndtr((share - least_share) / deviation)
