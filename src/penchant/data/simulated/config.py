"""What a simulated bazaar is made of: sizes, and how strongly each truth is planted."""

from datetime import UTC, datetime
from math import isqrt
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

INTERESTS: Final = 48
"""Interests of the second level, four under each of twelve of the first."""

LEAST_EVENTS: Final = 200
"""Fewer events would not show anything."""


class SimulatedConfig(BaseModel):
    """A bazaar to simulate; the same configuration gives the same community.

    >>> SimulatedConfig(events=10_000).member_count, SimulatedConfig(events=10_000).item_count
    (200, 800)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: int = Field(default=100_000, ge=LEAST_EVENTS)
    """Events in all, exactly."""
    members: PositiveInt | None = None
    """Members; one for every fifty events if not named."""
    items: int | None = Field(default=None, ge=INTERESTS)
    """Items; eight times the square root of the events if not named."""
    language: Literal["both", "zh", "en"] = "both"
    """What items are written in; with `both`, half of them in each, and members mostly keep to their own."""
    other_language_share: float = Field(default=0.1, ge=0, le=1)
    """Share of a member's visits to items in the language that is not theirs."""
    start: datetime = datetime(2025, 1, 6, tzinfo=UTC)
    """The first day."""
    days: int = Field(default=360, ge=90)
    """How long the bazaar is watched."""
    seed: int = 0
    """Of everything that is drawn."""

    core_share: float = Field(default=0.55, ge=0, le=1)
    """Share of a member's visits that go to the one to three interests at their core."""
    regular_share: float = Field(default=0.25, ge=0, le=1)
    """Share that goes to the two to four interests they come back to now and then."""
    latent_share: float = Field(default=0.04, ge=0, le=1)
    """Share that goes to the one or two interests they hardly show yet; what is left goes wherever the crowd goes."""
    session_focus: float = Field(default=0.5, ge=0, le=1)
    """Share of visits that stay with the interest their session began with."""

    homophily: float = Field(default=0.6, ge=0, le=1)
    """Share of ties made between members with the same first interest; the rest are made regardless."""
    friends: float = Field(default=6.0, ge=0)
    """Ties a member has on average."""

    drift_share: float = Field(default=0.3, ge=0, le=0.9)
    """Share of members whose interests change."""
    severity: tuple[float, ...] = (0.6, 1.0)
    """How much of the old interests a change takes over; each drifting member has one of these."""
    anomaly_share: float = Field(default=0.01, ge=0, le=0.1)
    """Share of members who behave oddly: bots, bulk returners, rings of bought reviews, accounts taken over."""
    attribute_known: float = Field(default=0.7, ge=0, le=1)
    """Share of members whose age band and buyer kind stand in the members table; the answers hold all."""
    labelled_texts: int = Field(default=10, ge=0)
    """Texts with a known interest in the labels table, for each interest; repeats among them are left out."""

    @model_validator(mode="after")
    def _shares_leave_room(self) -> "SimulatedConfig":
        total = self.core_share + self.regular_share + self.latent_share
        if total > 1:
            raise ValueError(f"the shares of core, regular and latent interests add up to {total:.2f}; at most 1")
        if not self.severity or not all(0 < value <= 1 for value in self.severity):
            raise ValueError(f"each severity must be above 0 and at most 1; got {self.severity}")
        return self

    @property
    def member_count(self) -> int:
        """How many members there are."""
        return self.members or max(12, self.events // 50)

    @property
    def item_count(self) -> int:
        """How many items there are."""
        return self.items or max(2 * INTERESTS, 8 * isqrt(self.events))

    @property
    def background_share(self) -> float:
        """Share of visits that go wherever the crowd goes."""
        return 1 - self.core_share - self.regular_share - self.latent_share
