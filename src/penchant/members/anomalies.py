"""Which members behave oddly, on which day, and which of their events say so: few false alarms, by a budget."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from penchant.data.community import Community
from penchant.data.verdicts import Evidence
from penchant.evaluation.detection import adjusted_p_values
from penchant.language import Phrase
from penchant.members.alarms import SENTENCES, Alarm, Anomalies, Oddity
from penchant.members.bursts import burst_statistics
from penchant.members.copies import Copies
from penchant.members.days import Days
from penchant.members.peers import Peers
from penchant.members.refunds import refund_statistic
from penchant.members.surprise import Surprise
from penchant.vectors import Rows


class AnomalyConfig(BaseModel):
    """What counts as odd, and how many false alarms are put up with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: tuple[Oddity, ...] = tuple(Oddity)
    """What is looked for."""
    false_alarms_per_day: float = Field(default=0.05, gt=0, lt=1)
    """The chance of any alarm on a day on which nothing is wrong; on other days, the share of alarms that are false."""
    window_days: PositiveInt = 14
    """Days whose hours, categories and values are judged together, against what the member did before."""
    past_looks: PositiveInt = 10
    """Looks below which a member has no past that a change could be seen against."""
    refund_days: PositiveInt = 30
    """Days whose returns are judged together."""
    fewest_refunds: PositiveInt = 3
    """Returns below which nobody is called odd."""
    alike: float = Field(default=0.6, gt=0, le=1)
    """Share of common runs of three characters from which two reviews are copies."""
    copiers: PositiveInt = 2
    """Other members who must have written alike."""
    quiet_days: PositiveInt = 30
    """Days after an alarm in which the same kind says nothing more of that member."""
    most_evidence: PositiveInt = 50
    """Events named at most; the tellingest come first."""


_TELLING: Final = 0.01
"""P-value from which a category or a value alone is evidence of a change."""
_PEERS: Final = 400
"""Days with some of it from which peers can say how much is usual; below, the odd would be each other's peers."""
_NO_RETURNS: Final = Phrase("no returns in the events", "事件中没有退货")
_NO_TEXTS: Final = Phrase("too few texts of members", "会员所写文字太少")
_NO_PAST: Final = Phrase("no member has enough of a past", "没有会员有足够的历史")


def find_anomalies(
    community: Community, config: AnomalyConfig | None = None, *, until: datetime | None = None
) -> Anomalies:
    """Judge every active day of every member against their own past and against their peers.

    Each kind gives each day a p-value: how often a peer's day is as odd, the tail extrapolated so that the odd do not
    hide each other. All p-values of one day together are put to Benjamini and Hochberg (1995) at the budget.

    Args:
        community: any; members without events are never odd.
        config: kinds, windows, budget.
        until: the present: later events are left out; the community's last event by default.

    >>> from penchant.data.simulated import SimulatedConfig, simulate
    >>> quiet = simulate(SimulatedConfig(events=2_000, anomaly_share=0)).community
    >>> len(find_anomalies(quiet).alarms) <= 2
    True
    """
    config = config or AnomalyConfig()
    days = Days.of(community, until=until)
    if not len(days):
        nobody = pl.DataFrame({"member": []}, schema={"member": pl.Int64})
        return Anomalies((), nobody, 0, {}, config.false_alarms_per_day)
    judged = _Judged.of(days, config)
    alarms = tuple(judged.alarms())
    return Anomalies(alarms, judged.odds(), len(days), judged.silent, config.false_alarms_per_day)


@dataclass(frozen=True, eq=False)
class _Judged:
    """All p-values of a community's days, and what they came from."""

    days: Days
    config: AnomalyConfig
    p_values: dict[Oddity, NDArray[np.float64]]
    silent: dict[str, Phrase]
    surprises: dict[str, tuple[Surprise, NDArray[np.float64]]]
    """What is told of hours, categories and values, with its p-values by day."""
    copies: Copies | None
    usual: NDArray[np.float64]

    @classmethod
    def of(cls, days: Days, config: AnomalyConfig) -> "_Judged":
        found: dict[Oddity, NDArray[np.float64]] = {}
        silent: dict[str, Phrase] = {}
        surprises: dict[str, tuple[Surprise, NDArray[np.float64]]] = {}
        copies = None
        own, peers = burst_statistics(days)
        if Oddity.BURST in config.kinds:
            # Odd for them and odd for anybody: a busy member's busy day is neither.
            found[Oddity.BURST] = _tail(days, -np.log(np.maximum(_tail(days, own), _tail(days, peers))))
        if Oddity.HOURS in config.kinds:
            surprises["hours"] = _surprise(days, days.events["hour"].to_numpy(), config)
            found[Oddity.HOURS] = surprises["hours"][1]
        if Oddity.CHANGE in config.kinds:
            surprises["category"] = _surprise(days, days.category, config)
            surprises["value"] = _surprise(days, _value_steps(days.value), config)
            (category, odd_category), (value, odd_value) = surprises["category"], surprises["value"]
            least = np.minimum(np.minimum(odd_category, odd_value), _tail(days, category.statistic + value.statistic))
            # Three looks at the same thing are three chances of a false alarm.
            found[Oddity.CHANGE] = np.minimum(3 * least, 1)
        if Oddity.REFUNDS in config.kinds:
            statistic = refund_statistic(days, window=config.refund_days, fewest=config.fewest_refunds)
            found[Oddity.REFUNDS] = _rare(days, statistic)
            if not (days.events["kind"].cast(pl.String) == "return").any():
                silent[Oddity.REFUNDS.value] = _NO_RETURNS
        if Oddity.COPIES in config.kinds:
            copies = Copies.of(days, window=config.window_days, alike=config.alike, members=config.copiers)
            found[Oddity.COPIES] = _rare(days, copies.statistic)
            if not days.events["text"].is_not_null().any():
                silent[Oddity.COPIES.value] = _NO_TEXTS
        for kind in (Oddity.HOURS, Oddity.CHANGE):
            if kind in found and (found[kind] == 1).all():
                silent[kind.value] = _NO_PAST
        counts = days.table["count"].to_numpy().astype(np.float64)
        usual = np.maximum(np.sqrt(counts) - own, 0) ** 2
        return cls(days, config, found, silent, surprises, copies, usual)

    def odds(self) -> pl.DataFrame:
        table = pl.DataFrame({"member": self.days.member, **{kind.value: p for kind, p in self.p_values.items()}})
        return table.group_by("member").agg(pl.exclude("member").min()).sort("member")

    def alarms(self) -> Iterator[Alarm]:
        """Day by day, what the budget lets through; a kind that has spoken of a member is quiet for a while."""
        order = np.argsort(self.days.day, kind="stable")
        ends = np.flatnonzero(np.diff(self.days.day[order], append=-1)) + 1
        spoken: dict[tuple[int, Oddity], int] = {}
        kinds = list(self.p_values)
        begin = 0
        for end in ends:
            rows = order[begin:end]
            begin = int(end)
            p_values = np.stack([self.p_values[kind][rows] for kind in kinds])
            if p_values.min() > self.config.false_alarms_per_day:
                continue
            adjusted = adjusted_p_values(p_values.ravel()).reshape(p_values.shape)
            passed = np.argwhere(adjusted <= self.config.false_alarms_per_day)
            for place, column in sorted(passed.tolist(), key=lambda pair: p_values[pair[0], pair[1]]):
                row, kind = int(rows[column]), kinds[place]
                key, day = (int(self.days.member[row]), kind), int(self.days.day[row])
                last = spoken.get(key)
                spoken[key] = day
                if last is None or day - last > self.config.quiet_days:
                    alarm = self._alarm(row, kind, float(p_values[place, column]))
                    if alarm.evidence:
                        yield alarm

    def _alarm(self, row: int, kind: Oddity, p_value: float) -> Alarm:
        window, weights, told = self._evidence(row, kind)
        order = np.argsort(-weights, kind="stable")[: self.config.most_evidence]
        chosen, shares = window[order.tolist()], weights[order] / max(weights[order].sum(), 1e-9)
        ids, titles = self.days.community.item_ids, self.days.community.titles
        evidence = tuple(
            Evidence(
                share=float(share),
                item_id=None if item is None else ids.id(item),
                title=None if item is None else titles[item],
                kind=str(event_kind),
                at=at,
                text=text,
                source=f"anomalies:{kind.value}",
            )
            for (item, event_kind, at, text), share in zip(
                chosen.select("item", "kind", "at", "text").iter_rows(), shares.tolist(), strict=True
            )
        )
        sentence = SENTENCES[kind]
        return Alarm(
            member_id=self.days.community.member_ids.id(int(self.days.member[row])),
            kind=kind,
            at=self.days.date(int(self.days.day[row])),
            p_value=p_value,
            score=float(1 - 1 / (1 - np.log10(max(p_value, 1e-300)) / 3)),
            said=Phrase(sentence("en", **told), sentence("zh", **told)),
            evidence=evidence,
            events=tuple(chosen["event"].to_list()),
        )

    def _evidence(self, row: int, kind: Oddity) -> tuple[pl.DataFrame, NDArray[np.float64], dict[str, int]]:
        """The events that say so, what each weighs, and what the sentence tells."""
        days, config = self.days, self.config
        if kind is Oddity.BURST:
            window = days.window(row, 1)
            return window, np.ones(len(window)), {"count": len(window), "usual": max(1, round(float(self.usual[row])))}
        if kind is Oddity.REFUNDS:
            window = days.window(row, config.refund_days)
            moved = window.filter(pl.col("kind").cast(pl.String).is_in(["buy", "return"]))
            returns = moved.filter(pl.col("kind").cast(pl.String) == "return")
            told = {"count": len(returns), "total": len(moved), "days": config.refund_days}
            return returns, np.ones(len(returns)), told
        if kind is Oddity.COPIES:
            assert self.copies is not None
            window = days.window(row, 1)
            first = int(days.table["first"][row])
            held = [place for place in range(len(window)) if first + place in self.copies.groups]
            others = np.unique(np.concatenate([self.copies.groups[first + place] for place in held]))
            count = days.events["member"].gather(others).n_unique()
            return window[held], np.ones(len(held)), {"count": count}
        names = ("hours",) if kind is Oddity.HOURS else ("category", "value")
        window = days.window(row, config.window_days)
        first = int(days.table["first"][row] + days.table["count"][row]) - len(window)
        weights = np.zeros(len(window))
        for name in names:
            surprise, p_values = self.surprises[name]
            if p_values[row] <= _TELLING:
                weights += np.nan_to_num(surprise.excess[first : first + len(window)]).clip(0)
        # Many looks may be a little surprising each, and none of them much.
        odd = np.flatnonzero(weights > 1) if (weights > 1).any() else np.flatnonzero(weights > 0)
        return window[odd.tolist()], weights[odd], {"count": len(odd)}


def _surprise(days: Days, values: Rows, config: AnomalyConfig) -> tuple[Surprise, NDArray[np.float64]]:
    found = Surprise.of(days, values, window=config.window_days, past=config.past_looks)
    return found, _tail(days, found.statistic)


def _tail(days: Days, statistic: NDArray[np.float64]) -> NDArray[np.float64]:
    return Peers.of(statistic, days.member).p_values(statistic)


def _rare(days: Days, statistic: NDArray[np.float64]) -> NDArray[np.float64]:
    """P-values of what most days have nothing of: by its own distribution, and by peers who have some of it."""
    known = np.isfinite(statistic)
    by_itself = np.where(known, np.exp(-np.where(known, statistic, 0)), 1.0)
    if known.sum() < _PEERS:
        return by_itself
    return np.maximum(by_itself, known.mean() * _tail(days, statistic))


def _value_steps(values: NDArray[np.float64]) -> Rows:
    """Values in steps of a third of a power of ten; -1 where there is none."""
    steps = np.full(len(values), -1, dtype=np.int64)
    known = np.isfinite(values)
    steps[known] = np.clip(np.floor(np.log10(values[known]) * 3) + 12, 0, 36)
    return steps
