"""`penchant bench drift`: changes planted in members' streams, and who finds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.benchmarks.drift_continual import run_continual
from penchant.benchmarks.drift_switching import run_switching
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.data.community import Community
from penchant.data.interactions import Histories, histories
from penchant.data.public import load
from penchant.drift.baselines import STATISTICS, single_statistics
from penchant.drift.foreseeing import Foreseen, foresee
from penchant.drift.injection import InjectionConfig, Streams, inject, parts
from penchant.drift.learning import HELD, NEAR, LearnConfig, Learned, folds_of, learn
from penchant.drift.metrics import Judged, dummies, f1_of, judge_detector, member_f1, threshold_of
from penchant.errors import ConfigError
from penchant.evaluation.bootstrap import Difference, statistic_difference
from penchant.evaluation.cost import measured
from penchant.settings import settings
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

PROTOCOLS: Final = (
    "clean", "natural", "reading", "switching", "switching-natural", "served", "continual", "continual-labels",
    "scale",
)  # fmt: skip
SEEDS: Final = (0, 1, 2)
SHAPES: Final = {"retail": (20, 8)}
"""Events of a window and windows of a stream, where they are not 10 and 10."""
LEARNED_FROM: Final = 5_500
"""Streams to learn from, about; four are drawn of each kind and member at most."""
OURS: Final = "penchant"
WITHOUT_SURPRISE: Final = "without surprise"
NO_CONFIRMATION: Final = "without confirmation"
WITH_INDEX: Final = "with the window's number"
KEYS: Final = ("auc@1.0", "auc", "f1", "delay", "blip_alarms")


@dataclass
class _System:
    """What one detector did, seed by seed."""

    metrics: list[dict[str, float]] = field(default_factory=list)
    counts: list[NDArray[np.float64]] = field(default_factory=list)
    """For each seed, hits, false alarms and misses of each stream."""

    def add(self, judged: Judged, streams: Streams) -> None:
        self.metrics.append(judged.metrics)
        self.counts.append(member_f1(judged.alarms, streams))


@dataclass(frozen=True)
class _Part:
    """Streams of one part of the members, and what was planted."""

    streams: Streams

    def judge(self, scores: Floats, alarming: Floats, validation: "_Part", checked: Floats) -> Judged:
        threshold = threshold_of(checked, validation.streams)
        return judge_detector(scores, self.streams, threshold, alarm_scores=alarming)


def run(data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> BenchResult:
    """Plant changes, learn on the training members, set thresholds on the validation members, judge on the test.

    Protocols: `clean` puts each member's events into a random order first, `natural` keeps their order. All detectors'
    thresholds allow 2% false alarms a window on validation streams. Beside the judge stand each statistic alone,
    river's and our streaming detectors over one of them, dummies, the judge without the language model (no vectors of
    texts), without surprise (no model that foresees events), without confirmation by a second window, and with the
    window's number told to it. Across generators, a judge learns from spliced members and is asked of spliced
    categories. `switching` and `switching-natural` measure what acting on changes is worth, `served` what it is worth
    in lists where nothing was planted, `continual` a recommender brought up to new events, `continual-labels` a
    labeller brought up to new labels, `scale` how long a scan takes.

    `reading` asks what a tuned reader of the windows' titles adds, on one seed and a part of the windows.

    Raises:
        ConfigError: there is no such protocol.
    """
    track = protocol or PROTOCOLS[0]
    if track not in PROTOCOLS:
        raise ConfigError(f"drift has no protocol {track!r}; there are {', '.join(PROTOCOLS)}")
    if track == "scale":
        from penchant.benchmarks.drift_scale import run_scale

        return run_scale(data, seeds)
    if track == "reading":
        from penchant.benchmarks.drift_reading import run_reading

        return run_reading(data, _streams(data, "clean"), seeds)
    if track == "served":
        from penchant.benchmarks.drift_served import run_served

        return run_served(data, seeds)
    if track == "continual-labels":
        from penchant.benchmarks.drift_labels import run_labels

        return run_labels(data, seeds)
    if track == "continual":
        return run_continual(data, seeds)
    if track.startswith("switching"):
        return run_switching(data, seeds, _streams(data, "natural" if track.endswith("natural") else "clean"))
    chosen = tuple(SEEDS if seeds is None else seeds)
    systems: dict[str, _System] = {}
    extra: list[dict[str, float]] = []
    across: list[dict[str, Cell]] = []
    gains: dict[str, list[float]] = {}
    members: list[Rows] = []
    with measured() as cost:
        community = load(data)
        seen = histories(community)
        text = _encoder().encode(community.item_texts)
        for seed in chosen:
            one = _Seed(community, seen, text, _streams(data, "clean" if track == "clean" else "natural"), seed)
            extra.append(one.run(systems))
            across += one.across
            members.append(one.test.streams.members)
            for name, share in one.importance.items():
                gains.setdefault(name, []).append(share)
    ours = systems.pop(OURS)
    singles = [found for name, found in systems.items() if name in STATISTICS]
    for place, means in enumerate(ours.metrics):
        means["f1_gain"] = means["f1"] - max(found.metrics[place]["f1"] for found in singles)
        means |= extra[place]
    rows: list[dict[str, Cell]] = [
        {"statistic": name, "share of the gain": sum(shares) / len(chosen)} for name, shares in gains.items()
    ]
    rows.sort(key=lambda row: -float(row["share of the gain"] or 0))
    return BenchResult(
        name="drift",
        data=data_name(data),
        protocol=track,
        metrics=figures(ours.metrics),
        baselines={name: figures(found.metrics) for name, found in systems.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(chosen),
        differences={name: {"f1": _difference(ours, found, members)} for name, found in systems.items()},
        tables={"across generators": across, "what the judge goes by": rows[:25]},
    )


@dataclass
class _Seed:
    """One repetition."""

    community: Community
    seen: Histories
    text: Floats
    config: InjectionConfig
    seed: int
    across: list[dict[str, Cell]] = field(default_factory=list)
    importance: Mapping[str, float] = field(default_factory=dict)
    _foreseen: Foreseen | None = None

    def run(self, systems: dict[str, _System]) -> dict[str, float]:
        """Judge all systems; the figures that ours has beside the common ones."""
        train, validation, test = parts(np.arange(len(self.seen)), self.seed)
        self._foreseen = self._foresee(train)
        learned = self._learned(train, with_index=True)
        topics = sp.csr_matrix(learned.views.topics)
        self.validation = self._part(validation, 1, topics, draws=2)
        self.test = self._part(test, 2, topics)
        checked, found = self._odds(learned, self.validation), self._odds(learned, self.test)
        ours = self._judged(systems, OURS, found, checked)
        self._judged(systems, NO_CONFIRMATION, (found[0], found[0]), (checked[0], checked[0]))
        self.importance = learned.windows[HELD].importance()
        plain = self._learned(train, text=False)
        self._judged(systems, WITHOUT_LANGUAGE_MODEL, self._odds(plain, self.test), self._odds(plain, self.validation))
        blunt = self._learned(train, surprise=False)
        self._judged(systems, WITHOUT_SURPRISE, self._odds(blunt, self.test), self._odds(blunt, self.validation))
        index = self._judged(
            systems, WITH_INDEX,
            self._odds(learned, self.test, with_index=True), self._odds(learned, self.validation, with_index=True),
        )  # fmt: skip
        quiet = single_statistics(self.validation.streams, learned.views)
        for name, scores in single_statistics(self.test.streams, learned.views).items():
            self._judged(systems, name, (scores, scores), (quiet[name], quiet[name]))
        for name, metrics in dummies(self.test.streams, seed=self.seed).items():
            always = np.ones(self.test.streams.quiet.shape, bool) if name == "alarm always" else None
            system = systems.setdefault(name, _System())
            system.metrics.append(metrics)
            alarms = always if always is not None else np.zeros(self.test.streams.quiet.shape, bool)
            system.counts.append(member_f1(alarms, self.test.streams))
        loss = self._across(train, test, learned, topics, ours.metrics["auc"])
        return {
            "cross_generator_loss": loss,
            "window_number_gain": index.metrics["auc"] - ours.metrics["auc"],
        }

    def _across(self, train: Rows, test: Rows, ours: Learned, topics: sp.csr_matrix, own: float) -> float:
        """AUC lost on spliced categories by having learned from spliced members."""
        categories = self.config.model_copy(update={"splice": "category"})
        there = _Part(inject(self.seen, test, categories, seed=self.seed * 31 + 3, item_topics=topics))
        native = self._learned(train, splice="category")
        scores = {}
        for name, model in (("members", ours), ("categories", native)):
            odds = self._odds(model, there)[0]
            scores[name] = judge_detector(odds, there.streams, np.inf).metrics["auc"]
        self.across.append(
            {
                "seed": self.seed,
                "learned on members, members asked": own,
                "learned on members, categories asked": scores["members"],
                "learned on categories, categories asked": scores["categories"],
            }
        )
        return scores["categories"] - scores["members"]

    def _learned(
        self,
        train: Rows,
        *,
        text: bool = True,
        surprise: bool = True,
        with_index: bool = False,
        splice: Literal["member", "category"] = "member",
    ) -> Learned:
        config = self._learning(train, splice)
        if not surprise:
            config = config.model_copy(update={"surprise": None})
        return learn(
            self.community, self.seen, train, config, self.options,
            text=self.text if text else None, with_index=with_index, questions=(NEAR, HELD), quiet=False,
            foreseen=self._foreseen,
        )  # fmt: skip

    def _foresee(self, train: Rows) -> Foreseen:
        """Who foresees whom, learned once: the folds of the members are the same for all that learn from them."""
        config = self._learning(train, "member")
        assert config.surprise is not None
        folds = folds_of(self.seen, train, config, self.options)
        return foresee(self.community, folds, train, config.surprise, self.options)

    def _learning(self, train: Rows, splice: Literal["member", "category"]) -> LearnConfig:
        liked = np.bincount(self.seen.owners[self.seen.weights > 0], minlength=len(self.seen))[train]
        once = len(self.config.kinds) * int((liked >= self.config.events).sum())
        draws = int(np.clip(LEARNED_FROM // max(once, 1), 1, 4))
        return LearnConfig(streams=self.config.model_copy(update={"draws": draws, "splice": splice}))

    @property
    def options(self) -> Options:
        return Options(seed=self.seed, threads=1, progress=False)

    def _part(self, members: Rows, salt: int, topics: sp.csr_matrix, draws: int = 1) -> _Part:
        config = self.config.model_copy(update={"draws": draws})
        return _Part(inject(self.seen, members, config, seed=self.seed * 31 + salt, item_topics=topics))

    def _odds(self, learned: Learned, part: _Part, *, with_index: bool = False) -> tuple[Floats, Floats]:
        table, *_ = learned.table(part.streams.items)
        near, held = (learned.odds(table, question, with_index=with_index) for question in (NEAR, HELD))
        return near, held

    def _judged(
        self, systems: dict[str, _System], name: str, found: tuple[Floats, Floats], checked: tuple[Floats, Floats]
    ) -> Judged:
        judged = self.test.judge(*found, self.validation, checked[1])
        systems.setdefault(name, _System()).add(judged, self.test.streams)
        return judged


def _streams(data: str, track: Literal["clean", "natural"]) -> InjectionConfig:
    window, length = SHAPES.get(data_name(data), (10, 10))
    return InjectionConfig(track=track, window=window, length=length)


def _difference(ours: _System, theirs: _System, members: Sequence[Rows]) -> Difference:
    """F1 minus F1 over all seeds' streams, members resampled."""
    first, second = np.concatenate(ours.counts), np.concatenate(theirs.counts)
    return statistic_difference(
        lambda one, two: f1_of(one) - f1_of(two), first, second, groups=np.concatenate(members), draws=500
    )


def _encoder() -> Encoder:
    from penchant.text import CachedEncoder, load_encoder

    return CachedEncoder(load_encoder(), settings().cache / "vectors")
