"""What benchmarks of a large simulated community have in common: how large, and what each step of it cost."""

import re

from penchant.benchmarks.result import Cell
from penchant.errors import ConfigError
from penchant.evaluation.cost import Cost


def events_wanted(data: str, usual: int) -> int:
    """The number of events that `simulated:N` names.

    Args:
        data: what was given.
        usual: the number to propose where it is something else.

    Raises:
        ConfigError: it is something else.

    >>> events_wanted("simulated:5000", 1_000)
    5000
    """
    found = re.fullmatch(r"simulated:(\d+)", data)
    if found is None:
        raise ConfigError(f"the protocol scale makes its own data; give --data simulated:{usual}, not {data!r}")
    return int(found[1])


def step(name: str, cost: Cost) -> dict[str, Cell]:
    """A line of the table of steps."""
    return {"stage": name, "seconds": round(cost.seconds, 1), "peak_rss_mb": round(cost.peak_rss_mb)}
