"""What support answers are made of: the settings, an answer and what it says of itself, and how good answers are."""

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from penchant.data.verdicts import Evidence, Ranking
from penchant.language import Phrase

SURE: Final = Phrase(
    "intent “{intent}” ({share:.0%}), as in “{question}”", "意图“{intent}”（{share:.0%}），与“{question}”相似"
)
UNSURE: Final = Phrase(
    "not sure of the intent (“{intent}” at {share:.0%}), so items were searched",
    "意图不明确（“{intent}”仅 {share:.0%}），改为搜索物品",
)
NO_SEARCH: Final = Phrase(
    "not sure of the intent (“{intent}” at {share:.0%}), and there is nothing to search",
    "意图不明确（“{intent}”仅 {share:.0%}），且没有可搜索的内容",
)
EMPTY: Final = Phrase("the question has no words", "问题中没有词语")


class SupportConfig(BaseModel):
    """How questions are read, and when an answer counts as sure.

    >>> SupportConfig(risk=0.02).grams
    (1, 4)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    grams: tuple[PositiveInt, PositiveInt] = (1, 4)
    """Shortest and longest runs of letters that spell a question."""
    width: PositiveInt = 4_096
    """Places that the runs of letters are spread over."""
    softness: PositiveFloat = 10.0
    """How closely the model of intents may follow single questions."""
    folds: PositiveInt = 5
    """Parts of the dialogues, each judged by what was learned on the others, to find when it is sure."""
    risk: float = Field(default=0.05, gt=0, lt=1)
    """Share of sure answers that may have the wrong intent."""
    meaning: NonNegativeFloat = 4.0
    """What meaning counts beside spelling in the model of intents."""
    spelling: float = Field(default=0.5, ge=0, le=1)
    """What spelling counts beside meaning in how alike two questions are."""


@dataclass(frozen=True)
class SupportAnswer:
    """What is said to a question."""

    intent: str
    """The likeliest, sure or not."""
    confidence: float
    reply: str | None
    """The best reply of past dialogues; None where the intent is not sure."""
    strategy: str
    evidence: tuple[Evidence, ...] = ()
    """The past question that the reply was given to."""
    found: Ranking | None = None
    """What a search found, where the intent is not sure."""


@dataclass(frozen=True)
class SupportQuality:
    """How good answers are to questions whose reply is known, as fractions."""

    questions: int
    intent_accuracy: float
    recall_at_1: float
    """Share of questions whose best reply is the one that was given, all questions counted as sure."""
    answered: float
    """Share of questions that are answered rather than searched."""
    answered_recall_at_1: float
    """Recall@1 among those answered."""
