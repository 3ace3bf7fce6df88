"""What behaviour alone says: scorers that social, drift and recommend share."""

from penchant.collaborative.again import Again, AgainConfig
from penchant.collaborative.cooccurrence import CoOccurrence, CoOccurrenceConfig, NextItems, NextItemsConfig
from penchant.collaborative.factors import Als, AlsConfig
from penchant.collaborative.linear import Ease, EaseConfig
from penchant.collaborative.neighbours import Neighbours, NeighboursConfig
from penchant.collaborative.popularity import Popularity, PopularityConfig
from penchant.collaborative.recency import Recency
from penchant.collaborative.scorer import Scorer, ScorerConfig
from penchant.collaborative.sequence import SequenceConfig, SequenceScorer

__all__ = [
    "Again",
    "AgainConfig",
    "Als",
    "AlsConfig",
    "CoOccurrence",
    "CoOccurrenceConfig",
    "Ease",
    "EaseConfig",
    "Neighbours",
    "NeighboursConfig",
    "NextItems",
    "NextItemsConfig",
    "Popularity",
    "PopularityConfig",
    "Recency",
    "Scorer",
    "ScorerConfig",
    "SequenceConfig",
    "SequenceScorer",
]
