"""Counts that may be shown to others: with just enough noise that nobody can tell whether one member is among them."""

import json
import math
import random
import secrets
from collections.abc import Mapping
from pathlib import Path

from penchant.artifacts import write_atomically
from penchant.errors import ArtifactError, ConfigError


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


def kept_counts(path: Path, drawing: str, counts: Mapping[str, int], epsilon: float) -> dict[str, int]:
    """`private_counts`, drawn once for each drawing and kept in a file: the same counts always look the same.

    Args:
        path: the file; made if absent.
        drawing: what is counted, such as the name of a build.
        counts: as for `private_counts`.
        epsilon: as for `private_counts`; another one is another drawing.

    Raises:
        ArtifactError: the file holds something else.
        ConfigError: epsilon is not above 0.
    """
    key = f"{drawing} {epsilon:g}"
    try:
        drawn = json.loads(path.read_bytes()) if path.exists() else {}
        if key in drawn and set(drawn[key]) == set(counts):
            return {name: int(drawn[key][name]) for name in counts}
        drawn[key] = private_counts(counts, epsilon)
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{path} cannot be read ({error}); move it away to draw anew, which costs epsilon"
        ) from None
    write_atomically(path, json.dumps(drawn, ensure_ascii=False).encode())
    return dict(drawn[key])


def _geometric(epsilon: float, source: random.Random) -> int:
    """How many times in a row a coin falls that falls with probability exp(-epsilon)."""
    return int(math.log(1.0 - source.random()) / -epsilon)
