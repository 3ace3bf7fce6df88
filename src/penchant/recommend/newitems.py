"""New items: what members would do with them, told from how they are described."""

from collections.abc import Mapping
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
from penchant.recommend.descriptions import describe
from penchant.recommend.scale import Scale
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

BEHAVIOUR: Final = "ease"
"""The source whose weights between items are told from descriptions; bare likes where it takes no part."""


class NewItemsConfig(BaseModel):
    """How items that nobody has touched are told from their descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    """Whether descriptions are compared with behaviour at all; else only with the texts of what a member liked."""
    regularization: tuple[PositiveFloat, ...] = (3.0, 10.0, 30.0, 100.0)
    """Pulls of the regression towards zero that are tried, each on items left out of it; the best is kept."""
    fewest_items: PositiveInt = 50
    """Items with likes, below which too little is known to tell others from."""
    most_items: PositiveInt = 20_000
    """Items with most likes that are learned from."""
    compared: PositiveInt = 1_000
    """Items with likes that new ones are put on one scale with, each judged as if it were new."""


class NewItems:
    """Ridge regression from an item's description to what members' histories say for it.

    A history speaks for an item that members know by the weights of EASE. Here those weights are told from the
    description alone: text, categories, tags, seller, words of the title, year and price. With Φ the descriptions of
    known items and B the weights, the score of a new item of description φ for a history h is h B Φ (ΦᵀΦ + λI)⁻¹ φ.
    That is linear in the history, so each event's part is exact. Known items judged as if they were new (their own row
    left out of the regression, in closed form) give the scale, and choose λ. Related: Gantner et al., Learning
    Attribute-to-Feature Mappings for Cold-Start Recommendations (ICDM 2010).
    """

    name = "new-items"

    def __init__(self, config: NewItemsConfig | None = None) -> None:
        self.config = config or NewItemsConfig()
        self.recency = Recency()
        self.regularization = 0.0
        """The pull that did best."""
        self.rows: Rows = np.empty(0, dtype=np.int64)
        """The new items."""
        self._speaks: Floats = np.empty((0, 0), dtype=np.float32)
        """(items, width) what one unit of each item in a history adds to the member's side."""
        self._new: Floats = self._speaks
        """(new items, width) descriptions."""
        self._known: Floats = self._speaks
        """(compared, width) descriptions of known items, each turned so that its own likes take no part."""
        self._own: Floats = self._speaks
        """(items, compared) what each item in a history adds to what is taken off a compared item's score."""

    def __bool__(self) -> bool:
        return bool(len(self.rows) and len(self._speaks))

    def fit(
        self,
        community: Community,
        sources: Mapping[str, Scorer],
        cold: NDArray[np.bool_],
        vectors: Floats | None,
        weights: EventWeights,
        options: Options,
    ) -> Self:
        """Learn from the items that are known.

        Args:
            community: whose items are meant.
            sources: fitted scorers by name, of which the one named `BEHAVIOUR` is asked.
            cold: (items,) items that nobody had touched when they were fitted.
            vectors: (items, width) centred unit vectors of the texts, if an encoder has read them.
            weights: how much an event of each kind says.
            options: how to run.
        """
        self.rows = np.flatnonzero(cold)
        liked = liked_matrix(community, weights)
        counts = np.bincount(liked.indices, minlength=liked.shape[1])
        known = np.flatnonzero((counts > 0) & ~cold)
        known = np.sort(known[np.lexsort((known, -counts[known]))][: self.config.most_items])
        if not self.config.enabled or not len(self.rows) or len(known) < self.config.fewest_items:
            return self
        described = describe(community, vectors)
        told, phi = _Weights.of(sources.get(BEHAVIOUR), known, liked), described[known]
        self.recency = told.recency
        sample = np.sort(options.rng().permutation(len(known))[: self.config.compared])
        taken = sp.csr_matrix(liked[options.rng().permutation(liked.shape[0])[:2_000]])
        gram = (phi.T @ phi).astype(np.float64)
        target = told.times(phi)
        best = -np.inf
        for pull in self.config.regularization:
            inverse = np.linalg.inv(gram + pull * np.eye(len(gram)))
            turned = (phi[sample] @ inverse).astype(np.float32)
            leverage = np.einsum("ij,ij->i", turned, phi[sample])
            as_new = turned / (1 - leverage)[:, None]
            off = leverage / (1 - leverage)
            value = _agreement(taken, target, as_new, off, told, sample, known)
            if value > best:
                best, self.regularization = value, pull
                self._known = as_new
                self._own = (told.columns(sample) * off[None]).astype(np.float32)
                self._new = (described[self.rows] @ inverse).astype(np.float32)
        self._speaks = target
        return self

    def score(self, batch: Histories) -> Floats:
        """(batch, new items) in spreads above the mean of known items judged as if they were new."""
        taken = self.recency.fade(batch).matrix(len(self._speaks))
        member = np.asarray(taken @ self._speaks, dtype=np.float32)
        scale = self._scale(member, taken)
        return scale.apply(member @ self._new.T)

    def contributions(self, history: Histories, items: Rows) -> Floats:
        """(items, events) the part of each event in the score of new items, by their row in the catalogue.

        A row sums to the score but for the mean that is taken off.
        """
        faded = self.recency.fade(history)
        place = np.searchsorted(self.rows, items)
        counted = counted_weights(faded)
        taken = faded.matrix(len(self._speaks))
        scale = self._scale(np.asarray(taken @ self._speaks, dtype=np.float32), taken)
        added = (self._new[place] @ self._speaks[history.items].T) * counted[None]
        return np.asarray(added / float(scale.spread[0, 0] or 1), dtype=np.float32)

    def _scale(self, member: Floats, taken: sp.csr_matrix) -> Scale:
        compared = member @ self._known.T - np.asarray(taken @ self._own, dtype=np.float32)
        return Scale.of(compared, np.zeros(compared.shape, dtype=bool))

    def save(self, folder: Path) -> None:
        """Write what was learned."""
        save_artifact(
            folder,
            self.name,
            arrays={
                "rows": self.rows,
                "speaks": self._speaks,
                "new": self._new,
                "known": self._known,
                "own": self._own,
            },
            meta={
                "config": self.config.model_dump(mode="json"),
                "recency": self.recency.model_dump(mode="json"),
                "regularization": self.regularization,
            },
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; scores are identical."""
        artifact = load_artifact(folder, cls.name)
        found = cls(NewItemsConfig.model_validate(artifact.meta["config"]))
        found.recency = Recency.model_validate(artifact.meta["recency"])
        found.regularization = artifact.meta["regularization"]
        arrays = artifact.arrays
        found.rows, found._speaks, found._new = arrays["rows"], arrays["speaks"], arrays["new"]
        found._known, found._own = arrays["known"], arrays["own"]
        return found
