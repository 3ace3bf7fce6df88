"""Rate limits: a bucket for each key and each address, that fills steadily and pays for each request."""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

_MOST: Final = 50_000
"""Buckets held; the one used longest ago goes first, and comes back full."""


class Buckets:
    """Token buckets by name.

    >>> clock = [0.0]
    >>> buckets = Buckets(rate=1, burst=2, clock=lambda: clock[0])
    >>> [buckets.wait("a") for _ in range(3)], buckets.wait("b")
    ([0.0, 0.0, 1.0], 0.0)
    """

    def __init__(self, rate: float, burst: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        """Tokens that come back a second."""
        self.burst = max(burst, 1.0)
        """Tokens of a full bucket."""
        self._clock = clock
        self._lock = Lock()
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, name: str, cost: float = 1.0) -> float:
        """Pay for a request: 0 where there was enough, else the seconds until there will be, and nothing is paid."""
        now = self._clock()
        with self._lock:
            left, since = self._held.pop(name, (self.burst, now))
            left = min(self.burst, left + (now - since) * self.rate)
            enough = left >= cost
            self._held[name] = (left - cost if enough else left, now)
            if len(self._held) > _MOST:
                self._held.popitem(last=False)
            return 0.0 if enough else (cost - left) / self.rate

    def is_empty(self, name: str) -> bool:
        """Whether the next request would have to wait; nothing is paid."""
        now = self._clock()
        with self._lock:
            left, since = self._held.get(name, (self.burst, now))
        return min(self.burst, left + (now - since) * self.rate) < 1
