"""What is known of a newcomer, who they might be, and what each source says of the items."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt

from penchant.social.answers import Answer, AnswerConfig
from penchant.social.mixture import MixtureConfig
from penchant.social.topics import TopicsConfig
from penchant.vectors import Floats, Rows


class NewcomersConfig(BaseModel):
    """What is asked, and how it is put together with ties and words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mixture: MixtureConfig = MixtureConfig()
    """Kinds of members."""
    topics: TopicsConfig = TopicsConfig()
    """What one can be asked about beside items."""
    answers: AnswerConfig = AnswerConfig()
    """How people answer."""
    item_questions: PositiveInt = 200
    """Items that one can be asked about: those most liked."""
    most_questions: int = Field(default=8, ge=1, le=20)
    """Questions to one person at most."""
    asked_by: Literal["worth", "information"] = "worth"
    """What decides the next question: how good the list is expected to be after its answer, or how much it tells."""
    considered: PositiveInt = 12
    """Questions whose worth is computed: those that tell most."""
    fewest_likes: PositiveInt = 2
    """Items that fewer members like are not recommended to newcomers, nor asked about."""
    most_members: PositiveInt = 5_000
    """Members who stand for all; a random sample where there are more."""
    most_items: PositiveInt = 50_000
    """Items at most, those most liked."""
    kind_weight: float = Field(default=0.5, ge=0, le=1)
    """How much the kinds count beside single members who would have answered alike."""
    tie_weight: NonNegativeFloat = 1.5
    """How much what friends like counts, beside what members of like answers do."""
    tie_prior: NonNegativeFloat = 2.0
    """Friends like everyone together that are thought to be there beside one's own."""
    word_weight: NonNegativeFloat = 0.5
    """How much items count that read like what somebody says of themselves."""
    word_sharpness: NonNegativeFloat = 1.5
    """How much more likely an item becomes whose text is one standard deviation nearer."""
    word_trust: NonNegativeFloat = 3.0
    """How much the items nearest to the words say of the kind of member."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of a newcomer; all of it may be empty."""

    answers: Mapping[int, Answer] = field(default_factory=dict)
    """By the number of the question."""
    friends: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Rows of members they look to; of private ones nothing is used."""
    nearness: Floats | None = None
    """(columns,) how near each item's text is to what they say of themselves; None where they say nothing."""

    def answered(self, number: int, answer: Answer) -> Self:
        """The same with an answer more, or in place of an earlier one."""
        return replace(self, answers={**self.answers, number: answer})

    def without_answer(self, number: int) -> Self:
        """The same without an answer."""
        return replace(self, answers={key: value for key, value in self.answers.items() if key != number})


@dataclass(frozen=True, eq=False)
class Belief:
    """Who a newcomer might be."""

    kinds: Floats
    """(kinds,) how likely they are of each kind."""
    members: Floats
    """(sampled members,) how likely they are to be like each."""


@dataclass(frozen=True, eq=False)
class Parts:
    """What each source says of every item."""

    kinds: Floats
    """(columns,) chance that the kinds somebody may be of like it."""
    members: Floats
    """(columns,) share of the members somebody may be like who like it."""
    friends: Floats | None
    """(columns,) share of the friends who like it; None without friends."""
    words: Floats | None
    """(columns,) how popular and how near to somebody's words it is; None without words."""

    def scores(self, config: NewcomersConfig) -> Floats:
        """(columns,) all of them together."""
        asked = config.kind_weight * self.kinds + (1 - config.kind_weight) * self.members
        return (asked + self.beside(config)).astype(np.float32)

    def beside(self, config: NewcomersConfig) -> Floats:
        """(columns,) what ties and words say, whatever is answered."""
        total = np.zeros_like(self.kinds)
        if self.friends is not None:
            total = total + config.tie_weight * self.friends
        if self.words is not None:
            total = total + config.word_weight * self.words
        return total
