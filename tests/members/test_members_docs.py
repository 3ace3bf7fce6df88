"""What docs/privacy.md, docs/anomalies.md and docs/attributes.md say is so."""

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from penchant.data.community import Community
from penchant.members.alarms import Oddity
from penchant.members.alerts import AlertConfig
from penchant.members.anomalies import AnomalyConfig
from penchant.members.classifier import ClassifierConfig
from penchant.members.privacy import PrivacyConfig
from penchant.workspace import Workspace

DOCS = Path(__file__).parents[2] / "docs"
CONFIGS = {
    "privacy": PrivacyConfig, "anomalies": AnomalyConfig, "alerts": AlertConfig, "classifier": ClassifierConfig,
}  # fmt: skip


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["privacy.md", "anomalies.md", "attributes.md"])
def test_the_settings_are_settings_and_those_named_in_comments_as_well(page: str) -> None:
    (block,) = blocks(page, "toml")
    for written in (block, block.replace("\n# ", "\n")):
        for name, section in tomllib.loads(written)["members"].items():
            CONFIGS[name].model_validate(section)


def test_every_kind_of_anomaly_is_explained() -> None:
    told = re.findall(
        r"^\| `(\w+)` \| .* \| .* \|$", (DOCS / "anomalies.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert told == [kind.value for kind in Oddity]


def test_the_python_of_privacy_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.create("shop.ws")
    with workspace.store() as store:
        store.write(shop())
    (code,) = blocks("privacy.md", "python")
    exec(compile(code, "privacy.md", "exec"), {})
    with workspace.store() as store:
        assert store.read().member_ids.ids.to_list() == ["m1"]


def test_the_python_of_anomalies_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "shop"
    folder.mkdir()
    shop().items.select("item_id", "title").write_csv(folder / "items.csv")
    shop().with_ids("events").select("member_id", "item_id", "kind", "at").write_csv(folder / "events.csv")
    (code,) = blocks("anomalies.md", "python")
    exec(compile(code, "anomalies.md", "exec"), {})


def shop() -> Community:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [(who, "p1", "view", start + timedelta(days=day)) for who in ("m1", "m42") for day in range(5)]
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row")
    return Community.from_tables(pl.DataFrame({"item_id": ["p1"], "title": ["Pan"]}), events)
