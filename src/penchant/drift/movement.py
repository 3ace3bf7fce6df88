"""The whole community's drift: which subjects gain and lose, whether the season explains it, when models are stale.

A period's share of a subject is the mean over the members active in it of each one's own share, so that one busy member
moves it no more than anybody else, and members, not events, are what is counted as independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from scipy.special import stdtr, stdtrit

from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.drift.statistics import divergence
from penchant.drift.topics import Shares, category_topics, placed, rows_to_one, shares_of
from penchant.errors import InputError
from penchant.evaluation.detection import adjusted_p_values
from penchant.language import Lang, Phrase

Course = Literal["gaining", "losing", "steady"]
_YEAR: Final = timedelta(days=364)
"""Whole weeks, so that a period meets the same days of the week."""
_MAD: Final = 1.4826

TOO_SHORT: Final = Phrase(
    "too little to tell: {found} periods of {days} days have events, {wanted} are wanted",
    "依据太少，暂不判断：只有 {found} 个 {days} 天的周期有行为，至少需要 {wanted} 个",
)
STILL_GOOD: Final = Phrase(
    "What members look at has moved by {moved:.1%} since the build, within the {allowed:.1%} that are allowed.",
    "自构建以来会员关注内容变化 {moved:.1%}，未超过允许的 {allowed:.1%}。",
)
RETRAIN: Final = Phrase(
    "What members look at has moved by {moved:.1%} since the build, beyond chance and the {allowed:.1%} that are "
    "allowed: build again. Most: {topics}.",
    "自构建以来会员关注内容变化 {moved:.1%}，超出偶然和允许的 {allowed:.1%}：请重新构建。变化最大：{topics}。",
)
NOTHING_SINCE: Final = Phrase("No events since the build.", "自构建以来没有行为。")


class FleetConfig(BaseModel):
    """How the community's drift is measured.

    >>> FleetConfig().days
    7
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: PositiveInt = 7
    """Length of a period."""
    recent: PositiveInt = 2
    """Last periods that are compared with those before."""
    history: PositiveInt = Field(default=8, ge=3)
    """Periods before those that they are compared with."""
    rate: float = Field(default=0.01, gt=0, lt=0.5)
    """Share of quiet periods that may alarm."""
    false_discoveries: float = Field(default=0.05, gt=0, lt=1)
    """Share of the subjects said to gain or lose that may be mistaken (Benjamini and Hochberg, 1995)."""
    least_change: float = Field(default=0.01, ge=0, lt=1)
    """Smallest change of a share that is told."""
    retrain_distance: float = Field(default=0.1, gt=0, lt=1)
    """Total variation between the shares before and since the build from which models are out of date."""
    weights: EventWeights = EventWeights()
    """How much an event of each kind says."""


@dataclass(frozen=True)
class TopicTrend:
    """How one subject fares lately."""

    topic: str
    before: float
    """Its share in the periods compared with."""
    now: float
    """Its share in the last ones."""
    p_value: float
    """That so large a change comes by chance, adjusted for the number of subjects."""
    course: Course
    seasonal: bool
    """Whether the same time last year saw the like; False where there is no last year."""


@dataclass(frozen=True)
class RetrainSignal:
    """Whether models made at some moment have fallen behind."""

    due: bool
    moved: float
    """Total variation between the shares before and since."""
    why: Phrase
    fields: dict[str, object]

    def told(self, lang: Lang = "en") -> str:
        """A sentence for people."""
        return self.why(lang, **self.fields)


@dataclass(frozen=True, eq=False)
class FleetView:
    """The drift of a community, period by period."""

    starts: tuple[datetime, ...]
    topics: tuple[str, ...]
    shares: Shares
    """(periods, topics)."""
    members: NDArray[np.int64]
    """(periods,) members active."""
    scores: Shares
    """(periods,) Jensen–Shannon divergence, in nats, from the periods before; NaN where there are too few."""
    thresholds: Shares
    """(periods,) what a score must exceed to alarm; NaN where there is too little history."""
    trends: tuple[TopicTrend, ...]
    """Of every subject, the largest change first; none where there is too little."""
    too_little: str | None = None
    """Why nothing is said, in English; `note` says it in either language."""
    _note: tuple[Phrase, dict[str, object]] | None = None

    @property
    def alarms(self) -> tuple[datetime, ...]:
        """The periods in which the community moved more than its history explains."""
        return tuple(self.starts[row] for row in np.flatnonzero(self.scores > self.thresholds).tolist())

    def note(self, lang: Lang = "en") -> str | None:
        """Why nothing is said of trends; None where something is."""
        return None if self._note is None else self._note[0](lang, **self._note[1])

    def of(self, course: Course) -> tuple[TopicTrend, ...]:
        """The subjects that gain, lose or stay."""
        return tuple(trend for trend in self.trends if trend.course == course)


def fleet(
    community: Community,
    config: FleetConfig | None = None,
    *,
    item_topics: sp.csr_matrix | None = None,
    topics: Sequence[str] | None = None,
) -> FleetView:
    """Measure the community's drift.

    Args:
        community: whose events are counted; those after its last event's period do not exist.
        config: lengths and rates.
        item_topics: (items, topics) how far each item is about each subject; the categories' first levels if absent.
        topics: the subjects' names, with `item_topics`.

    Raises:
        InputError: the names do not fit the matrix, or no item has a category.
    """
    config = config or FleetConfig()
    if item_topics is None:
        item_topics, found = category_topics(community)
        topics = found
    if topics is None or item_topics.shape != (len(community.items), len(topics)):
        raise InputError(
            f"item_topics is {item_topics.shape}, and there are {len(community.items)} items and "
            f"{len(topics or ())} names of topics"
        )
    item_topics = rows_to_one(sp.csr_matrix(item_topics, dtype=np.float32))
    starts, period, member, item = placed(community, config.days, config.weights)
    shares, errors, active = shares_of(period, member, item, item_topics, len(starts))
    scores = _scores(shares, active, config)
    thresholds = _thresholds(scores, config)
    wanted = config.recent + config.history
    note: tuple[Phrase, dict[str, object]] | None = None
    if int((active > 0).sum()) < wanted:
        note = (TOO_SHORT, {"found": int((active > 0).sum()), "days": config.days, "wanted": wanted})
    trends = () if note else _trends(shares, errors, active, tuple(topics), config)
    return FleetView(
        tuple(starts), tuple(topics), shares, active, scores, thresholds, trends,
        too_little=note[0]("en", **note[1]) if note else None, _note=note,
    )  # fmt: skip


def retrain_signal(view: FleetView, built_at: datetime, config: FleetConfig | None = None) -> RetrainSignal:
    """Whether models made at a moment have fallen behind what members look at since.

    The shares since are compared with those of the periods before; the distance counts where it is larger than what is
    allowed, and than any distance between neighbouring stretches of the past.

    Args:
        view: of the community as it is now.
        built_at: when the models were made.
        config: as for `fleet`.
    """
    config = config or FleetConfig()
    since = np.array([start >= built_at for start in view.starts]) & (view.members > 0)
    before = np.flatnonzero(~since & (view.members > 0))[-config.history :]
    after = np.flatnonzero(since)
    if not len(after) or not len(before):
        return RetrainSignal(False, 0.0, NOTHING_SINCE, {})
    old, new = (_mean(view.shares[rows], view.members[rows]) for rows in (before, after))
    moved = float(np.abs(new - old).sum() / 2)
    usual = _usual_distance(view, before, len(after))
    allowed = max(config.retrain_distance, usual)
    largest = np.argsort(-np.abs(new - old), kind="stable")[:3]
    names = ", ".join(f"{view.topics[row]} {new[row] - old[row]:+.1%}" for row in largest.tolist())
    fields: dict[str, object] = {"moved": moved, "allowed": allowed, "topics": names}
    return RetrainSignal(moved > allowed, moved, RETRAIN if moved > allowed else STILL_GOOD, fields)


def _scores(shares: Shares, active: NDArray[np.int64], config: FleetConfig) -> Shares:
    scores = np.full(len(shares), np.nan)
    for row in range(len(shares)):
        before = [past for past in range(max(0, row - config.history), row) if active[past]]
        if active[row] and len(before) >= min(3, config.history):
            scores[row] = float(divergence(shares[row], _mean(shares[before], active[before])))
    return scores


def _thresholds(scores: Shares, config: FleetConfig) -> Shares:
    """From the scores before each: their median and so many robust deviations as the rate wants, on roots of scores.

    A divergence is about a sum of squares: its root is nearly normal, itself it is skewed.
    """
    thresholds = np.full(len(scores), np.nan)
    for row in range(len(scores)):
        past = np.sqrt(scores[max(0, row - 4 * config.history) : row])
        past = past[~np.isnan(past)]
        if len(past) >= config.history:
            middle = float(np.median(past))
            spread = _MAD * float(np.median(np.abs(past - middle)))
            reach = float(stdtrit(len(past) - 1, 1 - config.rate))
            thresholds[row] = (middle + reach * max(spread, 0.1 * middle, 1e-4)) ** 2
    return thresholds


def _trends(
    shares: Shares, errors: Shares, active: NDArray[np.int64], topics: tuple[str, ...], config: FleetConfig
) -> tuple[TopicTrend, ...]:
    rows = np.flatnonzero(active > 0)
    recent, before = rows[-config.recent :], rows[-config.recent - config.history : -config.recent]
    change, deviation, now, then = _change(shares, errors, recent, before)
    # How much periods differ is itself known from a few of them alone: Student's t, not the normal distribution.
    p_values = adjusted_p_values(2 * stdtr(len(before) - 1, -np.abs(change) / deviation))
    seasonal = _seasonal(shares, errors, active, recent, before, change, deviation, config)
    found = []
    for topic in np.argsort(-np.abs(change), kind="stable").tolist():
        moved = p_values[topic] <= config.false_discoveries and abs(change[topic]) >= config.least_change
        course: Course = "steady" if not moved else "gaining" if change[topic] > 0 else "losing"
        found.append(
            TopicTrend(
                topics[topic], float(then[topic]), float(now[topic]), float(p_values[topic]), course,
                bool(moved and seasonal[topic]),
            )
        )  # fmt: skip
    return tuple(found)


def _change(
    shares: Shares, errors: Shares, recent: NDArray[np.int64], before: NDArray[np.int64]
) -> tuple[Shares, Shares, Shares, Shares]:
    """Change of each topic's share, its standard deviation by chance, the share now and the share before.

    Chance is the draw of members, and how much the periods before differ beyond that.
    """
    now, then = shares[recent].mean(axis=0), shares[before].mean(axis=0)
    between = np.maximum(shares[before].var(axis=0, ddof=1) - errors[before].mean(axis=0), 0.0)
    variance = between * (1 / len(recent) + 1 / len(before))
    variance += errors[recent].sum(axis=0) / len(recent) ** 2 + errors[before].sum(axis=0) / len(before) ** 2
    return now - then, np.sqrt(np.maximum(variance, 1e-12)), now, then


def _seasonal(
    shares: Shares,
    errors: Shares,
    active: NDArray[np.int64],
    recent: NDArray[np.int64],
    before: NDArray[np.int64],
    change: Shares,
    deviation: Shares,
    config: FleetConfig,
) -> NDArray[np.bool_]:
    """Whether last year's same periods changed the same way, by half as much or more, and not by another amount."""
    back = round(_YEAR / timedelta(days=config.days))
    if (before - back).min() < 0 or not active[before - back].all() or not active[recent - back].all():
        return np.zeros(len(change), dtype=bool)
    last, spread, _, _ = _change(shares, errors, recent - back, before - back)
    alike = np.abs(change - last) <= 2.5 * np.sqrt(deviation**2 + spread**2)
    return (np.sign(last) == np.sign(change)) & (np.abs(last) >= np.abs(change) / 2) & alike


def _usual_distance(view: FleetView, before: NDArray[np.int64], length: int) -> float:
    """The largest distance between neighbouring stretches of so many periods in the past."""
    stretch = max(1, min(length, len(before) // 2))
    distances = [
        np.abs(
            _mean(view.shares[before[at : at + stretch]], view.members[before[at : at + stretch]])
            - _mean(
                view.shares[before[at + stretch : at + 2 * stretch]],
                view.members[before[at + stretch : at + 2 * stretch]],
            )
        ).sum()
        / 2
        for at in range(len(before) - 2 * stretch + 1)
    ]
    return float(max(distances, default=0.0))


def _mean(shares: Shares, active: NDArray[np.int64]) -> Shares:
    return np.average(shares, axis=0, weights=np.maximum(active, 1e-9))
