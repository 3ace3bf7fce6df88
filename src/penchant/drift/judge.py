"""The judge: has this member changed, since when, from what to what, how, and how sure is that."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from penchant.data.community import Community
from penchant.data.drift import DriftVerdict, TooLittle
from penchant.data.interactions import Histories, histories
from penchant.drift.calibration import Calibration, QuietScores
from penchant.drift.doubts import DoubtConfig
from penchant.drift.learning import GRADUAL, HELD, NEAR, PASSED, LearnConfig, Learned
from penchant.drift.likeness import Cube
from penchant.drift.read import Read, cut_member, read_member
from penchant.drift.reading import Reader
from penchant.drift.said import Scan, Timeline
from penchant.drift.verdicts import Told, verdict_on
from penchant.drift.windows import NOTHING, WindowConfig, window_grid
from penchant.errors import NotFittedError
from penchant.evaluation.detection import adjusted_p_values
from penchant.vectors import Floats, Rows, chunks


class JudgeConfig(BaseModel):
    """How members are judged.

    >>> JudgeConfig().rate
    0.02
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    windows: WindowConfig = WindowConfig()
    learn: LearnConfig = LearnConfig()
    doubts: DoubtConfig = DoubtConfig()
    rate: float = Field(default=0.02, gt=0, lt=1)
    """False alarms a window of one member."""
    false_discoveries: float = Field(default=0.1, gt=0, lt=1)
    """Share of a scan's alarms that may be false (Benjamini and Hochberg, 1995), however many members are scanned."""
    confirmation: bool = True
    """Whether an alarm waits for a second window that confirms the change: a window later, and fewer blips."""
    evidence: PositiveInt = 5
    """Events named as evidence."""
    season: float = Field(default=0.15, gt=0, le=2)
    """A change is seasonal where its windows are so much more like last year's same weeks than like what came before
    (cosine of what items are about)."""


class Judge:
    """Judges any member from their events: nothing is kept of those it has seen.

    Make one with `penchant.drift.recipe.train`, or `load` one.
    """

    def __init__(
        self,
        learned: Learned,
        config: JudgeConfig | None = None,
        *,
        quiet: Mapping[str, QuietScores] | None = None,
        calibration: Calibration | None = None,
        reader: Reader | None = None,
        blended: tuple[float, float, float] = (0.0, 1.0, 0.0),
    ) -> None:
        """Set up.

        Args:
            learned: views and trees.
            config: rates and settings.
            quiet: by question, scores of quiet windows; those of the streams learned from if absent.
            calibration: of probabilities, from feedback.
            reader: a language model that reads the windows, asked for single verdicts and not in scans.
            blended: offset and weights of the trees' and the reader's log odds in the probability.
        """
        self.reader, self.blended = reader, blended
        self.learned, self.config = learned, config or JudgeConfig()
        self.calibration = calibration or Calibration()
        if quiet is None:
            if learned.held_out is None:
                raise NotFittedError("what is usual of quiet windows is not known; hand in `quiet`, or train a judge")
            still = learned.held_out.quiet
            quiet = {question: QuietScores.of(odds[still]) for question, odds in learned.held_out_odds.items()}
        self._quiet = dict(quiet)

    @property
    def question(self) -> str:
        """What alarms go by."""
        return HELD if self.config.confirmation else NEAR

    @property
    def quiet(self) -> QuietScores:
        """The scores of windows in which nothing had changed, of members that the trees had not seen."""
        return self._quiet[self.question]

    @property
    def quiet_by_question(self) -> Mapping[str, QuietScores]:
        """The scores of quiet windows, whether or not alarms wait for a second window."""
        return self._quiet

    @property
    def threshold(self) -> float:
        """Log odds above which there is an alarm at the rate of false alarms a window."""
        return self.quiet.threshold(self.config.rate)

    @property
    def history(self) -> int:
        """Windows before the one judged that are read at most: as many as there were to learn from."""
        return self.config.learn.streams.length - 1

    def odds(self, items: NDArray[np.int32]) -> tuple[Cube, Cube]:
        """(streams, windows) log odds by which alarms are given, and that a change is near, of padded windows."""
        table, *_ = self.learned.table(items)
        return self.learned.odds(table, self.question), self.learned.odds(table, NEAR)

    def timeline(self, items: Rows, at: NDArray[np.float64]) -> Timeline:
        """Judge all windows of one member's events, the last window ending with the last event."""
        cut, times = window_grid(items, at, self.config.windows)
        count = len(cut)
        scores, near = (np.full(count, np.nan, dtype=np.float32) for _ in range(2))
        span, step = 2 * self.history, self.history
        for begin in range(0, max(count - self.history, 1), step):
            piece = cut[begin : begin + span]
            found = self.odds(piece[None])
            fresh = slice(0 if begin == 0 else self.history, len(piece))
            for into, odds in zip((scores, near), found, strict=True):
                into[begin : begin + span][fresh] = odds[0, fresh]
        views = self.learned.views
        real = (cut != NOTHING)[..., None]
        topics = (views.topics[cut] * real).sum(axis=1) / np.maximum(real.sum(axis=1), 1)
        return Timeline(cut, times, scores, near, self.threshold, topics, views.topic_names)

    def verdict(self, community: Community, member_id: str) -> DriftVerdict:
        """What is said of a member at their last window.

        Raises:
            UnknownIdError: there is no such member.
        """
        row = community.member_ids.row(member_id)
        return self.verdict_of(community, member_id, histories_of(community, row, self.config.windows))

    def verdict_of(self, community: Community, member_id: str, seen: Histories) -> DriftVerdict:
        """What is said of anybody with these events, whether the community knows them or not.

        Args:
            community: the items.
            member_id: what to call them.
            seen: one history, in the order in which the events came.
        """
        return self.said_of(community, member_id, self.read(seen))

    def read(self, seen: Histories) -> Read | TooLittle:
        """One member's last windows with their statistics, or why nothing may be said of them."""
        return read_member(self.learned, seen, self.config.windows, self.config.doubts, self.history + 1)

    def said_of(self, community: Community, member_id: str, read: Read | TooLittle) -> DriftVerdict:
        """The verdict on what was read."""
        if isinstance(read, TooLittle):
            return DriftVerdict(member_id, None, too_little=read)
        score, near, passed, gradual = (
            read.last(self.learned, each) for each in (self.question, NEAR, PASSED, GRADUAL)
        )
        if self.reader is not None:
            near = self._read(read, score, near)
        alarm = bool(self.calibration.odds(np.array([score]))[0] > self.threshold)
        probability = float(self.calibration.probability(np.array([near]))[0])
        told = Told(alarm, passed > 0, gradual > 0, probability, float(self.quiet.p_values(np.array([score]))[0]))
        return verdict_on(
            community, member_id, read, told, self.learned.views,
            confirmation=self.config.confirmation, season=self.config.season, pieces=self.config.evidence,
        )  # fmt: skip

    def scan(
        self, community: Community, members: Rows | None = None, *, at_once: int = 1_000, threads: int = 1
    ) -> Scan:
        """Judge the last window of many members (all, if none are named), within one budget of false discoveries.

        Args:
            community: members and events.
            members: rows of those to judge.
            at_once: members whose windows each thread holds in memory together.
            threads: how many work beside one another; what is found is the same.
        """
        seen = histories(community, members, weights=self.config.windows.weights)
        rows = np.arange(len(seen)) if members is None else np.asarray(members)
        scores, near = (np.full(len(rows), np.nan, dtype=np.float32) for _ in range(2))
        parts = list(chunks(len(rows), at_once))
        with ThreadPoolExecutor(threads) as pool:
            for part, found in zip(parts, pool.map(partial(self._last_odds, seen), parts), strict=True):
                scores[part], near[part] = found
        calibrated = self.calibration.odds(scores)
        p_values = self.quiet.p_values(calibrated)
        alarms = np.zeros(len(rows), dtype=bool)
        judged = np.isfinite(p_values)
        if judged.any():
            alarms[judged] = adjusted_p_values(p_values[judged]) <= self.config.false_discoveries
        return Scan(rows, scores, self.calibration.probability(near), p_values, alarms)

    def _last_odds(self, seen: Histories, part: slice) -> tuple[Floats, Floats]:
        """(members,) log odds by which alarms are given, and that a change is near, at the last window of some members;
        NaN where there is too little to tell."""
        length = self.history + 1
        rows = range(part.start, part.stop)
        cuts = [cut_member(self.learned, seen, row, self.config.windows, self.config.doubts, length) for row in rows]
        told = np.array([not isinstance(cut, TooLittle) for cut in cuts])
        scores, near = (np.full(len(rows), np.nan, dtype=np.float32) for _ in range(2))
        if told.any():
            windows = [cut.windows for cut in cuts if not isinstance(cut, TooLittle)]
            items = np.full((len(windows), length, self.config.windows.events), NOTHING, dtype=np.int32)
            for place, own in enumerate(windows):
                items[place, length - len(own) :] = own
            scores[told], near[told] = self.learned.last_odds(items, (self.question, NEAR))
        return scores, near

    def after_feedback(self, odds: Sequence[float], confirmed: Sequence[bool]) -> "Judge":
        """A judge that has learned from verdicts that later events confirmed or contradicted.

        Args:
            odds: log odds of a change in what was said.
            confirmed: whether the member went on with the new interest (true), or hid, returned or rated down its
                items (false).
        """
        learned = self.calibration.after(list(odds), list(confirmed))
        return self._changed(calibration=learned)

    def with_config(self, **changes: Any) -> "Judge":
        """The same judge with other settings of judging."""
        config = JudgeConfig.model_validate({**self.config.model_dump(), **changes})
        return self._changed(config=config)

    def with_reader(self, reader: Reader, blended: tuple[float, float, float]) -> "Judge":
        """The same judge with a language model whose log odds weigh so much in the probability."""
        return self._changed(reader=reader, blended=blended)

    def without_reader(self) -> "Judge":
        """The same judge by the statistics alone, as scans go by them."""
        return self._changed(reader=None, blended=(0.0, 1.0, 0.0))

    def save(self, folder: Path) -> None:
        """Write all but what was learned from; see `judge_files`."""
        from penchant.drift.judge_files import save_judge

        save_judge(self, folder)

    @staticmethod
    def load(folder: Path, community: Community | None = None) -> "Judge":
        """Read back what `save` wrote.

        Args:
            folder: where it lies.
            community: the items, for the reader; without it the judge goes by the statistics alone.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        from penchant.drift.judge_files import load_judge

        return load_judge(folder, community)

    def _changed(self, **changes: Any) -> Self:
        parts: dict[str, Any] = {
            "config": self.config,
            "quiet": self._quiet,
            "calibration": self.calibration,
            "reader": self.reader,
            "blended": self.blended,
        }
        return type(self)(self.learned, **{**parts, **changes})

    def _read(self, read: Read, score: float, near: float) -> float:
        """The blend of the trees' log odds and those of the reader, who is told the levels of shift and surprise."""
        assert self.reader is not None
        begin = max(len(read.windows) - 2, 1)
        surprise = self.learned.surprise_of(read.table)
        levels = self.reader.levels(score, near if surprise is None else float(np.nan_to_num(surprise[0, -1])))
        text = self.reader.text(read.windows[:begin].ravel(), read.windows[begin:].ravel(), levels)
        offset, first, second = self.blended
        return offset + first * near + second * float(self.reader.odds([text])[0])


def histories_of(community: Community, member: int, windows: WindowConfig) -> Histories:
    """One member's history, without gathering everybody's."""
    return histories(community.with_events(community.events_of(member)), np.array([member]), weights=windows.weights)
