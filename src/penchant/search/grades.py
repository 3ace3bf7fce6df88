"""The settings of grading: what a grade is judged from, and how a pair encoder is fine-tuned for it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.task import TaskConfig


class GraderConfig(BaseModel):
    """What grades are judged from.

    >>> GraderConfig(folds=3).meaning
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    meaning: bool = True
    """Whether the encoder's vectors of both texts are read."""
    spelling: bool = True
    """Whether a linear model reads the letters of both, and which the title has of the query's."""
    tuned: FinetuneConfig | None = None
    """How a pair encoder is fine-tuned to read both texts as one; None leaves it out, as it takes minutes to hours."""
    tuned_rows: PositiveInt = 5_000
    """Pairs that the pair encoder is fine-tuned on, at most: a random sample where there are more."""
    folds: PositiveInt = Field(default=4, ge=2)
    """Parts of the pairs, each graded by what was learned on the others, for what is learned from those grades."""
    columns: PositiveInt = 1 << 17
    """Of the hashed letters."""
    anchors: PositiveInt = 1_000
    """Pairs that the vectors of others are compared with."""
    reach: PositiveFloat = 0.3
    """How fast a pair's likeness to an anchor falls with the distance between them."""
    meaning_softness: PositiveFloat = 10.0
    """How far what is learned from vectors may follow its pairs (the inverse of its penalty)."""
    spelling_softness: PositiveFloat = 1.0
    """The same for what is learned from letters."""
    trees: PositiveInt = 150
    leaves: PositiveInt = Field(default=5, ge=2)
    learning_rate: PositiveFloat = 0.04


def pair_tuning(mode: str = "lora", **fields: Any) -> FinetuneConfig:
    """How to fine-tune an encoder that reads a query and a title as one text.

    >>> pair_tuning(epochs=2).tasks[0].class_weights
    'balanced'
    """
    task = TaskConfig(name="grade", kind="multi-class", class_weights="balanced")
    return FinetuneConfig.model_validate({"mode": mode, "tasks": (task,), "max_length": 64, **fields})
