"""What is said, day by day: shares of topics and of feelings, and an alarm when the negative share of one surges."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from penchant.errors import InputError
from penchant.evaluation.detection import adjusted_p_values
from penchant.language import Phrase

_SURGE: Final = Phrase(
    "{topic}: {negative} of {texts} texts on {day} are negative ({share:.0%}); {usual:.0%} are usual",
    "{topic}：{day} 的 {texts} 条文本中 {negative} 条为负面（{share:.0%}），平时为 {usual:.0%}",
)
_FLOOD: Final = Phrase(
    "{topic}: {texts} texts on {day}, {share:.0%} of all; {usual:.0%} are usual",
    "{topic}：{day} 有 {texts} 条文本，占全部的 {share:.0%}，平时占 {usual:.0%}",
)


class OpinionConfig(BaseModel):
    """What counts as a surge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    past_days: PositiveInt = 28
    """Days before the present one that say what is usual."""
    fewest_days: PositiveInt = 7
    """Days of a past without which nothing is a surge."""
    fewest_texts: PositiveInt = 5
    """Texts of a topic on a day below which it is not judged."""
    negative_below: float = Field(default=-0.2, ge=-1, le=1)
    """A feeling from -1 to 1 below which a text is negative."""
    false_alarms_per_day: float = Field(default=0.01, gt=0, lt=1)
    """The chance of any alarm on a day that is like the others."""
    least_rise: float = Field(default=0.1, ge=0, lt=1)
    """A share must be so much above what is usual: what is certain and small wakes nobody."""
    strongest: PositiveFloat = 200.0
    """Texts of the past that a share is known by at most: shares of days vary by more than chance."""
    examples: PositiveInt = 5
    """Texts that an alarm shows."""


@dataclass(frozen=True)
class Surge:
    """One topic's odd day."""

    day: date
    topic: str
    negative: bool
    """Whether the negative share rose, or else the topic's share of all texts."""
    texts: int
    share: float
    usual: float
    p_value: float
    said: Phrase
    examples: tuple[str, ...]


@dataclass
class OpinionMonitor:
    """Watches a stream of texts a day at a time.

    Topics and feelings are given with the texts, by whatever labels them: `penchant.interests` does both.

    >>> monitor = OpinionMonitor()
    >>> for day in range(1, 15):
    ...     found = monitor.update(date(2026, 3, day), ["fine", "ok"] * 10, ["tea"] * 20, [0.5] * 18 + [-0.9] * 2)
    >>> [surge.topic for surge in monitor.update(date(2026, 3, 15), ["mouldy!"] * 20, ["tea"] * 20, [-0.9] * 15 + [0.5]
    * 5)] ['tea']
    """

    config: OpinionConfig = field(default_factory=OpinionConfig)
    _rows: list[dict[str, object]] = field(default_factory=list)

    def update(
        self, day: date, texts: Sequence[str], topics: Sequence[str | None], feelings: Sequence[float]
    ) -> list[Surge]:
        """Take in a day's texts, and say what surged on it.

        Args:
            day: later than all before it.
            texts: of the day.
            topics: of each text; None where it has none.
            feelings: of each text, from -1 (blame) to 1 (praise); NaN where nobody knows.

        Raises:
            InputError: the lengths differ, or a day came before.
        """
        if not len(texts) == len(topics) == len(feelings):
            raise InputError(
                f"{len(texts)} texts, {len(topics)} topics, {len(feelings)} feelings; give one of each a text"
            )
        if self._rows and day <= self._rows[-1]["day"]:  # type: ignore[operator]
            raise InputError(f"{day} comes after {self._rows[-1]['day']}; hand in each day whole, in order")
        felt = np.asarray(feelings, dtype=np.float64)
        negative = felt < self.config.negative_below
        held = np.array([topic if topic is not None else "" for topic in topics], dtype=object)
        today = []
        for topic in sorted({topic for topic in topics if topic is not None}):
            mine = held == topic
            today.append(
                {
                    "day": day,
                    "topic": topic,
                    "texts": int(mine.sum()),
                    "known": int((mine & ~np.isnan(felt)).sum()),
                    "negative": int((mine & negative).sum()),
                    "all": len(texts),
                }
            )
        surges = list(self._surges(day, today, texts, held, felt)) if today else []
        # A day without a topic is a day as well.
        self._rows += today or [{"day": day, "topic": "", "texts": 0, "known": 0, "negative": 0, "all": len(texts)}]
        return surges

    @property
    def days(self) -> pl.DataFrame:
        """One row a day and topic: `texts`, `share` (of the day's texts), `negative`, `negative_share`."""
        table = pl.DataFrame(
            self._rows,
            schema={
                "day": pl.Date,
                "topic": pl.String,
                "texts": pl.Int64,
                "known": pl.Int64,
                "negative": pl.Int64,
                "all": pl.Int64,
            },
        )
        return table.filter(pl.col("topic") != "").select(
            "day", "topic", "texts", (pl.col("texts") / pl.col("all")).alias("share"), "negative",
            (pl.col("negative") / pl.col("known").clip(1)).alias("negative_share"),
        )  # fmt: skip

    def _surges(
        self, day: date, today: list[dict[str, object]], texts: Sequence[str], held: NDArray, felt: NDArray[np.float64]
    ) -> Iterator[Surge]:
        past_days = sorted({row["day"] for row in self._rows})[-self.config.past_days :]  # type: ignore[type-var]
        if len(past_days) < self.config.fewest_days:
            return
        past = [row for row in self._rows if row["day"] >= past_days[0]]  # type: ignore[operator]
        volume = sum({row["day"]: row["all"] for row in past}.values())  # type: ignore[misc]
        tests: list[tuple[dict[str, object], bool, float, float, float]] = []
        for row in today:
            before = [one for one in past if one["topic"] == row["topic"]]
            known = sum(one["known"] for one in before)  # type: ignore[misc]
            negative = sum(one["negative"] for one in before)  # type: ignore[misc]
            written = sum(one["texts"] for one in before)  # type: ignore[misc]
            for is_negative, hits, trials, base, size in (
                (True, row["negative"], row["known"], negative, known),
                (False, row["texts"], row["all"], written, volume),
            ):
                if row["texts"] < self.config.fewest_texts or not trials:  # type: ignore[operator]
                    continue
                usual = (base + 0.5) / (size + 1)  # type: ignore[operator]
                p_value = _tail(int(hits), int(trials), usual, min(float(size) + 1, self.config.strongest))  # type: ignore[call-overload]
                tests.append((row, is_negative, float(hits) / float(trials), usual, p_value))  # type: ignore[arg-type]
        if not tests:
            return
        adjusted = adjusted_p_values([p_value for *_, p_value in tests])
        for (row, is_negative, share, usual, p_value), one in zip(tests, adjusted, strict=True):
            if one > self.config.false_alarms_per_day or share - usual < self.config.least_rise:
                continue
            told = {**row, "share": share, "usual": usual, "day": str(day)}
            sentence = _SURGE if is_negative else _FLOOD
            mine = np.flatnonzero(held == row["topic"])
            worst = mine[np.argsort(np.nan_to_num(felt[mine], nan=2.0), kind="stable")][: self.config.examples]
            yield Surge(
                day, str(row["topic"]), is_negative, int(row["texts"]), share, usual, p_value,  # type: ignore[call-overload]
                Phrase(sentence("en", **told), sentence("zh", **told)), tuple(texts[place] for place in worst),
            )  # fmt: skip


def day_of(moment: datetime) -> date:
    """The day that a text belongs to."""
    return moment.date()


def _tail(hits: int, trials: int, share: float, strength: float) -> float:
    """The chance of at least so many hits where the share itself is known from so many texts: beta-binomial."""
    from scipy.stats import betabinom

    return float(betabinom.sf(hits - 1, trials, share * strength, (1 - share) * strength))
