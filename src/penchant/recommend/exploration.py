"""Exploration: places of a list where new items are tried, by Thompson sampling with known chances."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt
from scipy.special import betainc

from penchant.data.columns import EventKind
from penchant.data.community import Community

TAKEN_UP: Final = (
    EventKind.CLICK, EventKind.PLAY, EventKind.READ, EventKind.LIKE, EventKind.SAVE, EventKind.CART, EventKind.BUY,
)  # fmt: skip
"""Events that say a member took up what they were shown."""
_GRID: Final = 400
"""Points at which the chances are integrated; an item is new and so its distribution wide."""


class ExplorationConfig(BaseModel):
    """How many places try new items, and which items are new."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slots: int = Field(default=0, ge=0, le=10)
    """Places of a list at most; never more than half of it. 0 tries nothing."""
    first_place: PositiveInt = 4
    """The first place that may try an item, counted from 1; earlier ones where the list is too short for that."""
    new_below: PositiveInt = 30
    """An item is new while fewer members than this have any event with it, being shown it among them."""
    among: PositiveInt = 50
    """Best new items by the member's scores that are tried, so that what is tried still suits."""
    prior_taken: PositiveFloat = 1.0
    """Members counted as having taken an item up, before any was shown it."""
    prior_passed: PositiveFloat = 9.0
    """Members counted as having passed it by, before any was shown it."""
    log: str | None = Field(default=None, min_length=1)
    """A file that every list shown is added to with its propensities; beside `penchant.toml` unless a full path."""
    seed: int | None = None
    """Equal seeds try equal items in turn; by chance if absent, as a service needs."""


@dataclass(frozen=True, eq=False)
class Explorer:
    """What is known of new items: how many members were shown each, and how many of those took it up."""

    config: ExplorationConfig
    new: NDArray[np.bool_]
    """(items,) True where an item is new."""
    taken: NDArray[np.int64]
    """(items,) members who were shown it and took it up; many clicks of one member count once."""
    shown: NDArray[np.int64]
    """(items,) members who were shown it."""

    @classmethod
    def of(cls, community: Community, config: ExplorationConfig) -> "Explorer":
        """Count the events of a community."""
        count = len(community.items)
        events = community.events.filter(pl.col("item").is_not_null())
        touched = events.group_by("item").agg(pl.col("member").n_unique().alias("members"))
        kinds = [kind.value for kind in TAKEN_UP]
        pairs = (
            events.group_by("member", "item")
            .agg(
                shown=(pl.col("kind") == EventKind.SHOW.value).any(),
                taken=pl.col("kind").cast(pl.String).is_in(kinds).any(),
            )
            .filter("shown")
            .group_by("item")
            .agg(shown=pl.len(), taken=pl.col("taken").sum())
        )
        members = _by_item(touched["item"], touched["members"], count)
        return cls(
            config, members < config.new_below,
            taken=_by_item(pairs["item"], pairs["taken"], count), shown=_by_item(pairs["item"], pairs["shown"], count),
        )  # fmt: skip

    def chances(self, items: NDArray[np.int64]) -> NDArray[np.float64]:
        """(items,) the probability that Thompson sampling tries each: that its Beta posterior draws the largest."""
        taken = self.config.prior_taken + self.taken[items]
        passed = self.config.prior_passed + (self.shown - self.taken)[items]
        return largest_chances(taken.astype(np.float64), passed.astype(np.float64))

    def places(self, k: int, free: list[int]) -> list[int]:
        """Which of the free places of a list of k, counted from 0, try an item."""
        slots = min(self.config.slots, k // 2, len(free))
        late = [place for place in free if place >= self.config.first_place - 1][:slots]
        return sorted(late + [place for place in reversed(free) if place not in late][: slots - len(late)])


def largest_chances(taken: NDArray[np.float64], passed: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of each of several Beta variables to be the largest; they add up to one.

    Thompson sampling draws from each and takes the largest. Drawing the item from these probabilities is the same
    policy, and then the propensity that is logged is the one that was used, with no error of simulation.

    Args:
        taken: (n,) first parameter of each Beta distribution.
        passed: (n,) second parameter.

    >>> largest_chances(np.array([1.0, 1.0]), np.array([9.0, 9.0])).round(3).tolist()
    [0.5, 0.5]
    """
    # Chebyshev points lie dense at both ends, where a Beta distribution with a small parameter piles up.
    edges = (1 - np.cos(np.linspace(0, np.pi, _GRID))) / 2
    below = betainc(taken[:, None], passed[:, None], edges[None])
    mass = np.diff(below, axis=1)
    middle = np.maximum((below[:, 1:] + below[:, :-1]) / 2, 1e-300)
    logs = np.log(middle)
    others = np.exp(logs.sum(axis=0)[None] - logs)
    chances = (mass * others).sum(axis=1)
    total = chances.sum()
    return chances / total if total > 0 else np.full(len(taken), 1 / len(taken))


def _by_item(items: pl.Series, values: pl.Series, count: int) -> NDArray[np.int64]:
    found = np.zeros(count, dtype=np.int64)
    found[items.to_numpy()] = values.to_numpy()
    return found
