"""The settings of recommendation."""

from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt, field_validator

from penchant.collaborative.scorer import ScorerConfig
from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.recommend.blend import BlendConfig
from penchant.recommend.newitems import NewItemsConfig
from penchant.recommend.opinions import AGAIN, POPULARITY, TEXT
from penchant.recommend.policy import PolicyConfig
from penchant.recommend.ranker import RankerConfig
from penchant.recommend.rules import RulesConfig

SourceName = Literal["popularity", "ease", "als", "neighbours", "cooccurrence", "next", "again", "sequence", "text"]


class RecommendConfig(BaseModel):
    """What to recommend from, by which rules, and how it is tuned.

    >>> RecommendConfig(sources=("popularity", "ease")).sources
    ('popularity', 'ease')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[SourceName, ...] = (
        "popularity", "ease", "als", "neighbours", "cooccurrence", "next", "again", "text",
    )  # fmt: skip
    """What is blended; `text` takes part only where there is an encoder, `again` only where purchases may repeat.
    `sequence`, a network that reads the order of events, costs minutes to learn and is left to be asked for."""
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Settings of single sources that differ from their defaults, where tuning starts."""
    event_weights: EventWeights = EventWeights()
    """How much an event of each kind says that a member likes an item."""
    sentiment: bool = True
    """In builds: what was written with an event without stars scales its weight, so that blame is no sign of liking."""
    liked_ratings: Literal["upper", "all"] = "upper"
    """Ratings that count as likes: those from the middle of the community's scale up, or all, as ranking benchmarks do.
    The rating_floor of event_weights, where it is set, decides in their place."""
    rules: RulesConfig = RulesConfig()
    """What may be shown to whom."""
    policy: PolicyConfig = PolicyConfig()
    """What happens between scores and the list shown: business rules, diversity, exploration."""
    validation: Literal["last", "random", "time"] = "last"
    """Which events are held out to tune on: each member's last, a tenth of each member's, or the last tenth of all."""
    tuning: Literal["full", "recency", "none"] = "recency"
    """Tuned before the weights: all settings of the grids, only how histories fade (no new fits), or nothing."""
    tuning_members: PositiveInt = 2_000
    """Members that settings and weights are judged on; a random sample where there are more."""
    blend: BlendConfig = BlendConfig()
    """How the weights of the sources are found."""
    ranker: RankerConfig = RankerConfig()
    """Whether and how an order of the best candidates is learned over the blend."""
    per_source: PositiveInt = 100
    """Best items of each source that are candidates."""
    new_item_trust: float = Field(default=0.3, ge=0, le=1)
    """How far descriptions speak for behaviour about items that nobody has touched: 0 not at all, 1 as much as it."""
    new_items: NewItemsConfig = NewItemsConfig()
    """How what members would do with such items is told from their descriptions."""
    checked_reasons: bool = True
    """Name in a reason only what lowers the score when it is taken out of the history; doubles an answer's time."""
    words_weight: NonNegativeFloat = 1.0
    """How much a person's own words count beside the blend, whose weights add up to one."""

    @field_validator("sources")
    @classmethod
    def _has_popularity(cls, sources: tuple[SourceName, ...]) -> tuple[SourceName, ...]:
        if POPULARITY not in sources:
            raise ValueError("popularity answers members without a history and cannot be left out")
        if len(set(sources)) != len(sources):
            raise ValueError(f"a source is named twice in {', '.join(sources)}")
        return sources

    def on(self, community: Community) -> "RecommendConfig":
        """The same settings with the floor of liked ratings that follows from a community's ratings."""
        ratings = community.events.filter(pl.col("kind") == EventKind.RATE.value)["amount"].drop_nulls()
        if self.liked_ratings == "all" or self.event_weights.rating_floor is not None or not len(ratings):
            return self
        middle = (float(ratings.min()) + float(ratings.max())) / 2  # type: ignore[arg-type]
        return self.model_copy(update={"event_weights": self.event_weights.model_copy(update={"rating_floor": middle})})

    def at_home(self, home: Path | None) -> "RecommendConfig":
        """The same settings with the folder that the policy's files start from; it is never saved."""
        return self.model_copy(update={"policy": self.policy.model_copy(update={"home": home})})

    def start(self, name: str) -> ScorerConfig:
        """The settings that a source starts from.

        Raises:
            ConfigError: a setting is unknown or out of bounds.
        """
        from pydantic import ValidationError

        from penchant.errors import ConfigError
        from penchant.recommend.sources import SOURCES

        try:
            return SOURCES[name][1].model_validate(
                {"event_weights": self.event_weights.model_dump(by_alias=False), **self.settings.get(name, {})}
            )
        except ValidationError as error:
            raise ConfigError(f"settings of the source {name} have no meaning: {error}") from error

    def used_sources(self, *, with_text: bool) -> tuple[str, ...]:
        """The sources that take part."""
        return tuple(
            name
            for name in self.sources
            if (name != TEXT or with_text) and (name != AGAIN or self.rules.repeat_purchases)
        )
