"""Which build answers whom: the current one, the next one while it is tried, and the way back."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import RLock
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from penchant.artifacts import write_atomically
from penchant.builds import Build
from penchant.errors import ConfigError, NotBuiltError, PenchantError
from penchant.service.loaded import Loaded
from penchant.service.trial import Arm, Trial
from penchant.service.way_back import WayBack
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.data.community import Community
    from penchant.text.encoder import Encoder

_LOG = logging.getLogger("penchant.service")


@dataclass(frozen=True)
class Chosen:
    """The build that answers one member, and why that one."""

    loaded: Loaded
    arm: Arm | None = None
    """None outside a trial."""


class Builds:
    """The builds of a workspace as a service has them: one in memory, two during a trial.

    Requests take what is loaded when they begin and keep it to their end, so a switch fails none of them.
    """

    def __init__(self, workspace: Workspace, *, people_kept: int = 20_000) -> None:
        self.workspace = workspace
        self.trial: Trial | None = None
        self.problem: str | None = None
        """Why the build that the workspace names is not the one that answers, where that is so."""
        self._people_kept = people_kept
        self._current: Loaded | None = None
        self._trying: Loaded | None = None
        self._encoder: Encoder | None = None
        self._lock = RLock()
        self._file = workspace.path / "builds" / "trial.json"
        self._before = WayBack(workspace.path / "builds" / "before.json")
        self._refused: set[str] = set()

    @property
    def current(self) -> Loaded:
        """The build that answers.

        Raises:
            NotBuiltError: none is loaded.
        """
        if self._current is None:
            raise NotBuiltError(
                self.problem or f"{self.workspace.path} has no build yet; run `penchant build {self.workspace.path}`"
            )
        return self._current

    @property
    def is_ready(self) -> bool:
        """Whether a build is loaded."""
        return self._current is not None

    def loaded(self) -> list[Loaded]:
        """All builds in memory."""
        return [one for one in (self._current, self._trying) if one is not None]

    def of(self, member_id: str) -> Chosen:
        """The build that answers a member."""
        trial, trying = self.trial, self._trying
        if trial is None or trying is None:
            return Chosen(self.current)
        arm = trial.arm(member_id)
        return Chosen(trying if arm == "treatment" else self.current, arm)

    # -- changes --

    def load(self, store: "Community | None" = None) -> None:
        """Load what the workspace names, where it is not loaded already; a build that cannot be trusted stays out.

        Args:
            store: what the store holds, for items that came after the build.
        """
        with self._lock:
            build = self.workspace.current
            if build is not None and (self._current is None or build.version != self._current.version):
                self._switch(build, store)
            self._load_trial(store)

    def follow(self, read: Any) -> bool:
        """See whether another build has become current, or another trial has begun; True where something changed.

        Args:
            read: gives what the store holds, where it is wanted.
        """
        before = (self._current, self.trial)
        build = self.workspace.current
        wanted = build is not None and build.version not in self._refused
        another = self._current is None or build is None or build.version != self._current.version
        if (wanted and another) or self._read_trial() != self.trial:
            self.load(read())
        return (self._current, self.trial) != before

    def promote(self, version: str, store: "Community | None" = None) -> Loaded:
        """Let a build answer from now on.

        Raises:
            NotBuiltError: there is none of that version.
            ArtifactError: it is damaged, or of an older format; the one that answers goes on.
        """
        with self._lock:
            build = self.workspace.build(version)
            if self._current is not None and self._current.version == version:
                return self._current
            loaded = self._load(build, store)
            before = self.workspace.current
            self.workspace.switch(version)
            if before is not None and before.version != version:
                self._before.add(before.version)
            self._current, self.problem = loaded, None
            self._refused.discard(version)
            return loaded

    def roll_back(self, store: "Community | None" = None) -> Loaded:
        """Go back to the build that answered before.

        Raises:
            NotBuiltError: there is none to go back to.
        """
        with self._lock:
            way = self._before.read()
            there = {build.version for build in self.workspace.builds()}
            mine = self.current.version
            while way:
                version = way.pop()
                if version in there and version != mine:
                    loaded = self.promote(version, store)
                    self._before.write(way)
                    return loaded
            older = [version for version in sorted(there, key=int) if int(version) < int(mine)]
            if older:
                loaded = self.promote(older[-1], store)
                self._before.write([])
                return loaded
            raise NotBuiltError(f"build {mine} answers, and no build came before it; `penchant build` makes another")

    def begin_trial(self, name: str, version: str, share: float, store: "Community | None" = None) -> Trial:
        """Let a second build answer a share of the members.

        Raises:
            ConfigError: it answers already, or the share or the name has no meaning.
            NotBuiltError: there is no such build.
            ArtifactError: it is damaged.
        """
        with self._lock:
            current = self.current.version
            if version == current:
                raise ConfigError(f"build {version} answers already; try another: {self._others(current)}")
            try:
                trial = Trial(name=name, version=version, against=current, share=share, started_at=datetime.now(UTC))
            except ValidationError as error:
                problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
                raise ConfigError(f"this trial has no meaning: {'; '.join(problems)}") from None
            self._trying = self._load(self.workspace.build(version), store)
            write_atomically(self._file, trial.model_dump_json().encode())
            self.trial = trial
            return trial

    def end_trial(self) -> Trial:
        """Let the current build answer everybody again.

        Raises:
            NotBuiltError: there is no trial.
        """
        with self._lock:
            trial = self.trial
            if trial is None:
                raise NotBuiltError("there is no trial to end")
            self._file.unlink(missing_ok=True)
            self.trial, self._trying = None, None
            return trial

    def give(self, encoder: "Encoder") -> None:
        """Hand the language model to all builds, those to come too."""
        with self._lock:
            self._encoder = encoder
            for loaded in self.loaded():
                loaded.give(encoder)

    def catch_up(self, store: "Community") -> None:
        """Take over the items that the store has, where they differ from a build's."""
        with self._lock:
            for loaded in self.loaded():
                loaded.catch_up(store.items)

    def read_again(self, store: "Community") -> None:
        """Read the builds in memory from disk once more, where their files have changed."""
        with self._lock:
            if self._current is not None:
                self._current = self._load(self.workspace.build(self._current.version), store)
            if self._trying is not None:
                self._trying = self._load(self.workspace.build(self._trying.version), store)

    # -- inside --

    def _switch(self, build: Build, store: "Community | None") -> None:
        try:
            loaded = self._load(build, store)
        except PenchantError as error:
            self._refused.add(build.version)
            self.problem = f"build {build.version} is refused: {error}"
            _LOG.error("build refused", extra={"told": {"build": build.version, "why": str(error)}})
            return
        if self._current is not None:
            self._before.add(self._current.version)
        self._current, self.problem = loaded, None

    def _load(self, build: Build, store: "Community | None") -> Loaded:
        build.check()
        loaded = Loaded(build, people_kept=self._people_kept)
        # Every recommendation rests on it, so a build whose drift cannot be read is refused whole, with the reason.
        loaded.drift  # noqa: B018
        if self._encoder is not None:
            loaded.give(self._encoder)
        if store is not None:
            loaded.catch_up(store.items)
        return loaded

    def _load_trial(self, store: "Community | None") -> None:
        trial = self._read_trial()
        if trial == self.trial:
            return
        if trial is None:
            self.trial, self._trying = None, None
            return
        try:
            self._trying = self._load(self.workspace.build(trial.version), store)
        except PenchantError as error:
            _LOG.error("trial refused", extra={"told": {"build": trial.version, "why": str(error)}})
            self._trying = None
        self.trial = trial

    def _read_trial(self) -> Trial | None:
        try:
            return Trial.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            _LOG.error("trial not read", extra={"told": {"why": str(error).partition(chr(10))[0]}})
            return self.trial

    def _others(self, version: str) -> str:
        return (
            ", ".join(build.version for build in self.workspace.builds() if build.version != version) or "there is none"
        )
