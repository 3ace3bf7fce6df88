"""What is each member interested in, and how strongly?"""

from typing import TYPE_CHECKING, Final

# Here and not when it is first used, since a function of its module's own name would give way to the module.
from penchant.interests.audience import Audience as Audience
from penchant.interests.audience import audience as audience
from penchant.lazy import late

if TYPE_CHECKING:
    from penchant.interests.attributions import Attribution as Attribution
    from penchant.interests.attributions import AttributionConfig as AttributionConfig
    from penchant.interests.attributions import attribute as attribute
    from penchant.interests.discovery import Discovery as Discovery
    from penchant.interests.discovery import DiscoveryConfig as DiscoveryConfig
    from penchant.interests.discovery import discover as discover
    from penchant.interests.examples import LabelledTexts as LabelledTexts
    from penchant.interests.interests import Interests as Interests
    from penchant.interests.interests import InterestsConfig as InterestsConfig
    from penchant.interests.interests import LabelSource as LabelSource
    from penchant.interests.labeller import Labeller as Labeller
    from penchant.interests.labeller import LabellerConfig as LabellerConfig
    from penchant.interests.labelling import Labelling as Labelling
    from penchant.interests.recipe import LabellerQuality as LabellerQuality
    from penchant.interests.recipe import evaluate as evaluate
    from penchant.interests.recipe import train as train
    from penchant.interests.strata import StrataConfig as StrataConfig
    from penchant.interests.strata import Stratifier as Stratifier
    from penchant.interests.taxonomy import Taxonomy as Taxonomy
    from penchant.interests.whole import learn as learn
    from penchant.interests.whole import stratify as stratify
    from penchant.text.tuning.config import FinetuneConfig as FinetuneConfig

_HOMES: Final = {
    "Attribution": "penchant.interests.attributions",
    "AttributionConfig": "penchant.interests.attributions",
    "Discovery": "penchant.interests.discovery",
    "DiscoveryConfig": "penchant.interests.discovery",
    "FinetuneConfig": "penchant.text.tuning.config",
    "Interests": "penchant.interests.interests",
    "InterestsConfig": "penchant.interests.interests",
    "LabelSource": "penchant.interests.interests",
    "LabelledTexts": "penchant.interests.examples",
    "Labeller": "penchant.interests.labeller",
    "LabellerConfig": "penchant.interests.labeller",
    "LabellerQuality": "penchant.interests.recipe",
    "Labelling": "penchant.interests.labelling",
    "StrataConfig": "penchant.interests.strata",
    "Stratifier": "penchant.interests.strata",
    "Taxonomy": "penchant.interests.taxonomy",
    "attribute": "penchant.interests.attributions",
    "discover": "penchant.interests.discovery",
    "evaluate": "penchant.interests.recipe",
    "learn": "penchant.interests.whole",
    "stratify": "penchant.interests.whole",
    "train": "penchant.interests.recipe",
}

# Loaded late, so that the tiers of members can be read without what labels texts.
__getattr__, __dir__, __all__ = late(__name__, _HOMES, ["Audience", "audience"])
