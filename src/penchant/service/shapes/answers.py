"""What goes out about members and items: lists with reasons, interests, segments, changes, and what is held."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from penchant.service.shapes.fields import Told


class EvidenceOut(Told):
    """One thing that an answer rests on."""

    share: float
    item_id: str | None = None
    title: str | None = None
    kind: str | None = None
    at: datetime | None = None
    text: str | None = None
    source: str | None = None


class PickOut(Told):
    """One item of a list."""

    item_id: str
    title: str
    score: float
    reason: str
    evidence: list[EvidenceOut]


class RankingOut(Told):
    """A list, best first, and how it came about."""

    member_id: str | None = None
    build: str
    """The build that answered."""
    arm: Literal["control", "treatment"] | None = None
    """The side of a trial that the member is on; absent outside a trial."""
    strategy: str
    picks: list[PickOut]


class QuestionOut(Told):
    """What to ask a newcomer next."""

    number: int
    text: str
    item_id: str | None = None
    tags: list[str] = Field(default_factory=list)
    titles: list[str] = Field(default_factory=list)


class StepOut(Told):
    """What to show a newcomer after their answers, and what to ask next."""

    ranking: RankingOut
    question: QuestionOut | None


class SuggestionOut(Told):
    """A member for a member."""

    member_id: str
    score: float
    reason: str


class FriendsOut(Told):
    """Members for a member, best first."""

    member_id: str
    build: str
    strategy: str
    picks: list[SuggestionOut]


class SegmentOut(Told):
    """A member's segment; where they are in none, why."""

    member_id: str
    build: str
    segment: int | None = None
    """Its number, kept from build to build."""
    name: str | None = None
    about: str | None = None
    """What sets it apart."""
    members: int | None = None
    share: float | None = None
    tastes: list[str] = Field(default_factory=list)
    reason: str | None = None


class DriftOut(Told):
    """Whether a member's interest has changed."""

    member_id: str
    build: str
    change: str | None
    """`none`, `abrupt`, `gradual`, `blip` or `seasonal`; absent where there is too little to tell."""
    probability: float | None
    alarm: bool
    began: datetime | None
    judged_at: datetime | None
    before: list[str]
    """What they turned from."""
    after: list[str]
    """What they turned to."""
    told: str
    """All of it in a sentence."""
    evidence: list[EvidenceOut]


class WrittenOut(Told):
    """What became of a batch: it is on disk."""

    added: int
    repeated: int
    """Events that were here already, by their id or the batch's Idempotency-Key."""
    rejected: list["RejectedOut"]


class RejectedOut(Told):
    """An event that was left out."""

    place: int
    """In the batch, from 0."""
    reason: str


class InterestOut(Told):
    """One interest of a member."""

    label: str
    tier: str
    share: float
    interval: tuple[float, float]
    evidence: list[EvidenceOut]


class InterestsOut(Told):
    """A member's interests in tiers."""

    member_id: str
    build: str
    interests: list[InterestOut]
    evidence_count: float
    note: str | None = None


class EventOut(Told):
    """One event of a member."""

    item_id: str | None
    kind: str
    at: datetime
    amount: float | None
    duration: float | None
    text: str | None


class EvidencePage(Told):
    """What is held about a member, their events a page at a time."""

    member_id: str
    profile: dict[str, Any]
    event_count: int
    events: list[EventOut]
    next: int | None
    """Hand it in as `after` for the next page; absent at the end."""
    ties: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]
    trials: list[dict[str, Any]]


class SuggestionsOut(Told):
    """How a query may go on."""

    suggestions: list[str]


class LabelOut(Told):
    label: str
    probability: float
    sure: bool


class LabelledOut(Told):
    """The labels of one text."""

    labels: list[LabelOut]
    unsure: bool


class ClassifiedOut(Told):
    """The labels of each text, in order."""

    build: str
    texts: list[LabelledOut]
