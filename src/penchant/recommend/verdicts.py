"""What other systems have found of members, as a ranker reads it: tiers, segments, changes and social vectors.

Verdicts must rest on events before those that the ranker is taught with. One that has seen what is to be foreseen tells
the answer, and the ranker would trust it more than it deserves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.collaborative.itemtoitem import liked_matrix
from penchant.data.columns import PATH_SEPARATOR
from penchant.data.community import Community
from penchant.data.drift import DriftVerdict
from penchant.data.interactions import EventWeights
from penchant.data.segments import Segments
from penchant.data.social import SocialVectors
from penchant.data.strata import Strata, Tier
from penchant.data.vocabulary import Vocabulary
from penchant.recommend.features import (
    DRIFT_FEATURES,
    SEGMENT_FEATURES,
    SOCIAL_FEATURES,
    TIER_FEATURES,
    ItemFacts,
)
from penchant.vectors import Floats, Rows

FRIENDS_ITEMS: Final = 20
"""Items that friends lately liked most and that are put in order whatever the sources say of them."""
SMOOTHING: Final = 5.0
"""Members by whom a segment's liking of an item is drawn towards the community's."""

Verdict = Strata | Segments | SocialVectors | DriftVerdict


@dataclass(frozen=True, eq=False)
class Verdicts:
    """The verdicts of other systems; each may be absent."""

    strata: Strata | None = None
    segments: Segments | None = None
    drift: Mapping[str, DriftVerdict] = field(default_factory=dict)
    """By member id."""
    social: SocialVectors | None = None

    @classmethod
    def of(cls, given: "Given") -> "Verdicts":
        """From one verdict or several, of any kind and in any order; of drift one for each member.

        >>> Verdicts.of(None).names
        ()
        """
        if isinstance(given, Verdicts):
            return given
        several = [given] if isinstance(given, Verdict) else list(given or ())
        found = cls()
        for one in several:
            if isinstance(one, Strata):
                found = replace(found, strata=one)
            elif isinstance(one, Segments):
                found = replace(found, segments=one)
            elif isinstance(one, SocialVectors):
                found = replace(found, social=one)
        drift = {one.member_id: one for one in several if isinstance(one, DriftVerdict)}
        return replace(found, drift=drift)

    @property
    def names(self) -> tuple[str, ...]:
        """The features that these verdicts give, in order."""
        return (
            *(TIER_FEATURES if self.strata is not None else ()),
            *(SEGMENT_FEATURES if self.segments is not None else ()),
            *(DRIFT_FEATURES if self.drift else ()),
            *(SOCIAL_FEATURES if self.social is not None else ()),
        )

    def read_by(self, features: Iterable[str]) -> Self:
        """Those alone that a ranker with some features reads."""
        named = set(features)
        return replace(
            self,
            strata=self.strata if named & set(TIER_FEATURES) else None,
            segments=self.segments if named & set(SEGMENT_FEATURES) else None,
            drift=self.drift if named & set(DRIFT_FEATURES) else {},
            social=self.social if named & set(SOCIAL_FEATURES) else None,
        )


Given = Verdicts | Verdict | Iterable[Verdict] | None
"""Verdicts as they may be handed in: none, one, or several."""


class Told:
    """Verdicts over the rows of one community, ready to be asked about members and items."""

    def __init__(self, verdicts: Verdicts, community: Community, weights: EventWeights, facts: ItemFacts) -> None:
        self._verdicts = verdicts
        self._facts = facts
        self._count = len(community.item_ids)
        if verdicts.strata is not None:
            self._strata_rows = _rows_in(verdicts.strata.member_ids, community.member_ids)
            self._tiers = _tiers(verdicts.strata, facts)
        if verdicts.segments is not None:
            self._segment, self._liking = _segments(verdicts.segments, community, weights)
        if verdicts.drift:
            self._surely, self._after, self._before = _changes(verdicts.drift, community, facts)
        if verdicts.social is not None:
            self._social_members = _rows_in(verdicts.social.member_ids, community.member_ids)
            self._social_items = _rows_in(verdicts.social.item_ids, community.item_ids)
            self._item_of = _rows_in(community.item_ids, verdicts.social.item_ids)

    def table(self, members: Rows, items: Rows) -> Floats:
        """(rows, features) what verdicts say of each member row and item row, -1 for strangers; NaN where nothing."""
        found = np.full((len(items), len(self._verdicts.names)), np.nan, dtype=np.float32)
        known = np.flatnonzero(members >= 0)
        who, what = members[known], items[known]
        parts: list[Floats] = []
        if self._verdicts.strata is not None:
            parts.append(self._by_tier(who, what))
        if self._verdicts.segments is not None:
            parts.append(self._by_segment(who, what))
        if self._verdicts.drift:
            parts.append(self._by_change(who, what))
        if self._verdicts.social is not None:
            parts.append(self._by_friends(self._verdicts.social, who, what))
        if parts:
            found[known] = np.hstack(parts)
        return found

    def friends_items(self, member: int) -> Rows:
        """Item rows that a member's friends have lately liked most: candidates, whatever the sources say of them."""
        social = self._verdicts.social
        row = self._social_members[member] if social is not None and member >= 0 else -1
        if social is None or row < 0:
            return np.empty(0, dtype=np.int64)
        likes = social.friends_likes[[row]]
        best = likes.indices[np.lexsort((likes.indices, -likes.data))[:FRIENDS_ITEMS]]
        items = self._item_of[best]
        return np.sort(items[items >= 0])

    def _by_tier(self, members: Rows, items: Rows) -> Floats:
        """The largest share of any label of the item that the member holds in each tier."""
        found = np.full((len(items), len(Tier)), np.nan, dtype=np.float32)
        rows = self._strata_rows[members]
        known = np.flatnonzero(rows >= 0)
        of_item = self._facts.categories[items[known]]
        for column, held in enumerate(self._tiers):
            both = held[rows[known]].multiply(of_item)
            found[known, column] = both.max(axis=1).toarray().ravel() if held.shape[1] else 0
        return found

    def _by_segment(self, members: Rows, items: Rows) -> Floats:
        segment = self._segment[members]
        known = np.flatnonzero(segment >= 0)
        found = np.full((len(items), len(SEGMENT_FEATURES)), np.nan, dtype=np.float32)
        found[known] = self._liking[:, segment[known], items[known]].T
        return found

    def _by_change(self, members: Rows, items: Rows) -> Floats:
        of_item = self._facts.categories[items]
        sides = [
            np.asarray(side[members].multiply(of_item).max(axis=1).toarray()).ravel()
            if side.shape[1]
            else np.zeros(len(items))
            for side in (self._after, self._before)
        ]
        said = np.column_stack([self._surely[members], *sides]).astype(np.float32)
        said[np.isnan(self._surely[members])] = np.nan
        return said

    def _by_friends(self, social: SocialVectors, members: Rows, items: Rows) -> Floats:
        found = np.full((len(items), len(SOCIAL_FEATURES)), np.nan, dtype=np.float32)
        who, what = self._social_members[members], self._social_items[items]
        known = np.flatnonzero((who >= 0) & (what >= 0))
        if len(known):
            found[known, 0] = np.einsum("ij,ij->i", social.members[who[known]], social.items[what[known]])
            found[known, 1] = np.asarray(social.friends_likes[who[known], what[known]]).ravel()
        return found


def _rows_in(theirs: Vocabulary, ours: Vocabulary) -> Rows:
    """(ours,) the row that each of our ids has in another vocabulary; -1 where it is not there."""
    if theirs.ids.equals(ours.ids):
        return np.arange(len(ours))
    known = {name: row for row, name in enumerate(theirs.ids.to_list())}
    return np.array([known.get(name, -1) for name in ours.ids.to_list()], dtype=np.int64)


def _tiers(strata: Strata, facts: ItemFacts) -> list[sp.csr_matrix]:
    """For each tier (members, categories) the share of each label held in it."""
    places = {name: place for place, name in enumerate(facts.category_names)}
    place = np.array([places.get(label, -1) for label in strata.labels], dtype=np.int64)
    shape = (len(strata.member_ids), len(facts.category_names))
    matrices = []
    for tier in Tier:
        held = strata.table.filter(pl.col("tier") == tier.value)
        labels = place[held["label"].to_numpy()]
        rows = held["member"].to_numpy().astype(np.int64)[labels >= 0]
        shares = held["share"].to_numpy()[labels >= 0]
        matrices.append(sp.csr_matrix((shares, (rows, labels[labels >= 0])), shape=shape))
    return matrices


def _segments(segments: Segments, community: Community, weights: EventWeights) -> tuple[Rows, Floats]:
    """(members,) the place of each one's segment, and (2, segments, items) how much it likes each item.

    First the share of the segment's members who like it, drawn towards the community's; then how many times the
    community's that is, as a logarithm.
    """
    rows = _rows_in(segments.member_ids, community.member_ids)
    numbers = np.where(rows >= 0, np.append(segments.of_member, -1)[rows], -1)
    kinds = np.unique(numbers[numbers >= 0])
    place = np.where(numbers >= 0, np.searchsorted(kinds, numbers), -1).astype(np.int64)
    known = np.flatnonzero(place >= 0)
    shape = (len(kinds), len(rows))
    liked = liked_matrix(community, weights)
    liked.data = np.ones(len(liked.data), dtype=np.float32)
    by_segment = (sp.csr_matrix((np.ones(len(known)), (place[known], known)), shape=shape) @ liked).toarray()
    sizes = np.bincount(place[known], minlength=len(kinds))[:, None]
    usual = np.asarray(liked.sum(axis=0)).ravel() / max(len(rows), 1)
    share = (by_segment + SMOOTHING * usual) / (sizes + SMOOTHING)
    times = np.log((share + 1e-6) / (usual + 1e-6))
    return place, np.stack([share, times]).astype(np.float32)


def _changes(
    drift: Mapping[str, DriftVerdict], community: Community, facts: ItemFacts
) -> tuple[Floats, sp.csr_matrix, sp.csr_matrix]:
    """(members,) how surely each has changed, and (members, categories) one for what they turned to, and from."""
    surely = np.full(len(community.member_ids), np.nan, dtype=np.float32)
    places: dict[str, list[int]] = {}
    for place, path in enumerate(facts.category_names):
        # A verdict may name a category by its whole path, or by its last part.
        for name in {path, path.split(PATH_SEPARATOR)[-1]}:
            places.setdefault(name, []).append(place)
    cells: dict[str, list[tuple[int, int]]] = {"after": [], "before": []}
    for member_id, verdict in drift.items():
        row = community.member_ids.row_or_none(member_id)
        if row is None or verdict.change is None:
            continue
        surely[row] = verdict.probability if verdict.probability is not None else np.nan
        for side, names in (("after", verdict.after), ("before", verdict.before)):
            cells[side] += [(row, place) for name in names for place in places.get(name, ())]
    shape = (len(surely), len(facts.category_names))
    after, before = (_marked(cells[side], shape) for side in ("after", "before"))
    return surely, after, before


def _marked(cells: list[tuple[int, int]], shape: tuple[int, int]) -> sp.csr_matrix:
    rows, columns = np.array(cells, dtype=np.int64).reshape(-1, 2).T
    found = sp.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    found.data[:] = 1
    return found
