"""What the systems say of members and items, with the evidence: the only way one system's answer reaches another."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Evidence:
    """One thing a verdict rests on: an event, a text or a number.

    `share` is the part of the verdict that this piece carries, from 0 to 1.
    """

    share: float
    item_id: str | None = None
    title: str | None = None
    kind: str | None = None
    """Kind of the event, such as `buy`; None where the evidence is not an event."""
    at: datetime | None = None
    text: str | None = None
    """What was written or matched, in the member's words."""
    source: str | None = None
    """Which part of Penchant found it, such as `ease` or `text`."""
    member_id: str | None = None
    """Another member on whom it rests, such as a friend; never one whose activity is private."""


@dataclass(frozen=True)
class Pick:
    """One item of a ranking, with its reason in a sentence and the evidence behind the sentence."""

    item_id: str
    title: str
    score: float
    reason: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Ranking:
    """Items for one member or one query, best first, and the strategy that produced them.

    `strategy` is never silent about a fallback: "popular: this member has no events yet".
    """

    picks: tuple[Pick, ...]
    strategy: str
    member_id: str | None = None

    def __iter__(self) -> Iterator[Pick]:
        return iter(self.picks)

    def __len__(self) -> int:
        return len(self.picks)

    def __getitem__(self, place: int) -> Pick:
        return self.picks[place]
