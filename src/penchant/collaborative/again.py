"""Again: what a member keeps coming back to."""

from pathlib import Path
from typing import Self

import numpy as np
from pydantic import PositiveFloat

from penchant.artifacts import load_artifact, save_artifact
from penchant.collaborative.recency import Recency
from penchant.collaborative.scorer import ScorerConfig
from penchant.data.community import Community
from penchant.data.interactions import Histories, histories
from penchant.errors import NotFittedError
from penchant.training.options import Options
from penchant.vectors import Floats, Rows


class AgainConfig(ScorerConfig):
    """When something is wanted again."""

    recency: Recency = Recency(half_life_days=60)
    """How the events of the history being answered fade."""
    prior: PositiveFloat = 5.0
    """Members, of the mean readiness to come back, that are added to those of each item."""


class Again:
    """A member's own events with an item, faded and added up, times how readily members come back to that item.

    The readiness is the share of an item's members who liked it at two or more moments. Bread scores high for who buys
    it every week, a wardrobe low for who has just bought one. It says nothing of items that a member has not met, so it
    has a part to play only where repeats may be shown.
    """

    name = "again"

    def __init__(self, config: AgainConfig | None = None) -> None:
        self.config = config or AgainConfig()
        self._readiness: Floats | None = None

    @property
    def readiness(self) -> Floats:
        """(items,) the smoothed share of an item's members who come back to it."""
        if self._readiness is None:
            raise NotFittedError("the scorer again has learned nothing yet; call fit or load first")
        return self._readiness

    def fit(self, community: Community, options: Options) -> Self:
        """Count who comes back to what."""
        batch = histories(community, weights=self.config.event_weights)
        item_count = len(community.item_ids)
        liked = batch.weights > 0
        cells = batch.owners[liked] * item_count + batch.items[liked]
        # Two lines of one order are one moment.
        moments = np.unique(np.stack([cells, batch.at[liked].astype(np.int64)]), axis=1)[0]
        pairs, times = np.unique(moments, return_counts=True)
        members = np.bincount(pairs % item_count, minlength=item_count)
        returned = np.bincount((pairs % item_count)[times > 1], minlength=item_count)
        # One return and one stay at home more than were seen, so that a young community is not sure of never.
        mean = (returned.sum() + 1) / (members.sum() + 2)
        prior = self.config.prior
        self._readiness = ((returned + prior * mean) / (members + prior)).astype(np.float32)
        return self

    def score(self, batch: Histories) -> Floats:
        """(batch, items) faded likes times readiness; zero for what a member has not met."""
        scores = np.zeros((len(batch), len(self.readiness)), dtype=np.float32)
        np.add.at(scores, (batch.owners, batch.items), self._added(batch))
        return scores

    def contributions(self, history: Histories, items: Rows) -> Floats:
        """(items, events) what each event adds to its own item; a row sums to the score."""
        added = self._added(history)
        return np.where(history.items[None] == np.asarray(items)[:, None], added[None], 0).astype(np.float32)

    def _added(self, batch: Histories) -> Floats:
        return self.config.recency.fade(batch).weights * self.readiness[batch.items]

    def save(self, folder: Path) -> None:
        """Write the readiness of each item and the configuration."""
        save_artifact(folder, self.name, arrays={"readiness": self.readiness}, meta={"config": self.config.as_meta()})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; scores are identical."""
        artifact = load_artifact(folder, cls.name)
        scorer = cls(AgainConfig.model_validate(artifact.meta["config"]))
        scorer._readiness = artifact.arrays["readiness"]
        return scorer
