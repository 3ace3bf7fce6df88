"""What follows a verdict, as a build keeps it: a strategy, and the model of what comes next that it is tried on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl

from penchant.artifacts import MANIFEST, load_artifact, save_artifact
from penchant.collaborative.linear import Ease, EaseConfig
from penchant.data.attention import PLANS
from penchant.data.community import Community
from penchant.drift.injection import Streams
from penchant.drift.judge import Judge
from penchant.drift.learning import HELD, NEAR
from penchant.drift.likeness import Cube
from penchant.drift.plans import repeating
from penchant.drift.read import Read
from penchant.drift.strategy import Choice, Strategy, StrategyConfig
from penchant.errors import TooLittleDataError
from penchant.training.options import Options
from penchant.vectors import Rows

KIND: Final = "drift-acting"
_STRATEGY: Final = "strategy"
_SCORER: Final = "scorer"
_STREAMS: Final = 600
"""Streams that plans are tried on, at most."""
_ITEMS: Final = 2_000
"""Items that plans are tried on: the most popular, as the model of what comes next is square in them."""


@dataclass(frozen=True, eq=False)
class Acting:
    """Chooses a plan for any member whose windows a judge has read."""

    strategy: Strategy
    scorer: Ease
    repeats: bool
    """Whether items that a member has met may be shown again."""

    def choice(self, judge: Judge, read: Read) -> Choice:
        """The plan, and what each is expected to gain."""
        odds = np.stack([judge.learned.odds(read.table, question) for question in (NEAR, HELD)], axis=2)
        reached = self.strategy.tried(self.scorer, read.windows[None], repeats=self.repeats)
        return self.strategy.choice(reached[0], odds[0])

    def save(self, folder: Path) -> None:
        """Write both."""
        self.strategy.save(folder / _STRATEGY)
        self.scorer.save(folder / _SCORER)
        files = [f"{part}/{MANIFEST}" for part in (_STRATEGY, _SCORER)]
        save_artifact(folder, KIND, meta={"repeats": self.repeats}, files=files)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; choices are identical.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        repeats = bool(load_artifact(folder, KIND).meta["repeats"])
        return cls(Strategy.load(folder / _STRATEGY), Ease.load(folder / _SCORER), repeats)


def learn_acting(community: Community, judge: Judge, config: StrategyConfig, options: Options) -> Acting:
    """Learn which plan to follow when, on the streams that the judge learned from.

    The judge's odds of these streams are those of trees that have not seen their members; and each half of the members
    is foreseen by a model of the other half.

    Raises:
        TooLittleDataError: the judge was loaded and its streams were not kept, windows are by calendar, or few.
    """
    streams, odds = judge.learned.held_out, judge.learned.held_out_odds
    if streams is None:
        raise TooLittleDataError("the streams this judge learned from were not kept; train it again to learn plans")
    if judge.config.windows.by != "count":
        raise TooLittleDataError("plans are tried on windows of equally many events; take windows by count")
    chosen = options.rng().permutation(len(streams))[:_STREAMS]
    streams, told = streams.of(chosen), np.stack([odds[NEAR][chosen], odds[HELD][chosen]], axis=2)
    strategy, repeats, scorer = Strategy(config), repeating(streams.items), EaseConfig(max_items=_ITEMS)
    reached = tried_apart(community, streams, strategy, scorer, options, repeats=repeats)
    strategy.fit_on(reached, told, seed=options.seed)
    return Acting(strategy, Ease(scorer).fit(community, options), repeats)


def tried_apart(
    community: Community, streams: Streams, strategy: Strategy, scorer: EaseConfig, options: Options, *, repeats: bool
) -> Cube:
    """(streams, windows, plans) how well each plan foresees, by a model of the other half of the streams' members.

    Args:
        community: the events of those who may be learned from; members without a stream teach both models.
        streams: of some of them.
        strategy: how plans are tried.
        scorer: what foresees.
        options: seed, threads.
        repeats: whether items that a member has met may be shown again.
    """
    reached = np.zeros((*streams.items.shape[:2], len(PLANS)), dtype=np.float32)
    for half in _halves(streams, options):
        apart = np.unique(streams.members[half]).tolist()
        known = community.with_events(community.events.filter(~pl.col("member").is_in(apart)))
        reached[half] = strategy.tried(Ease(scorer).fit(known, options), streams.items[half], repeats=repeats)
    return reached


def _halves(streams: Streams, options: Options) -> tuple[Rows, Rows]:
    """Rows of the streams of half the members, drawn at random, and of the rest."""
    members = options.rng().permutation(np.unique(streams.members))
    first = np.isin(streams.members, members[::2])
    return np.flatnonzero(first), np.flatnonzero(~first)
