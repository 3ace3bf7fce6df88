"""How quickly a newcomer is understood: what is shown after each answer, judged with members who stand in."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from penchant.errors import TooLittleDataError
from penchant.social.graph import Graph
from penchant.social.known import Known, NewcomersConfig
from penchant.social.newcomers import Newcomers
from penchant.social.rehearsal import StandIns, columns_of, interview, ndcg, without_members
from penchant.training.options import Options

FEWEST: Final = 10
SHARE: Final = 0.1
MOST: Final = 100


@dataclass(frozen=True)
class ColdStart:
    """Mean NDCG@10 of what is shown to newcomers, over members held out whole."""

    answers: tuple[float, ...]
    """After no answer, after one, and so on; no ties, no words."""
    popularity: tuple[float, ...]
    """What is popular, without what was asked about by then."""
    ties: float | None
    """From ties alone, before any answer; None where nobody has any."""
    members: int
    """Held out."""

    @classmethod
    def of(
        cls, graph: Graph, config: NewcomersConfig | None = None, options: Options | None = None, *, steps: int = 8
    ) -> Self:
        """Hold members out, learn from the rest, and meet those held out as newcomers.

        Args:
            graph: of the community.
            config: of the questionnaire.
            options: seed.
            steps: how many questions.

        Raises:
            TooLittleDataError: too few members like enough to be held out.
        """
        config, options = config or NewcomersConfig(), options or Options()
        stand_ins = StandIns.drawn(graph.events, graph.ties, SHARE, options.rng(), most=MOST)
        if len(stand_ins) < FEWEST:
            raise TooLittleDataError(f"{len(stand_ins)} members can stand in for newcomers; {FEWEST} are wanted")
        newcomers = Newcomers.fit(without_members(graph, stand_ins.rows), config, options)
        asked = np.full((steps + 1, len(stand_ins)), np.nan)
        popular, tied = asked.copy(), np.full(len(stand_ins), np.nan)
        for place in range(len(stand_ins)):
            judged = columns_of(newcomers, stand_ins.judged, place)
            speaks = stand_ins.speaks[place][:, newcomers.items].tocsr()
            one = interview(newcomers, speaks, Known(), steps)
            for step in range(steps + 1):
                known, shut = one.known[min(step, len(one.known) - 1)], one.asked(newcomers, step)
                asked[step, place] = ndcg(newcomers.scores(known), judged, shut)
                popular[step, place] = ndcg(newcomers.overall, judged, shut)
            friends = newcomers.friends(stand_ins.friends(place))
            if len(friends):
                nothing = np.zeros(0, dtype=np.int64)
                tied[place] = ndcg(newcomers.scores(Known(friends=friends)), judged, nothing)
        if not np.isfinite(asked).any(axis=1).all():
            raise TooLittleDataError("nothing that members held out like is left to foresee; more likes are needed")
        return cls(
            answers=tuple(np.nanmean(asked, axis=1).tolist()),
            popularity=tuple(np.nanmean(popular, axis=1).tolist()),
            ties=float(np.nanmean(tied)) if np.isfinite(tied).any() else None,
            members=len(stand_ins),
        )
