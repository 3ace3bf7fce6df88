"""The setup of a recommender: the settings of each source and the weights of the blend, as tuning finds them."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from penchant.collaborative.scorer import ScorerConfig
from penchant.errors import ConfigError
from penchant.recommend.ranker import RankerState, RankerVerdict


class Setup(BaseModel):
    """What a search on held-out events ends with: enough to fit the same recommender on other events.

    >>> Setup(settings={"popularity": {"half_life_days": 30}}, weights={"popularity": 1.0}).config("popularity")
    PopularityConfig(event_weights=..., half_life_days=30.0)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: dict[str, dict[str, Any]]
    """Source to its settings, as JSON can hold them."""
    weights: dict[str, float]
    """Source to its weight in the blend."""
    verdict: RankerVerdict | None = None
    """Whether a ranker orders the candidates or the blend alone, and why; None where no ranker was wanted."""
    ranker: RankerState | None = None
    """The ranker, where it is used."""

    def config(self, name: str) -> ScorerConfig:
        """The settings of a source."""
        from penchant.recommend.sources import SOURCES

        return SOURCES[name][1].model_validate(self.settings[name])

    def require(self, names: tuple[str, ...]) -> None:
        """Make sure that it is of these sources.

        Raises:
            ConfigError: it is of others.
        """
        if set(self.settings) != set(names) or set(self.weights) != set(names):
            raise ConfigError(
                f"the setup is of the sources {', '.join(self.settings)}, and the configuration blends "
                f"{', '.join(names)}; find one with the same configuration, or leave it out to have one found"
            )
