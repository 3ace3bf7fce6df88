import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from penchant.builds import Build
from penchant.data.community import Community
from penchant.data.consent import consenting
from penchant.data.snapshot import load_community, save_community
from penchant.errors import (
    ArtifactError,
    ConfigError,
    NotBuiltError,
    StorageError,
    WorkspaceBusyError,
    WorkspaceError,
)
from penchant.pipeline import build
from penchant.stages import STAGES
from penchant.workspace import Workspace

COMMUNITY_STAGE = STAGES[:1]


@pytest.fixture
def workspace(tmp_path: Path, small_community: Community) -> Workspace:
    workspace = Workspace.create(tmp_path / "shop.ws")
    with workspace.store() as store:
        store.write(small_community)
    return workspace


def test_a_new_workspace_has_its_layout_and_explains_its_settings(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "a" / "shop.ws")
    assert sorted(path.name for path in workspace.path.iterdir()) == ["builds", "logs", "penchant.toml", "vectors"]
    assert "url" in (workspace.path / "penchant.toml").read_text()
    assert workspace.current is None
    assert Workspace.open(workspace.path).config == workspace.config


def test_creating_twice_opens_what_is_there(workspace: Workspace) -> None:
    (workspace.path / "penchant.toml").write_text("[build]\nkeep = 7\n")
    assert Workspace.create(workspace.path).config.build.keep == 7


def test_create_takes_over_no_foreign_folder(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear all")
    with pytest.raises(WorkspaceError, match="is not empty and no workspace"):
        Workspace.create(tmp_path)
    with pytest.raises(WorkspaceError, match=r"letters.txt is a file; name a folder"):
        Workspace.create(tmp_path / "letters.txt")
    with pytest.raises(StorageError, match="cannot write"):
        Workspace.create("/proc/shop.ws")


def test_open_says_what_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"there is no folder .*; make a workspace with `penchant read"):
        Workspace.open(tmp_path / "nowhere")
    with pytest.raises(WorkspaceError, match=r"is no workspace: it has no penchant.toml"):
        Workspace.open(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("[buidl]\nkeep = 2\n", "has a section 'buidl', which means nothing; there are"),
        ("[build]\nkeep = 0\n", r"settings without meaning: build.keep: Input should be greater than 0"),
        ("[build]\nkepe = 2\n", r"build.kepe: Extra inputs are not permitted"),
        ("[build\n", "cannot be read as TOML"),
    ],
)
def test_settings_without_meaning_are_refused(tmp_path: Path, settings: str, message: str) -> None:
    Workspace.create(tmp_path / "shop.ws")
    (tmp_path / "shop.ws" / "penchant.toml").write_text(settings)
    with pytest.raises(ConfigError, match=message):
        Workspace.open(tmp_path / "shop.ws")


def test_sections_of_readers_and_systems_are_let_through(tmp_path: Path) -> None:
    settings = '[columns.events]\nmember_id = "uid"\n[recommend]\nhalf_life = 30\n'
    workspace = Workspace.create(tmp_path / "shop.ws", settings=settings)
    assert workspace.config.systems == {"recommend": {"half_life": 30}}


def test_the_store_may_be_elsewhere_and_its_password_in_the_environment(
    tmp_path: Path, postgres_url: str, small_community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = '[store]\nurl = "${SHOP_DATABASE}"\ntenant = "shop"\n'
    workspace = Workspace.create(tmp_path / "shop.ws", settings=settings)
    with pytest.raises(ConfigError, match="the environment variable SHOP_DATABASE, which is not set"):
        workspace.store()
    monkeypatch.setenv("SHOP_DATABASE", postgres_url)
    with workspace.store() as store:
        assert not store.database.is_sqlite
        assert store.tenant == "shop"
        store.write(small_community)
    assert not (workspace.path / "store.db").exists()
    built = build(workspace, stages=COMMUNITY_STAGE)
    # A third of the members refuse, so what they did is in no build.
    assert built.community.fingerprint() == consenting(small_community).fingerprint()


def test_a_community_frozen_in_a_folder_comes_back_equal(tmp_path: Path, small_community: Community) -> None:
    save_community(small_community, tmp_path)
    assert load_community(tmp_path).fingerprint() == small_community.fingerprint()
    (tmp_path / "events.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match=r"events.parquet has changed since it was saved"):
        load_community(tmp_path)


# -- builds --


def test_builds_switch_forwards_and_back(workspace: Workspace, small_community: Community) -> None:
    first = build(workspace, stages=COMMUNITY_STAGE)
    fewer = small_community.with_events(small_community.events.head(50))
    with workspace.store() as store:
        store.write(fewer)
    second = build(workspace, stages=COMMUNITY_STAGE)
    assert [one.version for one in workspace.builds()] == [first.version, second.version] == ["0001", "0002"]
    assert workspace.require_current().community.fingerprint() == consenting(fewer).fingerprint()
    workspace.switch(first.version)
    assert workspace.require_current().community.fingerprint() == consenting(small_community).fingerprint()
    assert Workspace.open(workspace.path).require_current().version == "0001"


def test_a_build_that_is_not_there_is_told(workspace: Workspace) -> None:
    with pytest.raises(NotBuiltError, match="has no build yet; run `penchant build"):
        workspace.require_current()
    with pytest.raises(NotBuiltError, match="has no finished build '0007'; it has none: run `penchant build`"):
        workspace.switch("0007")
    build(workspace, stages=COMMUNITY_STAGE)
    for version in ("0007", "../..", ""):
        with pytest.raises(NotBuiltError, match="it has 0001"):
            workspace.switch(version)
    with pytest.raises(NotBuiltError, match="build 0001 has no stage 'drift'; it has community"):
        workspace.require_current().folder("drift")


def test_a_damaged_build_is_refused_and_the_current_one_stays(workspace: Workspace, small_community: Community) -> None:
    build(workspace, stages=COMMUNITY_STAGE)
    with workspace.store() as store:
        store.write(small_community.with_events(small_community.events.head(50)))
    build(workspace, stages=COMMUNITY_STAGE)
    with (workspace.path / "builds" / "0001" / "community" / "events.parquet").open("ab") as stream:
        stream.write(b"!")
    with pytest.raises(ArtifactError, match=r"build 0001 is damaged: .*events.parquet has changed since"):
        workspace.switch("0001")
    assert workspace.require_current().version == "0002"


def test_a_build_record_that_makes_no_sense_is_told(workspace: Workspace) -> None:
    build(workspace, stages=COMMUNITY_STAGE)
    (workspace.path / "builds" / "0001" / "build.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"cannot be read .* remove that folder and build again"):
        Build.open(workspace.path / "builds" / "0001")


def test_the_current_build_cannot_be_removed(workspace: Workspace) -> None:
    build(workspace, stages=COMMUNITY_STAGE)
    with pytest.raises(WorkspaceError, match="build 0001 is the current one"):
        workspace.remove_build("0001")


# -- one at a time --


def test_two_builds_at_once_are_refused(workspace: Workspace) -> None:
    with workspace.lock(), pytest.raises(WorkspaceBusyError, match=r"another process \(number \d+\) is working in"):
        build(workspace, stages=COMMUNITY_STAGE)
    build(workspace, stages=COMMUNITY_STAGE)


def test_the_lock_of_a_killed_process_is_free(workspace: Workspace) -> None:
    code = """
        import sys, time
        from penchant.workspace import Workspace
        with Workspace.open(sys.argv[1]).lock():
            print("held", flush=True)
            time.sleep(60)
        """
    command = [sys.executable, "-c", textwrap.dedent(code), str(workspace.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WorkspaceBusyError, match=f"number {holder.pid}"), workspace.lock():
            pass
        holder.kill()
    with workspace.lock():
        pass


def test_what_goes_wrong_inside_the_lock_keeps_its_own_name(workspace: Workspace) -> None:
    with pytest.raises(FileNotFoundError), workspace.lock():
        (workspace.path / "nothing").read_bytes()
