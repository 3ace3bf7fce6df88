"""`penchant bench members`: value, segments, attributes, anomalies, masking and sentiment."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

from penchant.benchmarks.result import BenchResult
from penchant.data.columns import EventKind
from penchant.data.public import load
from penchant.errors import ConfigError

PROTOCOLS: Final[dict[str, tuple[str, str]]] = {
    "value": ("members_value", "run_value"),
    "segments": ("members_segments", "run_segments"),
    "planted": ("members_segments", "run_planted"),
    "scale": ("members_segments", "run_scale"),
    "attributes": ("members_attributes", "run_attributes"),
    "anomalies": ("members_anomalies", "run_anomalies"),
    "masking": ("members_masking", "run_masking"),
    "sentiment": ("members_sentiment", "run_sentiment"),
}
"""Each protocol's module here, and its function."""


def run(data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> BenchResult:
    """Measure one part of member management.

    Args:
        data: as for `penchant.data.public.load`.
        protocol: one of `PROTOCOLS`; None takes `planted` for simulated communities, `value` where members buy, and
            `attributes` else.
        seeds: a repetition for each; None for three.

    Raises:
        ConfigError: there is no such protocol.
    """
    name = protocol or _fitting(data)
    if name not in PROTOCOLS:
        raise ConfigError(f"members has no protocol {name!r}; there are {', '.join(PROTOCOLS)}")
    module, function = PROTOCOLS[name]
    measure: Callable[[str, Sequence[int] | None], BenchResult] = getattr(
        import_module(f"penchant.benchmarks.{module}"), function
    )
    return measure(data, seeds)


def _fitting(data: str) -> str:
    if data.startswith("simulated"):
        return "planted"
    kinds = set(load(data).events["kind"].unique())
    return "value" if EventKind.BUY.value in kinds else "attributes"
