"""The contract of everything that scores items for a member from behaviour alone."""

from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from penchant.data.community import Community
from penchant.data.interactions import Histories
from penchant.training.options import Options
from penchant.vectors import Floats


@runtime_checkable
class Scorer(Protocol):
    """Learns from a community and scores every item for any history, a member's or a stranger's.

    Because a scorer sees histories and never member rows, a member who joined a second ago, or whose last event came a
    second ago, is answered like anyone else, with no new fit.
    """

    @property
    def name(self) -> str:
        """Short and lower-case, such as `ease`: names the source in rankings, reasons and benchmarks."""
        ...

    def fit(self, community: Community, options: Options) -> Self: ...

    def score(self, batch: Histories, now: float | None = None) -> Floats:
        """(batch, items) float32; larger is better, on a scale of the scorer's own.

        Args:
            batch: histories in order of time.
            now: seconds since 1970 from which ages count; the end of the fitted events if absent.
        """
        ...

    def contributions(self, history: Histories, item: int, now: float | None = None) -> Floats:
        """(events of the history,) what each event of one history adds to the score of one item row.

        All zeros where the score does not come from single events (popularity).
        """
        ...

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self: ...
