"""What the log of shown lists tells: what its tried items earned, and what the model's own favourites would have."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from penchant.data.community import Community
from penchant.data.interactions import histories
from penchant.errors import TooLittleDataError
from penchant.evaluation.off_policy import OffPolicy, ips, snips
from penchant.recommend.propensities import read_log, rewarded
from penchant.vectors import Rows

if TYPE_CHECKING:
    from penchant.recommend.recommender import Recommender

CLIP: Final = 20.0
"""The largest weight of a line: more would let a few lines decide."""


@dataclass(frozen=True)
class Logged:
    """What one log says of the places that tried new items."""

    lines: int
    """Places that were left to chance, of members who are known."""
    reward: float
    """The share of them that was taken up: the value of the policy that ran."""
    ips: OffPolicy
    """Estimated value of always showing the item, of those tried, that the model likes best for the member."""
    snips: OffPolicy
    """The same with weights that add up to one: less variance, a little bias."""


def judged_by_log(model: "Recommender", community: Community) -> Logged | None:
    """Judge a recommender's own choice among the items tried, by the log that its policy names.

    Args:
        model: whose favourites are judged.
        community: whose events say what was taken up, and are the members' histories.

    Returns:
        None where the policy keeps no log, there is none yet, or too few of its lines were left to chance.

    Raises:
        ReadError: a line of the log is no line of a log.
    """
    path = model.config.policy.log_path
    if path is None or not path.is_file():
        return None
    log = rewarded(read_log(path), community.with_ids("events"))
    known_items, known_members = community.item_ids.ids.implode(), community.member_ids.ids.implode()
    tried = log.filter(
        (pl.col("propensity") < 1) & pl.col("item").is_in(known_items) & pl.col("member").is_in(known_members)
    )
    if len(tried) < 2:
        return None
    items = np.array(sorted({community.item_ids.row(item) for item in tried["item"]}), dtype=np.int64)
    members = tried["member"].unique().sort()
    favourites = _favourites(model, community, [community.member_ids.row(member) for member in members], items)
    favourite = dict(zip(members, (community.item_ids.id(int(row)) for row in favourites), strict=True))
    target = np.array([float(favourite[member] == item) for member, item in tried.select("member", "item").iter_rows()])
    reward, propensity = tried["reward"].to_numpy(), tried["propensity"].to_numpy()
    try:
        return Logged(
            len(tried),
            float(reward.mean()),
            ips(reward, propensity, target, clip=CLIP, groups=tried["member"].to_numpy()),
            snips(reward, propensity, target, clip=CLIP, groups=tried["member"].to_numpy()),
        )
    except TooLittleDataError:
        return None


def _favourites(model: "Recommender", community: Community, members: list[int], items: Rows) -> Rows:
    """(members,) the item that each member's scores put first among some."""
    rows = np.array(members, dtype=np.int64)
    return model.first_of(histories(community, rows, weights=model.config.event_weights), items, members=rows)
