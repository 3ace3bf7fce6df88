"""Visits: when each member comes, what for, and which item they look at."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np

from penchant.data.simulated.catalogue import Goods
from penchant.data.simulated.config import INTERESTS, SimulatedConfig
from penchant.data.simulated.people import ANOMALIES, RING_DAYS, People, Shares, full_profile
from penchant.data.simulated.segments import SEGMENTS
from penchant.vectors import Rows, chunks

_PER_SESSION: Final = 3.0
"""Visits a session has on average."""
_PAUSE: Final = 100.0
"""Seconds between two visits of a session, on average."""
_FESTIVALS: Final = ((6, 18), (11, 11))
"""Days of sales, as Chinese shops keep them: three times the visits, and more the day before and after."""


@dataclass(frozen=True, eq=False)
class Visits:
    """One member looking for one thing; times are days from the start."""

    member: Rows
    item: Rows
    interest: Rows
    day: Shares
    wanted: np.ndarray
    """Whether the interest is one of the member's core or regular interests at that time."""

    def __len__(self) -> int:
        return len(self.member)

    def rows(self, chosen: np.ndarray) -> "Visits":
        """Some of the visits."""
        return Visits(
            self.member[chosen], self.item[chosen], self.interest[chosen], self.day[chosen], self.wanted[chosen]
        )


def draw_visits(config: SimulatedConfig, people: People, goods: Goods, count: int, rng: np.random.Generator) -> Visits:
    """About `count` visits, shared out by how active members are; every member has at least one."""
    extra = max(count - len(people), 0)
    counts = 1 + rng.multinomial(extra, people.activity / people.activity.sum())
    member = np.repeat(np.arange(len(people)), counts)
    session, day = _sessions(config, people, member, rng)
    interest = _interests(config, people, member, session, day, rng)
    level = people.level[member]
    language = people.language[member]
    if config.language == "both":
        language = np.where(rng.random(len(member)) < config.other_language_share, 1 - language, language)

    bot = people.anomaly[member] == ANOMALIES.index("bot")
    ring = (people.anomaly[member] == ANOMALIES.index("review ring")) & (day >= people.odd_from[member])
    taken = (people.anomaly[member] == ANOMALIES.index("takeover")) & (day >= people.odd_from[member])
    interest = np.where(bot | taken, rng.integers(0, INTERESTS, len(member)), interest)
    level = np.where(taken, 2, level)
    item = goods.pick(interest, language, level, day, rng)
    bought = _ring_goods(goods)
    item = np.where(ring, bought[rng.integers(0, len(bought), len(member))], item)
    tier = np.where(
        rng.random(len(member)) < people.change(member, day),
        people.tier_after[member, goods.interest[item]],
        people.tier_before[member, goods.interest[item]],
    )
    return Visits(member, item, goods.interest[item], day, (tier == 1) | (tier == 2))


def _sessions(config: SimulatedConfig, people: People, member: Rows, rng: np.random.Generator) -> tuple[Rows, Shares]:
    """The session of each visit, numbered from 0, and the day of the visit."""
    count = len(member)
    bot = people.anomaly[member] == ANOMALIES.index("bot")
    first = np.concatenate([[True], member[1:] != member[:-1]])
    # A bot goes on for hundreds of visits where a member stops after a few.
    starts = first | (rng.random(count) < np.where(bot, 0.01, 1 / _PER_SESSION))
    session = np.cumsum(starts) - 1
    owner = member[starts]
    begins = _days(config, people, owner, rng) + _hours(people, owner, rng) / 24
    ring = people.anomaly[owner] == ANOMALIES.index("review ring")
    working = ring & (rng.random(len(owner)) < 0.7)
    begins[working] = people.odd_from[owner[working]] + rng.random(working.sum()) * RING_DAYS
    taken = (people.anomaly[owner] == ANOMALIES.index("takeover")) & (begins >= people.odd_from[owner])
    begins[taken] = np.floor(begins[taken]) + rng.uniform(2, 5, taken.sum()) / 24
    pause = np.where(bot, 2.0, rng.exponential(_PAUSE, count))
    pause[starts] = 0
    elapsed = np.cumsum(pause)
    day = begins[session] + (elapsed - elapsed[starts][session]) / 86_400
    return session, np.minimum(day, config.days - 1e-4)


def _days(config: SimulatedConfig, people: People, owner: Rows, rng: np.random.Generator) -> Shares:
    """A whole day for each session, within its member's time, by the weekend habits of the segment."""
    dates = [config.start + timedelta(days=day) for day in range(config.days)]
    weekend = np.array([date.weekday() >= 5 for date in dates])
    sales = np.array([_festival(date.month, date.day) for date in dates])
    first = np.floor(people.joined[owner]).astype(np.int64)
    last = np.ceil(people.left[owner]).astype(np.int64)
    drawn = np.empty(len(owner))
    for number, kind in enumerate(SEGMENTS):
        mine = people.segment[owner] == number
        ends = np.concatenate([[0.0], np.cumsum(np.where(weekend, kind.weekend, 1.0) * sales)])
        low, high = ends[first[mine]], ends[last[mine]]
        place = np.searchsorted(ends, low + rng.random(mine.sum()) * (high - low), side="right") - 1
        drawn[mine] = np.clip(place, first[mine], np.maximum(last[mine] - 1, first[mine]))
    # Nobody comes on the day they join before the hour they join at.
    return np.maximum(drawn, people.joined[owner])


def _festival(month: int, day: int) -> float:
    if (month, day) in _FESTIVALS:
        return 3.0
    return 1.7 if any(month == feast[0] and abs(day - feast[1]) == 1 for feast in _FESTIVALS) else 1.0


def _hours(people: People, owner: Rows, rng: np.random.Generator) -> Shares:
    """The hour of the day of each session: around the two hours of the segment, at night for bots."""
    peaks = np.array([kind.hours for kind in SEGMENTS])[people.segment[owner], rng.integers(0, 2, len(owner))]
    peaks = np.where(people.anomaly[owner] == ANOMALIES.index("bot"), 3.0, peaks)
    return np.mod(peaks + rng.normal(0, 1.5, len(owner)), 24)


def _interests(
    config: SimulatedConfig, people: People, member: Rows, session: Rows, day: Shares, rng: np.random.Generator
) -> Rows:
    """What each visit is for, by the member's interests on that day; half of a session stays with its first."""
    before = np.cumsum(full_profile(config, people.before), axis=1)
    after = np.cumsum(full_profile(config, people.after), axis=1)
    changed = rng.random(len(member)) < people.change(member, day)
    interest = np.empty(len(member), dtype=np.int64)
    spot = rng.random(len(member))
    for part in chunks(len(member), 200_000):
        rows = np.where(changed[part, None], after[member[part]], before[member[part]])
        interest[part] = np.minimum((rows < spot[part, None]).sum(axis=1), INTERESTS - 1)
    opening = np.flatnonzero(np.diff(session, prepend=-1))
    stays = rng.random(len(member)) < config.session_focus
    return np.where(stays, interest[opening][session], interest)


def _ring_goods(goods: Goods) -> Rows:
    """The items that a ring praises: those that one seller had from the start."""
    early = goods.created < 0
    counts = np.bincount(goods.seller[early])
    return np.flatnonzero(early & (goods.seller == counts.argmax()))
