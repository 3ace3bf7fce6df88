"""What is asked of each text when a language model is fine-tuned: the kind of answer, its labels, its loss."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat

TaskKind = Literal["multi-class", "binary", "multi-label", "regression", "pair", "similarity"]


class TaskConfig(BaseModel):
    """One question asked of every text; several tasks share one encoder.

    >>> TaskConfig(name="mood", kind="binary", labels=("bad", "good")).labels
    ('bad', 'good')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="label", pattern=r"^[^./\s]+$")
    """Names the head; examples point to it."""
    kind: TaskKind = "multi-class"
    """`multi-class`: one of many; `binary`: the second of two; `multi-label`: any number of many; `regression`: a
    number; `pair`: do two texts belong together, judged from their two vectors; `similarity`: the cosine of the two
    vectors itself is to be the number given."""
    labels: tuple[str, ...] | None = None
    """The labels in the order of the answer's columns; None takes those of the examples, sorted."""
    loss: Literal["cross-entropy", "focal", "asymmetric"] = "cross-entropy"
    """`focal` (Lin et al., 2017) and `asymmetric` (Ridnik et al., 2021, multi-label only) weigh easy examples down."""
    focus: NonNegativeFloat = 2.0
    """Exponent of the focal loss, and of the asymmetric loss for absent labels; 0 gives back cross-entropy."""
    margin: float = Field(default=0.05, ge=0, lt=1)
    """Asymmetric loss: absent labels below this probability cost nothing."""
    class_weights: Literal["balanced"] | dict[str, float] | None = None
    """Weight of each label in the loss: `balanced` is inverse to its frequency; labels not named weigh 1."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of the target spread over all labels."""
    template: str = "{text}\n类别 / category: "
    """What a causal model reads; the label's words come after it. A classifying model reads the text alone."""
    words: dict[str, str] | None = None
    """What a causal model says for a label, where that is not the label itself."""
    temperature: PositiveFloat = 1.0
    """Divides the logits of one label of many in the loss, where a teacher's answers were softened so."""
    weight: PositiveFloat = 1.0
    """Weight of the task in the total loss."""
