"""How well what members are worth would have been foreseen, on the last stretch of time before now."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from penchant.data.community import Community
from penchant.errors import TooLittleDataError
from penchant.members.moments import present
from penchant.members.value import Value, ValueConfig, outcome
from penchant.training.options import Options


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was said of returns, and what came, on the last stretch of time before now, by groups of what was said."""

    said: tuple[float, ...]
    came: tuple[float, ...]
    members: tuple[int, ...]
    spend_rank: float
    """Rank correlation of the money foreseen with the money spent; NaN where nobody was judged."""


def calibrated(community: Community, config: ValueConfig, options: Options) -> Calibration | None:
    """Learn up to one horizon ago, foresee, and hold what was said against what came; None where that is too little."""
    from scipy.stats import spearmanr

    now = present(community)
    if now is None:
        return None
    cut = now - timedelta(days=config.horizon_days)
    known = community.with_events(community.events.filter(pl.col("at") <= cut))
    try:
        worth = Value(config).fit(known, options, at=cut).foresee(known, at=cut)
    except TooLittleDataError:
        return None
    rows = np.flatnonzero(~np.isnan(worth.returns))
    returned, spent = outcome(community.events.filter((pl.col("at") > cut) & (pl.col("at") <= now)), len(worth.members))
    groups = np.array_split(rows[np.argsort(worth.returns[rows], kind="stable")], min(10, max(len(rows) // 10, 1)))
    rank = (
        float(spearmanr(worth.spend[rows], spent[rows])[0]) if len(rows) > 2 and spent[rows].std() > 0 else float("nan")
    )
    return Calibration(
        tuple(float(worth.returns[group].mean()) for group in groups),
        tuple(float(returned[group].mean()) for group in groups),
        tuple(len(group) for group in groups),
        rank,
    )
