"""Labelled texts, and a task: a question with its labels, as numbers a head can learn."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np

from penchant.errors import InputError, TooLittleDataError
from penchant.text.tuning.task import TaskConfig
from penchant.vectors import Floats

Label = str | float | Collection[str] | Mapping[str, float]
"""A label, a number, several labels, or a probability for each label (what a teacher model said)."""


NUMBERS: Final = ("regression", "pair", "similarity")
"""Kinds of tasks whose answer is a number."""

TWO_VECTORS: Final = ("pair", "similarity")
"""Kinds of tasks that compare the vectors of two texts."""


@dataclass(frozen=True, slots=True)
class Example:
    """One text with the answer to one task.

    With a second text, a `pair` task compares the vectors of the two; any other task reads both as one sequence.

    >>> Example("好用", "positive").weight
    1.0
    """

    text: str
    label: Label
    second: str | None = None
    task: str | None = None
    """The task's name; None is the only task, or the first of several."""
    weight: float = 1.0


@dataclass(frozen=True)
class Task:
    """A task whose labels are settled: encodes answers as rows of numbers, and weighs them.

    >>> task = Task.settled(TaskConfig(), [Example("a", "x"), Example("b", "y")])
    >>> task.labels, task.targets([Example("c", "y")]).tolist()
    (('x', 'y'), [[0.0, 1.0]])
    """

    config: TaskConfig
    labels: tuple[str, ...]
    class_weights: tuple[float, ...] = ()
    """One weight a label; empty where all weigh the same."""
    centre: float = 0.0
    scale: float = 1.0
    """Regression learns (number - centre) / scale."""
    _rows: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", {label: row for row, label in enumerate(self.labels)})

    @classmethod
    def settled(cls, config: TaskConfig, examples: Sequence[Example]) -> Self:
        """The task with its labels and weights taken from the training examples.

        Raises:
            TooLittleDataError: there is nothing to tell apart.
            InputError: an answer is not of the task's kind.
        """
        if not examples:
            raise TooLittleDataError(f"the task {config.name!r} has no training example; give at least one, or drop it")
        if config.kind in NUMBERS:
            numbers = np.array([_number(config, example) for example in examples])
            if config.kind != "regression":
                return cls(config, ())
            return cls(config, (), (), float(numbers.mean()), float(numbers.std()) or 1.0)
        counts: Counter[str] = Counter()
        for example in examples:
            counts.update(dict.fromkeys(_names(config, example), 1))
        labels = config.labels or tuple(sorted(counts))
        wanted = {"multi-class": 2, "binary": 2, "multi-label": 1}[config.kind]
        if len(labels) < wanted or (config.kind == "binary" and len(labels) != 2):
            raise TooLittleDataError(
                f"the task {config.name!r} is {config.kind} and has {len(labels)} label(s) {list(labels[:3])}; "
                f"{'exactly' if config.kind == 'binary' else 'at least'} {wanted} are wanted"
            )
        task = cls(config, labels, _class_weights(config, labels, counts, len(examples)))
        task.targets(examples)
        return task

    @property
    def outputs(self) -> int:
        """How many numbers the head gives."""
        return len(self.labels) if self.config.kind in ("multi-class", "multi-label") else 1

    def targets(self, examples: Sequence[Example]) -> Floats:
        """(examples, outputs) what the head should say: probabilities, or standardised numbers.

        Raises:
            InputError: a label that no training example has, or an answer that is not of the task's kind.
        """
        targets = np.zeros((len(examples), self.outputs), dtype=np.float32)
        for row, example in enumerate(examples):
            if self.config.kind in NUMBERS:
                targets[row, 0] = (_number(self.config, example) - self.centre) / self.scale
                continue
            for name, value in _names(self.config, example).items():
                if name not in self._rows:
                    raise InputError(
                        f"the text {example.text[:40]!r} has the label {name!r}, which task {self.config.name!r} does "
                        f"not know ({len(self.labels)} labels: {', '.join(self.labels[:5])} …); add training examples "
                        "of it, or name it in the task's labels"
                    )
                if self.config.kind == "binary":
                    targets[row, 0] += value * self._rows[name]
                else:
                    targets[row, self._rows[name]] = value
        return targets

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {
            "config": self.config.model_dump(),
            "labels": list(self.labels),
            "class_weights": list(self.class_weights),
            "centre": self.centre,
            "scale": self.scale,
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Self:
        """What `to_json` gave, as a task."""
        return cls(
            TaskConfig.model_validate(saved["config"]),
            tuple(saved["labels"]),
            tuple(saved["class_weights"]),
            saved["centre"],
            saved["scale"],
        )


def _number(config: TaskConfig, example: Example) -> float:
    value = example.label
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not np.isfinite(value):
        raise InputError(
            f"the task {config.name!r} is {config.kind} and wants a finite number; {example.text[:40]!r} has {value!r}"
        )
    if config.kind in TWO_VECTORS:
        if not (0 if config.kind == "pair" else -1) <= value <= 1:
            raise InputError(f"{value!r} is no answer to a {config.kind}; {example.text[:40]!r} needs one up to 1")
        if example.second is None:
            raise InputError(f"a {config.kind} has two texts; {example.text[:40]!r} has no second")
    return float(value)


def _names(config: TaskConfig, example: Example) -> Mapping[str, float]:
    """The labels of an example with their shares."""
    label = example.label
    if isinstance(label, str):
        return {label: 1.0}
    if isinstance(label, Mapping):
        return label
    if isinstance(label, Collection) and (config.kind == "multi-label" or len(label) == 1):
        return dict.fromkeys(label, 1.0)
    wanted = "a label or several" if config.kind == "multi-label" else "one label"
    raise InputError(
        f"the task {config.name!r} is {config.kind} and wants {wanted}; {example.text[:40]!r} has {label!r}"
    )


def _class_weights(
    config: TaskConfig, labels: tuple[str, ...], counts: Mapping[str, int], total: int
) -> tuple[float, ...]:
    if config.class_weights is None:
        return ()
    if config.class_weights == "balanced":
        if config.kind == "multi-label":
            return tuple((total - counts[label] + 1) / (counts[label] + 1) for label in labels)
        return tuple(total / (len(labels) * max(counts[label], 1)) for label in labels)
    unknown = sorted(set(config.class_weights) - set(labels))
    if unknown:
        raise InputError(f"class weights name labels that task {config.name!r} does not have: {unknown[:5]}")
    return tuple(config.class_weights.get(label, 1.0) for label in labels)
