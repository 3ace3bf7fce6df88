"""Models that foresee the events of members whom they have not learned from, for a judge to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from penchant.data.community import Community
from penchant.drift.surprise import Surprise, SurpriseConfig
from penchant.training.options import Options
from penchant.vectors import Rows


@dataclass(frozen=True, eq=False)
class Foreseen:
    """Who foresees whom."""

    by_part: tuple[Surprise, ...]
    """For each part of the members, a model that has learned from none of them."""
    whole: Surprise
    """Learned from all, for members to come."""


def foresee(
    community: Community, parts: Sequence[Rows], members: Rows, config: SurpriseConfig, options: Options
) -> Foreseen:
    """Learn to foresee: once from all members, and once from those of every other part for each half of the parts.

    A network is costly to fit, so parts share one: none has learned from a member of its half.

    Args:
        community: the events.
        parts: of the members, by row.
        members: all rows to learn from.
        config: the model.
        options: seed and threads.
    """
    halves = []
    for half in (0, 1):
        apart = np.concatenate(parts[half::2])
        halves.append(_fitted(community, np.setdiff1d(members, apart), config, options))
    by_part = tuple(halves[number % 2] for number in range(len(parts)))
    return Foreseen(by_part, _fitted(community, members, config, options))


def _fitted(community: Community, members: Rows, config: SurpriseConfig, options: Options) -> Surprise:
    chosen = options.rng().permutation(members)[: config.most_members]
    known = community.events.filter(pl.col("member").is_in(chosen.tolist())).sort("member", "at", maintain_order=True)
    # One event a second: windows are compared by their order, whatever the clock says, and so they must be learned.
    place = pl.int_range(pl.len()).over("member") * 1_000_000
    known = known.with_columns(place.cast(known.schema["at"]).alias("at"))
    return Surprise(config).fit(community.with_events(known), options)
