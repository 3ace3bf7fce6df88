import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from penchant.cli.app import main
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.stages import STAGES
from penchant.workspace import Workspace

SETTINGS = '[build]\nencoder = "minilm"\n\n[recommend]\nsources = ["popularity", "ease", "text"]\ntuning = "none"\n'


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace.create(tmp_path / "bazaar.ws", settings=SETTINGS)
    with workspace.store() as store:
        store.write(simulate(SimulatedConfig(events=600, members=40, labelled_texts=0)).community)
    return workspace


def test_build_stopped_by_the_keyboard_says_how_to_go_on_and_does(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import sys; from penchant.cli.app import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-u", "-c", code, "build", str(workspace.path), "--lang", "en"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    # The first stage is done once the second is announced.
    told = ""
    while "2/" not in told:
        line = running.stderr.readline()
        assert line, f"the build ended before its second stage: {told}"
        told += line
    time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    shown, complaint = running.communicate(timeout=120)
    assert running.returncode == 130, complaint
    assert shown == ""
    assert "Traceback" not in complaint
    assert f"penchant build {workspace.path} goes on from there" in complaint
    assert workspace.current is None

    assert main(["build", str(workspace.path), "--lang", "en"]) == 0
    shown = capsys.readouterr()
    assert f"1/{len(STAGES)} Community: unchanged" in shown.err
    assert "Build 0001 answers now." in shown.out

    assert main(["build", str(workspace.path), "--lang", "zh", "--json"]) == 0
    shown = capsys.readouterr()
    assert shown.err.count("无变化") == len(STAGES)
    told = json.loads(shown.out)
    assert (told["version"], told["current"]) == ("0001", True)


def test_empty_workspace_says_what_to_do_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = Workspace.create(tmp_path / "empty.ws")
    assert main(["build", str(workspace.path)]) == 4
    assert "penchant read" in capsys.readouterr().err
    assert main(["build", str(workspace.path), "--list"]) == 0
    assert "penchant build" in capsys.readouterr().out


def test_demo_leaves_a_workspace_of_ones_own_alone(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--into", str(workspace.path)]) == 2
    assert "a workspace of your own" in capsys.readouterr().err
    with workspace.store() as store:
        assert store.counts()["events"] == 600
