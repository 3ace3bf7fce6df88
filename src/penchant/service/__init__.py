"""Penchant over HTTP: events in, answers out, nothing lost."""

from typing import TYPE_CHECKING, Final

from penchant.lazy import late

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

# Loaded late, so that the client needs nothing of the server.
__getattr__, __dir__, __all__ = late(__name__, _HOMES)
