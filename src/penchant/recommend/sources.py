"""The sources of the blend: which scorer each name stands for, and the few settings worth trying for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from penchant.collaborative import (
    Again,
    AgainConfig,
    Als,
    AlsConfig,
    CoOccurrence,
    CoOccurrenceConfig,
    Ease,
    EaseConfig,
    Neighbours,
    NeighboursConfig,
    NextItems,
    NextItemsConfig,
    Popularity,
    PopularityConfig,
    Recency,
    Scorer,
    ScorerConfig,
    SequenceConfig,
    SequenceScorer,
)
from penchant.errors import ConfigError
from penchant.recommend.similarity import TextSimilarity, TextSimilarityConfig
from penchant.text.encoder import Encoder

SOURCES: Final[dict[str, tuple[type[Any], type[ScorerConfig]]]] = {
    "popularity": (Popularity, PopularityConfig),
    "ease": (Ease, EaseConfig),
    "als": (Als, AlsConfig),
    "neighbours": (Neighbours, NeighboursConfig),
    "cooccurrence": (CoOccurrence, CoOccurrenceConfig),
    "next": (NextItems, NextItemsConfig),
    "again": (Again, AgainConfig),
    "sequence": (SequenceScorer, SequenceConfig),
    "text": (TextSimilarity, TextSimilarityConfig),
}
"""Every source by name, with its class and its configuration's."""

_FADINGS: Final = (
    Recency(),
    Recency(half_life_events=2.5),
    Recency(half_life_events=5),
    Recency(half_life_events=15),
    Recency(half_life_days=30),
    Recency(half_life_days=0.001, half_life_events=10),
)

GRIDS: Final[dict[str, dict[str, tuple[Any, ...]]]] = {
    "popularity": {"half_life_days": (None, 7.0, 30.0, 120.0)},
    "ease": {"recency": _FADINGS, "regularization": (50.0, 100.0, 200.0, 400.0, 800.0)},
    "als": {
        "recency": _FADINGS,
        "regularization": (5.0, 10.0, 20.0, 30.0),
        "factors": (32, 64, 96, 128),
        "confidence": (0.5, 1.0, 2.0, 4.0),
    },
    "neighbours": {
        "recency": _FADINGS,
        "popularity_exponent": (0.3, 0.4, 0.5),
        "neighbours": (50, 200, 500),
        "shrinkage": (0.0, 10.0, 50.0),
    },
    "cooccurrence": {
        "recency": _FADINGS,
        "popularity_exponent": (0.3, 0.4, 0.5),
        "closeness": (
            Recency(half_life_events=2.5),
            Recency(half_life_events=5),
            Recency(half_life_events=20),
            Recency(half_life_days=30),
        ),
    },
    # How fast its histories fade is what it stands for: fading slowly, it is better alone but no use beside the rest.
    "next": {"popularity_exponent": (0.3, 0.4, 0.5)},
    "again": {"recency": (*_FADINGS, Recency(half_life_days=7), Recency(half_life_days=180)), "prior": (1.0, 20.0)},
    "sequence": {"lift": (0.0, 0.5, 1.0)},
    "text": {"recency": _FADINGS, "neighbours": (25, 50, 100)},
}
"""For each source, settings tried on validation data: one field after the other, the best kept."""


def make(name: str, config: ScorerConfig | None = None, *, encoder: Encoder | None = None) -> Any:
    """An unfitted scorer of a name.

    Raises:
        ConfigError: no source has that name.
    """
    if name not in SOURCES:
        raise ConfigError(f"no source is called {name!r}; there are {', '.join(SOURCES)}")
    scorer, config_type = SOURCES[name]
    config = config or config_type()
    if scorer is TextSimilarity:
        return scorer(config, encoder=encoder)
    if scorer is SequenceScorer and encoder is not None:
        # With texts it reaches items that nobody has touched.
        return scorer(config, vectors=lambda community: encoder.encode(community.item_texts))
    return scorer(config)


def save_sources(sources: Mapping[str, Scorer], folder: Path) -> None:
    """Save each source in a folder of its name."""
    for name, source in sources.items():
        source.save(folder / name)


def load_sources(names: tuple[str, ...], folder: Path, *, encoder: Encoder | None = None) -> dict[str, Scorer]:
    """Load the sources that `save_sources` wrote."""
    return {
        name: TextSimilarity.load(folder / name, encoder=encoder)
        if SOURCES[name][0] is TextSimilarity
        else SOURCES[name][0].load(folder / name)
        for name in names
    }
