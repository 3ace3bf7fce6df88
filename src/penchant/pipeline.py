"""The main job: from the store to a finished build, stage by stage, resumable, never the same work twice."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from penchant import __version__
from penchant.artifacts import folder_written_atomically, storage_errors, write_atomically
from penchant.builds import (
    BUILD_RECORD,
    FORMATS,
    Build,
    BuildRecord,
    StageRecord,
    damage,
    finish_stage,
    read_stage,
    take_over,
)
from penchant.data.community import Community
from penchant.errors import TooLittleDataError
from penchant.evaluation.cost import measured
from penchant.language import Phrase
from penchant.training.options import Options
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.text.cache import CachedEncoder

_LOG = logging.getLogger("penchant.build")


Made = TypeVar("Made")


@dataclass(frozen=True)
class Stage:
    """One step of a build: what it depends on, and how to make its output.

    The output is taken over from an earlier build wherever name, format, inputs and the stages before it are the same,
    so `inputs` must name everything else that could change it.
    """

    name: str
    """Also its folder within the build."""
    title: Phrase
    inputs: Callable[["Context"], Mapping[str, Any]]
    """What the output depends on, as JSON can hold it: fingerprints of tables, configuration, seed."""
    run: Callable[["Context", Path], None]
    """Writes the output into an empty folder."""
    after: tuple[str, ...] = ()
    """Stages whose output this one reads."""
    format: int | None = None
    """What the output looks like; as `penchant.builds.FORMATS` says, if absent."""

    @property
    def written_as(self) -> int:
        """The format of the output."""
        return FORMATS.get(self.name, 1) if self.format is None else self.format


@dataclass(frozen=True)
class StageProgress:
    """What a build tells of a stage as it goes."""

    stage: Stage
    place: int
    """From 1."""
    total: int
    status: Literal["running", "done", "kept"]
    """`kept`: nothing that goes into it has changed, so the output was there already."""
    seconds: float = 0.0
    peak_rss_mb: float = 0.0


@dataclass(frozen=True)
class Context:
    """What a stage may read: the community, the settings, the text encoder, and the output of the stages before it."""

    workspace: Workspace
    options: Options
    folder: Path
    """Of the build that is being made."""

    @cached_property
    def community(self) -> Community:
        """What the store holds at the start of the build, without the doings of members who did not agree to it."""
        return self.workspace.usable_community()

    @cached_property
    def encoder(self) -> "CachedEncoder":
        """The language model that the settings name, with the workspace's cache of vectors."""
        from penchant.text.cache import CachedEncoder
        from penchant.text.transformer import load_encoder

        encoder = load_encoder(self.workspace.config.build.encoder, options=self.options)
        return CachedEncoder(encoder, self.workspace.vectors, shown=self.options.progress)

    @cached_property
    def _made(self) -> dict[str, Any]:
        return {}

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What the inputs of a stage and its run both need, made when it is first asked for."""
        if name not in self._made:
            self._made[name] = make()
        found: Made = self._made[name]
        return found

    def output(self, stage: str) -> Path:
        """The folder of a stage that has run before this one."""
        return self.folder / stage

    def settings(self, system: str) -> dict[str, Any]:
        """The section of `penchant.toml` for a system."""
        return self.workspace.config.systems.get(system, {})


def build(
    workspace: Workspace,
    *,
    options: Options | None = None,
    on_stage: Callable[[StageProgress], None] | None = None,
    stages: Sequence[Stage] | None = None,
) -> Build:
    """Bring a workspace's build up to date and make it the current one.

    A build that was interrupted, at whatever point, is resumed; stages whose inputs have not changed are taken over
    from earlier builds; where nothing has changed at all, a build that is there already is the answer.

    Args:
        workspace: whose store has been filled.
        options: seed and run conditions.
        on_stage: told of each stage as it begins and ends.
        stages: what to run, in order; `penchant.stages.STAGES` if absent.

    Raises:
        WorkspaceBusyError: another process is building here.
        TooLittleDataError: the store holds no items or no events.
        StorageError: the disk is full, or the store is out of reach.
    """
    if stages is None:
        from penchant.stages import STAGES

        stages = STAGES
    tell = on_stage or (lambda progress: None)
    with workspace.lock(), _logged(workspace):
        return _Run(workspace, options or Options(), tuple(stages), tell).build()


@dataclass
class _Run:
    """One call of `build`, with the workspace to itself."""

    workspace: Workspace
    options: Options
    stages: tuple[Stage, ...]
    tell: Callable[[StageProgress], None]
    finished: list[Build] = field(init=False)

    def build(self) -> Build:
        self._sweep()
        self.finished = self.workspace.builds()
        context = Context(self.workspace, self.options, self._folder())
        if not len(context.community.items) or not len(context.community.events):
            raise TooLittleDataError(
                f"the store of {self.workspace.path} holds {context.community}; a build needs items and events: "
                f"read some in with `penchant read DATA --into {self.workspace.path}`"
            )
        keys = self._keys(context)
        if (answer := self._answer(keys)) is not None:
            for place, stage in enumerate(self.stages, start=1):
                self.tell(StageProgress(stage, place, len(self.stages), "kept"))
            _LOG.info("build %s is up to date", answer.version)
            return answer
        records = [self._stage(context, stage, place, keys) for place, stage in enumerate(self.stages, start=1)]
        self._finish(context.folder, records)
        built = self.workspace.switch(context.folder.name)
        self._prune(built)
        return built

    def _sweep(self) -> None:
        """Remove what a process that was killed left half written."""
        with storage_errors(self.workspace.path):
            for leftover in (self.workspace.path / "builds").glob("**/.*.partial"):
                if leftover.is_dir():
                    shutil.rmtree(leftover)
                else:
                    leftover.unlink()
            # An unfinished build that is not the last one was being removed.
            for folder in self.workspace.build_folders()[:-1]:
                if not (folder / BUILD_RECORD).is_file():
                    shutil.rmtree(folder)

    def _folder(self) -> Path:
        """Of the unfinished build if there is one, else the next, which the first stage will make."""
        folders = self.workspace.build_folders()
        if folders and not (folders[-1] / BUILD_RECORD).is_file():
            return folders[-1]
        return self.workspace.path / "builds" / f"{int(folders[-1].name) + 1 if folders else 1:04d}"

    def _keys(self, context: Context) -> dict[str, str]:
        keys: dict[str, str] = {}
        for stage in self.stages:
            parts = {
                "stage": stage.name,
                "format": stage.written_as,
                "penchant": __version__,
                "inputs": dict(stage.inputs(context)),
                "after": {name: keys[name] for name in stage.after},
            }
            keys[stage.name] = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return keys

    def _answer(self, keys: Mapping[str, str]) -> Build | None:
        """The build that is there already for these inputs, made current: the latest that is whole."""
        for build in reversed(self.finished):
            same = {stage.name: stage.key for stage in build.record.stages} == dict(keys)
            if same and not any(damage(build.path / stage.name, stage) for stage in build.record.stages):
                return self.workspace.switch(build.version)
        return None

    def _stage(self, context: Context, stage: Stage, place: int, keys: Mapping[str, str]) -> StageRecord:
        key, target = keys[stage.name], context.folder / stage.name
        record = self._kept(target, stage, key)
        if record is not None:
            _LOG.info("%s: kept from build %s", stage.name, record.made_in)
            self.tell(StageProgress(stage, place, len(self.stages), "kept"))
            return record
        self.tell(StageProgress(stage, place, len(self.stages), "running"))
        with folder_written_atomically(target) as scratch:
            with measured() as cost:
                stage.run(context, scratch)
            record = finish_stage(
                scratch,
                stage.name,
                key,
                context.folder.name,
                seconds=cost.seconds,
                peak_rss_mb=cost.peak_rss_mb,
                format=stage.written_as,
            )
        _LOG.info("%s: %.1f s, %.0f MB", stage.name, record.seconds, record.peak_rss_mb)
        self.tell(StageProgress(stage, place, len(self.stages), "done", record.seconds, record.peak_rss_mb))
        return record

    def _kept(self, target: Path, stage: Stage, key: str) -> StageRecord | None:
        """The output that is there already: in this build, from before it was interrupted, or in an earlier one."""
        record = read_stage(target)
        if record is not None and record.key == key and not damage(target, record):
            return record.model_copy(update={"format": stage.written_as})
        for earlier in reversed(self.finished):
            record = earlier.stages.get(stage.name)
            if record is not None and record.key == key and not damage(earlier.path / stage.name, record):
                take_over(earlier.path / stage.name, record, target)
                # Equal keys are of equal format, also where the record is too old to say so.
                return record.model_copy(update={"format": stage.written_as})
        return None

    def _finish(self, folder: Path, records: list[StageRecord]) -> None:
        wanted = {stage.name for stage in self.stages}
        with storage_errors(folder):
            # An interrupted build may have begun with other stages.
            for left in folder.iterdir():
                if left.is_dir() and left.name not in wanted:
                    shutil.rmtree(left)
        record = BuildRecord(
            version=folder.name,
            penchant=__version__,
            finished_at=datetime.now(UTC),
            stages=records,
        )
        write_atomically(folder / BUILD_RECORD, record.model_dump_json(indent=1).encode())

    def _prune(self, current: Build) -> None:
        """Remove the oldest builds beyond the number that is kept."""
        kept = self.workspace.config.build.keep
        for old in self.workspace.builds()[:-kept]:
            if old.version != current.version:
                self.workspace.remove_build(old.version)
                with self.workspace.store() as store:
                    store.drop_verdicts(old.version)


class _BuildLog(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Let a full disk stop the build where its output is written, not where it is told of."""


@contextmanager
def _logged(workspace: Workspace) -> Iterator[None]:
    """Write what the build logs into the workspace as well."""
    from penchant.members.privacy import MaskingFilter

    with storage_errors(workspace.logs):
        workspace.logs.mkdir(exist_ok=True)
        handler = _BuildLog(workspace.logs / "build.log", encoding="utf-8")
    handler.addFilter(MaskingFilter())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = _LOG.level
    _LOG.addHandler(handler)
    _LOG.setLevel(logging.INFO)
    try:
        yield
    except BaseException as error:
        _LOG.error("stopped: %s: %s", type(error).__name__, error)
        raise
    finally:
        _LOG.setLevel(level)
        _LOG.removeHandler(handler)
        with suppress(OSError):
            handler.close()
