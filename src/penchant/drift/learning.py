"""Learn to judge from planted changes: features of members that the views and trees have not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from penchant.collaborative.sequence import SequenceConfig
from penchant.data.community import Community
from penchant.data.interactions import Histories
from penchant.drift.boosting import Trees, TreesConfig
from penchant.drift.events import LAGS, Compared, compare, event_names
from penchant.drift.foreseeing import Foreseen, foresee
from penchant.drift.injection import InjectionConfig, Streams, inject
from penchant.drift.likeness import Cube
from penchant.drift.statistics import window_statistics
from penchant.drift.surprise import Surprise, SurpriseConfig
from penchant.drift.views import ItemViews, ViewConfig, fit_views, touched_by
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

NEAR: Final = "near"
HELD: Final = "held"
PASSED: Final = "passed"
GRADUAL: Final = "gradual"
"""What is asked of a window: has a change begun here or one window ago; did one begin a window ago and hold; did one
begin a window ago and pass; and if one held, did it come gradually."""
SURPRISE: Final = "surprise/against past"
"""The statistic of how much a window surprises, beside the member's own windows before."""
QUESTIONS: Final = (NEAR, HELD, PASSED, GRADUAL)


class LearnConfig(BaseModel):
    """How the judge learns.

    >>> LearnConfig().folds
    5
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    streams: InjectionConfig = InjectionConfig(track="natural", draws=4)
    """The planted changes to learn from."""
    views: ViewConfig = ViewConfig()
    folds: int = Field(default=5, ge=2)
    """Parts of the members: each part's streams are compared under views that the other parts taught, as a new member's
    will be."""
    ordinary: float = Field(default=0.2, gt=0, le=1)
    """Share of the ordinary events that event trees learn from beside the foreign ones."""
    event_trees: TreesConfig = TreesConfig(trees=200, least_rows=100)
    window_trees: TreesConfig = TreesConfig()
    most_hosts: PositiveInt = 2_000
    """Members from whom streams are made, at most."""
    surprise: SurpriseConfig | None = SurpriseConfig(
        model=SequenceConfig(cell="gru", layers=1, epochs=6, fewest_steps=100, compared=1_024)
    )
    """A model that foresees events, whose surprise is one more statistic; None goes without."""


@dataclass(frozen=True, eq=False)
class Learned:
    """Views of the items, trees for events, and trees for windows by question."""

    views: ItemViews
    events: Trees
    windows: Mapping[str, Trees]
    held_out: Streams | None = None
    """The streams learned from; None where they are not kept."""
    held_out_odds: Mapping[str, Cube] = field(default_factory=dict)
    """For NEAR and HELD, (streams, windows) odds of each stream under trees that have not seen its member."""
    left_out: tuple[str, ...] = ()
    """Beginnings of names of statistics that the trees do not see."""
    surprise: Surprise | None = None
    """What foresees events; None where the judge goes without."""

    held_out_surprise: Cube | None = None
    """For each stream learned from, (streams, windows) its `SURPRISE`; None where nobody foresees events."""
    numbered: Mapping[str, Trees] = field(default_factory=dict)
    """Trees that are told the window's number beside its statistics; for the ablation alone."""

    def table(self, items: NDArray[np.int32]) -> tuple[Cube, Mapping[int, Cube], tuple[str, ...]]:
        """Statistics of windows, the odds of their events by lag, and the statistics' names."""
        return tabled(compare(items, self.views, self.surprise), self.views, self.events, self.left_out)

    def last_odds(self, items: NDArray[np.int32], questions: Sequence[str]) -> list[Floats]:
        """By question, (streams,) log odds of yes at the last window; what only other windows need is left out."""
        found = compare(items, self.views, self.surprise)
        table, *_ = tabled(found, self.views, self.events, self.left_out, last=True)
        return [self.odds(table[:, -1:], question)[:, 0] for question in questions]

    def surprise_of(self, table: Cube) -> Cube | None:
        """(streams, windows) how much more each window surprises than the member's own before; None where nobody
        foresees events."""
        names = next(iter(self.windows.values())).names
        return table[..., names.index(SURPRISE)] if SURPRISE in names else None

    def odds(self, table: Cube, question: str, *, with_index: bool = False) -> Cube:
        """(streams, windows) log odds of yes; NaN where there is too little before."""
        return (
            answered(self.numbered[question], numbered(table))
            if with_index
            else answered(self.windows[question], table)
        )


def learn(
    community: Community,
    seen: Histories,
    members: Rows,
    config: LearnConfig,
    options: Options,
    *,
    text: Floats | None = None,
    left_out: Sequence[str] = (),
    with_index: bool = False,
    questions: Sequence[str] = QUESTIONS,
    quiet: bool = True,
    foreseen: Foreseen | None = None,
) -> Learned:
    """Learn views and trees from some members alone.

    Args:
        community: the items.
        seen: everybody's histories, by member row.
        members: rows of those to learn from.
        config: streams and trees.
        options: seed and threads.
        text: (items, any width) vectors of the items' texts.
        left_out: beginnings of names of statistics that window trees must do without.
        with_index: whether further trees are told the number of the window; for the ablation alone.
        questions: that windows are to be asked.
        quiet: whether to judge the streams learned from by trees that have not seen their members, as thresholds need
            where there are no further members to set them on.
        foreseen: who foresees whose events, where that was learned already from the same parts; learned here if absent
            and wanted.

    Raises:
        TooLittleDataError: too few of the members have as many events as a stream.
    """
    rng = options.rng()
    liked = seen.weights > 0
    items, owners = seen.items[liked], seen.owners[liked]
    count = len(community.items)
    views = fit_views(community, touched_by(items, owners, members, count), config.views, text=text)
    parts = folds_of(seen, members, config, options)
    if config.surprise is None:
        foreseen = None
    elif foreseen is None:
        foreseen = foresee(community, parts, members, config.surprise, options)
    topics = sp.csr_matrix(views.topics)
    folds: list[tuple[Streams, Compared, ItemViews]] = []
    for number, part in enumerate(parts):
        others = np.setdiff1d(members, part)
        own = fit_views(
            community, touched_by(items, owners, others, count), config.views,
            text=text, subjects=(views.topics, views.topic_names),
        )  # fmt: skip
        streams = inject(seen, part, config.streams, seed=options.seed * 101 + number, item_topics=topics)
        folds.append((streams, compare(streams.items, own, foreseen.by_part[number] if foreseen else None), own))
    rows = [_event_rows(streams, found, config.ordinary, rng) for streams, found, _ in folds]
    names = event_names(views, surprise=config.surprise is not None)
    tables = []
    for number, (_, found, own) in enumerate(folds):
        trees = _event_trees([row for other, row in enumerate(rows) if other != number], names, config, options)
        tables.append(tabled(found, own, trees, tuple(left_out)))
    events = _event_trees(rows, names, config, options)
    statistics = tables[0][2]
    planted = [one for one, _, _ in folds]
    windows: dict[str, Trees] = {}
    with_number: dict[str, Trees] = {}
    held_out: dict[str, Cube] = {}
    for question in questions:
        examples = [_examples(one, table[0], question) for one, table in zip(planted, tables, strict=True)]
        windows[question] = _window_trees(examples, statistics, config, options)
        if with_index:
            told = [_examples(one, numbered(table[0]), question) for one, table in zip(planted, tables, strict=True)]
            with_number[question] = _window_trees(told, (*statistics, "window"), config, options)
        if quiet and question in (NEAR, HELD):
            parts_of = [
                answered(_window_trees(examples[:part] + examples[part + 1 :], statistics, config, options), table[0])
                for part, table in enumerate(tables)
            ]
            held_out[question] = np.concatenate(parts_of)
    surprise = foreseen.whole if foreseen else None
    unforeseen = None
    if SURPRISE in statistics:
        unforeseen = np.concatenate([table[0][..., statistics.index(SURPRISE)] for table in tables])
    return Learned(
        views, events, windows, Streams.joined(planted), held_out, tuple(left_out), surprise, unforeseen, with_number
    )


def tabled(
    found: Compared,
    views: ItemViews,
    events: Trees,
    left_out: tuple[str, ...] = (),
    *,
    last: bool = False,
) -> tuple[Cube, dict[int, Cube], tuple[str, ...]]:
    """Statistics of compared windows, the odds of their events by lag, and the statistics' names.

    Args:
        found: the windows.
        views: what items are.
        events: trees for events.
        left_out: beginnings of names of statistics that are not wanted.
        last: whether the last window's statistics alone need be right.
    """
    foreign: dict[int, Cube] = {}
    for lag in LAGS:
        rows = found.events[lag]
        asked = ~np.isnan(rows[..., 0])
        if last and lag:
            # How a window compares with all before it but the last, no other window's statistics tell.
            asked[:, :-1] = False
        odds = np.zeros(rows.shape[:-1], dtype=np.float32)
        odds[asked] = events.odds(rows[asked])
        foreign[lag] = odds
    table, names = window_statistics(found, views, foreign, found.surprise)
    kept = [place for place, name in enumerate(names) if not name.startswith(left_out or ("\0",))]
    return table[..., kept], foreign, tuple(names[place] for place in kept)


def numbered(table: Cube) -> Cube:
    """The statistics with the window's number as the last."""
    number = np.broadcast_to(np.arange(table.shape[1], dtype=np.float32)[:, None], (*table.shape[:2], 1)).copy()
    # Where nothing is known, no number may make a window known.
    number[np.isnan(table).all(axis=2)] = np.nan
    return np.concatenate([table, number], axis=2)


def answered(trees: Trees, table: Cube) -> Cube:
    """(streams, windows) absolute log odds of yes; NaN where no statistic is known."""
    odds = trees.odds(table.reshape(-1, table.shape[-1])).reshape(table.shape[:2]) + np.float32(trees.base)
    odds[np.isnan(table).all(axis=2)] = np.nan
    return odds


def folds_of(seen: Histories, members: Rows, config: LearnConfig, options: Options) -> list[Rows]:
    """Parts of the members; hosts in excess of what is wanted belong to none, but views learn from them."""
    rng = options.rng()
    liked = np.bincount(seen.owners[seen.weights > 0], minlength=len(seen))[members]
    rich = members[liked >= config.streams.events]
    spare = np.setdiff1d(members, rich)
    rich = rng.permutation(rich)[: config.most_hosts]
    # Each part has hosts and lenders.
    return [
        np.sort(np.concatenate([rich[part :: config.folds], rng.permutation(spare)[part :: config.folds]]))
        for part in range(config.folds)
    ]


def _event_rows(
    streams: Streams, found: Compared, ordinary: float, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_]]:
    """Events of windows whose history has nothing planted in it, and whether each is foreign."""
    begins = np.arange(streams.length) == np.maximum(streams.onsets, streams.blips)[:, None]
    past_blip = (streams.blips[:, None] >= 0) & (np.arange(streams.length) > streams.blips[:, None])
    clean = (streams.quiet & ~past_blip) | begins
    clean[:, 0] = False
    sampled = streams.foreign | begins[..., None] | (rng.random(streams.foreign.shape) < ordinary)
    chosen = clean[..., None] & sampled & found.real
    return found.events[0][chosen], streams.foreign[chosen]


def _event_trees(
    rows: Sequence[tuple[Floats, NDArray[np.bool_]]], names: tuple[str, ...], config: LearnConfig, options: Options
) -> Trees:
    every = [np.concatenate(columns) for columns in zip(*rows, strict=True)]
    return Trees(config.event_trees).fit(every[0], every[1], names, options)


def _examples(streams: Streams, table: Cube, question: str) -> tuple[Floats, NDArray[np.bool_]]:
    """Windows and the answer to a question of each; windows after a change has settled are asked nothing."""
    number = np.arange(streams.length)
    since = np.where(streams.onsets[:, None] >= 0, number - streams.onsets[:, None], -1)
    passed = (streams.blips[:, None] >= 0) & (number == streams.blips[:, None] + 1)
    yes, no = {
        NEAR: (streams.near, streams.quiet),
        HELD: (since == 1, streams.quiet),
        PASSED: (passed, (streams.quiet & ~passed) | (since == 1)),
        GRADUAL: ((since == 1) & (streams.kinds == "gradual")[:, None], (since == 1)),
    }[question]
    chosen = yes | no
    chosen[:, 0] = False
    return table[chosen], yes[chosen]


def _window_trees(
    examples: Sequence[tuple[Floats, NDArray[np.bool_]]], names: tuple[str, ...], config: LearnConfig, options: Options
) -> Trees:
    every = [np.concatenate(columns) for columns in zip(*examples, strict=True)]
    return Trees(config.window_trees).fit(every[0], every[1], names, options)
