"""A console over a copy of the built workspace, with a user who may log in."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from penchant.service.app import create_app
from penchant.service.security.sessions import COOKIE
from penchant.service.settings import ServiceSettings
from penchant.service.state import State
from penchant.workspace import Workspace

USER, PASSWORD = "ann", "correct horse battery"


@pytest.fixture(scope="module")
def console_workspace(built_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of these tests' own, with two builds."""
    folder = tmp_path_factory.mktemp("console") / "bazaar.ws"
    shutil.copytree(built_workspace, folder)
    first = folder / "builds" / "0001"
    shutil.copytree(first, folder / "builds" / "0002")
    record = folder / "builds" / "0002" / "build.json"
    record.write_text(record.read_text().replace('"version": "0001"', '"version": "0002"'))
    Workspace.open(folder).switch("0002")
    return folder


@pytest.fixture(scope="module")
def client(console_workspace: Path) -> Iterator[TestClient]:
    """Nobody is logged in."""
    settings = ServiceSettings(language_model=False)
    with TestClient(create_app(console_workspace, settings), follow_redirects=False) as opened:
        state: State = opened.app.state.penchant  # type: ignore[attr-defined]
        state.sessions.add_user(USER, PASSWORD)
        yield opened


@pytest.fixture
def state(client: TestClient) -> State:
    return client.app.state.penchant  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def cookie(client: TestClient) -> str:
    """What Ann's browser keeps; she logs in once, since attempts are counted."""
    client.cookies.clear()
    answer = client.post("/console/login", data={"user": USER, "password": PASSWORD})
    assert answer.status_code == 303
    return answer.cookies[COOKIE]


@pytest.fixture
def ann(client: TestClient, cookie: str) -> Iterator[TestClient]:
    """Ann is logged in."""
    client.cookies.clear()
    client.cookies.set(COOKIE, cookie)
    yield client
    client.cookies.clear()
