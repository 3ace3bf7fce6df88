"""What should we show this member now, and why?"""

from penchant.recommend.config import RecommendConfig
from penchant.recommend.diversity import DiversityConfig
from penchant.recommend.evaluating import Evaluation, evaluate
from penchant.recommend.exploration import ExplorationConfig
from penchant.recommend.logged import Logged, judged_by_log
from penchant.recommend.policy import Policy, PolicyConfig
from penchant.recommend.propensities import read_log, rewarded
from penchant.recommend.ranker import Ranker, RankerConfig, RankerVerdict
from penchant.recommend.recipe import Fitted, fit, train
from penchant.recommend.recommender import Recommender
from penchant.recommend.rules import RulesConfig

__all__ = [
    "DiversityConfig",
    "Evaluation",
    "ExplorationConfig",
    "Fitted",
    "Logged",
    "Policy",
    "PolicyConfig",
    "Ranker",
    "RankerConfig",
    "RankerVerdict",
    "RecommendConfig",
    "Recommender",
    "RulesConfig",
    "evaluate",
    "fit",
    "judged_by_log",
    "read_log",
    "rewarded",
    "train",
]
