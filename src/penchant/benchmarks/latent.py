"""Latent interests against what members did next: the protocol `latent` of `interests`."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.benchmarks.result import BenchResult, Cell, data_name, figures
from penchant.data.columns import PATH_SEPARATOR
from penchant.data.community import Community
from penchant.data.public import load
from penchant.data.strata import Tier
from penchant.errors import TooLittleDataError
from penchant.evaluation.bootstrap import paired_difference
from penchant.evaluation.cost import measured
from penchant.interests.strata import StrataConfig, Stratifier
from penchant.interests.taxonomy import Taxonomy

LATE: Final = 0.2
"""The part of each member's time, or of their looks, that is the next period."""
UNTOUCHED: Final = 1e-6
"""Looks below which a label counts as hardly touched, where it may not have been touched at all."""
OURS: Final = "latent"
OURS_UNTOUCHED: Final = "latent, none touched"
POPULAR: Final = "most popular, none touched"
ALIKE: Final = "most popular, as hardly touched"
HINDSIGHT: Final = "hindsight, none touched"

Mask = NDArray[np.bool_]


def latent(data: str, *, config: StrataConfig | None = None) -> BenchResult:
    """How often latent interests come true in the last fifth of each member's time, of which nothing was known.

    A label comes true if the member looks at one item or more that is about it. Figures are means over members of the
    share of the labels named to them, for members who did something later, were named a label and have one left that
    they never touched. The label trees are the items' categories and, where items have a year, categories by decade;
    a member's time is cut by the clock and by the number of their looks. The figures in front are of the finest tree,
    by the clock; a table holds all.

    Baselines name as many labels at most: the most popular of those the member never touched; the most popular of those
    touched as little as latent ones may be; those never touched that came true, by hindsight, as a bound. `latent, none
    touched` is ours where a latent interest may not have been touched at all. No language model takes part: labels are
    the items' own.

    Args:
        data: with categories.
        config: the rules; the usual ones if None.

    Raises:
        TooLittleDataError: nobody did anything later that can be judged.
    """
    rules = config or StrataConfig()
    rows: list[dict[str, Cell]] = []
    front: _Judged | None = None
    with measured() as cost:
        community = load(data)
        for tree, paths in _trees(community).items():
            for cut in ("time", "looks"):
                judged = _Judged(*parted(community, by_time=cut == "time"), paths, rules)
                if not judged.members:
                    raise TooLittleDataError(f"no member of {data} can be judged: too little was done later")
                rows.append({"labels": tree, "cut by": cut, "members": judged.members, **judged.means()})
                if cut == "time":
                    front = judged
    assert front is not None
    means = front.means()
    ratios = {
        key: means[ours] / means[other]
        for key, ours, other in (
            ("times_popular", OURS, POPULAR),
            ("times_popular_alike", OURS, ALIKE),
            ("times_popular_untouched", OURS_UNTOUCHED, POPULAR),
        )
        if means[other] > 0
    }
    return BenchResult(
        name="interests",
        data=data_name(data),
        protocol="latent",
        metrics=figures([{"came_true": means.pop(OURS), **ratios}]),
        baselines={name: figures([{"came_true": mean}]) for name, mean in means.items()},
        differences={
            name: {"came_true": paired_difference(front.rates[OURS], front.rates[name])} for name in (POPULAR, ALIKE)
        },
        tables={"trees and cuts": rows},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=[0],
    )


def parted(community: Community, *, by_time: bool, late: float = LATE) -> tuple[Community, Community]:
    """What each member did first, and what they did in the last part of their time, or of their events."""
    events = community.events.filter(pl.col("item").is_not_null())
    if by_time:
        first, last = pl.col("at").min().over("member"), pl.col("at").max().over("member")
        passed = (pl.col("at") - first).dt.total_microseconds() / (last - first).dt.total_microseconds().clip(1)
        later = events.select(passed > 1 - late).to_series()
    else:
        number = pl.int_range(pl.len()).over("member")
        later = events.select(number >= (1 - late) * pl.len().over("member")).to_series()
    return community.with_events(events.filter(~later)), community.with_events(events.filter(later))


class _Judged:
    """Each system's share of labels that came true, for each member who can be judged."""

    def __init__(self, before: Community, after: Community, paths: list[list[str]], rules: StrataConfig) -> None:
        taxonomy = Taxonomy({path for row in paths for path in row})
        about = sp.csr_matrix(taxonomy.targets(paths), dtype=np.float32)
        leaves = taxonomy.leaf_rows
        touched = _touched(before, about)[:, leaves]
        came = _touched(after, about)[:, leaves] > 0
        none = touched == 0

        def named_by(**latent: float) -> Mask:
            """(members, leaves) the latent interests under somewhat other rules."""
            changed = rules.model_copy(update={"latent": rules.latent.model_copy(update=latent)})
            table = Stratifier(taxonomy, about, changed).stratify(before).table
            told = table.filter(pl.col("tier") == Tier.LATENT.value)
            mask = np.zeros((len(before.member_ids), len(taxonomy)), dtype=bool)
            mask[told["member"].to_numpy(), told["label"].to_numpy()] = True
            return mask[:, leaves]

        named = {OURS: named_by(), OURS_UNTOUCHED: named_by(hardly=UNTOUCHED) & none}
        hardly = named_by(count=len(taxonomy), least_lift=0.0)
        count = rules.latent.count
        popular = np.broadcast_to((touched > 0).sum(axis=0), touched.shape)
        named |= {
            POPULAR: _best(popular, none, count),
            ALIKE: _best(popular, hardly, count),
            HINDSIGHT: _best(came.astype(np.int64), none, count),
        }
        judged = came.any(axis=1) & np.all([mask.any(axis=1) for mask in named.values()], axis=0)
        self.members = int(judged.sum())
        self.rates = {
            name: (mask & came)[judged].sum(axis=1) / mask[judged].sum(axis=1) for name, mask in named.items()
        }

    def means(self) -> dict[str, float]:
        """Over members."""
        return {name: float(rates.mean()) for name, rates in self.rates.items()}


def _trees(community: Community) -> Mapping[str, list[list[str]]]:
    """Items' categories and, where there is a year, each category's films of a decade."""
    categories = [row or [] for row in community.items["categories"].to_list()]
    trees = {"categories": categories}
    if "year" in community.items.columns:
        years = community.items["year"].to_list()
        trees["categories by decade"] = [
            [f"{path}{PATH_SEPARATOR}{year // 10 * 10}s" for path in row] if year else []
            for row, year in zip(categories, years, strict=True)
        ]
    return trees


def _touched(community: Community, about: sp.csr_matrix) -> NDArray[np.float32]:
    """(members, labels) events with an item about the label."""
    where = (community.events["member"].to_numpy(), community.events["item"].to_numpy())
    counts = sp.csr_matrix((np.ones(len(community.events), dtype=np.float32), where), _shape(community))
    return np.asarray((counts @ about).todense())


def _shape(community: Community) -> tuple[int, int]:
    return len(community.member_ids), len(community.item_ids)


def _best(score: NDArray[np.int64], allowed: Mask, count: int) -> Mask:
    """(members, leaves) the highest allowed scores of each member, at most so many."""
    order = np.argsort(-np.where(allowed, score, -1), axis=1, kind="stable")[:, :count]
    best = np.zeros(allowed.shape, dtype=bool)
    np.put_along_axis(best, order, True, axis=1)
    return best & allowed
