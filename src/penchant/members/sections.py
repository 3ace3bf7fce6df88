"""Parts of the section `[members]` of a workspace's settings, each read by whoever it is for."""

from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from penchant.errors import ConfigError

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
    try:
        return kind.model_validate(config.systems.get("members", {}).get(name, {}))
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ConfigError(f"[members.{name}] has settings without meaning: {'; '.join(problems)}") from None
