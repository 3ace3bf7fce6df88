"""Which items answer this query, for this member?"""

from penchant.search.config import SearchConfig
from penchant.search.filters import Filters
from penchant.search.grader import Grader
from penchant.search.grades import GraderConfig, pair_tuning
from penchant.search.judgements import Judgements, from_events, read_judgements
from penchant.search.learning import Learned, learn
from penchant.search.recipe import Evaluation, evaluate, train
from penchant.search.searcher import Searcher
from penchant.search.support import Support
from penchant.search.support_answers import SupportAnswer, SupportConfig, SupportQuality

__all__ = [
    "Evaluation",
    "Filters",
    "Grader",
    "GraderConfig",
    "Judgements",
    "Learned",
    "SearchConfig",
    "Searcher",
    "Support",
    "SupportAnswer",
    "SupportConfig",
    "SupportQuality",
    "evaluate",
    "from_events",
    "learn",
    "pair_tuning",
    "read_judgements",
    "train",
]
