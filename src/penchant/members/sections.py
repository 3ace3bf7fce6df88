"""Parts of the section `[members]` of a workspace's settings, each read by whoever it is for."""

from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from penchant.settings_file import understood

_Config = TypeVar("_Config", bound=BaseModel)


class Configured(Protocol):
    """A workspace's settings, as far as they are read here; `penchant.workspace.WorkspaceConfig` has them."""

    @property
    def systems(self) -> dict[str, dict[str, Any]]:
        """The sections named after a system."""
        ...


def members_section(config: Configured, name: str, kind: type[_Config]) -> _Config:
    """What `[members.NAME]` says.

    Raises:
        ConfigError: something in it has no meaning.
    """
    return understood(kind, config.systems.get("members", {}).get(name, {}), f"[members.{name}] has settings")
