"""The path from a community to its segments and what its members are worth, as a build and one call have it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from penchant.artifacts import MANIFEST, load_artifact, save_artifact
from penchant.data.community import Community
from penchant.data.segments import NOBODY, Segment, Segments
from penchant.data.strata import Strata
from penchant.errors import TooLittleDataError
from penchant.members.calibration import Calibration, calibrated
from penchant.members.leanings import Writings
from penchant.members.naming import SegmentNamer, title_words
from penchant.members.profiles import Profiles
from penchant.members.profiling import ProfileConfig, profiles
from penchant.members.refreshing import profile_of
from penchant.members.segments import SegmentConfig, Segmenter
from penchant.members.value import Value, ValueConfig
from penchant.members.worth import Worth
from penchant.training.options import Options
from penchant.vectors import Floats

KIND: Final = "members"


class SentimentConfig(BaseModel):
    """What tells how members feel in what they write.

    >>> SentimentConfig().model is None
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Path | None = None
    """A folder that `penchant members sentiment` wrote, from the workspace on; None reads words as the community's own
    labels of praise and blame teach, where it has any."""
    stars: bool = True
    """Take the stars that were given with a text for how its writer feels, before any reading of words."""
    texts: PositiveInt = 20_000
    """Different texts that are read at most, the latest first: a language model reads about a hundred a second."""


class MembersConfig(BaseModel):
    """How members are described, grouped and valued: the parts of `[members]` of a workspace's settings.

    >>> MembersConfig().value.horizon_days
    91
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: ProfileConfig = ProfileConfig()
    texts: NonNegativeInt = 2_000
    """Different texts that members wrote which are read for their vectors at most, the latest first."""
    sentiment: SentimentConfig = SentimentConfig()
    segments: SegmentConfig = SegmentConfig()
    value: ValueConfig = ValueConfig()

    @property
    def valued(self) -> ValueConfig:
        """`value`, with members described as `profile` says unless it has a way of its own."""
        own = self.value.profile if self.value.profile != ProfileConfig() else self.profile
        return self.value.model_copy(update={"profile": own})


@dataclass(frozen=True, eq=False)
class Members:
    """What `train` gives and a build keeps."""

    config: MembersConfig
    profiles: Profiles
    segmenter: Segmenter
    worth: Worth | None
    """Foreseen at the community's last moment; None where purchases are too few to learn from: `too_little` says so."""
    calibration: Calibration | None
    learned: Callable[[], Value] | None = None
    """Gives `value`."""
    too_little: str = ""

    @property
    def segments(self) -> Segments:
        """Whose is whose."""
        assert self.segmenter.segments is not None
        return self.segmenter.segments

    @cached_property
    def value(self) -> Value | None:
        """What foresees, for others and other moments; None where `worth` is. Read from its folder when asked for."""
        return self.learned() if self.learned is not None else None

    def place(
        self,
        items: pl.DataFrame,
        member_id: str,
        history: pl.DataFrame,
        *,
        item_vectors: Floats | None = None,
        writings: Writings | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> Segment | None:
        """The segment of a member by their events as they are now; they may have joined a moment ago.

        Args:
            items: the items table that all was learned from.
            member_id: whose events they are.
            history: the member's events, with the columns of `penchant.data.columns.EVENTS`.
            item_vectors: (items, width) of the items' texts, where segments were learned with them.
            writings: what they wrote, with vectors.
            about: their row of the members table, where settings ask for a column of it.

        Returns:
            None where there is too little to tell, or there are no segments.
        """
        if not len(self.segments):
            return None
        one = profile_of(
            self.profiles, items, member_id, history, self.config.profile, item_vectors=item_vectors, writings=writings,
            about=about,
        )  # fmt: skip
        (number,) = self.segmenter.place(one).tolist()
        return None if number == NOBODY else self.segments.of(number)

    def save(self, folder: Path | str) -> None:
        """Write everything to a folder."""
        folder = Path(folder)
        parts = ["profiles", "segments"]
        self.profiles.save(folder / "profiles")
        self.segmenter.save(folder / "segments")
        if self.value is not None and self.worth is not None:
            self.value.save(folder / "value")
            self.worth.save(folder / "worth")
            parts += ["value", "worth"]
        meta: dict[str, Any] = {
            "config": self.config.model_dump(mode="json", by_alias=True),
            "too_little": self.too_little,
            "parts": parts,
            "calibration": vars(self.calibration) if self.calibration is not None else None,
        }
        save_artifact(folder, KIND, meta=meta, files=[f"{part}/{MANIFEST}" for part in parts])

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote; the models of value are read when they are first asked for.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        folder = Path(folder)
        meta = load_artifact(folder, KIND).meta
        valued, kept = "value" in meta["parts"], meta["calibration"]
        calibration = None
        if kept is not None:
            groups = (tuple(kept["said"]), tuple(kept["came"]), tuple(kept["members"]))
            calibration = Calibration(*groups, float("nan") if kept["spend_rank"] is None else kept["spend_rank"])
        return cls(
            MembersConfig.model_validate(meta["config"]),
            Profiles.load(folder / "profiles"),
            Segmenter.load(folder / "segments"),
            Worth.load(folder / "worth") if valued else None,
            calibration,
            (lambda: Value.load(folder / "value")) if valued else None,
            meta["too_little"],
        )


def train(
    community: Community,
    config: MembersConfig | None = None,
    options: Options | None = None,
    *,
    item_vectors: Floats | None = None,
    writings: Writings | None = None,
    strata: Strata | None = None,
    before: Segments | None = None,
    namer: SegmentNamer | None = None,
    first: int = 0,
) -> Members:
    """Describe members, group them, and learn what they are worth; what there is too little for is left out, and said.

    Args:
        community: whose members; where its events say how they felt, profiles and value make use of it.
        config: of all parts.
        options: the seed.
        item_vectors: (items, width) of the items' texts.
        writings: what members wrote, with vectors.
        strata: the same members' interests in tiers.
        before: the segments of the last build, whose names are kept.
        namer: a language model that names new segments; see `SegmentConfig.names_by`.
        first: the smallest number that a new segment may have.

    >>> from penchant.data.simulated import SimulatedConfig, simulate
    >>> bazaar = simulate(SimulatedConfig(events=6_000, members=60, language="en")).community
    >>> made = train(bazaar, MembersConfig(segments=SegmentConfig(least=2, most=4)))
    >>> len(made.segments) >= 2, made.worth is not None or bool(made.too_little)
    (True, True)
    """
    config, options = config or MembersConfig(), options or Options()
    made = profiles(community, config.profile, item_vectors=item_vectors, writings=writings, strata=strata)
    known = community.events.drop_nulls("item")
    content = None
    if not any(name.startswith("share:") for name in made.names) and len(known):
        member, item = (known[name].to_numpy().astype(np.int64) for name in ("member", "item"))
        content = title_words(community.titles, member, item, len(made))
    segmenter = Segmenter(config.segments).fit(made, options, before=before, content=content, namer=namer, first=first)
    try:
        value = Value(config.valued).fit(community, options)
    except TooLittleDataError as error:
        return Members(config, made, segmenter, None, None, None, str(error))
    worth, tried = value.foresee(community), calibrated(community, config.valued, options)
    return Members(config, made, segmenter, worth, tried, lambda: value)


def segments_folder(folder: Path) -> Path:
    """Where `Members.save` puts the segments alone, for `penchant.data.segments.Segments.load`."""
    return folder / "segments" / "verdict"


def evaluate(model: Members, community: Community, options: Options | None = None) -> Calibration | None:
    """How well the same settings would have foreseen the last stretch of time; None where it is too short to tell."""
    return calibrated(community, model.config.valued, options or Options())
