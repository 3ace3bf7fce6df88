"""Popularity with time decay: what most members like lately."""

from pathlib import Path
from typing import Self

import numpy as np
from pydantic import PositiveFloat

from penchant.artifacts import load_artifact, save_artifact
from penchant.collaborative.scorer import ScorerConfig
from penchant.data.community import Community
from penchant.data.interactions import Decay, Histories, histories, seconds
from penchant.errors import NotFittedError
from penchant.training.options import Options
from penchant.vectors import Floats, Rows


class PopularityConfig(ScorerConfig):
    """What popular means."""

    half_life_days: PositiveFloat | None = None
    """Days, before the community's last event, after which a like counts half; None counts all alike."""


class Popularity:
    """Each item's score is the sum over members of their heaviest like of it, faded by age.

    Two years ago's success ranks below last week's where the half-life is short. The score is the same for everyone,
    and the only one that a member without a history has.

    >>> from datetime import datetime
    >>> import polars as pl
    >>> shop = Community.from_tables(
    ...     pl.DataFrame({"item_id": ["old", "new"], "title": ["Old", "New"]}),
    ...     pl.DataFrame({"member_id": ["a", "b", "c"], "item_id": ["old", "old", "new"], "kind": "buy",
    ...                   "at": [datetime(2024, 1, 5), datetime(2024, 1, 5), datetime(2026, 1, 5)]}),
    ... )
    >>> Popularity().fit(shop, Options()).totals.tolist()
    [2.0, 1.0]
    >>> Popularity(PopularityConfig(half_life_days=30)).fit(shop, Options()).totals.argmax().item()
    1
    """

    name = "popularity"

    def __init__(self, config: PopularityConfig | None = None) -> None:
        self.config = config or PopularityConfig()
        self._totals: Floats | None = None
        self._likers: Rows | None = None

    @property
    def totals(self) -> Floats:
        """(items,) the faded sum of likes of each item."""
        if self._totals is None:
            raise NotFittedError("the scorer popularity has learned nothing yet; call fit or load first")
        return self._totals

    @property
    def likers(self) -> Rows:
        """(items,) how many members like each item, without fading."""
        if self._likers is None:
            raise NotFittedError("the scorer popularity has learned nothing yet; call fit or load first")
        return self._likers

    def fit(self, community: Community, options: Options) -> Self:
        """Add up everyone's likes."""
        batch = histories(community, weights=self.config.event_weights)
        end = seconds(community.now) if community.now else None
        liked = batch.matrix(len(community.item_ids), now=end, decay=Decay(half_life=self.config.half_life_days))
        liked.data[liked.data < 0] = 0
        liked.eliminate_zeros()
        self._totals = np.asarray(liked.sum(axis=0), dtype=np.float32).ravel()
        self._likers = np.bincount(liked.indices, minlength=liked.shape[1]).astype(np.int64)
        return self

    def score(self, batch: Histories) -> Floats:
        """(batch, items) the same logarithm of the totals in every row: a success counts, and a craze not tenfold."""
        return np.repeat(np.log1p(self.totals)[None], len(batch), axis=0)

    def contributions(self, history: Histories, items: Rows) -> Floats:
        """(items, events) all zeros: no event of the member's own speaks here."""
        return np.zeros((len(items), len(history.items)), dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write the totals and the configuration."""
        save_artifact(
            folder,
            self.name,
            arrays={"totals": self.totals, "likers": self.likers},
            meta={"config": self.config.as_meta()},
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; scores are identical."""
        artifact = load_artifact(folder, cls.name)
        scorer = cls(PopularityConfig.model_validate(artifact.meta["config"]))
        scorer._totals, scorer._likers = artifact.arrays["totals"], artifact.arrays["likers"]
        return scorer
