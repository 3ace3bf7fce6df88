"""Counts that may be shown to others: with just enough noise that nobody can tell whether one member is among them."""

import math
import random
import secrets
from collections.abc import Mapping

from penchant.errors import ConfigError


def private_counts(
    counts: Mapping[str, int], epsilon: float = 1.0, *, source: random.Random | None = None
) -> dict[str, int]:
    """Counts of members under differential privacy, never below zero.

    Noise of the two-sided geometric distribution is added, which is the best there is for counts (Ghosh, Roughgarden
    and Sundararajan, 2009). Each member may stand in one of the counts alone, as in segments, so that all of them
    together cost `epsilon` once. Every new draw of the same counts costs it anew: keep what was drawn.

    Args:
        counts: members by name, with the empty ones, since a name that is left out tells as well.
        epsilon: how much one member may show: with 1, nothing becomes more than 2.7 times as likely through them.
        source: of the noise; the operating system's own by default, as it must be for the promise to hold.

    Raises:
        ConfigError: epsilon is not above 0.

    >>> private_counts({"parents": 1200, "gamers": 800}, 1e6)
    {'parents': 1200, 'gamers': 800}
    """
    if not 0 < epsilon < math.inf:
        raise ConfigError(f"epsilon is {epsilon}, and must be above 0; 1 is usual")
    source = source or secrets.SystemRandom()
    return {
        name: max(0, count + _geometric(epsilon, source) - _geometric(epsilon, source))
        for name, count in counts.items()
    }


def _geometric(epsilon: float, source: random.Random) -> int:
    """How many times in a row a coin falls that falls with probability exp(-epsilon)."""
    return int(math.log(1.0 - source.random()) / -epsilon)
