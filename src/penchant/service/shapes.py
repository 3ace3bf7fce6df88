"""What travels: the bodies that the service takes and gives, each with an example."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, field_validator

from penchant.data.columns import EventKind, TieKind

_AHEAD: Final = timedelta(days=1)
_FIRST: Final = datetime(1970, 1, 2, tzinfo=UTC)

Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""An id: any characters but control characters."""
Text = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00]*$")]
Short = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^[^\x00]+$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00]+$")]


def _moment(value: datetime) -> datetime:
    at = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if not _FIRST <= at <= datetime.now(UTC) + _AHEAD:
        raise ValueError("a time must lie between 1970 and tomorrow")
    return at


def _instant(value: datetime) -> datetime:
    try:
        return _moment(value)
    except OverflowError:
        raise ValueError("a time must lie between 1970 and tomorrow") from None


At = Annotated[datetime, AfterValidator(_instant)]


class Taken(BaseModel):
    """What comes in holds nothing that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Told(BaseModel):
    """What goes out may be read from the library's own answers."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


# -- taken --


class EventIn(Taken):
    """One thing that a member did."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"member_id": "m42", "item_id": "p7", "kind": "buy", "amount": 1}},
    )

    member_id: Id
    """Who; a member who is not known is new."""
    item_id: Id | None = None
    """With which item; a search has none."""
    kind: EventKind
    at: At | None = None
    """When; now if absent. A time without a zone is UTC."""
    amount: FiniteFloat | None = None
    """How many, or how many stars."""
    duration: Annotated[FiniteFloat, Field(ge=0)] | None = None
    """Seconds."""
    text: Text | None = None
    """What was searched for or written."""
    id: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] | None = None
    """Names the event, so that sending it twice is the same as once."""


class EventsIn(Taken):
    """A batch of events."""

    events: Annotated[list[EventIn], Field(min_length=1)]


class ItemIn(Taken):
    """An item, or what has changed about one: fields that are absent keep what they hold."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {"item_id": "p99", "title": "Copper kettle", "categories": ["Kitchen > Kettles"], "price": 39.9}
        },
    )

    item_id: Id
    title: Short | None = None
    """Wanted for an item that is new."""
    text: Text | None = None
    categories: Annotated[list[Label], Field(max_length=50)] | None = None
    tags: Annotated[list[Label], Field(max_length=100)] | None = None
    price: Annotated[FiniteFloat, Field(ge=0)] | None = None
    seller: Label | None = None
    available: bool | None = None
    created_at: At | None = None


class ItemsIn(Taken):
    """Items to add or change."""

    items: Annotated[list[ItemIn], Field(min_length=1)]

    @field_validator("items")
    @classmethod
    def _once(cls, items: list[ItemIn]) -> list[ItemIn]:
        if len({item.item_id for item in items}) < len(items):
            raise ValueError("an item stands twice in the batch")
        return items


class TieIn(Taken):
    """How one member is tied to another."""

    member_id: Id
    other_id: Id
    kind: TieKind
    at: At | None = None


class TiesIn(Taken):
    """Ties to add or to take out."""

    ties: Annotated[list[TieIn], Field(min_length=1, max_length=1_000)]


class StrangerIn(Taken):
    """Somebody who is no member: what they like, did or wrote."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"example": {"items": ["p7", "p9"], "text": "for camping"}}
    )

    items: Annotated[list[Id], Field(max_length=200)] = []
    events: Annotated[list[EventIn], Field(max_length=200)] = []
    text: Text | None = None
    exclude: Annotated[list[Id], Field(max_length=1_000)] = []


class TextsIn(Taken):
    """Texts to label."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"example": {"texts": ["这口锅导热很快"]}})

    texts: Annotated[list[Short], Field(min_length=1, max_length=200)]


class AnswerIn(Taken):
    """What a newcomer says to one question."""

    question: Annotated[int, Field(ge=0, le=10**6)]
    """Its number, as it was asked."""
    answer: Literal["like", "dislike", "don't know"]


class AnswersIn(Taken):
    """All that a newcomer has answered so far; none at the beginning."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"answers": [{"question": 12, "answer": "like"}]}},
    )

    answers: Annotated[list[AnswerIn], Field(max_length=100)] = []


class TrialIn(Taken):
    """A second build to try on some members."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"example": {"name": "spring", "version": "0002", "share": 0.1}}
    )

    name: Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,64}$")]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}$")]
    share: Annotated[float, Field(gt=0, lt=1)]


class NoteIn(Taken):
    """What to say of an alert that is settled."""

    note: Text | None = None


# -- told --


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
    tags: list[str] = []
    titles: list[str] = []


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
    tastes: list[str] = []
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


class ChangedOut(Told):
    """How many rows a change reached."""

    changed: int


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


class StageOut(Told):
    name: str
    made_in: str
    seconds: float
    peak_rss_mb: float


class BuildOut(Told):
    """A finished build."""

    version: str
    current: bool
    finished_at: datetime
    penchant: str
    stages: list[StageOut]


class TrialOut(Told):
    name: str
    version: str
    against: str
    share: float
    started_at: datetime


class BuildsOut(Told):
    """The builds, the newest first, and the trial if there is one."""

    current: str | None
    problem: str | None
    builds: list[BuildOut]
    next: str | None = None
    trial: TrialOut | None = None


class ArmOut(Told):
    arm: str
    members: int
    successes: int
    rate: float


class TrialResultOut(Told):
    """What a trial shows so far."""

    trial: str
    goals: list[str]
    arms: list[ArmOut]
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    verdict: str


class AlertOut(Told):
    number: int
    at: datetime
    rule: str
    severity: str
    message: str
    state: str
    member_id: str | None
    settled_at: datetime | None
    settled_by: str | None
    note: str | None


class AlertsOut(Told):
    """Alerts, the newest first."""

    alerts: list[AlertOut]
    next: int | None = None


class EntryOut(Told):
    place: int
    at: datetime
    who: str
    action: str
    about: str
    details: dict[str, Any]
    digest: str


class AuditOut(Told):
    """Entries of the audit log, the newest first."""

    entries: list[EntryOut]
    next: int | None = None


class HealthOut(Told):
    """The process is alive."""

    status: Literal["alive"] = "alive"
    version: str


class ReadyOut(Told):
    """Whether it can answer."""

    status: Literal["ready", "not ready"]
    build: str | None
    problems: list[str]


def event_rows(events: Sequence[EventIn], now: datetime) -> dict[str, list[Any]]:
    """Events as columns."""
    return {
        "member_id": [event.member_id for event in events],
        "item_id": [event.item_id for event in events],
        "kind": [event.kind.value for event in events],
        "at": [event.at or now for event in events],
        "amount": [event.amount for event in events],
        "duration": [event.duration for event in events],
        "text": [event.text for event in events],
    }
