"""The contract of everything that scores items for a member from behaviour alone."""

from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict

from penchant.data.community import Community
from penchant.data.interactions import EventWeights, Histories
from penchant.training.options import Options
from penchant.vectors import Floats, Rows


@runtime_checkable
class Scorer(Protocol):
    """Learns from a community and scores every item for any history, a member's or a stranger's.

    Because a scorer sees histories and never member rows, a member who joined a second ago, or whose last event came a
    second ago, is answered like anyone else, with no new fit.
    """

    @property
    def name(self) -> str:
        """Short and lower-case, such as `ease`: the kind of its saved folder, and its source in reasons and tables."""
        ...

    def fit(self, community: Community, options: Options) -> Self: ...

    def score(self, batch: Histories) -> Floats:
        """(batch, items) float32; larger is better, on a scale of the scorer's own.

        Histories are in order of time; ages count from a history's own last event, so that a score depends on what a
        member did and not on when the question is asked.
        """
        ...

    def contributions(self, history: Histories, items: Rows) -> Floats:
        """(items, events of the history) what each event of one history adds to the scores of some item rows.

        A row sums to the score. All zeros where the score does not come from single events (popularity).
        """
        ...

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self: ...


class ScorerConfig(BaseModel):
    """What every scorer's configuration has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_weights: EventWeights = EventWeights()
    """How much an event of each kind says when fitting."""

    def as_meta(self) -> dict[str, Any]:
        """The configuration as JSON can hold it, for a saved folder."""
        return self.model_dump(mode="json")
