"""What a visit turns into: a look, a look and a purchase, a review days later. Each is one or several events."""

from typing import Final

import numpy as np
import polars as pl

from penchant.data.columns import EVENT_KINDS, EventKind
from penchant.data.simulated import texts
from penchant.data.simulated.catalogue import Goods, moments
from penchant.data.simulated.config import SimulatedConfig
from penchant.data.simulated.people import ANOMALIES, People
from penchant.data.simulated.segments import BUYER_KINDS
from penchant.data.simulated.visits import Visits
from penchant.data.simulated.wares import LANGUAGES, interests
from penchant.vectors import Rows

_K: Final = {kind.value: number for number, kind in enumerate(EventKind)}

_PATHS: Final[tuple[tuple[tuple[str, ...], tuple[float, ...]], ...]] = (
    # Steps, then how likely: browser, regular, bargain for what they want, and the same for what they do not.
    (("view",), (0.42, 0.26, 0.34, 0.40, 0.34, 0.38)),
    (("show", "click", "view"), (0.14, 0.10, 0.10, 0.16, 0.14, 0.14)),
    (("show",), (0.04, 0.04, 0.04, 0.22, 0.24, 0.22)),
    (("view", "save"), (0.09, 0.06, 0.16, 0.02, 0.02, 0.03)),
    (("view", "like"), (0.09, 0.06, 0.05, 0.03, 0.02, 0.02)),
    (("view", "share"), (0.03, 0.02, 0.04, 0.01, 0.01, 0.01)),
    (("search", "click", "view"), (0.07, 0.06, 0.06, 0.04, 0.05, 0.04)),
    (("view", "cart"), (0.04, 0.06, 0.09, 0.02, 0.02, 0.04)),
    (("view", "cart", "buy"), (0.03, 0.15, 0.05, 0.01, 0.04, 0.02)),
    (("search", "view", "cart", "buy"), (0.02, 0.06, 0.02, 0.01, 0.02, 0.01)),
    (("view", "cart", "buy", "rate"), (0.01, 0.06, 0.02, 0.005, 0.015, 0.01)),
    (("view", "cart", "buy", "review"), (0.01, 0.06, 0.02, 0.005, 0.015, 0.01)),
    (("view", "cart", "buy", "return"), (0.01, 0.01, 0.01, 0.01, 0.01, 0.01)),
    (("show", "hide"), (0.0, 0.0, 0.0, 0.06, 0.06, 0.06)),
    (("review",), (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
)
_STEPS: Final = max(len(steps) for steps, _ in _PATHS)
_KINDS: Final = np.array([[_K[step] for step in steps] + [-1] * (_STEPS - len(steps)) for steps, _ in _PATHS])
_LENGTHS: Final = (_KINDS >= 0).sum(axis=1)
_LIKELY: Final = np.array([shares for _, shares in _PATHS])
_PAUSES: Final = {"save": 40, "like": 40, "share": 60, "hide": 5, "cart": 90, "buy": 200}
_PAUSES_LATER: Final = {"rate": 3 * 86_400, "review": 5 * 86_400, "return": 6 * 86_400}
_WAIT: Final = np.array([(_PAUSES | _PAUSES_LATER).get(kind.value, 8) for kind in EventKind], dtype=float)
"""Seconds from the step before, in the middle of what is usual."""


def mean_steps() -> float:
    """Events that a visit turns into at the least, on average: of the buyers and moods with the shortest paths."""
    return float((_LIKELY / _LIKELY.sum(axis=0) * _LENGTHS[:, None]).sum(axis=0).min())


def draw_events(
    config: SimulatedConfig, people: People, goods: Goods, visits: Visits, rng: np.random.Generator
) -> pl.DataFrame:
    """The events table with row numbers `member` and `item`: exactly as many as asked for, if the visits suffice.

    Visits beyond the number are left out at random, so that no member or season is thinned more than another.
    """
    path = _paths(people, visits, rng)
    lengths = _LENGTHS[path]
    visit = np.repeat(np.arange(len(visits)), lengths)
    step = np.arange(len(visit)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    kind = _KINDS[path[visit], step]
    seconds = visits.day[visit] * 86_400 + _elapsed(kind, step, visit, lengths, rng)
    inside = seconds < config.days * 86_400
    chosen = _enough(np.bincount(visit[inside], minlength=len(visits)), config.events, rng)
    kept = np.flatnonzero(inside & chosen[visit])[: config.events]
    visit, kind, seconds = visit[kept], kind[kept], seconds[kept]
    kind = _acted(kind, visits.interest[visit])
    item = np.where(kind == _K["search"], -1, visits.item[visit])
    stars = _stars(people, goods, visits, rng)[visit]
    return pl.DataFrame(
        {
            "member": visits.member[visit],
            "item": item,
            "kind": pl.Series(kind.astype(np.uint8)).cat.to(EVENT_KINDS),
            "at": moments(config, seconds / 86_400 + 1e-9),
            "amount": _amounts(goods, visits, visit, kind, stars, rng),
            "duration": _durations(people, visits, visit, kind, rng),
            "text": _texts(people, goods, visits, visit, kind, stars, rng),
        },
        strict=False,
    )


def _enough(sizes: Rows, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Which visits to keep, drawn at random, so that their sizes add up to what is wanted, or hardly more."""
    order = rng.permutation(len(sizes))
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[order[: int(np.searchsorted(np.cumsum(sizes[order]), wanted)) + 1]] = True
    return chosen


def _paths(people: People, visits: Visits, rng: np.random.Generator) -> Rows:
    """Which way each visit goes: a row of `_PATHS`."""
    column = people.buyer[visits.member] + len(BUYER_KINDS) * ~visits.wanted
    ends = np.cumsum(_LIKELY / _LIKELY.sum(axis=0), axis=0).T
    path = np.minimum((ends[column] < rng.random(len(visits))[:, None]).sum(axis=1), len(_PATHS) - 1)
    names = [steps for steps, _ in _PATHS]
    odd = np.where(visits.day >= people.odd_from[visits.member], people.anomaly[visits.member], 0)
    path[odd == ANOMALIES.index("bot")] = names.index(("view",))
    often = rng.random(len(visits)) < 0.8
    path[(odd == ANOMALIES.index("returner")) & often] = names.index(("view", "cart", "buy", "return"))
    path[(odd == ANOMALIES.index("review ring"))] = names.index(("review",))
    path[(odd == ANOMALIES.index("takeover")) & often] = names.index(("view", "cart", "buy"))
    return path


def _elapsed(kind: Rows, step: Rows, visit: Rows, lengths: Rows, rng: np.random.Generator) -> np.ndarray:
    """Seconds from the start of its visit to each event."""
    wait = np.where(step == 0, 0.0, _WAIT[kind] * rng.lognormal(0, 0.4, len(lengths))[visit])
    passed = np.cumsum(wait)
    opening = np.cumsum(lengths) - lengths
    return passed - passed[opening][visit]


def _acted(kind: Rows, interest: Rows) -> Rows:
    """Books are read into and films played where other things are viewed."""
    act = np.array([_K[ware.act] for ware in interests()])
    return np.where(kind == _K["view"], act[interest], kind)


def _stars(people: People, goods: Goods, visits: Visits, rng: np.random.Generator) -> Rows:
    """1 to 5 for each visit: what is good, wanted and rightly priced gets more; a ring always gives 5."""
    mismatch = np.abs(goods.level[visits.item] - people.level[visits.member])
    opinion = 3.7 + 0.6 * goods.quality[visits.item] + 0.5 * visits.wanted - 0.4 * mismatch
    stars = np.clip(np.rint(opinion + rng.normal(0, 0.7, len(visits))), 1, 5).astype(np.int64)
    odd = (people.anomaly[visits.member] == ANOMALIES.index("review ring")) & (
        visits.day >= people.odd_from[visits.member]
    )
    return np.where(odd, 5, stars)


def _amounts(goods: Goods, visits: Visits, visit: Rows, kind: Rows, stars: Rows, rng: np.random.Generator) -> pl.Series:
    """Money for carts, buys and returns (one, seldom two or three of a thing), stars for ratings and reviews."""
    quantity = rng.choice([1, 2, 3], len(visits), p=[0.85, 0.11, 0.04])[visit]
    money = np.isin(kind, [_K["cart"], _K["buy"], _K["return"]])
    rated = np.isin(kind, [_K["rate"], _K["review"]])
    amount = np.where(money, np.round(goods.price[visits.item[visit]] * quantity, 2), np.where(rated, stars, np.nan))
    return pl.Series(amount).fill_nan(None)


def _durations(people: People, visits: Visits, visit: Rows, kind: Rows, rng: np.random.Generator) -> pl.Series:
    """Seconds spent looking, reading or playing: longer with what is wanted; a bot stays two seconds."""
    usual = np.select([kind == _K["view"], kind == _K["read"], kind == _K["play"]], [25.0, 240.0, 900.0], np.nan)
    usual = usual * np.where(visits.wanted[visit], 1.8, 1.0) * rng.lognormal(0, 0.6, len(visit))
    bot = people.anomaly[visits.member[visit]] == ANOMALIES.index("bot")
    return pl.Series(np.round(np.where(bot & ~np.isnan(usual), 2.0, usual), 1)).fill_nan(None)


def _texts(
    people: People, goods: Goods, visits: Visits, visit: Rows, kind: Rows, stars: Rows, rng: np.random.Generator
) -> pl.Series:
    """What searches and reviews say; null for everything else."""
    written = np.full(len(visit), None, dtype=object)
    language = people.language[visits.member]
    searching = np.flatnonzero(kind == _K["search"])
    owner = visit[searching]
    written[searching] = texts.searches(visits.interest[owner], language[owner], rng)
    reviewing = np.flatnonzero(kind == _K["review"])
    owner = visit[reviewing]
    item = visits.item[owner]
    told = texts.reviews(goods.interest[item], language[owner], goods.noun[item], stars[reviewing], rng)
    member = visits.member[owner]
    bought = (people.anomaly[member] == ANOMALIES.index("review ring")) & (visits.day[owner] >= people.odd_from[member])
    written[reviewing] = [
        texts.ring_review(LANGUAGES[lang]) if paid else text
        for text, paid, lang in zip(told, bought, language[owner], strict=True)
    ]
    return pl.Series(written.tolist(), dtype=pl.String)
