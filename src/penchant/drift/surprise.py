"""How much each event surprises, beside what is usual for its member: who is hard to foresee is not drifting."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt

from penchant.artifacts import load_artifact, save_artifact
from penchant.collaborative.sequence import SequenceConfig, SequenceScorer
from penchant.data.community import Community
from penchant.data.interactions import Histories, histories
from penchant.drift.windows import NOTHING
from penchant.errors import NotFittedError
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

KIND: Final = "surprise"
PLACES: Final = 16
"""Events are told apart by the power of two of how many came before."""
FEWEST_MEMBERS: Final = 5
"""Members left out of learning, below whom the usual loss is measured on all, learned from or not."""


class SurpriseConfig(BaseModel):
    """What foresees the events, and how soon a member has a level of their own.

    >>> SurpriseConfig(strength=5).model.cell
    'gru'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: SequenceConfig = SequenceConfig(cell="gru")
    """The autoregressive model of the next event."""
    strength: NonNegativeFloat = 10.0
    """Events of a member that weigh as much as the community in what is usual for them; 0 trusts their own from the
    second event on."""
    own_level: bool = True
    """Whether what is usual is the member's own, or the community's for everyone."""
    most_members: PositiveInt = 3_000
    """Members that the model learns from, at most."""
    compared: PositiveInt = 512
    """Items drawn by popularity against which an event's likelihood is measured; all where there are no more."""
    left_out: float = Field(default=0.1, ge=0, lt=1)
    """Share of the members that the model does not learn from, on whom the usual loss is measured: those it has learned
    from surprise it less than others will."""


@dataclass(frozen=True, eq=False)
class Surprises:
    """What a batch of histories cost to foresee, event by event; NaN where an event is not foreseen."""

    losses: Floats
    """(entries,) nats."""
    usual: Floats
    """(entries,) what would have been usual for this member at this place, from the events before alone."""
    values: Floats
    """(entries,) how far a loss lies above the usual, in the standard deviations usual for this member."""

    def filled(self) -> Floats:
        """(entries,) the values, zero where an event is not foreseen, such as a hide or a view of no weight."""
        return np.nan_to_num(self.values, nan=0.0)


class Surprise:
    """The log-loss of each event under an autoregressive model, beside the member's own expected level.

    What is usual at an event is the community's mean loss after as many events, plus how far this member's earlier
    losses lay above it on average, drawn towards zero while they are few; and so for how widely losses scatter. Nothing
    of what comes later is used, so a value is final as soon as its event has happened.
    """

    def __init__(self, config: SurpriseConfig | None = None, *, vectors: Floats | None = None) -> None:
        """Set up.

        Args:
            config: the model and the level.
            vectors: (items, any width) of the items' texts, from which the model's items start.
        """
        self.config = config or SurpriseConfig()
        self.model = SequenceScorer(self.config.model, vectors=vectors)
        self._expected: NDArray[np.float64] = np.empty(0)
        self._spread = 1.0

    def fit(self, community: Community, options: Options) -> Self:
        """Learn to foresee events from most members, and what is usual from the rest.

        Raises:
            TooLittleDataError: nobody likes anything.
        """
        members = np.unique(community.events["member"].to_numpy())
        few = int(len(members) * self.config.left_out)
        apart = options.rng().choice(members, few, replace=False) if few >= FEWEST_MEMBERS else members[:0]
        learned = community
        if len(apart):
            kept = community.events.filter(~pl.col("member").is_in(apart.tolist()))
            learned = community.with_events(kept)
        self.model.fit(learned, options)
        self._measure(histories(community, apart if len(apart) else members, weights=self.config.model.event_weights))
        return self

    def surprise(self, batch: Histories) -> Surprises:
        """What each event of a batch of histories tells.

        Raises:
            NotFittedError: nothing has been learned yet.
        """
        if not len(self._expected):
            raise NotFittedError("the surprise of events is not learned yet; call fit or load first")
        losses = self.model.log_loss(batch, compared=self.config.compared)
        expected = self._expected[_places(batch)]
        own, spread = self._own(batch, losses - expected)
        usual = expected + own
        return Surprises(losses, usual.astype(np.float32), ((losses - usual) / spread).astype(np.float32))

    def of_windows(self, items: NDArray[np.int32]) -> NDArray[np.float32]:
        """(streams, windows, events) the value of each event of padded windows; zero in empty places.

        The order of the events is read, and not their times: as if each came a second after the one before.
        """
        real = items.reshape(len(items), -1) != NOTHING
        offsets = np.concatenate([[0], np.cumsum(real.sum(axis=1))]).astype(np.int64)
        rows = items.reshape(len(items), -1)[real].astype(np.int64)
        place = (np.cumsum(real, axis=1) - 1)[real].astype(np.float64)
        batch = Histories(offsets, rows, place, np.ones(len(rows), dtype=np.float32))
        found = np.zeros(real.shape, dtype=np.float32)
        found[real] = self.surprise(batch).filled()
        return found.reshape(items.shape)

    def save(self, folder: Path) -> None:
        """Write the model, the usual losses and the configuration."""
        self.model.save(folder / "model")
        save_artifact(
            folder,
            KIND,
            arrays={"expected": self._expected},
            meta={"config": self.config.model_dump(mode="json"), "spread": self._spread},
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; surprises are identical."""
        artifact = load_artifact(folder, KIND)
        found = cls(SurpriseConfig.model_validate(artifact.meta["config"]))
        found.model = SequenceScorer.load(folder / "model")
        found._expected, found._spread = artifact.arrays["expected"], float(artifact.meta["spread"])
        return found

    def _measure(self, batch: Histories) -> None:
        """The mean loss by place, and the spread of what is left when the member's own level is taken off."""
        losses = self.model.log_loss(batch, compared=self.config.compared).astype(np.float64)
        foreseen = ~np.isnan(losses)
        places = _places(batch)[foreseen]
        total = np.bincount(places, losses[foreseen], minlength=PLACES)
        count = np.bincount(places, minlength=PLACES)
        mean = losses[foreseen].mean() if foreseen.any() else 0.0
        # As if ten more events at each place had cost what all do on average: few members come as far as the last.
        self._expected = (total + 10 * mean) / (count + 10)
        above = losses - self._expected[_places(batch)]
        self._spread = float(max(above[foreseen].std(), 1e-6)) if foreseen.any() else 1.0
        own, _ = self._own(batch, above)
        self._spread = float(max((above - own)[foreseen].std(), 1e-6)) if foreseen.any() else 1.0

    def _own(self, batch: Histories, above: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(entries,) the mean and the spread of how far a member's losses before each event lay above the community's.

        Both are drawn towards the community's, zero and its spread, while events are few.
        """
        if not self.config.own_level:
            return np.zeros(len(above)), np.full(len(above), self._spread)
        known = np.where(np.isnan(above), 0.0, above).astype(np.float64)
        count = _before(batch, ~np.isnan(above))
        total, squares = _before(batch, known), _before(batch, known**2)
        weight = np.maximum(count + self.config.strength, 1e-9)
        scatter = np.maximum(squares - total**2 / np.maximum(count, 1), 0)
        # Never less than a share of the community's: some losses that happen to be alike do not make a member certain.
        floor = (0.1 * self._spread) ** 2
        spread = np.sqrt(np.maximum((scatter + self.config.strength * self._spread**2) / weight, floor))
        return total / weight, spread


def _before(batch: Histories, values: NDArray[np.generic]) -> NDArray[np.float64]:
    """(entries,) the sum of the values of the entries of the same history before each."""
    ahead = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return ahead[:-1] - ahead[batch.offsets[:-1][batch.owners]]


def _places(batch: Histories) -> Rows:
    """(entries,) the power of two of how many foreseen events the history has before each, and that one."""
    return np.minimum(np.log2(1 + _before(batch, batch.weights > 0)).astype(np.int64), PLACES - 1)
