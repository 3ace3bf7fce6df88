"""Where members lie for clustering: tastes and habits on scales that let neither drown the other."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.members.features import HOURS, TIERS
from penchant.members.profiles import Profiles

Numbers = NDArray[np.float64]

HABITS: Final = (
    "recency_days", "events", "active_days", "gap_days", "orders", "spend", "spend_per_order", "price_level", "variety",
    "repeats", "rating", "night", "morning", "evening", "weekend", "sentiment", "sentiment_trend", *TIERS,
)  # fmt: skip
"""The features of a profile that tell how somebody behaves, whatever they like."""
_SKEWED: Final = frozenset({"recency_days", "events", "active_days", "gap_days", "orders", "spend", "spend_per_order"})
_HOURLY: Final = frozenset({"night", "morning", "evening"})
"""What the hours of the day tell better where they are known one by one."""
_PRIOR: Final = 5.0
"""Events of the community's own mixture that every member's tastes are mixed with."""


@dataclass(frozen=True, eq=False)
class Space:
    """How profiles become points, learned from a community and the same for whoever comes later."""

    taste_names: tuple[str, ...]
    usual: Numbers
    """(tastes,) the community's mixture."""
    taste_scale: float
    axes: Numbers
    """(width, axes) of the text vectors that are kept; no columns where there are none."""
    middle: Numbers
    """(width,) of the text vectors."""
    text_scale: float
    habit_names: tuple[str, ...]
    means: Numbers
    scales: Numbers
    usual_hours: Numbers
    """(24,) the community's day; empty where it is not known."""
    hours_scale: float
    weights: tuple[float, float, float, float]
    """Of tastes, texts, habits and hours."""

    def points(self, made: Profiles) -> Numbers:
        """(members, dimensions) where members lie."""
        tastes, texts, habits, hours = self.weights
        parts = [
            tastes * self._tastes(made) / self.taste_scale,
            texts * self._texts(made) / self.text_scale,
            habits * self._habits(made) / np.sqrt(max(len(self.habit_names), 1)),
            hours * day(made, self.usual_hours) / self.hours_scale,
        ]
        return np.hstack(parts)

    def _tastes(self, made: Profiles) -> Numbers:
        return tastes(made, self.taste_names, self.usual)

    def _texts(self, made: Profiles) -> Numbers:
        if made.text is None or not self.axes.shape[1]:
            return np.zeros((len(made), self.axes.shape[1]))
        there = np.linalg.norm(made.text, axis=1, keepdims=True) > 0
        weight = _trust(made)[:, None]
        return np.where(there, (made.text - self.middle) @ self.axes * weight, 0.0)

    def _habits(self, made: Profiles) -> Numbers:
        values = stacked([logged(name, made.column(name)) for name in self.habit_names], len(made))
        return np.clip(np.nan_to_num((values - self.means) / self.scales, nan=0.0), -3, 3)


def learned(made: Profiles, weights: tuple[float, float, float, float], axes: int, rows: NDArray[np.int64]) -> Space:
    """Learn the scales from some members.

    Args:
        made: profiles.
        weights: of tastes, texts, habits and hours.
        axes: dimensions of the text vectors that are kept.
        rows: the members to learn from.
    """
    names = tuple(name for name in made.names if name.startswith("share:"))
    counts = made.column("events")[rows, None] * np.nan_to_num(
        np.stack([made.column(name)[rows] for name in names], axis=1) if names else np.zeros((len(rows), 0))
    )
    usual = counts.sum(axis=0) / max(float(counts.sum()), 1e-9) if names else np.zeros(0)
    spread = tastes(made, names, usual)[rows]
    known = HOURS[0] in made.names
    habit_names = tuple(
        name
        for name in HABITS
        if name in made.names and not (known and name in _HOURLY) and _told(made.column(name)[rows])
    )
    habits = stacked([logged(name, made.column(name)[rows]) for name in habit_names], len(rows))
    means = np.nanmean(habits, axis=0) if habit_names else np.zeros(0)
    scales = np.maximum(np.nanstd(habits, axis=0), 1e-6) if habit_names else np.ones(0)
    middle, kept, size = np.zeros(0), np.zeros((0, 0)), 1.0
    if made.text is not None and weights[1]:
        vectors = made.text[rows].astype(np.float64)
        middle = vectors.mean(axis=0)
        centred = (vectors - middle) * _trust(made)[rows, None]
        _, _, right = np.linalg.svd(centred.T @ centred)
        kept = right[: min(axes, len(right))].T
        size = float(np.sqrt((np.square(centred @ kept)).sum(axis=1).mean())) or 1.0
    scale = float(np.sqrt(np.square(spread).sum(axis=1).mean())) if names else 1.0
    usual_hours = _smooth(np.nanmean(_stacked(made, HOURS)[rows], axis=0)) if known else np.zeros(0)
    by_hour = day(made, usual_hours)[rows]
    hours_scale = float(np.sqrt(np.square(by_hour).sum(axis=1).mean())) if known else 1.0
    if known:
        # Of members who came on a day or two, the hour is chance: brought to full size it would part them by chance.
        visits = np.nan_to_num(made.column("active_days")[rows].astype(np.float64))
        hours_scale /= max(float((visits / (visits + _PRIOR)).mean()), 1e-6)
    return Space(
        names, usual.astype(np.float64), scale or 1.0, kept, middle, size, habit_names, means, scales, usual_hours,
        hours_scale or 1.0, weights,
    )  # fmt: skip


def day(made: Profiles, usual: Numbers) -> Numbers:
    """(members, 24) Hellinger coordinates of each one's day, neighbouring hours run together, shrunk like tastes."""
    if not len(usual):
        return np.zeros((len(made), 0))
    visits = np.nan_to_num(made.column("active_days").astype(np.float64))[:, None]
    shares = _smooth(np.nan_to_num(_stacked(made, HOURS)))
    return np.sqrt((shares * visits + usual * _PRIOR) / (visits + _PRIOR)) - np.sqrt(usual)


def _smooth(shares: Numbers) -> Numbers:
    """Each hour with its neighbours, midnight's among them: nobody keeps to the hour."""
    mixed = shares + 0.7 * (np.roll(shares, 1, axis=-1) + np.roll(shares, -1, axis=-1))
    return mixed / np.maximum(mixed.sum(axis=-1, keepdims=True), 1e-12)


def _stacked(made: Profiles, names: tuple[str, ...]) -> Numbers:
    return np.stack([made.column(name).astype(np.float64) for name in names], axis=1)


def tastes(made: Profiles, names: tuple[str, ...], usual: Numbers) -> Numbers:
    """(members, tastes) Hellinger coordinates of each one's mixture, shrunk to the community's while events are few."""
    if not names:
        return np.zeros((len(made), 0))
    events = np.nan_to_num(made.column("events").astype(np.float64))[:, None]
    shares = np.nan_to_num(np.stack([made.column(name) for name in names], axis=1).astype(np.float64))
    mixed = (shares * events + usual * _PRIOR) / (events + _PRIOR)
    return np.sqrt(mixed) - np.sqrt(usual)


def logged(name: str, values: NDArray[np.float32]) -> Numbers:
    """A feature on a scale where its differences mean the same all along."""
    numbers = values.astype(np.float64)
    return np.sign(numbers) * np.log1p(np.abs(numbers)) if name in _SKEWED else numbers


def stacked(columns: list[Numbers], rows: int) -> Numbers:
    """(rows, columns) the columns side by side, also where there are none."""
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0))


def _trust(made: Profiles) -> Numbers:
    events = np.nan_to_num(made.column("events").astype(np.float64))
    return events / (events + _PRIOR)


def _told(values: NDArray[np.float32]) -> bool:
    there = values[~np.isnan(values)]
    return len(there) >= max(2, len(values) // 5) and float(there.std()) > 1e-9
