"""What the pages and files about the service say is so."""

import json
import re
from pathlib import Path

import pytest
from service_served import Served

from penchant.service.running.metrics import Metrics
from penchant.service.running.rules import AlertRules
from penchant.service.settings import ServiceSettings
from penchant.workspace import Workspace

DOCS = Path(__file__).parents[2] / "docs"


def metric_names() -> set[str]:
    """Names of all samples that the service can tell of."""
    metrics = Metrics()
    metrics.seconds.labels("x", "y").observe(1)
    metrics.requests.labels("x", "200").inc()
    metrics.events.labels("added").inc()
    metrics.waiting.labels("x").set(1)
    return {sample.name for family in metrics.registry.collect() for sample in family.samples}


def test_the_board_asks_for_figures_that_there_are() -> None:
    board = json.loads((DOCS / "deploy" / "grafana.json").read_text())
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"penchant_\w+", target["expr"])
    }
    assert len(asked) >= 10
    assert asked <= metric_names()


def test_the_alert_rules_are_rules_on_figures_that_there_are() -> None:
    rules = AlertRules.read(DOCS / "deploy" / "alerts.yaml")
    assert {rule.kind for rule in rules.rules} == {"threshold", "anomaly"}
    assert {rule.metric for rule in rules.rules} <= metric_names()


def test_every_route_stands_in_the_page_and_every_route_of_the_page_is_there(shared: Served) -> None:
    page = (DOCS / "service.md").read_text(encoding="utf-8")
    described = shared.client.get("/openapi.json").json()["paths"]
    for path in described:
        last = path.replace("{member_id}", "{id}").replace("{item_id}", "{id}").rsplit("/", 1)[-1]
        assert last in page, path
    for path in re.findall(r"`(?:GET|POST|PUT|DELETE) (/[^`?]+)`", page):
        known = {one.replace("{member_id}", "{id}").replace("{item_id}", "{id}") for one in described}
        assert path in known, path


def test_the_settings_of_the_page_are_settings(shop: Workspace) -> None:
    page = (DOCS / "service.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    shop.config_path.write_text(block, encoding="utf-8")
    settings = ServiceSettings.read(Workspace.open(shop.path))
    assert settings.origins == ("https://shop.example",)


@pytest.mark.parametrize("name", ["penchant.service", "Dockerfile"])
def test_deployments_start_the_command_as_somebody_without_rights(name: str) -> None:
    text = (DOCS / "deploy" / name).read_text(encoding="utf-8")
    assert "serve" in text
    assert "--behind-proxy" in text
    assert "User=penchant" in text or "USER 10001" in text
