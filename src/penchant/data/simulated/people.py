"""Members: their segment, interests in tiers, attributes, and the changes and oddities planted in them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.data.simulated.config import INTERESTS, SimulatedConfig
from penchant.data.simulated.segments import AGE_BANDS, BUYER_KINDS, LEVEL_OF_BUYER, SEGMENTS, crowd, draws
from penchant.vectors import Rows

Shares = NDArray[np.float64]

TIERS: Final = ("none", "core", "regular", "latent")
DRIFTS: Final = ("none", "abrupt", "gradual", "blip", "seasonal")
ANOMALIES: Final = ("none", "bot", "returner", "review ring", "takeover")

RAMP_DAYS: Final = 45.0
"""How long a gradual change takes."""
BLIP_DAYS: Final = 14.0
"""How long a blip lasts."""
SEASON_DAYS: Final = 40.0
SEASON_PERIOD: Final = 120.0
"""A seasonal change lasts `SEASON_DAYS` and comes back every `SEASON_PERIOD` days."""
RING_DAYS: Final = 10.0
"""How long a ring of bought reviews is at work."""


@dataclass(frozen=True, eq=False)
class People:
    """Members by row; times are days from the start."""

    segment: Rows
    language: Rows
    """Place in `LANGUAGES`."""
    age: Rows
    buyer: Rows
    level: Rows
    """The price level they prefer."""
    activity: Shares
    joined: Shares
    left: Shares
    tier_before: NDArray[np.int8]
    """(members, interests) place in `TIERS`."""
    tier_after: NDArray[np.int8]
    before: Shares
    """(members, interests) share of visits that each interest draws by its tier, without the background."""
    after: Shares
    """The same after a change; equal to `before` where there is none."""
    first: Rows
    """The strongest interest before any change."""
    drift: Rows
    """Place in `DRIFTS`."""
    onset: Shares
    """When a change begins; infinite where there is none."""
    severity: Shares
    anomaly: Rows
    """Place in `ANOMALIES`."""
    odd_from: Shares
    """When odd behaviour begins; infinite where there is none."""

    def __len__(self) -> int:
        return len(self.segment)

    def change(self, member: Rows, day: Shares) -> Shares:
        """How much of each member's old interests the new ones have replaced on a day: 0 to their severity."""
        since = day - self.onset[member]
        kind = self.drift[member]
        with np.errstate(invalid="ignore"):
            part = np.select(
                [
                    (kind == DRIFTS.index("none")) | (since < 0),
                    kind == DRIFTS.index("abrupt"),
                    kind == DRIFTS.index("gradual"),
                    kind == DRIFTS.index("blip"),
                ],
                [0.0, 1.0, np.minimum(since / RAMP_DAYS, 1), (since < BLIP_DAYS).astype(float)],
                (np.mod(since, SEASON_PERIOD) < SEASON_DAYS).astype(float),
            )
        return part * self.severity[member]


def draw_people(config: SimulatedConfig, rng: np.random.Generator) -> People:
    """Members with everything that is planted in them."""
    count = config.member_count
    segment = rng.choice(len(SEGMENTS), count, p=[kind.share for kind in SEGMENTS])
    buyer = _choose(rng, np.array([kind.buyers for kind in SEGMENTS])[segment], len(BUYER_KINDS))
    activity = rng.lognormal(0, 0.9, count) * np.array([kind.activity for kind in SEGMENTS])[segment]
    late = rng.random(count) < 0.4
    joined = np.where(late, rng.uniform(0, config.days * 0.6, count), 0.0)
    gone = rng.random(count) < 0.15
    left = np.where(gone, joined + (config.days - joined) * rng.uniform(0.4, 0.9, count), float(config.days))

    drift, anomaly = _who_changes(config, activity, rng)
    odd = (drift > 0) | (anomaly > 0)
    joined[odd], left[odd] = 0.0, config.days
    activity = activity * np.choose(anomaly, [1.0, 6.0, 2.0, 1.0, 2.0])
    activity[anomaly > 0] = np.maximum(activity[anomaly > 0], 1.0)
    onset = np.where(drift > 0, rng.uniform(0.35, 0.65, count) * config.days, np.inf)
    odd_from = np.where(anomaly > 0, rng.uniform(0.5, 0.8, count) * config.days, np.inf)
    # Bots and bulk returners are odd from their first day; a ring works at one time.
    odd_from[np.isin(anomaly, [ANOMALIES.index("bot"), ANOMALIES.index("returner")])] = 0.0
    ring = anomaly == ANOMALIES.index("review ring")
    odd_from[ring] = config.days * 0.6

    likelihood = np.log(draws())
    tier_before, before = _tiers(config, likelihood[segment], rng)
    other = (segment + rng.integers(1, len(SEGMENTS), count)) % len(SEGMENTS)
    # New interests are such that the member did not have.
    fresh = np.where(tier_before > 0, -np.inf, likelihood[other])
    tier_new, new = _tiers(config, fresh, rng)
    changes = (drift > 0)[:, None]
    return People(
        segment=segment,
        language=_languages(config, rng),
        age=_choose(rng, np.array([kind.ages for kind in SEGMENTS])[segment], len(AGE_BANDS)),
        buyer=buyer,
        level=_choose(rng, LEVEL_OF_BUYER[buyer], LEVEL_OF_BUYER.shape[1]),
        activity=activity * (left - joined) / config.days,
        joined=joined,
        left=left,
        tier_before=tier_before,
        tier_after=np.where(changes, tier_new, tier_before),
        before=before,
        after=np.where(changes, new, before),
        first=before.argmax(axis=1),
        drift=drift,
        onset=onset,
        severity=np.where(drift > 0, rng.choice(config.severity, count), 0.0),
        anomaly=anomaly,
        odd_from=odd_from,
    )


def full_profile(config: SimulatedConfig, shares: Shares) -> Shares:
    """(members, interests) shares by tier with the background added; rows add up to one."""
    return shares + config.background_share * crowd()


def _who_changes(config: SimulatedConfig, activity: Shares, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Which members drift and which are odd, and how; never both, and only members who come often enough to show it."""
    count = len(activity)
    drifting, odd = round(count * config.drift_share), round(count * config.anomaly_share)
    lively = np.argsort(-activity * rng.uniform(0.5, 1.5, count))
    chosen = rng.permutation(lively[: max(drifting + odd, int(count * 0.7))])
    drift, anomaly = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    drift[chosen[:drifting]] = 1 + np.arange(drifting) % (len(DRIFTS) - 1)
    anomaly[chosen[drifting : drifting + odd]] = 1 + np.arange(odd) % (len(ANOMALIES) - 1)
    return drift, anomaly


def _tiers(config: SimulatedConfig, likelihood: Shares, rng: np.random.Generator) -> tuple[NDArray[np.int8], Shares]:
    """Core, regular and latent interests of each member, drawn without replacement by the Gumbel trick."""
    count = len(likelihood)
    order = np.argsort(-(likelihood + rng.gumbel(size=likelihood.shape)), axis=1)
    place = np.argsort(order, axis=1)
    core = rng.integers(1, 4, count)[:, None]
    regular = core + rng.integers(2, 5, count)[:, None]
    latent = regular + rng.integers(1, 3, count)[:, None]
    tier = np.select([place < core, place < regular, place < latent], [1, 2, 3], 0).astype(np.int8)
    shares = np.zeros((count, INTERESTS))
    for number, total in enumerate((config.core_share, config.regular_share, config.latent_share), start=1):
        weight = rng.gamma(4, size=shares.shape) * (tier == number)
        shares += total * weight / weight.sum(axis=1, keepdims=True)
    return tier, shares


def _languages(config: SimulatedConfig, rng: np.random.Generator) -> Rows:
    if config.language == "both":
        return rng.integers(0, 2, config.member_count)
    return np.full(config.member_count, 0 if config.language == "zh" else 1)


def _choose(rng: np.random.Generator, shares: Shares, count: int) -> Rows:
    """One of `count` for each row, by the row's shares."""
    return np.minimum((rng.random(len(shares))[:, None] > shares.cumsum(axis=1)).sum(axis=1), count - 1)
