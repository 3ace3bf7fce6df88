"""A small shop, built in a second, and a service over a copy of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from service_served import Served
from service_shop import Words, build_shop

from penchant.service.app import create_app
from penchant.service.settings import ServiceSettings
from penchant.workspace import Workspace


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a built shop; copy it before you change it."""
    folder = tmp_path_factory.mktemp("service") / "shop.ws"
    build_shop(folder)
    return folder


@pytest.fixture
def shop(shop_folder: Path, tmp_path: Path) -> Workspace:
    """A shop of the test's own."""
    shutil.copytree(shop_folder, tmp_path / "shop.ws")
    return Workspace.open(tmp_path / "shop.ws")


@pytest.fixture
def served(shop: Workspace) -> Iterator[Served]:
    """A service over a shop of the test's own, with something that reads texts."""
    with TestClient(create_app(shop, ServiceSettings(language_model=False)), raise_server_exceptions=False) as client:
        one = Served(client, shop)
        one.state.builds.give(Words())
        yield one


@pytest.fixture(scope="module")
def shared(shop_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for all tests of a file that leave it as it is, or add only what no other looks at."""
    folder = tmp_path_factory.mktemp("shared") / "shop.ws"
    shutil.copytree(shop_folder, folder)
    workspace = Workspace.open(folder)
    settings = ServiceSettings(language_model=False, limits={"failures_per_minute": 1e6})
    with TestClient(create_app(workspace, settings), raise_server_exceptions=False) as client:
        one = Served(client, workspace)
        one.state.builds.give(Words())
        yield one
