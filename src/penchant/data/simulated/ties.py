"""Ties between members: made with one's like as often as the planted homophily says, else regardless."""

from typing import Final

import numpy as np
import polars as pl

from penchant.data.columns import TieKind
from penchant.data.simulated.catalogue import moments
from penchant.data.simulated.config import SimulatedConfig
from penchant.data.simulated.people import People, Shares
from penchant.vectors import Rows

_KINDS: Final = (TieKind.FRIEND, TieKind.FOLLOW, TieKind.BLOCK)
_SHARES: Final = (0.78, 0.2, 0.02)
_ROUNDS: Final = 8


def draw_ties(config: SimulatedConfig, people: People, rng: np.random.Generator) -> pl.DataFrame:
    """Ties with row numbers `member` and `other`; no pair is tied twice, nobody to themselves.

    Some members have many more ties than others. Like is whose first interest is the same.
    """
    wanted = round(len(people) * config.friends / 2)
    if len(people) < 2 or not wanted:
        return pl.DataFrame(
            schema={"member": pl.Int64, "other": pl.Int64, "kind": pl.String, "at": pl.Datetime("us", "UTC")}
        )
    fame = rng.lognormal(0, 1, len(people))
    pairs = np.empty(0, dtype=np.int64)
    # Some pairs come out twice or as oneself: more are drawn until there are enough, or hardly any is left.
    for _ in range(_ROUNDS):
        pairs = np.concatenate([pairs, _pairs(config, people, fame, wanted, rng)])
        pairs = pairs[np.sort(np.unique(pairs, return_index=True)[1])][:wanted]
        if len(pairs) == wanted:
            break
    first, second = pairs // len(people), pairs % len(people)
    kind = rng.choice(len(_KINDS), len(pairs), p=_SHARES)
    both_in = np.maximum(people.joined[first], people.joined[second])
    return pl.DataFrame(
        {
            "member": first,
            "other": second,
            "kind": [_KINDS[number].value for number in kind],
            "at": moments(config, both_in + rng.random(len(pairs)) * (config.days - both_in)),
        }
    )


def _pairs(config: SimulatedConfig, people: People, fame: Shares, count: int, rng: np.random.Generator) -> Rows:
    """Up to `count` pairs of members, each as one number: the smaller row times all members, plus the larger."""
    everyone = np.arange(len(people))
    member = _by_fame(everyone, fame, count, rng)
    other = _by_fame(everyone, fame, count, rng)
    alike = rng.random(count) < config.homophily
    for interest in np.unique(people.first[member[alike]]):
        group = np.flatnonzero(people.first == interest)
        mine = alike & (people.first[member] == interest)
        other[mine] = _by_fame(group, fame[group], int(mine.sum()), rng)
    low, high = np.minimum(member, other), np.maximum(member, other)
    return (low * len(people) + high)[low != high]


def _by_fame(members: Rows, fame: Shares, count: int, rng: np.random.Generator) -> Rows:
    """Members drawn by how sociable they are."""
    ends = np.cumsum(fame)
    return members[np.minimum(np.searchsorted(ends, rng.random(count) * ends[-1], side="right"), len(members) - 1)]
