"""The app: every route, the gate before them, and the state behind them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from penchant import __version__
from penchant.service import errors
from penchant.service.routes import builds, description, events, items, members, search, watching
from penchant.service.running.gate import Gate
from penchant.service.settings import ServiceSettings
from penchant.service.state import State
from penchant.workspace import Workspace

_ABOUT: Final = """What members do comes in as events; what to show them, what they like and what they seek goes out.

Every request carries a key: `Authorization: Bearer KEY`. Every refusal has one shape, `{"error": {"code", "message",
"request"}}`. An event that was acknowledged is on disk, and the next answer knows it."""


def create_app(workspace: Workspace | Path | str, settings: ServiceSettings | None = None) -> FastAPI:
    """The service over one workspace, as an ASGI app; `app.state.penchant` is its `State`.

    The histories are read and the build is loaded when the app starts, that is when its lifespan begins: under uvicorn,
    or in a `with TestClient(app)` block.

    The console is mounted under `/console` where it is there; `penchant.console.app.console(state)` is its FastAPI app.

    Args:
        workspace: read with `penchant read`; without a build it takes events and answers nothing yet.
        settings: how to run.

    Raises:
        WorkspaceError: there is no such workspace, or its store is out of reach.
    """
    workspace = workspace if isinstance(workspace, Workspace) else Workspace.open(workspace)
    settings = settings or ServiceSettings()
    state = State(workspace, settings)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(state.start)
        yield
        await asyncio.to_thread(state.stop)

    app = FastAPI(
        title="Penchant",
        version=__version__,
        description=_ABOUT,
        lifespan=life,
        responses=errors.ERRORS,
        docs_url=None,
        redoc_url=None,
    )
    app.state.penchant = state
    errors.install(app)
    for module in (events, members, items, search, builds, watching):
        app.include_router(module.router)
    app.include_router(watching.open_router)
    app.include_router(description.router)
    if find_spec("penchant.console.app") is not None:
        # By name, since the console stands on the service and not the other way round.
        console: FastAPI = import_module("penchant.console.app").console(state)
        console.state.penchant = state
        app.mount("/console", console)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            max_age=600,
        )
    if settings.tracing:
        from penchant.service.running.tracing import Traced

        app.add_middleware(Traced)
    app.add_middleware(Gate, state=state)
    return app
