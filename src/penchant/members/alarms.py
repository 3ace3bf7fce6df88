"""Alarms on members: what is odd, on which day, which events say so; and all of a community as a folder and back."""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import polars as pl

from penchant.artifacts import load_artifact, save_artifact, storage_errors
from penchant.data.columns import AT
from penchant.data.verdicts import Evidence
from penchant.language import Phrase

KIND: Final = "anomalies"
_ALARMS: Final = "alarms.parquet"
_ODDS: Final = "odds.parquet"
_PIECE: Final = pl.Struct(
    {
        "share": pl.Float64(), "item_id": pl.String(), "title": pl.String(), "kind": pl.String(), "at": AT,
        "text": pl.String(), "source": pl.String(),
    }
)  # fmt: skip
_SAVED: Final = {
    "member_id": pl.String(), "kind": pl.String(), "at": AT, "p_value": pl.Float64(), "score": pl.Float64(),
    "said": pl.List(pl.String()), "evidence": pl.List(_PIECE), "events": pl.List(pl.Int64()),
}  # fmt: skip


class Oddity(StrEnum):
    """What is odd."""

    BURST = "burst"
    HOURS = "hours"
    CHANGE = "change"
    REFUNDS = "refunds"
    COPIES = "copies"


ODDITY_NAMES: Final[dict[Oddity, Phrase]] = {
    Oddity.BURST: Phrase("a flood of events", "行为激增"),
    Oddity.HOURS: Phrase("odd hours", "异常时段"),
    Oddity.CHANGE: Phrase("a sudden change", "行为突变"),
    Oddity.REFUNDS: Phrase("returns again and again", "反复退货"),
    Oddity.COPIES: Phrase("copied reviews", "雷同评论"),
}
SENTENCES: Final[dict[Oddity, Phrase]] = {
    Oddity.BURST: Phrase(
        "{count} events in one day; {usual} are usual for this member", "一天内 {count} 个事件，平时约 {usual} 个"
    ),
    Oddity.HOURS: Phrase(
        "{count} events at hours when this member never came before", "{count} 个事件发生在该会员此前从不出现的时段"
    ),
    Oddity.CHANGE: Phrase(
        "{count} events unlike anything this member did before, in what they are about or worth",
        "{count} 个事件在品类或金额上与以往截然不同",
    ),
    Oddity.REFUNDS: Phrase(
        "{count} returns among {total} purchases and returns in {days} days",
        "{days} 天内 {total} 次购买与退货中有 {count} 次退货",
    ),
    Oddity.COPIES: Phrase(
        "wrote almost the same as {count} other members at the same time", "与另外 {count} 位会员同时写下几乎相同的内容"
    ),
}


@dataclass(frozen=True)
class Alarm:
    """One member's odd day, with the events that say so."""

    member_id: str
    kind: Oddity
    at: datetime
    """The day on which it was noticed."""
    p_value: float
    """How likely a member who does nothing unusual looks as odd."""
    score: float
    """From 0 to 1: larger is odder; .5 is one in a thousand."""
    said: Phrase
    evidence: tuple[Evidence, ...]
    events: tuple[int, ...]
    """Rows of the evidence in the community's events."""


@dataclass(frozen=True, eq=False)
class Anomalies:
    """What was found in a community."""

    alarms: tuple[Alarm, ...]
    """By day, the surest first."""
    odds: pl.DataFrame
    """`member` (row) and, by kind, the smallest p-value of any of their days: 1 where there was nothing to judge."""
    days: int
    """Active days of members that were judged."""
    silent: dict[str, Phrase]
    """Kinds that found nothing to judge, and why."""
    budget: float = 0.05
    """The chance of any alarm on a day on which nothing is wrong."""

    def of(self, member_id: str) -> tuple[Alarm, ...]:
        """One member's alarms."""
        return tuple(alarm for alarm in self.alarms if alarm.member_id == member_id)

    def save(self, folder: Path) -> None:
        """Write what was found to a folder.

        Raises:
            StorageError: the folder cannot be written.
        """
        rows = [asdict(alarm) | {"said": list(alarm.said), "kind": alarm.kind.value} for alarm in self.alarms]
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            pl.DataFrame(rows, schema=_SAVED, orient="row").write_parquet(folder / _ALARMS)
            self.odds.write_parquet(folder / _ODDS)
        silent = {kind: list(why) for kind, why in self.silent.items()}
        meta = {"days": self.days, "silent": silent, "budget": self.budget}
        save_artifact(folder, KIND, meta=meta, files=(_ALARMS, _ODDS))

    @classmethod
    def load(cls, folder: Path) -> "Anomalies":
        """Read what `save` wrote.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        meta = load_artifact(folder, KIND).meta
        alarms = tuple(
            Alarm(
                **{
                    **row,
                    "kind": Oddity(row["kind"]),
                    "said": Phrase(*row["said"]),
                    "evidence": tuple(Evidence(**piece) for piece in row["evidence"]),
                    "events": tuple(row["events"]),
                }
            )
            for row in pl.read_parquet(folder / _ALARMS).to_dicts()
        )
        silent = {kind: Phrase(*why) for kind, why in meta["silent"].items()}
        return cls(alarms, pl.read_parquet(folder / _ODDS), meta["days"], silent, meta["budget"])
