"""Drift as a build keeps it: a judge where there is enough to learn one, what it says, and the community's drift."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError

from penchant.artifacts import MANIFEST, load_artifact, save_artifact, storage_errors
from penchant.data.attention import Attention, Plan
from penchant.data.community import Community
from penchant.data.drift import DriftVerdict, TooLittle
from penchant.data.interactions import Histories, history_of
from penchant.drift.acting import Acting, learn_acting
from penchant.drift.judge import Judge, JudgeConfig, histories_of
from penchant.drift.movement import FleetConfig, FleetView, fleet
from penchant.drift.outcomes import Outcome
from penchant.drift.reading import ReadingConfig
from penchant.drift.recipe import add_reader, train
from penchant.drift.strategy import StrategyConfig
from penchant.errors import ArtifactError, ConfigError, InputError, NotFittedError, TooLittleDataError
from penchant.language import Lang, Phrase
from penchant.text.cache import CachedEncoder
from penchant.text.encoder import Encoder
from penchant.text.transformer import TransformerEncoder
from penchant.training.options import Options

log = logging.getLogger(__name__)

KIND: Final = "drift"
_TABLE: Final = "scan.parquet"
_JUDGE: Final = "judge"
ACTING: Final = "acting"
"""The folder of what chooses plans; there is none where none was learned."""
_THREADS: Final = 4
"""Threads of a scan, where nobody says how many: each holds windows of its own in memory."""
TOO_FEW: Final = Phrase(
    "too little to tell of single members: {found} of them have {events} events or more, {wanted} are wanted to learn "
    "what a change looks like",
    "单个会员的依据太少：只有 {found} 位会员有 {events} 条以上行为，至少需要 {wanted} 位才能学习什么是变化",
)
SWITCHED_OFF: Final = Phrase("the settings say not to judge members", "设置中关闭了对会员的判断")


class DriftConfig(BaseModel):
    """What a build says of drift: the section `[drift]` of a workspace's settings.

    >>> DriftConfig().judge
    'auto'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: Literal["auto", "always", "never"] = "auto"
    """Learn a judge of single members: where enough of them have enough events, always, or never."""
    fewest_members: PositiveInt = 100
    """Members with enough events from which `auto` learns a judge."""
    fewest_events: PositiveInt = 60
    """How many events are enough for that."""
    judging: JudgeConfig | None = None
    """Windows, rates and budgets; None fits the windows to how many events members have."""
    fleet: FleetConfig = FleetConfig()
    """How the community as a whole is watched."""
    surprise: bool = True
    """Let a model that foresees events tell the judge how much each surprises; a build is quicker without."""
    reader: ReadingConfig | None = None
    """Tune a language model to read single members' windows beside the statistics, which takes minutes; None does
    without, as what it adds is little where statistics are rich."""
    act: Literal["changed", "always", "never"] = "changed"
    """Learn what part of the past to recommend from, where there is a judge, and choose it for members of whom a
    lasting change is told, for whoever is expected to gain, or for nobody. In a population that hardly changes, what
    streams with planted changes promise to everybody is not there: see the benchmark's protocol `served`."""
    strategy: StrategyConfig = StrategyConfig(usual=Plan.REGULAR, caution=0.005, trees=80)
    """How plans are tried and chosen: recommendation goes on as ever unless another plan is expected to do better."""


@dataclass(frozen=True, eq=False)
class Drift:
    """What `learn` gives and a build keeps."""

    config: DriftConfig
    community: Community
    judge: Judge | None
    table: pl.DataFrame
    """member_id, score, probability, p_value and alarm, the most suspicious first; empty without a judge."""
    reason: Phrase | None = None
    """Why there is no judge, where there is none."""
    acting: Acting | None = None
    """What chooses plans; None where none was learned."""
    outcomes: tuple[Outcome, ...] = ()
    """How alarms of earlier builds came out, by what members did later."""

    @property
    def alarms(self) -> list[str]:
        """Ids of the members said to have changed, within the budget over all members."""
        return self.table.filter("alarm")["member_id"].to_list()

    def verdict(self, member_id: str, history: pl.DataFrame | None = None) -> DriftVerdict:
        """What is said of a member, from the events of the build or those of this moment.

        Args:
            member_id: who need not have been there when the build was made, where a history is given.
            history: with the columns of `penchant.data.columns.EVENTS`, as `Store.history` gives it.

        Raises:
            NotFittedError: there is no judge; the message says why.
            UnknownIdError: there is no such member, and no history was given.
        """
        return self._said(member_id, self.seen(member_id, history))

    def seen(self, member_id: str, history: pl.DataFrame | None = None) -> Histories:
        """The one history that a verdict rests on.

        Args:
            member_id: as for `verdict`.
            history: as for `verdict`.

        Raises:
            NotFittedError: there is no judge; the message says why.
            UnknownIdError: there is no such member, and no history was given.
        """
        if self.judge is None:
            raise NotFittedError(f"no member can be judged: {self.told_reason()}")
        if history is None:
            row = self.community.member_ids.row(member_id)
            return histories_of(self.community, row, self.judge.config.windows)
        return history_of(history, self.community.item_ids, weights=self.judge.config.windows.weights)

    def attention(self, member_id: str, history: pl.DataFrame | None = None) -> Attention | None:
        """What the next recommendation to a member should rest on; None where no strategy was learned.

        Args:
            member_id: as for `verdict`.
            history: as for `verdict`.
        """
        return None if self.acting is None else self.verdict(member_id, history).attention

    def following(self, plan: Plan) -> Attention:
        """A plan, chosen or asked for by name, with the lengths by which this judge reads and plans were tried; the
        usual lengths where nobody is judged."""
        if self.judge is None:
            return Attention(plan)
        return Attention(plan, self.judge.config.windows.events, self.config.strategy.half_life)

    def _said(self, member_id: str, seen: Histories) -> DriftVerdict:
        assert self.judge is not None
        read = self.judge.read(seen)
        verdict = self.judge.said_of(self.community, member_id, read)
        if self.acting is None or isinstance(read, TooLittle):
            return verdict
        if self.config.act == "changed" and not verdict.alarm:
            # Plans are tried on all windows, which nearly every answer would wait for and hardly any would use.
            return replace(verdict, attention=self.following(Plan.REGULAR))
        return replace(verdict, attention=self.following(self.acting.choice(self.judge, read).plan))

    def told_reason(self, lang: Lang = "en") -> str:
        """Why there is no judge."""
        return self.reason(lang) if self.reason is not None else ""

    @cached_property
    def fleet(self) -> FleetView | None:
        """The drift of the whole community; None where items have no categories to tell subjects by."""
        try:
            return fleet(self.community, self.config.fleet)
        except InputError:
            return None

    def save(self, folder: Path | str) -> None:
        """Write the judge and what it said."""
        folder = Path(folder)
        files = [_TABLE]
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self.table.write_parquet(folder / _TABLE)
        if self.judge is not None:
            self.judge.save(folder / _JUDGE)
            files.append(f"{_JUDGE}/{MANIFEST}")
        if self.acting is not None:
            self.acting.save(folder / ACTING)
            files.append(f"{ACTING}/{MANIFEST}")
        meta: dict[str, Any] = {
            "config": self.config.model_dump(mode="json", by_alias=True),
            "reason": list(self.reason) if self.reason is not None else None,
            "outcomes": [list(one) for one in self.outcomes],
        }
        save_artifact(folder, KIND, meta=meta, files=files)

    @classmethod
    def load(cls, folder: Path | str, community: Community) -> Self:
        """Read what `save` wrote.

        Args:
            folder: what `save` wrote.
            community: that it was learned from.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        folder = Path(folder)
        meta = load_artifact(folder, KIND).meta
        try:
            config = DriftConfig.model_validate(meta["config"])
        except ValidationError as error:
            raise ArtifactError(f"{folder} is of settings that this version does not know; build it again") from error
        return cls(
            config,
            community,
            Judge.load(folder / _JUDGE, community) if (folder / _JUDGE).is_dir() else None,
            pl.read_parquet(folder / _TABLE),
            Phrase(*meta["reason"]) if meta["reason"] else None,
            Acting.load(folder / ACTING) if (folder / ACTING).is_dir() else None,
            tuple((float(odds), bool(right)) for odds, right in meta.get("outcomes", ())),
        )


_NOBODY: Final = pl.DataFrame(
    schema={
        "member_id": pl.String,
        "score": pl.Float32,
        "probability": pl.Float64,
        "p_value": pl.Float64,
        "alarm": pl.Boolean,
    }
)


def learn(
    community: Community,
    config: DriftConfig | None = None,
    options: Options | None = None,
    *,
    encoder: Encoder | None = None,
    feedback: Sequence[Outcome] = (),
    outcomes: Sequence[Outcome] = (),
) -> Drift:
    """Learn a judge, where there is enough, and judge everybody.

    Args:
        community: members, items and events.
        config: what is wanted.
        options: how to run.
        encoder: reads the items' texts.
        feedback: log odds of a change in what earlier builds said, and whether people found that it was real.
        outcomes: the same by what members did later, as `penchant.drift.outcomes` finds it; kept with what is learned.

    Raises:
        ConfigError: a reader is wanted, and no language model reads the texts.
    """
    config = config or DriftConfig()
    unjudged = Drift(config, community, None, _NOBODY, SWITCHED_OFF, outcomes=tuple(outcomes))
    if config.judge == "never":
        return unjudged
    counts = np.bincount(community.events["member"].to_numpy(), minlength=len(community.members))
    found = int((counts >= config.fewest_events).sum())
    if config.judge == "auto" and found < config.fewest_members:
        fields = {"found": found, "events": config.fewest_events, "wanted": config.fewest_members}
        reason = Phrase(*(text.format(**fields) for text in TOO_FEW))
        return replace(unjudged, reason=reason)
    # Told before minutes of learning, not after.
    model = None if config.reader is None else _read_by(encoder)
    try:
        judge = train(community, config.judging, options, encoder=encoder, surprise=config.surprise)
    except TooLittleDataError as error:
        return replace(unjudged, reason=Phrase(str(error), str(error)))
    if model is not None:
        judge = add_reader(judge, community, model, config.reader, options)
    if told := [*feedback, *outcomes]:
        judge = judge.after_feedback([odds for odds, _ in told], [right for _, right in told])
    scan = judge.scan(community, threads=(options or Options()).threads or min(_THREADS, os.cpu_count() or 1))
    ids = [community.member_ids.id(row) for row in scan.members.tolist()]
    table = pl.DataFrame(
        {
            "member_id": ids,
            "score": scan.scores,
            "probability": scan.probabilities,
            "p_value": scan.p_values,
            "alarm": scan.alarms,
        },
        schema=_NOBODY.schema,
    ).with_columns(pl.col("score", "probability", "p_value").fill_nan(None))
    acting = _acting(community, judge, config, options or Options())
    table = table.sort("p_value", "member_id", nulls_last=True)
    return replace(unjudged, judge=judge, table=table, reason=None, acting=acting)


def _read_by(encoder: Encoder | None) -> TransformerEncoder:
    """The language model that is to be tuned."""
    model = encoder.encoder if isinstance(encoder, CachedEncoder) else encoder
    if not isinstance(model, TransformerEncoder):
        raise ConfigError(
            f"[drift.reader] tunes a language model, and {'none' if model is None else model.name} reads the texts; "
            "build with a transformer encoder, or leave [drift.reader] out"
        )
    return model


def _acting(community: Community, judge: Judge, config: DriftConfig, options: Options) -> Acting | None:
    """What chooses plans, where that is wanted and there is enough to learn it from."""
    if config.act == "never":
        return None
    try:
        return learn_acting(community, judge, config.strategy, options)
    except TooLittleDataError as error:
        log.info("no plan is learned: %s", error)
        return None
