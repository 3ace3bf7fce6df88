"""What and whom would this member like, given the people around them?"""

from typing import TYPE_CHECKING, Final

from penchant.lazy import late

# Here and not when they are first used: a function of its module's own name would give way to the module.
from penchant.social.statistics import statistics as statistics

if TYPE_CHECKING:
    from penchant.social.answers import Answer as Answer
    from penchant.social.cold_start import ColdStart as ColdStart
    from penchant.social.config import NetworkConfig as NetworkConfig
    from penchant.social.config import SocialConfig as SocialConfig
    from penchant.social.friends import Friends as Friends
    from penchant.social.friends import FriendsConfig as FriendsConfig
    from penchant.social.graph import Graph as Graph
    from penchant.social.graph import GraphConfig as GraphConfig
    from penchant.social.known import NewcomersConfig as NewcomersConfig
    from penchant.social.model import SocialModel as SocialModel
    from penchant.social.newcomers import Newcomers as Newcomers
    from penchant.social.questionnaire import Questionnaire as Questionnaire
    from penchant.social.recipe import Evaluation as Evaluation
    from penchant.social.recipe import evaluate as evaluate
    from penchant.social.recipe import fit as fit
    from penchant.social.recipe import train as train
    from penchant.social.statistics import GraphStatistics as GraphStatistics
    from penchant.social.whole import Social as Social
    from penchant.social.whole import learn as learn

_HOMES: Final = {
    "Answer": "penchant.social.answers",
    "ColdStart": "penchant.social.cold_start",
    "Evaluation": "penchant.social.recipe",
    "Friends": "penchant.social.friends",
    "FriendsConfig": "penchant.social.friends",
    "Graph": "penchant.social.graph",
    "GraphConfig": "penchant.social.graph",
    "GraphStatistics": "penchant.social.statistics",
    "NetworkConfig": "penchant.social.config",
    "Newcomers": "penchant.social.newcomers",
    "NewcomersConfig": "penchant.social.known",
    "Questionnaire": "penchant.social.questionnaire",
    "Social": "penchant.social.whole",
    "SocialConfig": "penchant.social.config",
    "SocialModel": "penchant.social.model",
    "evaluate": "penchant.social.recipe",
    "fit": "penchant.social.recipe",
    "learn": "penchant.social.whole",
    "train": "penchant.social.recipe",
}

__getattr__, __dir__, __all__ = late(__name__, _HOMES, ["statistics"])
