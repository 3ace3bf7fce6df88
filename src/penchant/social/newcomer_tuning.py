"""How much ties and words count at newcomers: found with members who stand in for them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from penchant.social.graph import Graph
from penchant.social.known import Known, NewcomersConfig, Parts
from penchant.social.newcomers import Newcomers
from penchant.social.rehearsal import StandIns, columns_of, interview, ndcg, without_members
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

log = logging.getLogger(__name__)

FEWEST: Final = 60
"""Members who can stand in, below whom nothing is tuned."""
SHARE: Final = 0.2
MOST: Final = 300
"""Stand-ins at most."""
QUESTIONS: Final = 4
"""Asked of each."""
TIE_WEIGHTS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
TIE_PRIORS: Final = (0.5, 2.0, 5.0)
KIND_WEIGHTS: Final = (0.3, 0.5, 0.7)


@dataclass(frozen=True, eq=False)
class _Case:
    """One stand-in at one moment."""

    parts: Parts
    judged: Rows
    shut: Rows


def tuned(graph: Graph, config: NewcomersConfig, options: Options) -> NewcomersConfig:
    """The configuration with the weights of ties and of kinds that do best for stand-ins.

    Members are held out whole, the rest is learned from, and the stand-ins are asked a few questions, with and without
    their ties. Where there are too few members the weights stay as they are.
    """
    rng = options.rng()
    stand_ins = StandIns.drawn(graph.events, graph.ties, SHARE, rng, most=MOST)
    if len(stand_ins) < FEWEST * SHARE:
        return config
    rest = without_members(graph, stand_ins.rows)
    newcomers = Newcomers.fit(rest, config, options)
    best = config
    for name, values in (("kind_weight", KIND_WEIGHTS), ("tie_weight", TIE_WEIGHTS)):
        if name == "tie_weight" and not stand_ins.ties.nnz:
            continue
        found: dict[NewcomersConfig, float] = {}
        for prior in TIE_PRIORS if name == "tie_weight" else (best.tie_prior,):
            tried = best.model_copy(update={"tie_prior": prior})
            cases = _cases(newcomers.configured(tried), stand_ins, with_ties=name == "tie_weight")
            for value in values:
                candidate = tried.model_copy(update={name: value})
                found[candidate] = _mean(cases, candidate)
        best = max(found, key=lambda candidate: found[candidate])
        log.info("newcomers: %s %s, NDCG %.4f on stand-ins", name, getattr(best, name), found[best])
    return best


def _cases(newcomers: Newcomers, stand_ins: StandIns, *, with_ties: bool) -> Sequence[_Case]:
    speaks = stand_ins.speaks[:, newcomers.items].tocsr()
    cases = []
    for place in range(len(stand_ins)):
        start = Known(friends=stand_ins.friends(place)) if with_ties else Known()
        judged = columns_of(newcomers, stand_ins.judged, place)
        if with_ties:
            cases.append(_Case(newcomers.parts(start), judged, np.zeros(0, dtype=np.int64)))
        asked = interview(newcomers, speaks[place], start, QUESTIONS).known[-1]
        cases.append(_Case(newcomers.parts(asked), judged, newcomers.asked_items(asked)))
    return cases


def _mean(cases: Sequence[_Case], config: NewcomersConfig) -> float:
    values: Floats = np.array([ndcg(case.parts.scores(config), case.judged, case.shut) for case in cases])
    return float(np.nanmean(values)) if np.isfinite(values).any() else 0.0
