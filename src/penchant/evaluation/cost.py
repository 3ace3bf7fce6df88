"""What a piece of work costs: seconds on the clock and the most memory it held."""

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_RESET: Final = Path("/proc/self/clear_refs")


@dataclass
class Cost:
    """What a `measured` block has cost; filled in when the block ends."""

    seconds: float = 0.0
    peak_rss_mb: float = 0.0
    """Peak of this process's resident memory within the block, in MB of 10^6 bytes; where the system cannot start the
    count anew (it can on Linux), the peak of the process so far."""


_running: ContextVar[Cost | None] = ContextVar("running", default=None)


@contextmanager
def measured() -> Iterator[Cost]:
    """Measure a block; blocks may stand inside one another.

    >>> with measured() as cost:
    ...     filled = b"penchant" * 1_000_000
    >>> cost.seconds > 0 and cost.peak_rss_mb > 8
    True
    """
    cost, outer = Cost(), _running.get()
    if outer is not None:
        outer.peak_rss_mb = max(outer.peak_rss_mb, peak_rss_mb())
    _start_peak_anew()
    token = _running.set(cost)
    start = time.perf_counter()
    try:
        yield cost
    finally:
        cost.seconds = time.perf_counter() - start
        cost.peak_rss_mb = max(cost.peak_rss_mb, peak_rss_mb())
        _running.reset(token)
        if outer is not None:
            outer.peak_rss_mb = max(outer.peak_rss_mb, cost.peak_rss_mb)


def peak_rss_mb() -> float:
    """The most resident memory this process has held, in MB of 10^6 bytes; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0.0
    with contextlib.suppress(OSError, StopIteration):
        # Not getrusage: on Linux a process begins with the peak of the one that started it.
        line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _start_peak_anew() -> None:
    # Linux forgets the peak so far when a 5 is written here; elsewhere, and where it may not be written, it stands.
    with contextlib.suppress(OSError):
        _RESET.write_text("5", encoding="ascii")
