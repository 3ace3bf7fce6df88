"""Choosing settings on validation data: one field after the other, the best kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

_Settings = TypeVar("_Settings", bound=BaseModel)
_Model = TypeVar("_Model")


@dataclass(frozen=True)
class Tuned(Generic[_Settings, _Model]):
    """The best of the models tried, its settings, and its figure; NaN where nothing could be judged."""

    model: _Model
    settings: _Settings
    found: float


def searched(
    start: _Settings,
    grid: Mapping[str, tuple[Any, ...]],
    fit: Callable[[_Settings], _Model],
    judge: Callable[[_Model], float] | None,
) -> Tuned[_Settings, _Model]:
    """Improve settings field by field.

    Args:
        start: settings to start from.
        grid: field to the values to try, in order.
        fit: a model of some settings.
        judge: how good it is; nothing is tried without it.
    """
    model = fit(start)
    if judge is None:
        return Tuned(model, start, float("nan"))
    best, settings = judge(model), start
    for field, values in grid.items():
        for value in values:
            if value == getattr(settings, field):
                continue
            tried = settings.model_copy(update={field: value})
            other = fit(tried)
            found = judge(other)
            if found > best:
                best, settings, model = found, tried, other
    return Tuned(model, settings, best)
