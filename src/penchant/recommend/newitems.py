"""New items: what members would do with them, told from how they are described."""

from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Final, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from penchant.artifacts import load_artifact, save_artifact
from penchant.collaborative.itemtoitem import ItemToItem, liked_matrix
from penchant.collaborative.recency import Recency, counted_weights
from penchant.collaborative.scorer import Scorer
from penchant.data.community import Community
from penchant.data.interactions import EventWeights, Histories
from penchant.recommend.descriptions import Descriptions
from penchant.recommend.scale import Scale
from penchant.training.options import Options
from penchant.vectors import Floats, Rows, kth_largest

BEHAVIOUR: Final = "ease"
"""The source whose weights between items are told from descriptions; bare likes where it takes no part."""


FEW_NEW: Final = 2_000
"""New items up to which all are judged in earnest."""
DIRECTIONS: Final = 128
"""Along which more of them are judged first."""
EARNEST: Final = 400
"""The best along those, which are then judged in earnest."""


class NewItemsConfig(BaseModel):
    """How items that nobody has touched are told from their descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    """Whether descriptions are compared with behaviour at all; else only with the texts of what a member liked."""
    regularization: tuple[PositiveFloat, ...] = (10.0, 30.0, 100.0)
    """Pulls of the regression towards zero that are tried, each on items left out of it; the best is kept."""
    fewest_items: PositiveInt = 50
    """Items with likes, below which too little is known to tell others from."""
    most_items: PositiveInt = 20_000
    """Items with most likes that are learned from."""
    compared: PositiveInt = 500
    """Items with likes that new ones are put on one scale with, each judged as if it were new."""
    judged_members: PositiveInt = 2_000
    """Members by whom the pull is chosen; a random sample where there are more."""


class NewItems:
    """Ridge regression from an item's description to what members' histories say for it.

    A history speaks for an item that members know by the weights of EASE. Here those weights are told from the
    description alone: text, categories, tags, seller, year and price. With Φ the descriptions of
    known items and B the weights, the score of a new item of description φ for a history h is h B Φ (ΦᵀΦ + λI)⁻¹ φ.
    That is linear in the history, so each event's part is exact. Known items judged as if they were new (their own row
    left out of the regression, in closed form) give the scale, and choose λ. Related: Gantner et al., Learning
    Attribute-to-Feature Mappings for Cold-Start Recommendations (ICDM 2010).
    """

    name = "new-items"

    def __init__(self, config: NewItemsConfig | None = None) -> None:
        self.config = config or NewItemsConfig()
        self.recency = Recency()
        """How the events of the history being answered fade."""
        self.regularization = 0.0
        """The pull that did best."""
        self.descriptions = Descriptions()
        self.rows: Rows = np.empty(0, dtype=np.int64)
        """The new items."""
        self.known: Rows = np.empty(0, dtype=np.int64)
        """The items of a history that speak."""
        self._speaks: Floats = np.empty((0, 0), dtype=np.float32)
        """(known, width) what one unit of each item of a history speaks for."""
        self._new: Floats = self._speaks
        """(new items, width) how far a new item is what each of these speaks for."""
        self._inverse: Floats = self._speaks
        """(width, width) what turns a description into that."""
        self._compared: Floats = self._speaks
        """(compared, width) the same of some known items, as if they were new."""
        self._off: Floats = self._speaks
        """(known, compared) what is taken off again, as it came from the compared item itself."""
        self._directions: Floats = self._speaks
        """(width, few) the directions in which what items speak for differs most."""
        self._sketch: Floats = self._speaks
        """(new items, few) the new items along those directions; empty where there are few new items."""

    def __bool__(self) -> bool:
        return bool(len(self.known))

    def fit(
        self,
        community: Community,
        sources: Mapping[str, Scorer],
        cold: NDArray[np.bool_],
        vectors: Floats | None,
        weights: EventWeights,
        options: Options,
    ) -> Self:
        """Learn from the items that are known; nothing where there are too few.

        Args:
            community: whose items are meant.
            sources: fitted scorers by name, of which the one named `BEHAVIOUR` is asked.
            cold: (items,) items that nobody had touched when they were fitted.
            vectors: (items, width) centred unit vectors of the texts, if an encoder has read them.
            weights: how much an event of each kind says.
            options: how to run.
        """
        self.known = np.empty(0, dtype=np.int64)
        if not self.config.enabled:
            return self
        liked = liked_matrix(community, weights)
        source = sources.get(BEHAVIOUR)
        ease = source if isinstance(source, ItemToItem) else None
        counts = np.bincount(liked.indices, minlength=liked.shape[1])
        known = ease.modelled_items if ease is not None else np.flatnonzero(counts)
        known = known[counts[known] > 0]
        known = np.sort(known[np.lexsort((known, -counts[known]))][: self.config.most_items])
        if len(known) < self.config.fewest_items:
            return self
        self.descriptions = Descriptions.of(community.items, with_text=vectors is not None)
        phi = self._described(community, known, vectors)
        between = _between(ease, known)
        self.recency = ease.config.recency if ease is not None else Recency()
        speaks = phi if between is None else between @ phi
        rng = options.rng()
        sample = np.sort(rng.permutation(len(known))[: self.config.compared])
        members = rng.permutation(liked.shape[0])[: self.config.judged_members]
        taken = sp.csr_matrix(liked[members][:, known])
        gram, best = (phi.T @ phi).astype(np.float64), -np.inf
        for pull in self.config.regularization:
            inverse = np.linalg.inv(gram + pull * np.eye(len(gram)))
            turned = phi[sample] @ inverse
            leverage = np.einsum("ij,ij->i", turned, phi[sample])
            compared = (turned / (1 - leverage)[:, None]).astype(np.float32)
            off = _own(between, sample, len(known)) * (leverage / (1 - leverage))
            # Whoever likes an item is near to it; as if it were new, that they like it is not known.
            off[sample, np.arange(len(sample))] += np.einsum("ij,ij->i", speaks[sample], compared)
            scores = np.asarray(taken @ speaks) @ compared.T - np.asarray(taken @ off)
            value = _agreement(scores, taken[:, sample])
            if value > best:
                best, self.regularization = value, pull
                self._compared, self._off = compared, off.astype(np.float32)
                self._inverse = inverse.astype(np.float32)
        self.known, self._speaks = known, speaks.astype(np.float32)
        self._directions = _widest(self._speaks)
        return self.on(community, cold, vectors)

    def on(self, community: Community, cold: NDArray[np.bool_], vectors: Floats | None) -> Self:
        """The same, for the new items of a community whose known items stand in the same rows.

        Args:
            community: the one it was fitted on, or one with further items.
            cold: (items,) items that nobody had touched at the fit.
            vectors: (items, width) centred unit vectors of the texts, if an encoder has read them.
        """
        other = copy(self)
        other.rows = np.flatnonzero(cold)
        if len(self.known) and len(other.rows):
            other._new = self._described(community, other.rows, vectors) @ self._inverse
        many = len(other.rows) > FEW_NEW and len(self._directions) > 0
        other._sketch = other._new @ self._directions if many else np.empty((0, 0), dtype=np.float32)
        return other

    def _described(self, community: Community, rows: Rows, vectors: Floats | None) -> Floats:
        return self.descriptions.describe(community.items[rows], vectors[rows] if vectors is not None else None)

    def score(self, batch: Histories, also: Sequence[Rows] | None = None) -> Floats:
        """(batch, new items) in spreads above the mean of known items judged as if they were new.

        Of many new items all are judged along a few directions, and those that come out best in earnest: a description
        is wide, and most new items are nowhere near the best.

        Args:
            batch: the histories.
            also: for each history, places among the new items that are judged in earnest too.
        """
        member, scale = self._member(batch)
        if len(self._sketch):
            scores = np.asarray((member @ self._directions) @ self._sketch.T, dtype=np.float32)
            for row, (own, one) in enumerate(zip(scores, member, strict=True)):
                if not one.any():
                    # A history of unknown items says nothing, and the same of all.
                    continue
                best = np.flatnonzero(own >= kth_largest(own, EARNEST))
                if also is not None:
                    best = np.union1d(best, also[row])
                own[best] = self._new[best] @ one
            return scale.apply(scores)
        # A matrix times one vector is read through once; BLAS takes longer to see that of a product of matrices.
        return scale.apply((self._new @ member[0])[None] if len(member) == 1 else member @ self._new.T)

    def score_of(self, batch: Histories, items: Rows) -> Floats:
        """(batch, items) the same of some new items, by their rows in the catalogue."""
        member, scale = self._member(batch)
        return scale.apply(member @ self._new[np.searchsorted(self.rows, items)].T)

    def contributions(self, history: Histories, items: Rows) -> Floats:
        """(items, events) the part of each event in the score of new items, by their rows in the catalogue.

        A row sums to the score, but for the mean that is taken off.
        """
        _, scale = self._member(history)
        counted = counted_weights(self.recency.fade(history))
        place = np.searchsorted(self.known, history.items).clip(max=len(self.known) - 1)
        speaking = np.flatnonzero(self.known[place] == history.items)
        added = np.zeros((len(items), len(history.items)), dtype=np.float32)
        to_items = self._new[np.searchsorted(self.rows, items)] @ self._speaks[place[speaking]].T
        added[:, speaking] = to_items * counted[speaking] / float(scale.spread[0, 0] or 1)
        return added

    def _member(self, batch: Histories) -> tuple[Floats, Scale]:
        """(batch, width) what each history speaks for, and how it speaks for known items as if they were new."""
        owners, items, weights = self.recency.fade(batch).cells()
        place = np.searchsorted(self.known, items).clip(max=len(self.known) - 1)
        speaking = self.known[place] == items
        offsets = np.searchsorted(owners[speaking], np.arange(len(batch) + 1))
        taken = sp.csr_matrix((weights[speaking], place[speaking], offsets), shape=(len(batch), len(self.known)))
        member = np.asarray(taken @ self._speaks, dtype=np.float32)
        compared = member @ self._compared.T - np.asarray(taken @ self._off, dtype=np.float32)
        return member, Scale.of(compared, np.zeros(compared.shape, dtype=bool))

    def save(self, folder: Path) -> None:
        """Write what was learned."""
        save_artifact(
            folder,
            self.name,
            arrays={
                "rows": self.rows,
                "known": self.known,
                "speaks": self._speaks,
                "new": self._new,
                "inverse": self._inverse,
                "compared": self._compared,
                "off": self._off,
                "directions": self._directions,
                "sketch": self._sketch,
            },
            meta={
                "config": self.config.model_dump(mode="json"),
                "recency": self.recency.model_dump(mode="json"),
                "regularization": self.regularization,
                "descriptions": self.descriptions.model_dump(mode="json"),
            },
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; scores are identical."""
        artifact = load_artifact(folder, cls.name)
        found = cls(NewItemsConfig.model_validate(artifact.meta["config"]))
        found.recency = Recency.model_validate(artifact.meta["recency"])
        found.regularization = artifact.meta["regularization"]
        found.descriptions = Descriptions.model_validate(artifact.meta["descriptions"])
        arrays = artifact.arrays
        found.rows, found.known = arrays["rows"], arrays["known"]
        found._speaks, found._new = arrays["speaks"], arrays["new"]
        found._inverse = arrays["inverse"]
        found._compared, found._off = arrays["compared"], arrays["off"]
        # Folders of before have none, and their new items are all judged in earnest.
        found._directions = arrays.get("directions", found._directions)
        found._sketch = arrays.get("sketch", found._sketch)
        return found


def _widest(speaks: Floats) -> Floats:
    """(width, few) the directions that hold most of what items speak for, the first singular vectors."""
    found = np.linalg.eigh(speaks.T @ speaks)[1]
    return np.ascontiguousarray(found[:, ::-1][:, :DIRECTIONS], dtype=np.float32)


def _between(ease: ItemToItem | None, known: Rows) -> Floats | sp.csr_matrix | None:
    """(known, known) what one unit of each known item adds to each; None where likes speak for themselves."""
    if ease is None:
        return None
    if len(known) == len(ease.modelled_items):
        return ease.weights
    place = np.searchsorted(ease.modelled_items, known)
    return ease.weights[place][:, place]


def _own(between: Floats | sp.csr_matrix | None, sample: Rows, count: int) -> Floats:
    """(known, sample) what each known item adds to those of the sample."""
    if between is None:
        ones = np.zeros((count, len(sample)), dtype=np.float32)
        ones[sample, np.arange(len(sample))] = 1
        return ones
    found = between[:, sample]
    return (found.toarray() if isinstance(found, sp.csr_matrix) else np.array(found)).astype(np.float32)


def _agreement(scores: Floats, liked: sp.csr_matrix, k: int = 10) -> float:
    """Mean NDCG of the compared items in the order of their scores, over members who like any."""
    gains = liked.toarray() > 0
    some = gains.any(axis=1)
    if not some.any():
        return 0.0
    gains, scores = gains[some], scores[some]
    k = min(k, scores.shape[1])
    top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    discounts = 1 / np.log2(np.arange(2, k + 2))
    best = np.cumsum(discounts)[np.minimum(gains.sum(axis=1), k) - 1]
    return float(((np.take_along_axis(gains, top, 1) * discounts).sum(axis=1) / best).mean())
