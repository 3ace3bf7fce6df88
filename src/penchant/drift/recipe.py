"""From a community to a judge of its members' drift."""

import logging

import numpy as np

from penchant.data.community import Community
from penchant.data.interactions import histories
from penchant.drift.calibration import blend
from penchant.drift.injection import InjectionConfig
from penchant.drift.judge import Judge, JudgeConfig
from penchant.drift.learning import NEAR, learn
from penchant.drift.reading import Reader, ReadingConfig
from penchant.errors import TooLittleDataError
from penchant.text.encoder import Encoder
from penchant.text.transformer import TransformerEncoder
from penchant.training.options import Options

log = logging.getLogger(__name__)

FEWEST_HOSTS = 12
"""Members with enough events for a stream, below whom shorter windows are tried."""
SHAPES = ((10, 10), (10, 6), (5, 8), (5, 5))
"""Events of a window and windows of a stream that are tried, the longest first."""


def train(
    community: Community,
    config: JudgeConfig | None = None,
    options: Options | None = None,
    *,
    encoder: Encoder | None = None,
    surprise: bool = True,
) -> Judge:
    """A judge for a community, learned from changes planted in its members' own events.

    Every statistic that teaches the judge is of members whom the views and the trees before it have not seen, so the
    scores of quiet windows, from which the thresholds come, are those of members to come.

    Args:
        community: members, items and events.
        config: windows, streams, rates; the defaults if absent, with shorter windows where members have few events.
        options: how to run.
        encoder: reads the items' texts; without one items are told by categories and by who touches them.
        surprise: whether a model foresees events, where the configuration has one.

    Raises:
        TooLittleDataError: too few members have enough events to plant changes in.
    """
    options = options or Options()
    seen = histories(community, weights=(config or JudgeConfig()).windows.weights)
    liked = np.bincount(seen.owners[seen.weights > 0], minlength=len(seen))
    config = config or fitting_config(liked)
    if not surprise:
        config = config.model_copy(update={"learn": config.learn.model_copy(update={"surprise": None})})
    rich = int((liked >= config.learn.streams.events).sum())
    if rich < FEWEST_HOSTS:
        raise TooLittleDataError(
            f"{rich} members have {config.learn.streams.events} events or more; {FEWEST_HOSTS} are wanted to learn "
            "what a change looks like: read more events, or take shorter windows"
        )
    text = encoder.encode(community.item_texts) if encoder is not None else None
    learned = learn(community, seen, np.flatnonzero(liked > 0), config.learn, options, text=text)
    judge = Judge(learned, config)
    log.info("a judge of drift learned from %d members; its threshold is %.2f", rich, judge.threshold)
    return judge


def add_reader(
    judge: Judge,
    community: Community,
    encoder: TransformerEncoder,
    config: ReadingConfig | None = None,
    options: Options | None = None,
) -> Judge:
    """The judge with a language model that reads the windows, tuned on the streams that the trees learned from.

    A third of the members is kept from the reader; on their windows its weight beside the trees is found, where it may
    turn out to be none.

    Raises:
        TooLittleDataError: the judge was loaded, and its streams were not kept.
    """
    options = options or Options()
    streams, odds = judge.learned.held_out, judge.learned.held_out_odds
    if streams is None:
        raise TooLittleDataError("the streams this judge learned from were not kept; train it again to add a reader")
    surprise = judge.learned.held_out_surprise
    inputs = np.stack([odds[judge.question], odds[NEAR] if surprise is None else surprise], axis=2)
    asked = (streams.near | streams.quiet) & ~np.isnan(inputs).any(axis=2)
    members = np.unique(streams.members)
    apart = np.isin(streams.members, options.rng().choice(members, max(1, len(members) // 3), replace=False))
    reader = Reader(community, config)
    reader.fit(
        encoder, streams.items[~apart], streams.near[~apart], asked[~apart], inputs[~apart], options,
    )  # fmt: skip
    # As many changed as not, so that the blend's offset is of even odds; the trees' own odds bring the rate along.
    rng = options.rng()
    chosen = np.zeros_like(asked)
    for answer in (True, False):
        places = np.flatnonzero((asked & apart[:, None] & (streams.near == answer)).ravel())
        chosen.ravel()[rng.choice(places, min(len(places), reader.config.examples // 4), replace=False)] = True
    read = reader.odds(reader.texts(streams.items, chosen, inputs))
    trees, yes = odds[NEAR][chosen], streams.near[chosen]
    _, first, second = blend(trees, read, yes)
    # Even odds of the chosen windows are those of all, moved by how rare changes are.
    base = judge.learned.windows[NEAR].base
    return judge.with_reader(reader, ((1 - first) * base, first, second))


def fitting_config(counts: np.ndarray) -> JudgeConfig:
    """The longest windows for which enough of a community's members have events.

    Args:
        counts: (members,) events of each.
    """
    base = JudgeConfig()
    for window, length in SHAPES:
        if (counts >= window * length).sum() >= FEWEST_HOSTS:
            break
    rich = int((counts >= window * length).sum())
    draws = int(np.clip(2_000 // max(7 * rich, 1), 1, 4))
    streams = InjectionConfig(track="natural", window=window, length=length, draws=draws)
    return base.model_copy(
        update={
            "windows": base.windows.model_copy(update={"events": window}),
            "learn": base.learn.model_copy(update={"streams": streams}),
        }
    )
