"""Learns what members are worth next: chance of coming back, money to expect, risk of leaving, and why."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.errors import NotFittedError, TooLittleDataError
from penchant.members.bgnbd import BgNbd, GammaGamma
from penchant.members.features import SELLER, SHARE
from penchant.members.moments import money, present
from penchant.members.profiles import Profiles
from penchant.members.profiling import ProfileConfig, profiles
from penchant.members.rfm import rfm
from penchant.members.wares import WARES, wares
from penchant.members.worth import BY_DATES, Worth
from penchant.training.options import Options
from penchant.vectors import Floats

if TYPE_CHECKING:
    from penchant.members.value_models import Fitted

KIND: Final = "member-value"
_FEWEST: Final = 100
"""Members who bought before a cut, over all cuts, below whom nothing is learned."""


class ValueConfig(BaseModel):
    """What is foreseen, and from how much of the past.

    >>> ValueConfig().horizon_days
    91
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    horizon_days: PositiveInt = 91
    """Days ahead that are foreseen."""
    cuts: PositiveInt = 4
    """Moments of the past at which members are taken as they were then, to learn from what came after."""
    step_days: PositiveInt = 15
    """Days between those moments."""
    history_days: PositiveInt = 40
    """Least days of events before such a moment."""
    trees: PositiveInt = 200
    """Trees of each boosted model."""
    leaves: int = Field(default=5, ge=2, le=64)
    """Leaves of a tree."""
    rate: float = Field(default=0.03, gt=0, le=1)
    """Learning rate of the trees."""
    models: PositiveInt = 3
    """Boosted models from different seeds whose answers are averaged."""
    boosted: float = Field(default=0.6, ge=0, le=1)
    """Weight of the trees against the logistic regression over the same features, in log-odds."""
    learned_money: float = Field(default=0.1, ge=0, le=1)
    """Weight, in logarithms, of the money that models foresee, against the chance of a purchase times the money spent
    so far: the models order the many better, past money the few who spend most."""
    profile: ProfileConfig = ProfileConfig()
    """How members are described."""


class Value:
    """Learns from members as they were at moments of the past, and what they did afterwards.

    The chance of a purchase is the mean, in log-odds, of boosted trees and a logistic regression over the same
    features: the profile, what BG/NBD and Gamma-Gamma make of three numbers, and how what they buy sells to others. The
    blend is calibrated on members left out.
    """

    def __init__(self, config: ValueConfig | None = None) -> None:
        self.config = config or ValueConfig()
        self._fitted: Fitted | None = None

    def fit(self, community: Community, options: Options | None = None, *, at: datetime | None = None) -> Self:
        """Learn from a community's events before a moment.

        Args:
            community: with purchases (`buy` events, `amount` the money).
            options: the seed.
            at: nothing later is looked at; the present if absent.

        Raises:
            TooLittleDataError: purchases are too few, or reach back too little.
        """
        from penchant.members.value_models import fitted

        options = options or Options()
        moment = at or present(community)
        if moment is None:
            raise TooLittleDataError("there are no events; what members are worth is learned from their purchases")
        known = community.with_events(community.events.filter(pl.col("at") <= moment))
        lessons = [lesson(known, cut, self.config) for cut in self.cuts(known, moment)]
        count = sum(len(one.returned) for one in lessons)
        if count < _FEWEST:
            raise TooLittleDataError(
                f"{count} members had bought before a moment that {self.config.horizon_days} days of events follow; "
                f"{_FEWEST} are wanted: foresee fewer days, or wait for more purchases"
            )
        self._fitted = fitted(lessons, self.config, options.seed)
        return self

    def foresee(self, community: Community, *, at: datetime | None = None) -> Worth:
        """What every member is worth from a moment on, by the events before it.

        Args:
            community: of the same kind as the one learned from; members may be new.
            at: the moment; the present if absent.

        Raises:
            NotFittedError: nothing was learned yet.
            TooLittleDataError: there are no events.
        """
        if self._fitted is None:
            raise NotFittedError("this model has not learned yet; call fit first, or load a saved one")
        moment = at or present(community)
        if moment is None:
            raise TooLittleDataError("there are no events to foresee from")
        seen = described(community, moment, self.config)
        returns = np.full(len(seen.made), np.nan, dtype=np.float32)
        spend = np.full(len(seen.made), np.nan, dtype=np.float32)
        reasons: list[tuple[tuple[str, float, float], ...]] = [()] * len(seen.made)
        rows = np.flatnonzero(seen.bought)
        if len(rows):
            features = _as_learned(seen, rows, self._fitted.names)
            returns[rows], spend[rows] = self._fitted.foresee(features)
            for row, why in zip(rows.tolist(), self._fitted.reasons(features), strict=True):
                reasons[row] = why
        return Worth(
            seen.made.members, moment, self.config.horizon_days, returns, spend, rfm(seen.made), tuple(reasons)
        )

    def cuts(self, known: Community, moment: datetime) -> list[datetime]:
        """The moments of the past that are learned from, the latest first."""
        bought = known.events.filter(pl.col("kind") == EventKind.BUY.value)["at"]
        if not len(bought):
            return []
        earliest = bought.min()
        assert isinstance(earliest, datetime)
        cuts = [
            moment - timedelta(days=self.config.horizon_days + turn * self.config.step_days)
            for turn in range(self.config.cuts)
        ]
        return [cut for cut in cuts if cut - earliest >= timedelta(days=self.config.history_days)]

    def save(self, folder: Path | str) -> None:
        """Write what was learned.

        Raises:
            NotFittedError: nothing was.
        """
        if self._fitted is None:
            raise NotFittedError("this model has not learned yet; there is nothing to save")
        folder = Path(folder)
        files = self._fitted.write(folder)
        meta = {"config": self.config.model_dump(mode="json", by_alias=True), **self._fitted.meta}
        save_artifact(folder, KIND, arrays=self._fitted.arrays, meta=meta, files=files)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote; answers are identical.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        from penchant.members.value_models import read

        folder = Path(folder)
        saved = load_artifact(folder, KIND)
        model = cls(ValueConfig.model_validate(saved.meta["config"]))
        model._fitted = read(folder, saved.arrays, saved.meta)
        return model


@dataclass(frozen=True, eq=False)
class Described:
    """Members as they are at a moment, as the models see them."""

    made: Profiles
    bought: NDArray[np.bool_]
    names: tuple[str, ...]
    features: Floats
    """(members, features), NaN where there is nothing to tell."""


@dataclass(frozen=True, eq=False)
class Taught:
    """Members who had bought at a moment, and what they did in the days after it."""

    names: tuple[str, ...]
    features: Floats
    members: NDArray[np.int64]
    returned: NDArray[np.bool_]
    spent: Floats


def described(community: Community, at: datetime, config: ValueConfig) -> Described:
    """Every member's features at a moment: the profile, what BG/NBD and Gamma-Gamma say, and how their wares sell."""
    made = profiles(community, config.profile, at=at)
    bought = made.column("orders") > 0
    extra = np.full((len(made), len(BY_DATES)), np.nan, dtype=np.float32)
    rows = np.flatnonzero(bought)
    # Monthly habits are told by how many days of purchases there were since the first.
    orders = made.column("orders")[rows].astype(np.float64)
    age = _since_first_order(community, at, rows)
    last = np.maximum(age - made.column("order_recency_days")[rows].astype(np.float64), 0.0)
    mean = np.maximum(made.column("spend_per_order")[rows].astype(np.float64), 0.01)
    try:
        habits = BgNbd.fit(orders - 1, last, age)
        baskets = GammaGamma.fit(orders, mean)
    except TooLittleDataError:
        # Too few to learn habits from: the profile alone says what it can.
        pass
    else:
        extra[rows] = np.stack(
            [
                habits.alive(orders - 1, last, age),
                habits.purchases(orders - 1, last, age, config.horizon_days),
                baskets.mean(orders, mean),
            ],
            axis=1,
        )
    kept = [place for place, name in enumerate(made.names) if not name.startswith((SHARE, SELLER, "hour:"))]
    names = (*(made.names[place] for place in kept), *BY_DATES, *WARES)
    return Described(made, bought, names, np.hstack([made.values[:, kept], extra, wares(community, at)]))


def _as_learned(seen: Described, rows: NDArray[np.int64], names: tuple[str, ...]) -> Floats:
    """(rows, features) in the order in which they were learned; a kind of event that came since is nothing to go by."""
    places = {name: place for place, name in enumerate(seen.names)}
    missing = np.full(len(rows), np.nan, dtype=np.float32)
    return np.stack([seen.features[rows, places[name]] if name in places else missing for name in names], axis=1)


def lesson(known: Community, cut: datetime, config: ValueConfig) -> Taught:
    """Members as they were at a cut, and what they did within the horizon after it."""
    seen = described(known, cut, config)
    until = cut + timedelta(days=config.horizon_days)
    after = known.events.filter((pl.col("at") > cut) & (pl.col("at") <= until))
    returned, spent = outcome(after, len(seen.made))
    rows = np.flatnonzero(seen.bought)
    return Taught(seen.names, seen.features[rows], rows, returned[rows], spent[rows])


def outcome(after: pl.DataFrame, members: int) -> tuple[NDArray[np.bool_], Floats]:
    """Who bought, and for how much less what came back, in some events."""
    bought = after.filter(pl.col("kind") == EventKind.BUY.value)
    returned = np.zeros(members, dtype=bool)
    returned[bought["member"].unique().to_numpy()] = True
    sums = after.group_by("member").agg(money().sum().alias("money"))
    spent = np.zeros(members, dtype=np.float32)
    spent[sums["member"].to_numpy()] = np.maximum(sums["money"].to_numpy(), 0.0)
    return returned, spent


def _since_first_order(community: Community, at: datetime, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    bought = community.events.filter((pl.col("kind") == EventKind.BUY.value) & (pl.col("at") <= at))
    first = bought.group_by("member").agg(pl.col("at").min())
    ages = np.full(len(community.members), math.nan)
    ages[first["member"].to_numpy()] = (at - first["at"]).dt.total_seconds().to_numpy() / 86_400
    return ages[rows]
