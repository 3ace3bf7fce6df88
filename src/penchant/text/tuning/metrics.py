"""How well a network answers validation examples."""

from typing import Final

import numpy as np

from penchant.text.tuning.examples import Task
from penchant.vectors import Floats

_DEFAULT: Final = {"multi-class": "accuracy", "binary": "accuracy", "multi-label": "micro_f1"}

SMALLER_IS_BETTER: Final = ("loss", "rmse")
"""Metrics that fall as a model gets better."""


def metric_of(tasks: tuple[Task, ...], wanted: str) -> str:
    """The metric to choose by: the one wanted, or the kind's own; the loss where several tasks have to share one."""
    if wanted != "auto":
        return wanted
    return "loss" if len(tasks) != 1 else _DEFAULT.get(tasks[0].config.kind, "rmse")


def task_metrics(task: Task, answers: Floats, targets: Floats) -> dict[str, float]:
    """Metrics of one task.

    Args:
        task: its kind decides which.
        answers: (examples, outputs) probabilities or standardised numbers.
        targets: (examples, outputs) as `Task.targets` gives them.

    >>> from penchant.text.tuning.task import TaskConfig
    >>> task = Task(TaskConfig(), ("a", "b"))
    >>> task_metrics(task, np.array([[0.9, 0.1]]), np.array([[1.0, 0.0]]))
    {'accuracy': 1.0, 'macro_f1': 1.0, 'micro_f1': 1.0}
    """
    kind = task.config.kind
    if kind not in _DEFAULT:
        return {"rmse": float(np.sqrt(np.mean((answers - targets) ** 2)) * task.scale)}
    if kind == "multi-class":
        said = np.eye(task.outputs, dtype=bool)[answers.argmax(1)]
        true = np.eye(task.outputs, dtype=bool)[targets.argmax(1)]
    else:
        said, true = answers > 0.5, targets > 0.5
        if kind == "binary":
            said, true = np.hstack([~said, said]), np.hstack([~true, true])
    hits, wrong, missed = (said & true).sum(0), (said & ~true).sum(0), (~said & true).sum(0)
    # A label that is neither there nor said is left out of the mean.
    met = hits + wrong + missed > 0
    each = 2 * hits[met] / (2 * hits + wrong + missed)[met]
    return {
        "accuracy": float((said == true).all(1).mean()),
        "macro_f1": float(each.mean()) if met.any() else 0.0,
        "micro_f1": float(2 * hits.sum() / max(1, (2 * hits + wrong + missed).sum())),
    }
