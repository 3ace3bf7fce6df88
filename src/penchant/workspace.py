"""A workspace: one folder with a community, its settings, its vectors and its builds."""

import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from penchant.artifacts import storage_errors, write_atomically
from penchant.builds import BUILD_RECORD, Build
from penchant.data.community import Community
from penchant.data.store import Store
from penchant.errors import ConfigError, NotBuiltError, WorkspaceBusyError, WorkspaceError

CONFIG_FILE: Final = "penchant.toml"
OTHER_SECTIONS: Final = frozenset({"read", "tables", "columns", "service"})
"""Sections that the readers and the service understand; see `penchant.data.mapping`, `penchant.service.settings`."""
SYSTEMS: Final = ("interests", "members", "social", "drift", "recommend", "search")

_EXPLAINED: Final = """\
# Settings of this workspace. What stands behind a # is what holds when nothing is said.

[store]
# url = "postgresql://penchant:${PENCHANT_PASSWORD}@localhost/shop"    # SQLite in store.db if absent
# tenant = "default"

[build]
# encoder = "e5-small"    # or "minilm", a folder, a name on the Hugging Face hub
# keep = 3                # finished builds that are kept to go back to

# [columns.events]        # names of your own columns, for `penchant read`
# member_id = "CustomerID"
"""


class StoreConfig(BaseModel):
    """Where the community is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None = None
    """A database; `${NAME}` stands for an environment variable, so that no password need stand here. SQLite in the
    workspace's own folder if absent."""
    tenant: str = Field(default="default", min_length=1)
    """Whose data, in a database that several communities share."""


class BuildConfig(BaseModel):
    """How builds are made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: str = Field(default="e5-small", min_length=1)
    """The language model that reads the items' texts: a packaged name, a folder, or a name on the Hugging Face hub."""
    keep: PositiveInt = 3
    """Finished builds that are kept; the oldest go first, the current one never."""


class WorkspaceConfig(BaseModel):
    """What a workspace's `penchant.toml` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: StoreConfig = StoreConfig()
    build: BuildConfig = BuildConfig()
    systems: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """The sections named after a system, such as `[recommend]`, for that system's configuration."""

    @classmethod
    def load(cls, path: Path) -> "WorkspaceConfig":
        """Read a `penchant.toml`.

        Raises:
            ConfigError: it cannot be read, or holds what has no meaning.
        """
        try:
            document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
        known = {"store", "build", *OTHER_SECTIONS, *SYSTEMS}
        if strangers := sorted(set(document) - known):
            raise ConfigError(f"{path} has a section {strangers[0]!r}, which means nothing; there are {sorted(known)}")
        given = {name: document[name] for name in ("store", "build") if name in document}
        try:
            return cls(**given, systems={name: document[name] for name in SYSTEMS if name in document})
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            raise ConfigError(f"{path} has settings without meaning: {'; '.join(problems)}") from None


@dataclass(frozen=True)
class Workspace:
    """A folder of Penchant's: `penchant.toml`, `store.db`, `vectors/`, `builds/`, `logs/`, reports.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     workspace = Workspace.create(Path(folder) / "shop.ws")
    ...     workspace.config.build.encoder, workspace.builds()
    ('e5-small', [])
    """

    path: Path
    config: WorkspaceConfig

    @classmethod
    def create(cls, path: Path | str, *, settings: str = _EXPLAINED) -> "Workspace":
        """Make a workspace, or open the one that is there already.

        Args:
            path: a folder that does not exist, is empty, or is a workspace.
            settings: what to write into `penchant.toml`.

        Raises:
            WorkspaceError: something else stands there.
            StorageError: the folder cannot be made.
        """
        path = Path(path)
        if (path / CONFIG_FILE).is_file():
            return cls.open(path)
        if path.exists() and not path.is_dir():
            raise WorkspaceError(f"{path} is a file; name a folder for the workspace")
        with storage_errors(path):
            if path.is_dir() and any(path.iterdir()):
                raise WorkspaceError(
                    f"{path} is not empty and no workspace (it has no {CONFIG_FILE}); name a new or an empty folder"
                )
            for folder in (path, path / "vectors", path / "builds", path / "logs"):
                folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path / CONFIG_FILE, settings.encode())
        return cls.open(path)

    @classmethod
    def open(cls, path: Path | str) -> "Workspace":
        """Open a workspace.

        Raises:
            WorkspaceError: there is none.
            ConfigError: its `penchant.toml` has no meaning.
        """
        path = Path(path)
        if not path.is_dir():
            raise WorkspaceError(f"there is no folder {path}; make a workspace with `penchant read DATA --into {path}`")
        if not (path / CONFIG_FILE).is_file():
            raise WorkspaceError(
                f"{path} is no workspace: it has no {CONFIG_FILE}; make one with `penchant read DATA --into WORKSPACE`"
            )
        return cls(path, WorkspaceConfig.load(path / CONFIG_FILE))

    # -- what is where --

    @property
    def config_path(self) -> Path:
        """Its settings, also those for reading."""
        return self.path / CONFIG_FILE

    @property
    def vectors(self) -> Path:
        """Folder of cached text vectors."""
        return self.path / "vectors"

    @property
    def rejected(self) -> Path:
        """The rows that did not pass the checks when the data were read, as JSON Lines."""
        return self.path / "rejected.jsonl"

    @property
    def reading(self) -> Path:
        """The summary of the last reading, as JSON."""
        return self.path / "reading.json"

    @property
    def report(self) -> Path:
        """The report on the current build."""
        return self.path / "report.html"

    @property
    def logs(self) -> Path:
        """Folder of logs."""
        return self.path / "logs"

    def store(self) -> Store:
        """The store that the settings name; close it, or use it in a `with` block.

        Raises:
            StorageError: it is out of reach, or of another version.
            ConfigError: its URL names an environment variable that is not set.
        """
        url = self.config.store.url
        return Store(self.path / "store.db" if url is None else _expanded(url), self.config.store.tenant)

    def usable_community(self) -> Community:
        """What the store holds now, without the doings of members whose data may not be used: what may be learned from.

        Raises:
            StorageError: the store is out of reach.
            ConfigError: `[members.privacy]` has no meaning.
        """
        from penchant.data.consent import consenting
        from penchant.members.privacy import privacy_config

        with self.store() as store:
            return consenting(store.read(), privacy_config(self.config).consent)

    # -- builds --

    def builds(self) -> list[Build]:
        """The finished builds, oldest first."""
        return [Build.open(folder) for folder in self.build_folders() if (folder / BUILD_RECORD).is_file()]

    def build_folders(self) -> list[Path]:
        """The folders of builds, finished or not, oldest first."""
        with storage_errors(self.path):
            found = [folder for folder in (self.path / "builds").glob("*") if folder.name.isdecimal()]
        return sorted(found, key=lambda folder: int(folder.name))

    def build(self, version: str) -> Build:
        """A finished build by its version.

        Raises:
            NotBuiltError: there is none of that version.
        """
        folder = self.path / "builds" / version
        if not version.isdecimal() or not (folder / BUILD_RECORD).is_file():
            raise NotBuiltError(
                f"{self.path} has no finished build {version!r}; it has "
                f"{', '.join(build.version for build in self.builds()) or 'none: run `penchant build`'}"
            )
        return Build.open(folder)

    @property
    def current(self) -> Build | None:
        """The build that answers; None where there is none yet."""
        try:
            version = self._current_file.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise WorkspaceError(f"{self._current_file} cannot be read ({error}); switch to a build anew") from error
        return self.build(version)

    def require_current(self) -> Build:
        """The build that answers.

        Raises:
            NotBuiltError: there is none yet.
        """
        build = self.current
        if build is None:
            raise NotBuiltError(f"{self.path} has no build yet; run `penchant build {self.path}`")
        return build

    def switch(self, version: str) -> Build:
        """Let another build answer from now on, forwards or back: at once and whole.

        Raises:
            NotBuiltError: there is no such build.
            ArtifactError: it is damaged.
        """
        build = self.build(version)
        build.check()
        write_atomically(self._current_file, f"{version}\n".encode())
        return build

    def remove_build(self, version: str) -> None:
        """Delete a build that is not the current one.

        Raises:
            WorkspaceError: it is the current one.
        """
        current = self.current
        if current is not None and current.version == version:
            raise WorkspaceError(f"build {version} is the current one; switch to another before removing it")
        folder = self.path / "builds" / version
        with storage_errors(folder):
            # Without its record it is an unfinished build, so that a death halfway leaves no damaged one.
            (folder / BUILD_RECORD).unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the workspace alone: while it is built, or its data are replaced.

        The operating system lets go of it when the process ends, however it ends.

        Raises:
            WorkspaceBusyError: another process holds it.
        """
        import fcntl

        path = self.path / ".lock"
        with storage_errors(path):
            # Without a buffer, since one that a full disk does not take would be written again on closing.
            stream = path.open("ab+", buffering=0)
        with stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stream.seek(0)
                holder = stream.read().decode("ascii", "replace").strip()
                raise WorkspaceBusyError(
                    f"another process{f' ({holder})' if holder else ''} is working in {self.path}; "
                    "wait until it has ended, or end it: what it has done so far is kept"
                ) from None
            with storage_errors(path):
                stream.truncate(0)
                stream.write(f"number {os.getpid()}".encode())
            try:
                yield
            finally:
                stream.truncate(0)

    @property
    def _current_file(self) -> Path:
        return self.path / "builds" / "current"


def _expanded(url: str) -> str:
    """The URL with `${NAME}` replaced by that environment variable."""

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise ConfigError(f"the address of the store names the environment variable {match[1]}, which is not set")
        return found

    return re.sub(r"\$\{(\w+)\}", value, url)
