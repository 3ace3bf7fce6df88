"""The review queue: what people correct is called so at once, teaches the next build, and goes with its member."""

import json
import re
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient
from service_served import Served
from service_shop import CATEGORIES, START, _interests, _recommend
from sqlalchemy import text

from penchant.artifacts import MANIFEST, file_sha256
from penchant.builds import BUILD_RECORD
from penchant.cli.app import main
from penchant.console.desk import Desk
from penchant.console.pages import questions
from penchant.data.attention import Plan
from penchant.data.community import Community
from penchant.data.corrections import Corrections
from penchant.data.store import Store
from penchant.pipeline import Stage, build
from penchant.service.app import create_app
from penchant.service.migrations import upgrade
from penchant.service.settings import ServiceSettings
from penchant.service.state import State
from penchant.stages import STAGES
from penchant.training.options import Options
from penchant.workspace import Workspace

SETTINGS = """
[build]
encoder = "minilm"
keep = 5
[members.segments]
least = 2
most = 3
[drift]
fewest_members = 30
[drift.judging.learn.streams]
track = "natural"
window = 10
length = 6
draws = 1
[drift.judging.learn.event_trees]
trees = 20
[drift.judging.learn.window_trees]
trees = 20
"""
MEMBERS, EVENTS = 45, 70
SURELY = 30
"""Members from here on turn to something else at the end, half-heartedly."""


def tastes() -> Community:
    """Members who keep to one category, and a few who waver at the end."""
    rng = np.random.default_rng(1)
    paths, titles = zip(*((path, title) for path, names in CATEGORIES.items() for title in names), strict=True)
    items = pl.DataFrame(
        {
            "item_id": [f"p{row}" for row in range(24)],
            "title": titles,
            "categories": [[path] for path in paths],
            "price": [10.0 + row for row in range(24)],
        }
    )
    rows = []
    for member in range(MEMBERS):
        for day in range(EVENTS):
            strays = 0.7 if member >= SURELY and day >= 60 else 0.15
            topic = int(rng.integers(3)) if rng.random() < strays else member % 3
            at = START + timedelta(days=day, hours=member % 24)
            rows.append((f"zebulon-{member:02}", f"p{topic * 8 + int(rng.integers(8))}", "buy", at))
    return Community.from_tables(items, pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row"))


def made(workspace: Workspace) -> Workspace:
    """One more build: of segments and drift, the stages that every build has."""
    plain = {stage.name: stage for stage in STAGES}
    stages = [plain[name] for name in ("community", "text")]
    stages += [
        Stage(name, plain[name].title, lambda context: {}, run)
        for name, run in {"interests": _interests, "recommend": _recommend}.items()
    ]
    stages += [replace(plain[name]) for name in ("members", "drift")]
    build(workspace, options=Options(threads=1, progress=False), stages=stages)
    return workspace


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace.create(tmp_path_factory.mktemp("reviews") / "shop.ws", settings=SETTINGS)
    with workspace.store() as store:
        store.write(tastes())
    return made(workspace).path


@pytest.fixture(scope="module")
def ann(folder: Path):
    """Ann is logged in, over a workspace with segments and a judge of drift."""
    # The builds that these tests make are looked at from outside; the service goes on with the first.
    settings = ServiceSettings(language_model=False, follow_builds=False)
    with TestClient(create_app(folder, settings), follow_redirects=False) as client:
        state: State = client.app.state.penchant  # type: ignore[attr-defined]
        state.sessions.add_user("ann", "a long password")
        client.post("/console/login", data={"user": "ann", "password": "a long password"})
        yield client


def state_of(ann: TestClient) -> State:
    return ann.app.state.penchant  # type: ignore[attr-defined]


def answer(ann: TestClient, **form: str) -> int:
    found = re.search(r'name="csrf" value="([^"]+)"', ann.get("/console/review").text)
    assert found is not None
    return ann.post("/console/review", data={"csrf": found[1], **form}).status_code


def test_a_segment_is_called_by_its_new_name_at_once_and_by_the_next_build(ann: TestClient, folder: Path) -> None:
    desk = Desk(state_of(ann))
    before = questions.counts(desk)["segment"]
    tasks = questions.tasks(desk, "segment", "en")
    assert len(tasks) == before >= 2
    page = ann.get("/console/review?kind=segment").text
    assert f'value="{tasks[0].said}"' in page or tasks[0].said.replace("&", "&amp;") in page
    number = tasks[0].subject
    form = {"kind": "segment", "subject": number, "answer": "Pot lovers", "other": "爱锅人士", "verdict": "approve"}
    assert answer(ann, **form) == 303
    assert questions.counts(desk)["segment"] == before - 1
    member = desk.segments.members(int(number))[0]
    state = state_of(ann)
    assert state.systems.segment(member, "en")["name"] == "Pot lovers"
    assert state.systems.segment(member, "zh")["name"] == "爱锅人士"
    assert "Pot lovers" in ann.get("/console/segments").text
    names = made(Workspace.open(folder)).require_current().segments()
    kept = names[member]
    assert kept is not None
    assert tuple(kept.name) == ("Pot lovers", "爱锅人士")


def test_a_name_without_meaning_is_refused(ann: TestClient) -> None:
    assert answer(ann, kind="segment", subject="77", answer="x", verdict="approve") == 409
    number = str(next(iter(Desk(state_of(ann)).segments)).number)
    assert answer(ann, kind="segment", subject=number, answer="x" * 200, verdict="approve") == 409


def test_what_is_said_of_a_change_is_kept_and_teaches_the_next_judge(ann: TestClient, folder: Path) -> None:
    state = state_of(ann)
    desk = Desk(state)
    waiting = questions.tasks(desk, "drift", "en")
    assert waiting, "somebody wavers"
    assert questions.counts(desk)["drift"] == len(waiting)
    table = desk.drift.table
    for task in waiting:
        assert 0.25 <= table.filter(pl.col("member_id") == task.member)["probability"][0] <= 0.75
        assert answer(ann, kind="drift", subject=task.subject, verdict="dismiss") == 303
    assert questions.counts(desk)["drift"] == 0
    given = Corrections.read(state.store).drift
    assert len(given) == len(waiting)
    assert not any(right for _, right in given)
    again = made(Workspace.open(folder)).require_current().drift()
    assert again.judge is not None
    told = dict(again.table.select("member_id", "probability").iter_rows())
    was = dict(table.select("member_id", "probability").iter_rows())
    assert all(told[task.member] < was[task.member] for task in waiting), "nobody of them had changed"
    # What they do afterwards is asked about anew.
    assert questions._subjects(desk, "drift", questions.reviews(desk).answered()) == []


def test_answers_about_a_member_go_with_them_from_the_command_line_too(ann: TestClient, folder: Path) -> None:
    state = state_of(ann)
    reviews = questions.reviews(Desk(state))
    for member in ("zebulon-07", "zebulon-08"):
        reviews.give("ann", "drift", "", "1.25", "", decision="dismiss", member_id=member)
    exported = ann.app.state.penchant.reviews_of("zebulon-07")  # type: ignore[attr-defined]
    assert [one["said"] for one in exported] == ["1.25"]
    key = state.keys.make("t", ["manage", "read"])[1]
    state.keys.refresh()
    assert ann.delete("/v1/members/zebulon-07", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert main(["members", "forget", str(folder), "zebulon-08", "--yes"]) == 0
    assert set(reviews.last("drift")) & {"zebulon-07", "zebulon-08"} == set()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        assert b"zebulon-07" not in path.read_bytes(), path
        assert b"zebulon-08" not in path.read_bytes(), path


def test_reviews_of_an_earlier_release_are_upgraded_and_count(store_url: str) -> None:
    from alembic import command

    from penchant.service.migrations import _config

    with Store(store_url) as store:
        store.write(tastes())
        with store.database.writing() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "0002")
            told = "'default', 1, 'ann', 'segment', '3', 'approve', NULL"
            names = "tenant, at, who, kind, about, decision, correction"
            connection.execute(text(f"INSERT INTO service_reviews ({names}) VALUES ({told})"))
        assert Corrections.read(store).is_empty
        upgrade(store.database)
        found = questions.Reviews(store.database, store.tenant).last("segment")["3"]
        assert (found.decision, found.member_id, found.said) == ("approve", None, None)
        assert Corrections.read(store).is_empty


def test_recommendations_follow_what_the_build_learned_of_drift(ann: TestClient) -> None:
    state = state_of(ann)
    drift = state.builds.current.drift
    assert drift is not None
    assert drift.acting is not None
    at = START + timedelta(days=EVENTS)
    key = state.keys.make("t", ["send", "read"])[1]
    state.keys.refresh()
    headers = {"Authorization": f"Bearer {key}"}

    def ask(plan: str) -> dict:
        return ann.get(f"/v1/members/turner/recommendations?k=8&plan={plan}", headers=headers).json()

    # Long at one thing, and then all at once at another.
    kept = [{"item_id": f"p{row % 8}", "at": (START + timedelta(days=row)).isoformat()} for row in range(60)]
    turned = [{"item_id": f"p{8 + row % 8}", "at": (at + timedelta(days=row)).isoformat()} for row in range(20)]
    for events in (kept, turned):
        body = {"events": [{"member_id": "turner", "kind": "buy", **one} for one in events]}
        assert ann.post("/v1/events", json=body, headers=headers).json()["added"] == len(events)
    attention = drift.attention("turner", state.live.history("turner"))
    assert attention is not None
    told, whole = ask("auto"), ask("off")
    assert attention.plan != Plan.REGULAR, "they have turned for good"
    assert attention.told("en") in told["strategy"]
    assert attention.told("en") not in whole["strategy"]
    assert [pick["item_id"] for pick in told["picks"]] != [pick["item_id"] for pick in whole["picks"]]
    assert ask(attention.plan.value)["picks"] == told["picks"], "by name as by choice, with the windows of the judge"
    said = ann.get("/v1/members/turner/drift", headers=headers).json()
    assert said["probability"] is not None
    assert said["told"] in ann.get("/console/members/turner").text.replace("&gt;", ">")


def test_a_build_whose_drift_cannot_be_read_is_refused_with_the_reason(ann: TestClient, folder: Path) -> None:
    state = state_of(ann)
    made_first = folder / "builds" / state.builds.current.version
    later = folder / "builds" / "0900"
    shutil.copytree(made_first, later)
    try:
        manifest, record = later / "drift" / MANIFEST, later / BUILD_RECORD
        told = json.loads(manifest.read_text())
        told["meta"]["config"]["of_another_version"] = 1
        manifest.write_text(json.dumps(told))
        whole = json.loads(record.read_text()) | {"version": "0900"}
        stage = next(stage for stage in whole["stages"] if stage["name"] == "drift")
        stage["files"][MANIFEST] = file_sha256(manifest)
        record.write_text(json.dumps(whole))
        key = state.keys.make("t", ["manage", "read"])[1]
        state.keys.refresh()
        headers = {"Authorization": f"Bearer {key}"}
        refused = ann.post("/v1/builds/0900/promote", headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "artifact")
        assert "build it again" in refused.json()["error"]["message"]
        assert state.builds.current.version == made_first.name
        assert ann.get("/v1/members/zebulon-01/recommendations", headers=headers).status_code == 200
    finally:
        shutil.rmtree(later)


def test_a_newcomer_who_does_as_a_member_did_is_placed_beside_them(ann: TestClient, folder: Path) -> None:
    served = Served(ann, Workspace.open(folder))
    systems = state_of(ann).systems
    for kind in range(3):
        old = f"zebulon-{kind:02}"
        history = state_of(ann).live.usable_history(old)
        events = history.select("item_id", "kind", at=pl.col("at").dt.to_string("iso:strict")).to_dicts()
        served.send(*({"member_id": f"new-{kind}"} | event for event in events))
        found = systems.segment(f"new-{kind}", "en")
        assert found["segment"] == systems.segment(old, "en")["segment"]
    assert len({systems.segment(f"new-{kind}", "en")["segment"] for kind in range(3)}) == 3
