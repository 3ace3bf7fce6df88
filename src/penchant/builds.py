"""What a build left behind: one folder a version, one folder in it a stage, and what each was made from."""

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from penchant.artifacts import file_sha256, folder_written_atomically, storage_errors, write_atomically
from penchant.data.community import Community
from penchant.errors import ArtifactError, NotBuiltError

if TYPE_CHECKING:
    import polars as pl

    from penchant.data.attention import Attention, Plan
    from penchant.data.segments import Segments
    from penchant.data.strata import MemberInterests
    from penchant.drift.whole import Drift
    from penchant.interests import Interests
    from penchant.members.alarms import Anomalies
    from penchant.members.recipe import Members
    from penchant.quality import Quality
    from penchant.recommend import Recommender
    from penchant.search import Searcher
    from penchant.social import Social
    from penchant.text.encoder import Encoder
    from penchant.vectors import Floats

STAGE_RECORD: Final = "stage.json"
BUILD_RECORD: Final = "build.json"
FORMATS: Final[dict[str, int]] = {
    "interests": 2,
    "members": 2,
    "anomalies": 2,
    "drift": 2,
    "evaluate": 3,
    "recommend": 2,
}
"""What the files of a stage look like: raised by one, from 1, where those written before can no longer be read."""


class StageRecord(BaseModel):
    """What one finished stage was made from, what it cost, and its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    key: str
    """Hash of all that went into the output: equal keys, equal output."""
    made_in: str
    """The version of the build that ran the stage; a later one may have taken its output over."""
    seconds: float
    peak_rss_mb: float
    """In MB of 10^6 bytes."""
    files: dict[str, str]
    """SHA-256 of each file, by its path within the stage's folder."""
    format: int = 1
    """What the files look like, as `FORMATS` counted when they were written."""


class BuildRecord(BaseModel):
    """A finished build; without this file in its folder a build is unfinished."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    penchant: str
    """The version of Penchant that made it."""
    finished_at: datetime
    stages: list[StageRecord]


@dataclass(frozen=True)
class Build:
    """A finished build: read-only, whole, and all that answers need.

    Raises:
        NotBuiltError: on whatever asks for a stage that the build does not have.
        ArtifactError: on whatever reads a file that is damaged.
    """

    path: Path
    record: BuildRecord

    @classmethod
    def open(cls, path: Path) -> "Build":
        """The finished build in a folder.

        Raises:
            NotBuiltError: there is none, or it was never finished.
            ArtifactError: its record cannot be read.
        """
        try:
            record = BuildRecord.model_validate_json((path / BUILD_RECORD).read_bytes())
        except FileNotFoundError:
            raise NotBuiltError(f"{path} holds no finished build; run `penchant build`") from None
        except (OSError, ValidationError) as error:
            raise ArtifactError(
                f"the record of {path} cannot be read ({_first_line(error)}); remove that folder and build again"
            ) from error
        return cls(path, record)

    def __repr__(self) -> str:
        return f"Build({self.version!r}, stages={[stage.name for stage in self.record.stages]})"

    @property
    def version(self) -> str:
        """Four digits or more; a later build has a larger number."""
        return self.record.version

    @property
    def stages(self) -> dict[str, StageRecord]:
        """What is known of each stage, by its name, in the order in which they run."""
        return {stage.name: stage for stage in self.record.stages}

    def folder(self, stage: str) -> Path:
        """Where a stage left its output.

        Raises:
            NotBuiltError: this build has no such stage.
            ArtifactError: the stage is of a format that this version of Penchant does not read.
        """
        if stage not in self.stages:
            raise NotBuiltError(
                f"build {self.version} has no stage {stage!r}; it has {', '.join(self.stages)}: run `penchant build`"
            )
        if problem := _unreadable(self.stages[stage]):
            raise ArtifactError(f"build {self.version} is too old or too new: {problem}; build again")
        return self.path / stage

    def check(self) -> None:
        """Compare every file with its checksum, and every stage's format with those that can be read.

        Raises:
            ArtifactError: one is missing, has changed, or is of another format.
        """
        for stage in self.record.stages:
            if problem := _unreadable(stage):
                raise ArtifactError(
                    f"build {self.version} cannot be read: {problem}; switch to another, or build again"
                )
            if problem := damage(self.path / stage.name, stage):
                raise ArtifactError(f"build {self.version} is damaged: {problem}; switch to another, or build again")

    @cached_property
    def community(self) -> Community:
        """The community as it was when this build was made."""
        from penchant.data.snapshot import load_community

        return load_community(self.folder("community"))

    def recommender(self, *, encoder: "Encoder | None" = None) -> "Recommender":
        """The recommender of this build, over the community as it was then.

        Args:
            encoder: the one that the build was made with, where texts that people write are to be read.
        """
        from penchant.recommend import Recommender

        return Recommender.load(self.folder("recommend"), self.community, encoder=encoder, home=self.path.parent.parent)

    def interests(self, *, encoder: "Encoder | None" = None) -> "Interests":
        """The interests of this build: the tree, what each item is about, every member's tiers.

        Args:
            encoder: the one that the build was made with, for the labeller; found by name where absent and wanted.
        """
        from penchant.interests import Interests

        return Interests.load(self.folder("interests"), encoder=encoder)

    def social(self, *, encoder: "Encoder | None" = None) -> "Social":
        """Social recommendation of this build, over the community as it was then.

        Args:
            encoder: the one that the build was made with, where texts that people write are to be read.

        Raises:
            ArtifactError: nothing was learned, for the reason that the message gives.
        """
        from penchant.social import Social

        return Social.load(self.folder("social"), self.community, encoder=encoder)

    def member_interests(self, member_id: str, history: "pl.DataFrame") -> "MemberInterests | None":
        """One member's tiers from their events as the store has them now; None where the build is older than tiers.

        Args:
            member_id: who need not have been there when the build was made.
            history: what `Store.history` gives.
        """
        if "interests" not in self.stages:
            return None
        verdict = None
        if "drift" in self.stages:
            held = self.drift()
            verdict = held.verdict(member_id, history) if held.judge is not None else None
        return self.interests().fresh(self.community.items, member_id, history, verdict=verdict)

    def item_vectors(self) -> "Floats":
        """(items, width) vectors of the items' texts, as this build's encoder read them."""
        from penchant.artifacts import load_artifact

        return load_artifact(self.folder("text"), "text").arrays["items"]

    def members(self) -> "Members":
        """The members' profiles and segments, and what they are worth, as this build found."""
        from penchant.members.recipe import Members

        return Members.load(self.folder("members"))

    def drift(self) -> "Drift":
        """Who has changed, and how the community moves, as this build found."""
        from penchant.drift.whole import Drift

        return Drift.load(self.folder("drift"), self.community)

    def attention(self, member_id: str, history: "pl.DataFrame | None" = None) -> "Attention | None":
        """What the next recommendation to a member should rest on; None where the build learned no strategy.

        Args:
            member_id: who need not have been there when the build was made, where a history is given.
            history: what `Store.history` gives; the events of the build if absent.
        """
        from penchant.drift.whole import ACTING

        if "drift" not in self.stages or not (self.folder("drift") / ACTING).is_dir():
            return None
        return self.drift().attention(member_id, history)

    def following(self, plan: "Plan") -> "Attention":
        """A plan that was asked for by name, with the lengths of this build's judge of drift where it has one."""
        from penchant.data.attention import Attention

        return self.drift().following(plan) if "drift" in self.stages else Attention(plan)

    def segments(self) -> "Segments":
        """Whose segment is whose in this build, without the models beside."""
        from penchant.data.segments import Segments
        from penchant.members.recipe import segments_folder

        return Segments.load(segments_folder(self.folder("members")))

    def anomalies(self) -> "Anomalies":
        """Which members behaved oddly, as this build found."""
        from penchant.members.alarms import Anomalies

        return Anomalies.load(self.folder("anomalies"))

    def searcher(self, *, encoder: "Encoder | None" = None) -> "Searcher":
        """The searcher of this build, over the items as they were then.

        Args:
            encoder: the one that the build was made with; without it, items are found by words alone.
        """
        from penchant.search import Searcher

        return Searcher.load(self.folder("search"), encoder=encoder, community=self.community)

    @cached_property
    def quality(self) -> "Quality":
        """How good the recommendations of this build are on held-out events."""
        from penchant.quality import Quality

        return Quality.read(self.folder("evaluate"))


def read_stage(folder: Path) -> StageRecord | None:
    """The record of a finished stage; None where it was interrupted, or its record makes no sense."""
    try:
        return StageRecord.model_validate_json((folder / STAGE_RECORD).read_bytes())
    except (OSError, ValidationError):
        return None


def damage(folder: Path, stage: StageRecord) -> str | None:
    """What is wrong with the files of a stage; None where every byte is as it was written."""
    for name, expected in stage.files.items():
        path = folder / name
        try:
            if file_sha256(path) != expected:
                return f"{path} has changed since it was written (checksum differs)"
        except OSError as error:
            return f"{path} cannot be read ({error.strerror})"
    return None


def _unreadable(stage: StageRecord) -> str | None:
    """Why a stage cannot be read by this version of Penchant, whole as it may be; None where it can."""
    wanted = FORMATS.get(stage.name)
    if wanted is None or stage.format == wanted:
        return None
    return f"its stage {stage.name} is of format {stage.format}, and this version of Penchant reads format {wanted}"


def finish_stage(
    folder: Path, name: str, key: str, version: str, *, seconds: float, peak_rss_mb: float, format: int = 1
) -> StageRecord:
    """Describe a stage whose output is complete, and wait until the disk has all of it."""
    with storage_errors(folder):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in files:
            _sync(path)
        record = StageRecord(
            name=name,
            key=key,
            made_in=version,
            seconds=round(seconds, 3),
            peak_rss_mb=round(peak_rss_mb, 1),
            files={path.relative_to(folder).as_posix(): file_sha256(path) for path in files},
            format=format,
        )
    write_atomically(folder / STAGE_RECORD, record.model_dump_json(indent=1).encode())
    return record


def take_over(source: Path, record: StageRecord, target: Path) -> None:
    """Give a build the output of another one's stage: the same files under a second name, or copies."""
    with folder_written_atomically(target) as scratch:
        for name in [*record.files, STAGE_RECORD]:
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source / name, scratch / name)
            except OSError:
                shutil.copy2(source / name, scratch / name)


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
