"""`penchant tune` over a workspace: what it writes is what a build then uses."""

import json
import tomllib
from pathlib import Path

import pytest

from penchant.cli.app import main
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.stages import recommend_config
from penchant.workspace import Workspace

SETTINGS = """[build]
encoder = "minilm"

[recommend]
# by hand
sources = ["popularity", "ease"]

[recommend.settings.ease]
regularization = 1e6
"""


def test_a_system_with_too_little_data_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.create(tmp_path / "bazaar.ws", settings=SETTINGS)
    with workspace.store() as store:
        store.write(simulate(SimulatedConfig(events=300, members=10, items=48, labelled_texts=0)).community)
    assert main(["tune", str(workspace.path), "--minutes", "0.01", "--lang", "zh"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.partition("：")[0] for line in told] == ["推荐无可调", "搜索无可调"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace.create(tmp_path / "bazaar.ws", settings=SETTINGS)
    with workspace.store() as store:
        store.write(simulate(SimulatedConfig(events=2_800, members=180, items=60, labelled_texts=0)).community)
    return workspace


def test_what_is_found_is_written_or_told_not_to_be(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tune", str(workspace.path), "--system", "recommend", "--minutes", "1", "--trials", "2"]
    assert main([*words, "--json"]) == 0
    shown = capsys.readouterr()
    (recommend,) = json.loads(shown.out)
    assert recommend["trials"] == 2
    assert "Trial 2: NDCG@10" in shown.err
    document = tomllib.loads(workspace.config_path.read_text(encoding="utf-8"))
    assert "# by hand" in workspace.config_path.read_text(encoding="utf-8")
    config = recommend_config(Workspace.open(workspace.path))
    if recommend["written"]:
        assert document["recommend"]["tuning"] == "none"
        assert config.settings["ease"]["regularization"] == recommend["settings"]["settings.ease.regularization"]
    else:
        assert config.settings["ease"]["regularization"] == 1e6
    assert config.sources == ("popularity", "ease")
