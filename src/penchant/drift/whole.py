"""Drift as a build keeps it: a judge where there is enough to learn one, what it says, and the community's drift."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, PositiveInt

from penchant.artifacts import MANIFEST, load_artifact, save_artifact, storage_errors
from penchant.data.community import Community
from penchant.data.drift import DriftVerdict
from penchant.data.interactions import histories
from penchant.drift.judge import Judge, JudgeConfig
from penchant.drift.movement import FleetConfig, FleetView, fleet
from penchant.drift.recipe import train
from penchant.errors import InputError, NotFittedError, TooLittleDataError
from penchant.language import Lang, Phrase
from penchant.text.encoder import Encoder
from penchant.training.options import Options

KIND: Final = "drift"
_TABLE: Final = "scan.parquet"
_JUDGE: Final = "judge"
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
        if self.judge is None:
            raise NotFittedError(f"no member can be judged: {self.told_reason()}")
        if history is None:
            return self.judge.verdict(self.community, member_id)
        ids = self.community.item_ids
        known = history.filter(pl.col("item_id").is_in(ids.ids.implode()))
        one = Community.from_tables(self.community.items, known, pl.DataFrame({"member_id": [member_id]}))
        weights = self.judge.config.windows.weights
        return self.judge.verdict_of(self.community, member_id, histories(one, np.array([0]), weights=weights))

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
        meta: dict[str, Any] = {
            "config": self.config.model_dump(mode="json", by_alias=True),
            "reason": list(self.reason) if self.reason is not None else None,
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
        return cls(
            DriftConfig.model_validate(meta["config"]),
            community,
            Judge.load(folder / _JUDGE) if (folder / _JUDGE).is_dir() else None,
            pl.read_parquet(folder / _TABLE),
            Phrase(*meta["reason"]) if meta["reason"] else None,
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
) -> Drift:
    """Learn a judge, where there is enough, and judge everybody.

    Args:
        community: members, items and events.
        config: what is wanted.
        options: how to run.
        encoder: reads the items' texts.
    """
    config = config or DriftConfig()
    if config.judge == "never":
        return Drift(config, community, None, _NOBODY, SWITCHED_OFF)
    counts = np.bincount(community.events["member"].to_numpy(), minlength=len(community.members))
    found = int((counts >= config.fewest_events).sum())
    if config.judge == "auto" and found < config.fewest_members:
        fields = {"found": found, "events": config.fewest_events, "wanted": config.fewest_members}
        reason = Phrase(*(text.format(**fields) for text in TOO_FEW))
        return Drift(config, community, None, _NOBODY, reason)
    try:
        judge = train(community, config.judging, options, encoder=encoder)
    except TooLittleDataError as error:
        return Drift(config, community, None, _NOBODY, Phrase(str(error), str(error)))
    scan = judge.scan(community)
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
    return Drift(config, community, judge, table.sort("p_value", "member_id", nulls_last=True))
