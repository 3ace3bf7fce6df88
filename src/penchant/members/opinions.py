"""What is said, day by day: shares of topics and of feelings, and an alarm when the negative share of one surges."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import polars as pl
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
    examples: tuple[str, ...] = ()
    """The worst texts first."""


class _Counted(NamedTuple):
    """One topic on one day."""

    day: date
    topic: str
    texts: int
    known: int
    """Texts whose feeling is known."""
    negative: int
    all: int
    """Texts of the day."""


@dataclass
class OpinionMonitor:
    """Watches a stream of texts a day at a time.

    Topics and feelings are given with the texts, by whatever labels them: `penchant.interests` does both.

    >>> monitor = OpinionMonitor()
    >>> for day in range(1, 15):
    ...     found = monitor.update(date(2026, 3, day), ["fine", "ok"] * 10, ["tea"] * 20, [0.5] * 18 + [-0.9] * 2)
    >>> feelings = [-0.9] * 15 + [0.5] * 5
    >>> [surge.topic for surge in monitor.update(date(2026, 3, 15), ["mouldy!"] * 20, ["tea"] * 20, feelings)]
    ['tea']
    """

    config: OpinionConfig = field(default_factory=OpinionConfig)
    _counted: list[_Counted] = field(default_factory=list)

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
        if self._counted and day <= self._counted[-1].day:
            raise InputError(f"{day} comes after {self._counted[-1].day}; hand in each day whole, in order")
        felt = np.asarray(feelings, dtype=np.float64)
        places: dict[str, list[int]] = {}
        for place, topic in enumerate(topics):
            if topic is not None:
                places.setdefault(topic, []).append(place)
        today = [
            _Counted(
                day=day,
                topic=topic,
                texts=len(mine),
                known=int((~np.isnan(felt[mine])).sum()),
                negative=int((felt[mine] < self.config.negative_below).sum()),
                all=len(texts),
            )
            for topic, mine in sorted(places.items())
        ]
        surges = []
        for found in self._surges(day, today):
            mine = np.array(places[found.topic])
            worst = mine[np.argsort(np.nan_to_num(felt[mine], nan=2.0), kind="stable")][: self.config.examples]
            surges.append(replace(found, examples=tuple(texts[place] for place in worst)))
        # A day without a topic is a day as well.
        self._counted += today or [_Counted(day, "", 0, 0, 0, len(texts))]
        return surges

    @property
    def days(self) -> pl.DataFrame:
        """One row a day and topic: `texts`, `share` (of the day's texts), `negative`, `negative_share`."""
        types = {"day": pl.Date, "topic": pl.String} | dict.fromkeys(("texts", "known", "negative", "all"), pl.Int64)
        table = pl.DataFrame(self._counted, schema=types, orient="row")
        return table.filter(pl.col("topic") != "").select(
            "day", "topic", "texts", (pl.col("texts") / pl.col("all")).alias("share"), "negative",
            (pl.col("negative") / pl.col("known").clip(1)).alias("negative_share"),
        )  # fmt: skip

    def _surges(self, day: date, today: Sequence[_Counted]) -> Iterator[Surge]:
        days = sorted({one.day for one in self._counted})[-self.config.past_days :]
        if len(days) < self.config.fewest_days:
            return
        past = [one for one in self._counted if one.day >= days[0]]
        volume = sum({one.day: one.all for one in past}.values())
        tests: list[Surge] = []
        for now in today:
            before = [one for one in past if one.topic == now.topic]
            known, negative = sum(one.known for one in before), sum(one.negative for one in before)
            written = sum(one.texts for one in before)
            for is_negative, hits, trials, base, size in (
                (True, now.negative, now.known, negative, known),
                (False, now.texts, now.all, written, volume),
            ):
                if now.texts < self.config.fewest_texts or not trials:
                    continue
                usual = (base + 0.5) / (size + 1)
                told = {"topic": now.topic, "day": day, "texts": now.texts, "negative": now.negative}
                told |= {"share": hits / trials, "usual": usual}
                sentence = _SURGE if is_negative else _FLOOD
                said = Phrase(sentence("en", **told), sentence("zh", **told))
                p_value = _tail(hits, trials, usual, min(size + 1.0, self.config.strongest))
                tests.append(Surge(day, now.topic, is_negative, now.texts, hits / trials, usual, p_value, said))
        adjusted = adjusted_p_values([one.p_value for one in tests])
        for one, p_value in zip(tests, adjusted, strict=True):
            if p_value <= self.config.false_alarms_per_day and one.share - one.usual >= self.config.least_rise:
                yield one


def _tail(hits: int, trials: int, share: float, strength: float) -> float:
    """The chance of at least so many hits where the share itself is known from so many texts: beta-binomial."""
    from scipy.stats import betabinom

    return float(betabinom.sf(hits - 1, trials, share * strength, (1 - share) * strength))
