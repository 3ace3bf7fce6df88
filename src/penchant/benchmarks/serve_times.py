"""How long `bench serve` does each thing, and the shape in which its parts answer."""

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from penchant.benchmarks.result import Cell

Answer = tuple[dict[str, float], dict[str, dict[str, float]], dict[str, list[dict[str, Cell]]]]
"""Figures, those of baselines, and tables."""


class Times(BaseModel):
    """Seconds and rounds.

    >>> Times().mixed
    300.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    load: PositiveFloat = 20.0
    """Seconds of each load."""
    mixed: PositiveFloat = 300.0
    """Seconds of the mixed load."""
    switches: PositiveInt = 20
    """Builds switched to under load."""
    deaths: PositiveInt = 50
    """Times that the service is killed, on each store."""
    outage: PositiveFloat = 30.0
    """Seconds that the store is away."""
