import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from penchant.artifacts import load_artifact, save_artifact
from penchant.builds import BUILD_RECORD, FORMATS, Build
from penchant.collaborative.linear import Ease
from penchant.data.community import Community
from penchant.data.interactions import histories
from penchant.data.segments import NOBODY, Segments
from penchant.data.vocabulary import Vocabulary
from penchant.errors import ArtifactError, ConfigError, NotBuiltError, StorageError, TooLittleDataError
from penchant.language import Phrase
from penchant.members.recipe import segments_folder
from penchant.pipeline import Context, Stage, StageProgress, build
from penchant.quality import measure
from penchant.recommend import RecommendConfig
from penchant.stages import STAGES, first_number, segments_before
from penchant.training.options import Options
from penchant.workspace import Workspace


def ease_inputs(context: Context) -> Mapping[str, Any]:
    return {"events": context.community.fingerprint("events"), "seed": context.options.seed}


def fit_ease(context: Context, folder: Path) -> None:
    Ease().fit(context.community, context.options).save(folder)


def answers(context: Context, folder: Path) -> None:
    """What the scorer of the stage before says for everyone."""
    scores = Ease.load(context.output("ease")).score(histories(context.community))
    np.save(folder / "scores.npy", scores)


QUICK = (
    STAGES[0],
    Stage("ease", Phrase("EASE", "EASE"), ease_inputs, fit_ease),
    Stage("answers", Phrase("Answers", "回答"), lambda context: {}, answers, after=("community", "ease")),
)
"""A build of a second: a real scorer fitted, saved, loaded and asked."""


def scores_of(built: Build) -> bytes:
    return (built.folder("answers") / "scores.npy").read_bytes()


@pytest.fixture
def workspace(tmp_path: Path, small_community: Community) -> Workspace:
    workspace = Workspace.create(tmp_path / "shop.ws")
    with workspace.store() as store:
        store.write(small_community)
    return workspace


def statuses(workspace: Workspace, **options: Any) -> dict[str, str]:
    told: dict[str, str] = {}
    build(workspace, stages=QUICK, on_stage=lambda one: told.update({one.stage.name: one.status}), **options)
    return told


def test_a_build_runs_its_stages_in_order_and_becomes_current(workspace: Workspace) -> None:
    told: list[StageProgress] = []
    built = build(workspace, stages=QUICK, on_stage=told.append)
    assert [(one.stage.name, one.status, one.place) for one in told] == [
        (stage.name, status, place) for place, stage in enumerate(QUICK, start=1) for status in ("running", "done")
    ]
    assert workspace.require_current().version == built.version == "0001"
    assert built.record.penchant
    for stage in built.record.stages:
        assert stage.seconds >= 0
        assert stage.peak_rss_mb > 20
        assert stage.made_in == "0001"
    log = (workspace.path / "logs" / "build.log").read_text()
    assert "ease: " in log


def test_nothing_changed_means_nothing_done(workspace: Workspace) -> None:
    built = build(workspace, stages=QUICK)
    before = {path: path.stat().st_mtime_ns for path in built.path.rglob("*")}
    assert set(statuses(workspace).values()) == {"kept"}
    assert [one.version for one in workspace.builds()] == ["0001"]
    assert {path: path.stat().st_mtime_ns for path in built.path.rglob("*")} == before


def test_only_what_a_change_reaches_is_made_again(workspace: Workspace) -> None:
    build(workspace, stages=QUICK)
    with workspace.store() as store:
        store.upsert_members(pl.DataFrame({"member_id": ["m1"], "city": ["York"]}))
    assert statuses(workspace) == {"community": "done", "ease": "kept", "answers": "done"}
    built = workspace.require_current()
    assert built.version == "0002"
    assert built.stages["ease"].made_in == "0001"
    assert built.folder("ease").joinpath("manifest.json").stat().st_nlink == 2
    assert statuses(workspace, options=Options(seed=1)) == {"community": "kept", "ease": "done", "answers": "done"}


def test_new_events_change_the_answers(workspace: Workspace) -> None:
    first = build(workspace, stages=QUICK)
    with workspace.store() as store:
        at = first.community.now
        store.append_events(pl.DataFrame([{"member_id": "m0", "item_id": "p17", "kind": "buy", "at": at}]))
    second = build(workspace, stages=QUICK)
    assert scores_of(second) != scores_of(first)


def test_a_raised_format_makes_its_stage_and_what_follows_again(workspace: Workspace) -> None:
    build(workspace, stages=QUICK)
    raised = (QUICK[0], Stage("ease", QUICK[1].title, ease_inputs, fit_ease, format=2), QUICK[2])
    built = build(workspace, stages=raised)
    assert [stage.made_in for stage in built.record.stages] == ["0001", "0002", "0002"]


def test_an_output_that_this_version_cannot_read_is_refused_by_name(workspace: Workspace) -> None:
    stage = Stage("drift", Phrase("Drift", "漂移"), ease_inputs, fit_ease)
    built = build(workspace, stages=[stage])
    assert built.folder("drift").is_dir()
    record = built.path / BUILD_RECORD
    record.write_text(record.read_text().replace(f'"format": {FORMATS["drift"]}', '"format": 1'))
    old = Build.open(built.path)
    for use in (old.check, lambda: old.folder("drift")):
        with pytest.raises(ArtifactError, match=rf"stage drift is of format 1, and .* reads format {FORMATS['drift']}"):
            use()


def test_segments_of_an_older_build_go_on_and_damaged_ones_stop_no_build(workspace: Workspace) -> None:
    segments = Segments(Vocabulary(pl.Series(["m"]), name="member"), np.array([NOBODY], dtype=np.int32), (), 1.0)
    stage = Stage("members", Phrase("Members", "会员"), lambda _: {}, lambda _, to: segments.save(segments_folder(to)))
    assert segments_before(workspace) is None
    built = build(workspace, stages=[stage])
    record = built.path / BUILD_RECORD
    record.write_text(record.read_text().replace(f'"format": {FORMATS["members"]}', '"format": 1'))
    with pytest.raises(ArtifactError, match="format 1"):
        workspace.require_current().segments()
    found = segments_before(workspace)
    assert found is not None
    assert found.member_ids.ids.to_list() == ["m"]
    shutil.rmtree(segments_folder(built.path / "members"))
    assert segments_before(workspace) is None


def test_a_new_segment_has_no_number_that_any_build_here_or_any_answer_knows(workspace: Workspace) -> None:
    segments = Segments(Vocabulary(pl.Series(["m"]), name="member"), np.array([NOBODY], dtype=np.int32), (), 1.0)
    assert first_number(workspace, ()) == 0
    for turn, following in enumerate((3, 8, 5)):
        given = replace(segments, next_number=following)

        def write(_: Context, to: Path, given: Segments = given) -> None:
            given.save(segments_folder(to))

        stage = Stage("members", Phrase("Members", "会员"), lambda _, turn=turn: {"turn": turn}, write)
        build(workspace, stages=[stage])
    assert first_number(workspace, (4,)) == 8, "also of a build that was gone back from"
    assert first_number(workspace, (11, 2)) == 12
    shutil.rmtree(segments_folder(workspace.path / "builds" / "0002" / "members"))
    assert first_number(workspace, ()) == 5, "what cannot be read stops no build"


def test_going_back_to_earlier_data_finds_the_earlier_build(workspace: Workspace, small_community: Community) -> None:
    build(workspace, stages=QUICK)
    with workspace.store() as store:
        store.write(small_community.with_events(small_community.events.head(100)))
    assert build(workspace, stages=QUICK).version == "0002"
    with workspace.store() as store:
        store.write(small_community)
    assert build(workspace, stages=QUICK).version == "0001"
    assert workspace.require_current().version == "0001"


def test_a_damaged_output_is_made_again(workspace: Workspace) -> None:
    built = build(workspace, stages=QUICK)
    expected = scores_of(built)
    (built.folder("answers") / "scores.npy").write_bytes(b"gone bad")
    assert statuses(workspace) == {"community": "kept", "ease": "kept", "answers": "done"}
    assert scores_of(workspace.require_current()) == expected


def test_old_builds_go_and_the_current_one_stays(workspace: Workspace, small_community: Community) -> None:
    (workspace.path / "penchant.toml").write_text("[build]\nkeep = 2\n")
    workspace = Workspace.open(workspace.path)
    for count in (50, 100, 150, 200):
        with workspace.store() as store:
            store.write(small_community.with_events(small_community.events.head(count)))
            build(workspace, stages=QUICK)
            store.put_verdicts(
                workspace.require_current().version, "drift", pl.DataFrame({"member_id": ["m1"], "verdict": ["{}"]})
            )
    assert [one.version for one in workspace.builds()] == ["0003", "0004"]
    assert sorted(path.name for path in (workspace.path / "builds").iterdir()) == ["0003", "0004", "current"]


def test_a_store_without_items_cannot_be_built(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "empty.ws")
    with pytest.raises(TooLittleDataError, match="a build needs items and events: read some in"):
        build(workspace, stages=QUICK)
    assert list((workspace.path / "builds").iterdir()) == []


# -- interrupted --


@pytest.mark.parametrize("at", ["community", "ease", "answers"])
def test_ctrl_c_leaves_a_build_that_resumes(workspace: Workspace, at: str) -> None:
    def interrupt(context: Context, folder: Path) -> None:
        (folder / "half").write_text("written")
        raise KeyboardInterrupt

    stages = tuple(
        Stage(one.name, one.title, one.inputs, interrupt, one.after) if one.name == at else one for one in QUICK
    )
    with pytest.raises(KeyboardInterrupt):
        build(workspace, stages=stages)
    assert workspace.current is None
    assert not list(workspace.path.rglob("*.partial"))
    assert "stopped: KeyboardInterrupt" in (workspace.path / "logs" / "build.log").read_text()
    told = statuses(workspace)
    before = [stage.name for stage in QUICK][: [stage.name for stage in QUICK].index(at)]
    assert told == {stage.name: "kept" if stage.name in before else "done" for stage in QUICK}
    assert not list(workspace.path.rglob("half"))
    assert workspace.require_current().version == "0001"


@pytest.mark.parametrize("left", [2_000, 20_000, 60_000, 150_000])
def test_a_full_disk_is_told_and_the_build_resumes(
    tiny_disk: Path, small_community: Community, uninterrupted: bytes, left: int
) -> None:
    workspace = Workspace.create(tiny_disk / "shop.ws")
    with workspace.store() as store:
        store.write(small_community)
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(b"x" * (shutil.disk_usage(tiny_disk).free - left))
    grown = (*QUICK[:2], Stage("large", Phrase("Large", "大"), lambda context: {}, write_much), QUICK[2])
    with pytest.raises(StorageError, match="the disk is full; free some space and run the same command again"):
        build(workspace, stages=grown)
    assert workspace.current is None
    ballast.unlink()
    assert scores_of(build(workspace, stages=grown)) == uninterrupted


def write_much(context: Context, folder: Path) -> None:
    save_artifact(folder, "much", arrays={"zeros": np.zeros(200_000)})


KILLED = """
    import os, signal, sys
    from pathlib import Path

    sys.path.insert(0, sys.argv[3])
    from test_pipeline import QUICK, build
    from penchant.workspace import Workspace

    # The process kills itself just before its n-th change of the file system, whatever that is.
    left = int(sys.argv[2])

    def watched(function):
        def call(*arguments, **keywords):
            global left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return function(*arguments, **keywords)
        return call

    workspace = Workspace.open(sys.argv[1])
    for name in ("rename", "replace", "mkdir", "rmdir", "unlink", "link", "fsync", "ftruncate"):
        setattr(os, name, watched(getattr(os, name)))
    for name in ("mkdir", "unlink", "rename", "replace"):
        setattr(Path, name, watched(getattr(Path, name)))
    build(workspace, stages=QUICK)
    print("changes left:", left)
    """


def run_killed(workspace: Workspace, step: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(workspace.path), str(step), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, small_community: Community) -> bytes:
    """The answers of a build that nothing happened to."""
    workspace = Workspace.create(tmp_path_factory.mktemp("whole") / "shop.ws")
    with workspace.store() as store:
        store.write(small_community)
    return scores_of(build(workspace, stages=QUICK))


@pytest.mark.parametrize("step", [0, 23, 48, 60])
def test_a_killed_build_resumes_to_the_same_answers(workspace: Workspace, step: int, uninterrupted: bytes) -> None:
    outcome = run_killed(workspace, step)
    assert outcome.returncode == -signal.SIGKILL, outcome.stdout + outcome.stderr
    built = build(workspace, stages=QUICK)
    assert scores_of(built) == uninterrupted
    assert workspace.require_current().version == built.version
    assert not list(workspace.path.rglob("*.partial"))
    built.check()


def test_a_rebuild_that_is_killed_leaves_the_current_build_answering(workspace: Workspace) -> None:
    first = build(workspace, stages=QUICK)
    expected = scores_of(first)
    with workspace.store() as store:
        at = first.community.now
        store.append_events(pl.DataFrame([{"member_id": "m0", "item_id": "p17", "kind": "buy", "at": at}]))
    outcome = run_killed(workspace, 40)
    assert outcome.returncode == -signal.SIGKILL, outcome.stdout + outcome.stderr
    assert workspace.require_current().version == "0001"
    assert scores_of(workspace.require_current()) == expected
    built = build(workspace, stages=QUICK)
    assert scores_of(built) != expected


# -- interests --

BY_CATEGORY = '[build]\nencoder = "minilm"\n\n[interests]\nsource = "categories"\n'
_of_members = next(stage for stage in STAGES if stage.name == "interests")
TIERS = (STAGES[0], Stage("interests", _of_members.title, _of_members.inputs, _of_members.run))
"""The stage as users get it, behind one that encodes nothing: categories need no vectors."""


def tiers_of(built: Build) -> list[tuple[str, ...]]:
    strata = built.interests().strata
    return [(member, *(f"{one}" for one in strata[member].interests)) for member in strata.member_ids.ids]


@pytest.fixture
def sorted_shop(tmp_path: Path, small_community: Community) -> Workspace:
    workspace = Workspace.create(tmp_path / "sorted.ws", settings=BY_CATEGORY)
    with workspace.store() as store:
        store.write(small_community)
    return workspace


def test_the_stage_of_interests_tells_what_each_member_likes(
    sorted_shop: Workspace, small_community: Community
) -> None:
    built = build(sorted_shop, stages=TIERS)
    interests = built.interests()
    topics = small_community.items["categories"].list.first()
    strata = interests.strata
    for member in range(24):
        core = strata[f"m{member}"].core
        if member % 3 == 2:
            assert not strata[f"m{member}"].interests, f"m{member} refused to have their data used"
            continue
        assert core, f"m{member} has enough events to tell"
        assert topics[6 * (member % 3)] in {one.label for one in core}
    assert interests.source.name == "categories"
    assert interests.item_labels.shape == (18, len(interests.taxonomy))


def test_an_interrupted_stage_of_interests_resumes_to_the_same_tiers(sorted_shop: Workspace, tmp_path: Path) -> None:
    def stopped(context: Context, folder: Path) -> None:
        _of_members.run(context, folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(sorted_shop, stages=(TIERS[0], Stage("interests", TIERS[1].title, TIERS[1].inputs, stopped)))
    resumed = build(sorted_shop, stages=TIERS)
    resumed.check()
    whole = Workspace.create(tmp_path / "whole.ws", settings=BY_CATEGORY)
    with whole.store() as store, sorted_shop.store() as source:
        store.write(source.read())
    assert tiers_of(resumed) == tiers_of(build(whole, stages=TIERS))


def test_interests_are_learned_again_for_what_they_rest_on_alone(sorted_shop: Workspace) -> None:
    def status() -> str:
        told: dict[str, str] = {}
        workspace = Workspace.open(sorted_shop.path)
        build(workspace, stages=TIERS, on_stage=lambda one: told.update({one.stage.name: one.status}))
        return told["interests"]

    assert status() == "done"
    with sorted_shop.store() as store:
        store.upsert_ties(pl.DataFrame({"member_id": ["m1"], "other_id": ["m2"], "kind": ["friend"]}))
    assert status() == "kept"
    with sorted_shop.store() as store:
        store.append_labels(pl.DataFrame({"item_id": ["p1"], "labels": [["厨房 > 锅具"]]}))
    assert status() == "done"
    (sorted_shop.path / "penchant.toml").write_text(BY_CATEGORY + "[interests.strata]\ncore_share = 0.2\n")
    assert status() == "done"
    assert sorted_shop.require_current().interests().config.strata.core_share == 0.2


def test_settings_of_interests_without_meaning_stop_the_build(sorted_shop: Workspace) -> None:
    (sorted_shop.path / "penchant.toml").write_text("[interests]\nsource = 'tea leaves'\n")
    with pytest.raises(ConfigError, match=r"settings of \[interests\] without meaning: source: "):
        build(Workspace.open(sorted_shop.path), stages=TIERS)


def test_a_build_from_before_there_were_interests_says_so(workspace: Workspace) -> None:
    with pytest.raises(NotBuiltError, match="has no stage 'interests'"):
        build(workspace, stages=QUICK).interests()


# -- the build that users get --

MINILM = '[build]\nencoder = "minilm"\n'
"""The smaller packaged encoder."""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, small_community: Community) -> Workspace:
    """A workspace with an uninterrupted build of all stages."""
    workspace = Workspace.create(tmp_path_factory.mktemp("full") / "shop.ws", settings=MINILM)
    with workspace.store() as store:
        store.write(agreeing(small_community))
    build(workspace, options=QUIET)
    return workspace


def agreeing(community: Community) -> Community:
    """The community with everybody's consent: few as they are, a ranker needs them all."""
    return replace(community, members=community.members.with_columns(consent=pl.lit(True)))


QUIET = Options(progress=False, precision="float32")


def lists_of(built: Build) -> list[list[tuple[str, float, str]]]:
    recommender = built.recommender()
    rankings = [recommender.recommend(member_id, 5) for member_id in built.community.member_ids.ids]
    return [[(pick.item_id, pick.score, pick.reason) for pick in ranking] for ranking in rankings]


@pytest.mark.slow
def test_the_whole_build_recommends_and_measures(full: Workspace, small_community: Community) -> None:
    built = full.require_current()
    assert list(built.stages) == [stage.name for stage in STAGES]
    vectors = load_artifact(built.folder("text"), "text").arrays["items"]
    assert vectors.shape == (len(small_community.items), 384)
    # Each member likes one of three categories, and that is what they are shown.
    categories = small_community.items["categories"].list.first()
    own = 0
    for member, picks in enumerate(lists_of(built)):
        liked = categories[6 * (member % 3)]
        own += sum(categories[small_community.item_ids.row(item_id)] == liked for item_id, _, _ in picks[:2])
    assert own >= 0.75 * 2 * len(small_community.members)
    quality = built.quality
    assert quality.reason is None
    assert quality.members >= 20
    assert {"penchant", "without language model", "popularity", "ease", "text"} <= set(quality.systems)
    ours = quality.systems["penchant"]["ndcg@10"]
    assert ours.low is not None
    assert ours.low <= ours.value <= (ours.high or 0)
    assert quality.systems["penchant"]["ndcg@10"].value > quality.systems["popularity"]["ndcg@10"].value
    assert quality.setup is not None
    assert built.recommender().weights == quality.setup.weights, "what was judged is what is served"


@pytest.mark.slow
@pytest.mark.parametrize("at", ["text", "interests", "evaluate", "recommend"])
def test_the_whole_build_killed_resumes_to_the_same_answers(
    full: Workspace, tmp_path: Path, small_community: Community, at: str
) -> None:
    workspace = Workspace.create(tmp_path / "shop.ws", settings=MINILM)
    with workspace.store() as store:
        store.write(agreeing(small_community))
    code = """
        import os, signal, sys, threading
        from penchant.pipeline import build
        from penchant.training.options import Options
        from penchant.workspace import Workspace

        def kill(progress):
            if progress.stage.name == sys.argv[2] and progress.status == "running":
                threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()

        build(Workspace.open(sys.argv[1]), options=Options(progress=False, precision="float32"), on_stage=kill)
        """
    outcome = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(workspace.path), at],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert outcome.returncode == -signal.SIGKILL, outcome.stdout + outcome.stderr
    built = build(workspace, options=QUIET)
    assert lists_of(built) == lists_of(full.require_current())
    assert built.quality == full.require_current().quality


def test_settings_of_a_system_without_meaning_stop_the_build(workspace: Workspace) -> None:
    (workspace.path / "penchant.toml").write_text("[recommend]\nsources = ['palmistry']\n")
    with pytest.raises(ConfigError, match=r"settings of \[recommend\] without meaning: sources.0: "):
        build(Workspace.open(workspace.path))


def test_nothing_to_hold_out_is_told(small_community: Community) -> None:
    few = small_community.with_events(small_community.events.head(2))
    assert "hold out" in (measure(few, RecommendConfig(), Options()).reason or "")


def test_what_inputs_and_run_share_is_made_once(tmp_path: Path) -> None:
    context = Context(Workspace.create(tmp_path / "shop.ws"), Options(progress=False), tmp_path)
    asked: list[str] = []

    def make() -> int:
        asked.append("made")
        return len(asked)

    assert [context.once("told", make), context.once("told", make), context.once("other", make)] == [1, 1, 2]
