"""Penchant over HTTP: events in, answers out, nothing lost."""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from penchant.service.app import create_app as create_app
    from penchant.service.client import Client as Client
    from penchant.service.settings import ServiceSettings as ServiceSettings
    from penchant.service.state import State as State

_HOMES: Final = {
    "Client": "penchant.service.client",
    "ServiceSettings": "penchant.service.settings",
    "State": "penchant.service.state",
    "create_app": "penchant.service.app",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # Loaded late, so that the client needs nothing of the server.
    if name not in _HOMES:
        raise AttributeError(f"penchant.service has no public name {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
