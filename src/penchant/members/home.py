"""What privacy needs of a workspace; `penchant.workspace.Workspace` has it."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from penchant.data.store import Store


class Home(Protocol):
    """A folder with a store, to be held alone while it is changed."""

    @property
    def path(self) -> Path:
        """The folder."""
        ...

    def store(self) -> Store:
        """The store of its settings; close it."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Hold it alone."""
        ...
