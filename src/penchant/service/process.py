"""One process that serves: the server around the app, and how each of several workers finds its workspace."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from penchant.errors import ConfigError
from penchant.service.app import create_app
from penchant.service.running.logs import set_up
from penchant.service.running.memory import settle
from penchant.service.settings import ServiceSettings
from penchant.workspace import Workspace

_ENVIRONMENT: Final = "PENCHANT_SERVING"
"""Holds workspace and settings for workers, which start with nothing but their environment."""


def serve(workspace: Workspace, settings: ServiceSettings) -> None:
    """Serve until told to stop; then what has begun is finished, and what was acknowledged is on disk.

    Raises:
        ConfigError: the address is public and nothing protects it (see `ServiceSettings.check`).
        WorkspaceError: the store is out of reach.
    """
    from penchant.service.migrations import upgrade
    from penchant.service.security.keys import Keyring

    with workspace.store() as store:
        upgrade(store.database)
        has_keys = any(key.is_valid() for key in Keyring(store.database, store.tenant).all())
        settings.check(has_keys=has_keys, on_sqlite=store.database.is_sqlite)
    set_up(settings.log_level)
    told: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": settings.stop_seconds,
        "timeout_keep_alive": 30,
        "h11_max_incomplete_event_size": 64 * 1024,
        "proxy_headers": settings.behind_proxy,
        "ssl_certfile": settings.certificate,
        "ssl_keyfile": settings.private_key,
    }
    if settings.workers == 1:
        server = uvicorn.Server(uvicorn.Config(_app(workspace, settings), **told))
        server.run()
        if not server.started:
            raise ConfigError(f"the service did not start on {settings.host}:{settings.port}; the log says why")
        return
    held = {"workspace": str(workspace.path.absolute()), "settings": settings.model_dump(mode="json")}
    os.environ[_ENVIRONMENT] = json.dumps(held)
    with TemporaryDirectory(prefix="penchant-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        uvicorn.run("penchant.service.process:worker", factory=True, workers=settings.workers, **told)


def worker() -> FastAPI:
    """The app of one of several workers."""
    held: dict[str, Any] = json.loads(os.environ[_ENVIRONMENT])
    settings = ServiceSettings.model_validate(held["settings"])
    set_up(settings.log_level)
    return _app(Path(held["workspace"]), settings)


def _app(workspace: Workspace | Path, settings: ServiceSettings) -> FastAPI:
    """The app of a process that does nothing else."""
    app = create_app(workspace, settings)
    app.state.penchant.on_loaded = settle
    return app
