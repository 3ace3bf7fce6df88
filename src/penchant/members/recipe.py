"""The path from a community to its segments and what its members are worth, as a build and one call have it."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from penchant.artifacts import MANIFEST, load_artifact, save_artifact
from penchant.data.community import Community
from penchant.data.segments import Segments
from penchant.errors import TooLittleDataError
from penchant.members.naming import title_words
from penchant.members.profiles import ProfileConfig, Profiles, present, profiles
from penchant.members.segments import SegmentConfig, Segmenter
from penchant.members.value import Value, ValueConfig, Worth, outcome
from penchant.training.options import Options
from penchant.vectors import Floats

KIND: Final = "members"


class MembersConfig(BaseModel):
    """How members are described, grouped and valued: the parts of `[members]` of a workspace's settings.

    >>> MembersConfig().value.horizon_days
    91
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: ProfileConfig = ProfileConfig()
    segments: SegmentConfig = SegmentConfig()
    value: ValueConfig = ValueConfig()

    @property
    def valued(self) -> ValueConfig:
        """`value`, with members described as `profile` says unless it has a way of its own."""
        own = self.value.profile if self.value.profile != ProfileConfig() else self.profile
        return self.value.model_copy(update={"profile": own})


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was said of returns, and what came, on the last stretch of time before now, by groups of what was said."""

    said: tuple[float, ...]
    came: tuple[float, ...]
    members: tuple[int, ...]
    spend_rank: float
    """Rank correlation of the money foreseen with the money spent; NaN where nobody was judged."""


@dataclass(frozen=True, eq=False)
class Members:
    """What `train` gives and a build keeps."""

    config: MembersConfig
    profiles: Profiles
    segmenter: Segmenter
    value: Value | None
    """None where purchases were too few to learn from; `too_little` says so."""
    worth: Worth | None
    """Foreseen at the community's last moment."""
    calibration: Calibration | None
    too_little: str = ""

    @property
    def segments(self) -> Segments:
        """Whose is whose."""
        assert self.segmenter.segments is not None
        return self.segmenter.segments

    def save(self, folder: Path | str) -> None:
        """Write everything to a folder."""
        folder = Path(folder)
        parts = ["profiles", "segments"]
        self.profiles.save(folder / "profiles")
        self.segmenter.save(folder / "segments")
        if self.value is not None:
            self.value.save(folder / "value")
            parts.append("value")
        meta: dict[str, Any] = {
            "config": self.config.model_dump(mode="json", by_alias=True),
            "too_little": self.too_little,
            "parts": parts,
            "calibration": vars(self.calibration) if self.calibration is not None else None,
        }
        save_artifact(folder, KIND, meta=meta, files=[f"{part}/{MANIFEST}" for part in parts])

    @classmethod
    def load(cls, folder: Path | str, community: Community) -> Self:
        """Read what `save` wrote.

        Args:
            folder: what `save` wrote.
            community: that it was learned from: what members are worth is foreseen from it again.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        folder = Path(folder)
        meta = load_artifact(folder, KIND).meta
        value = Value.load(folder / "value") if "value" in meta["parts"] else None
        kept = meta["calibration"]
        calibration = None
        if kept is not None:
            groups = (tuple(kept["said"]), tuple(kept["came"]), tuple(kept["members"]))
            calibration = Calibration(*groups, float("nan") if kept["spend_rank"] is None else kept["spend_rank"])
        return cls(
            MembersConfig.model_validate(meta["config"]),
            Profiles.load(folder / "profiles"),
            Segmenter.load(folder / "segments"),
            value,
            value.foresee(community) if value is not None else None,
            calibration,
            meta["too_little"],
        )


def train(
    community: Community,
    config: MembersConfig | None = None,
    options: Options | None = None,
    *,
    item_vectors: Floats | None = None,
    before: Segments | None = None,
) -> Members:
    """Describe members, group them, and learn what they are worth; what there is too little for is left out, and said.

    Args:
        community: whose members.
        config: of all parts.
        options: the seed.
        item_vectors: (items, width) of the items' texts.
        before: the segments of the last build, whose names are kept.

    >>> from penchant.data.simulated import SimulatedConfig, simulate
    >>> bazaar = simulate(SimulatedConfig(events=6_000, members=60, language="en")).community
    >>> made = train(bazaar, MembersConfig(segments=SegmentConfig(least=2, most=4)))
    >>> len(made.segments) >= 2, made.worth is not None or bool(made.too_little)
    (True, True)
    """
    config, options = config or MembersConfig(), options or Options()
    made = profiles(community, config.profile, item_vectors=item_vectors)
    known = community.events.drop_nulls("item")
    content = None
    if not any(name.startswith("share:") for name in made.names) and len(known):
        member, item = (known[name].to_numpy().astype(np.int64) for name in ("member", "item"))
        content = title_words(community.titles, member, item, len(made))
    segmenter = Segmenter(config.segments).fit(made, options, before=before, content=content)
    try:
        value = Value(config.valued).fit(community, options)
    except TooLittleDataError as error:
        return Members(config, made, segmenter, None, None, None, str(error))
    return Members(
        config, made, segmenter, value, value.foresee(community), calibrated(community, config.valued, options)
    )


def segments_folder(folder: Path) -> Path:
    """Where `Members.save` puts the segments alone, for `penchant.data.segments.Segments.load`."""
    return folder / "segments" / "verdict"


def evaluate(model: Members, community: Community, options: Options | None = None) -> Calibration | None:
    """How well the same settings would have foreseen the last stretch of time; None where it is too short to tell."""
    return calibrated(community, model.config.valued, options or Options())


def calibrated(community: Community, config: ValueConfig, options: Options) -> Calibration | None:
    """Learn up to one horizon ago, foresee, and hold what was said against what came; None where that is too little."""
    from scipy.stats import spearmanr

    now = present(community)
    if now is None:
        return None
    cut = now - timedelta(days=config.horizon_days)
    known = community.with_events(community.events.filter(pl.col("at") <= cut))
    try:
        worth = Value(config).fit(known, options, at=cut).foresee(known, at=cut)
    except TooLittleDataError:
        return None
    rows = np.flatnonzero(~np.isnan(worth.returns))
    returned, spent = outcome(community.events.filter((pl.col("at") > cut) & (pl.col("at") <= now)), len(worth.members))
    groups = np.array_split(rows[np.argsort(worth.returns[rows], kind="stable")], min(10, max(len(rows) // 10, 1)))
    rank = (
        float(spearmanr(worth.spend[rows], spent[rows])[0]) if len(rows) > 2 and spent[rows].std() > 0 else float("nan")
    )
    return Calibration(
        tuple(float(worth.returns[group].mean()) for group in groups),
        tuple(float(returned[group].mean()) for group in groups),
        tuple(len(group) for group in groups),
        rank,
    )
