"""Has this member's interest changed, and what should we do differently?"""

from typing import TYPE_CHECKING, Final

from penchant.lazy import late

if TYPE_CHECKING:
    from penchant.data.attention import Plan as Plan
    from penchant.drift.injection import InjectionConfig as InjectionConfig
    from penchant.drift.injection import Streams as Streams
    from penchant.drift.injection import inject as inject
    from penchant.drift.judge import Judge as Judge
    from penchant.drift.judge import JudgeConfig as JudgeConfig
    from penchant.drift.metrics import benchmark_detector as benchmark_detector
    from penchant.drift.movement import FleetConfig as FleetConfig
    from penchant.drift.movement import FleetView as FleetView
    from penchant.drift.movement import fleet as fleet
    from penchant.drift.movement import retrain_signal as retrain_signal
    from penchant.drift.plans import planned as planned
    from penchant.drift.recipe import train as train
    from penchant.drift.strategy import Strategy as Strategy
    from penchant.drift.strategy import StrategyConfig as StrategyConfig
    from penchant.drift.surprise import Surprise as Surprise
    from penchant.drift.surprise import SurpriseConfig as SurpriseConfig
    from penchant.drift.whole import Drift as Drift
    from penchant.drift.whole import DriftConfig as DriftConfig
    from penchant.drift.whole import learn as learn
    from penchant.drift.windows import WindowConfig as WindowConfig

_HOMES: Final = {
    "Drift": "penchant.drift.whole",
    "DriftConfig": "penchant.drift.whole",
    "FleetConfig": "penchant.drift.movement",
    "FleetView": "penchant.drift.movement",
    "InjectionConfig": "penchant.drift.injection",
    "Judge": "penchant.drift.judge",
    "JudgeConfig": "penchant.drift.judge",
    "Plan": "penchant.data.attention",
    "Strategy": "penchant.drift.strategy",
    "StrategyConfig": "penchant.drift.strategy",
    "Streams": "penchant.drift.injection",
    "Surprise": "penchant.drift.surprise",
    "SurpriseConfig": "penchant.drift.surprise",
    "WindowConfig": "penchant.drift.windows",
    "benchmark_detector": "penchant.drift.metrics",
    "fleet": "penchant.drift.movement",
    "inject": "penchant.drift.injection",
    "learn": "penchant.drift.whole",
    "planned": "penchant.drift.plans",
    "retrain_signal": "penchant.drift.movement",
    "train": "penchant.drift.recipe",
}

# Loaded late, so that whoever cuts windows loads no model.
__getattr__, __dir__, __all__ = late(__name__, _HOMES)
