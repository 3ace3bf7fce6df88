"""What should we show this member now, and why?"""

from penchant.recommend.config import RecommendConfig
from penchant.recommend.recipe import Evaluation, Fitted, evaluate, fit, train
from penchant.recommend.recommender import Recommender
from penchant.recommend.rules import RulesConfig

__all__ = ["Evaluation", "Fitted", "RecommendConfig", "Recommender", "RulesConfig", "evaluate", "fit", "train"]
