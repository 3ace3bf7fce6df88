"""What comes in: bodies that hold nothing that is not known, each with an example."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, FiniteFloat, StringConstraints, field_validator

from penchant.data.columns import EventKind, TieKind
from penchant.service.shapes.fields import At, Id, Label, Short, Taken, Text


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

    items: Annotated[list[Id], Field(max_length=200)] = Field(default_factory=list)
    events: Annotated[list[EventIn], Field(max_length=200)] = Field(default_factory=list)
    text: Text | None = None
    exclude: Annotated[list[Id], Field(max_length=1_000)] = Field(default_factory=list)


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

    answers: Annotated[list[AnswerIn], Field(max_length=100)] = Field(default_factory=list)


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
