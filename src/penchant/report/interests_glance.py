"""The interests of a community in numbers: what share of the looks each label draws, and who holds it in which tier."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.data.strata import Strata, Tier
from penchant.interests.looks import looks
from penchant.interests.taxonomy import Taxonomy


@dataclass(frozen=True, eq=False)
class InterestsGlance:
    """What the report says of interests as a whole."""

    taxonomy: Taxonomy
    shares: NDArray[np.float64]
    """(labels,) part of the community's weighted looks that each label draws; an item about several counts in each."""
    tiers: NDArray[np.int64]
    """(labels, tiers) members who hold each label in each tier, tiers in the order of `Tier`."""
    members: int
    judged: int
    """Members of whom there is enough to tell."""

    @property
    def unjudged(self) -> int:
        """Members of whom there is too little to tell."""
        return self.members - self.judged

    @property
    def holders(self) -> NDArray[np.int64]:
        """(labels,) members who hold each label in a tier that their own looks show, which latent is not."""
        return self.tiers[:, [place for place, tier in enumerate(Tier) if tier != Tier.LATENT]].sum(axis=1)


def interests_glance(
    community: Community,
    taxonomy: Taxonomy,
    item_labels: sp.csr_matrix,
    strata: Strata,
    weights: EventWeights | None = None,
) -> InterestsGlance:
    """Count interests.

    Args:
        community: whose members and items they are.
        taxonomy: the interest tree.
        item_labels: (items, labels) probability that an item is about a label.
        strata: of all members, over the same tree.
        weights: how much each kind of event says; the defaults if absent.
    """
    seen = looks(community, weights or EventWeights())
    by_item = np.bincount(seen.item, seen.weight, minlength=len(community.items))
    drawn = np.asarray(item_labels.T @ by_item).ravel()
    tiers = np.zeros((len(taxonomy), len(Tier)), dtype=np.int64)
    held = strata.table.group_by("label", "tier").agg(pl.len().alias("members"))
    tiers[held["label"].to_numpy(), held["tier"].to_physical().to_numpy()] = held["members"].to_numpy()
    return InterestsGlance(
        taxonomy,
        drawn / max(float(by_item.sum()), 1e-9),
        tiers,
        len(strata.member_ids),
        int((strata.evidence_counts >= strata.wanted).sum()),
    )
