"""The figures of `penchant bench social --protocol newcomers`: multiples of popularity, by what was known and asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, Cell
from penchant.evaluation.bootstrap import Difference, paired_difference
from penchant.social.rehearsal import INFORMATIVE, POPULAR, RANDOM

STEPS: Final = 8
JUDGED_AT: Final = (3, 5)
"""Answers after which the figures are taken."""
BY_INFORMATION: Final = "adaptive, by information"
"""The question that tells most of who somebody is, in place of that after which the list is expected to be best."""
ITEMS_ALONE: Final = "adaptive, items alone"
RANDOM_TOPICS: Final = "random topics"
POPULARITY: Final = "popularity"

ASKED: Final = {
    INFORMATIVE: (INFORMATIVE, "all"),
    ITEMS_ALONE: (INFORMATIVE, "items"),
    POPULAR: (POPULAR, "items"),
    RANDOM: (RANDOM, "items"),
    RANDOM_TOPICS: (RANDOM, "topics"),
}
"""Ways of asking: what decides the next question, and what it may be about."""
BASELINES: Final = (POPULARITY, ITEMS_ALONE, POPULAR, RANDOM, RANDOM_TOPICS, BY_INFORMATION, WITHOUT_LANGUAGE_MODEL)


@dataclass
class Values:
    """NDCG@10 by system, one value for each newcomer of each seed."""

    found: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """One more value of a system."""
        self.found.setdefault(name, []).append(value)

    def mean(self, name: str) -> float:
        """Of a system, those for whom nothing is left to foresee left out."""
        return float(np.nanmean(self.found[name]))

    def ratio(self, name: str, base: str) -> float:
        """The mean of one system over that of another."""
        return self.mean(name) / max(self.mean(base), 1e-9)


def metrics(values: Values) -> dict[str, float]:
    """The questionnaire's figures with one seed."""
    found = _ratios(values, INFORMATIVE)
    for name in ("ties", "words"):
        found[f"newcomer_ratio@{name}"] = values.ratio(f"known {name}", f"base {name}")
    return found | _own_ratios(values, INFORMATIVE)


def baseline(values: Values, name: str) -> dict[str, float]:
    """The same keys for another way of asking; without the language model words say nothing, all else is the same."""
    if name == WITHOUT_LANGUAGE_MODEL:
        return {key: value for key, value in metrics(values).items() if not key.endswith("words")}
    return _own_ratios(values, name) if name == BY_INFORMATION else _ratios(values, name)


def _own_ratios(values: Values, name: str) -> dict[str, float]:
    return {
        f"own_ratio@{steps}": values.ratio(f"{name} own {steps}", f"{POPULARITY} beside {name} {steps}")
        for steps in JUDGED_AT
    }


def _ratios(values: Values, name: str) -> dict[str, float]:
    return {f"newcomer_ratio@{steps}": values.ratio(f"{name} {steps}", f"{POPULARITY} {steps}") for steps in JUDGED_AT}


def curve(per_seed: Sequence[Values]) -> list[dict[str, Cell]]:
    """For each way of asking the multiple of popularity after each answer, mean over the seeds."""
    return [
        {
            "answers": steps,
            **{
                name: round(
                    float(np.mean([values.ratio(f"{name} {steps}", f"{POPULARITY} {steps}") for values in per_seed])), 3
                )
                for name in ASKED
            },
        }
        for steps in range(STEPS + 1)
    ]


def known_table(per_seed: Sequence[Values]) -> list[dict[str, Cell]]:
    """What ties, a line about oneself and answers give, alone and together."""
    names = [name.removeprefix("known ") for name in per_seed[0].found if name.startswith("known ")]
    return [
        {
            "known": name,
            "ndcg@10": round(float(np.mean([values.mean(f"known {name}") for values in per_seed])), 4),
            "ratio to popularity": round(
                float(np.mean([values.ratio(f"known {name}", f"base {name}") for values in per_seed])), 3
            ),
        }
        for name in names
    ]


def difference(per_seed: Sequence[Values], steps: int, name: str) -> Difference:
    """The questionnaire's lead over another way of asking after so many answers, newcomer by newcomer."""
    ours = np.concatenate([values.found[f"{INFORMATIVE} {steps}"] for values in per_seed])
    theirs = np.concatenate([values.found[f"{name} {steps}"] for values in per_seed])
    judged = np.isfinite(ours) & np.isfinite(theirs)
    return paired_difference(ours[judged], theirs[judged])
