"""A simulated bazaar of any size, bilingual, with planted interests, segments, drift, ties and anomalies."""

from penchant.data.simulated.answers import SimulatedAnswers
from penchant.data.simulated.bazaar import Simulated, simulate
from penchant.data.simulated.config import LEAST_EVENTS, SimulatedConfig

__all__ = ["LEAST_EVENTS", "Simulated", "SimulatedAnswers", "SimulatedConfig", "simulate"]
