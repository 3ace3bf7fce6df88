"""One build answers, another takes its place with no failed request, and there is a way back; trials divide members."""

import json
import shutil
import threading
import time

import pytest
from service_served import Served
from service_shop import build_again

from penchant.builds import BUILD_RECORD
from penchant.errors import ConfigError, NotBuiltError
from penchant.service.trial import Trial
from penchant.service.trials import compare


@pytest.fixture
def two(served: Served) -> Served:
    """A service that answers with build 0001 and has a build 0002."""
    served.state.changing.acquire()
    build_again(served.workspace, seed=1)
    served.workspace.switch("0001")
    served.state.changing.release()
    assert served.client.get("/ready").json()["build"] == "0001"
    return served


def damage(served: Served, version: str) -> None:
    path = served.workspace.path / "builds" / version / "recommend" / "manifest.json"
    path.unlink()
    path.write_text("{}")


def test_builds_are_listed_promoted_and_rolled_back(two: Served) -> None:
    listed = two.client.get("/v1/builds").json()
    assert [(one["version"], one["current"]) for one in listed["builds"]] == [("0002", False), ("0001", True)]
    assert two.client.get("/v1/builds?limit=1").json()["next"] == "0002"
    assert two.client.get("/v1/builds?limit=1&before=0002").json()["builds"][0]["version"] == "0001"
    assert two.client.post("/v1/builds/0002/promote").json()["current"] is True
    assert two.client.get("/v1/members/m1/recommendations").json()["build"] == "0002"
    assert two.workspace.current.version == "0002"  # type: ignore[union-attr]
    assert two.client.post("/v1/builds/rollback").json()["version"] == "0001"
    assert two.client.get("/v1/members/m1/recommendations").json()["build"] == "0001"
    actions = [entry.action for entry in two.state.audit.entries()]
    assert actions[:2] == ["roll back build", "promote build"]
    assert two.client.post("/v1/builds/0009/promote").status_code == 404


def test_the_way_back_leads_to_what_answered_before_also_from_an_older_build(two: Served) -> None:
    build_again(two.workspace, seed=2)
    for version in ("0003", "0001"):
        two.client.post(f"/v1/builds/{version}/promote")
    assert two.client.post("/v1/builds/rollback").json()["version"] == "0003"


def test_a_damaged_or_older_build_is_refused_with_the_reason_and_the_one_before_goes_on(two: Served) -> None:
    damage(two, "0002")
    refused = two.client.post("/v1/builds/0002/promote")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "artifact")
    assert "has changed" in refused.json()["error"]["message"]
    build_again(two.workspace, seed=2)
    two.workspace.switch("0001")
    manifest = two.workspace.path / "builds" / "0003" / "search" / "manifest.json"
    old = json.loads(manifest.read_text()) | {"format": 0}
    manifest.unlink()
    manifest.write_text(json.dumps(old))
    record = two.workspace.path / "builds" / "0003" / BUILD_RECORD
    from penchant.artifacts import file_sha256

    told = json.loads(record.read_text())
    for stage in told["stages"]:
        if stage["name"] == "search":
            stage["files"]["manifest.json"] = file_sha256(manifest)
    record.write_text(json.dumps(told))
    refused = two.client.post("/v1/builds/0003/promote")
    assert refused.status_code == 409
    assert "format 0" in refused.json()["error"]["message"]
    assert two.client.get("/v1/members/m1/recommendations").json()["build"] == "0001"


def test_a_finished_build_is_followed_and_items_that_came_since_stay_known(served: Served) -> None:
    item = {"item_id": "p99", "title": "copper soup pot", "categories": ["Kitchen > Pots"]}
    served.client.post("/v1/items", json={"items": [item]})
    served.client.delete("/v1/items/p0")
    shutil.copytree(served.workspace.path / "builds" / "0001", served.workspace.path / "builds" / "0002")
    record = served.workspace.path / "builds" / "0002" / BUILD_RECORD
    record.write_text(json.dumps(json.loads(record.read_text()) | {"version": "0002"}))
    served.workspace.switch("0002")
    deadline = time.monotonic() + 20
    while served.client.get("/ready").json()["build"] != "0002":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    shown = served.picks("m0", k=20)
    assert "p99" in shown
    assert "p0" not in shown
    assert served.client.post("/v1/builds/rollback").json()["version"] == "0001"


def test_a_damaged_build_that_became_current_is_not_followed(two: Served) -> None:
    damage(two, "0002")
    (two.workspace.path / "builds" / "current").write_text("0002\n")
    two.state.follower.look_at_builds()
    assert two.client.get("/v1/members/m1/recommendations").json()["build"] == "0001"
    assert "0002 is refused" in two.client.get("/v1/builds").json()["problem"]


def test_switching_under_load_fails_no_request(two: Served) -> None:
    codes: list[int] = []
    builds: set[str] = set()
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answer = two.client.get("/v1/members/m3/recommendations?k=5")
            codes.append(answer.status_code)
            builds.add(answer.json().get("build", "?"))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(6):
        assert two.client.post(f"/v1/builds/{'0002' if turn % 2 == 0 else '0001'}/promote").status_code == 200
    stop.set()
    for thread in threads:
        thread.join()
    assert set(codes) == {200}
    assert builds == {"0001", "0002"}


def test_what_a_page_makes_of_a_build_for_the_first_time_holds_up_no_answer(served: Served) -> None:
    loaded = served.state.builds.current
    begun, go_on = threading.Event(), threading.Event()

    def slow(_: object) -> str:
        begun.set()
        assert go_on.wait(10)
        return "drawn"

    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(loaded.part("chart", slow))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    assert loaded.part("other", lambda build: build.version) == "0001"
    assert served.picks("m1", k=3)
    go_on.set()
    for thread in threads:
        thread.join()
    assert made == ["drawn"] * 3
    assert loaded.part("chart", lambda _: "again") == "drawn", "it is made once"


# -- trials --


def test_a_trial_divides_members_for_good_and_its_result_counts_members(two: Served) -> None:
    begun = two.client.put("/v1/builds/trial", json={"name": "spring", "version": "0002", "share": 0.5})
    assert begun.json()["against"] == "0001"
    seen: dict[str, tuple[str, str]] = {}
    for member in [f"m{row}" for row in range(30)] * 2:
        answer = two.client.get(f"/v1/members/{member}/recommendations?k=1").json()
        assert seen.setdefault(member, (answer["build"], answer["arm"])) == (answer["build"], answer["arm"])
    assert {(build, arm) for build, arm in seen.values()} == {("0001", "control"), ("0002", "treatment")}
    treated = [member for member, (_, arm) in seen.items() if arm == "treatment"]
    assert 7 < len(treated) < 23
    two.send(*({"member_id": member, "item_id": "p1", "kind": "buy"} for member in treated for _ in range(2)))
    two.send({"member_id": "never asked", "item_id": "p1", "kind": "buy"})
    result = two.client.get("/v1/builds/trial/result").json()
    arms = {arm["arm"]: arm for arm in result["arms"]}
    assert (arms["treatment"]["members"], arms["treatment"]["successes"]) == (len(treated), len(treated))
    assert (arms["control"]["members"], arms["control"]["successes"]) == (30 - len(treated), 0)
    assert result["verdict"] == "better"
    assert result["low"] > 0
    none = two.client.get("/v1/builds/trial/result?goal=share").json()
    assert {arm["successes"] for arm in none["arms"]} == {0}
    assert two.client.delete("/v1/builds/trial").json()["name"] == "spring"
    assert two.client.get(f"/v1/members/{treated[0]}/recommendations").json()["build"] == "0001"
    two.send(*({"member_id": f"m{row}", "item_id": "p1", "kind": "buy"} for row in range(30)))
    assert two.client.get("/v1/builds/trial/result?name=spring").json() == result, "what comes after its end is not its"
    assert two.client.get("/v1/builds/trial/result?name=spring").json()["verdict"] == "better"
    assert two.client.get("/v1/builds/trial/result").status_code == 404
    assert two.client.get("/v1/members/m0/evidence").json()["trials"][0]["trial"] == "spring"


def test_a_trial_survives_the_service_and_its_end_reaches_the_others(two: Served) -> None:
    two.client.put("/v1/builds/trial", json={"name": "t", "version": "0002", "share": 0.5})
    from penchant.service.builds import Builds

    other = Builds(two.workspace)
    other.load()
    assert other.trial == two.state.builds.trial
    assert {other.of(f"m{row}").loaded.version for row in range(30)} == {"0001", "0002"}
    two.client.delete("/v1/builds/trial")
    assert other.follow(lambda: None)
    assert other.trial is None


def test_a_trial_counts_nothing_of_one_that_had_its_name_before(two: Served) -> None:
    begin = {"name": "spring", "version": "0002", "share": 0.5}
    assert two.client.put("/v1/builds/trial", json=begin).status_code == 200
    for row in range(10):
        two.picks(f"m{row}", k=1)
    refused = two.client.put("/v1/builds/trial", json=begin | {"share": 0.9})
    assert refused.status_code == 422, "it runs, and its members are divided"
    two.client.delete("/v1/builds/trial")
    refused = two.client.put("/v1/builds/trial", json=begin)
    assert refused.status_code == 422
    assert "'spring' has run before" in refused.json()["error"]["message"]
    assert two.state.builds.trial is None
    actions = [entry.action for entry in two.state.audit.entries(limit=2)]
    assert actions == ["end trial", "begin trial"], "what was refused was not begun"
    assert two.client.put("/v1/builds/trial", json=begin | {"name": "summer"}).status_code == 200
    for row in range(5, 12):
        two.picks(f"m{row}", k=1)
    seen = {}
    for name in ("spring", "summer"):
        told = two.client.get("/v1/builds/trial/result", params={"name": name}).json()
        seen[name] = sum(arm["members"] for arm in told["arms"])
    assert seen == {"spring": 10, "summer": 7}


def test_a_trial_that_takes_the_place_of_another_ends_it(two: Served) -> None:
    for name in ("first", "second"):
        begin = {"name": name, "version": "0002", "share": 0.5}
        assert two.client.put("/v1/builds/trial", json=begin).status_code == 200
        two.picks("m1", k=1)
    told = [(entry.action, entry.about) for entry in two.state.audit.entries(limit=3)]
    assert told == [("end trial", "first"), ("begin trial", "second"), ("begin trial", "first")]


def test_a_trial_that_nobody_was_shown_an_answer_in_leaves_its_name_free(two: Served) -> None:
    begin = {"name": "early", "version": "0002", "share": 0.5}
    for _ in range(2):
        assert two.client.put("/v1/builds/trial", json=begin).status_code == 200
        two.client.delete("/v1/builds/trial")
    assert two.client.put("/v1/builds/trial", json=begin).status_code == 200
    for row in range(4):
        two.picks(f"m{row}", k=1)
    two.send(*({"member_id": f"m{row}", "item_id": "p1", "kind": "buy"} for row in range(4)))
    told = two.client.get("/v1/builds/trial/result").json()
    assert sum(arm["successes"] for arm in told["arms"]) == 4, "the end of the one before is not this one's"


def test_exposures_of_a_member_who_was_forgotten_are_not_written_after_all(two: Served) -> None:
    two.client.put("/v1/builds/trial", json={"name": "t", "version": "0002", "share": 0.5})
    exposures = two.state.exposures
    exposures.write()
    exposures.note("t", "m1", "control")
    exposures.note("t", "m2", "control")
    exposures.forget("m1")
    exposures.write()
    assert (exposures.of("m1"), len(exposures.of("m2"))) == ([], 1)
    exposures.note("t", "m1", "control")
    exposures.write()
    assert len(exposures.of("m1")) == 1, "who comes back counts anew"
    exposures.note("t", "never a member", "control")
    exposures.write()
    assert exposures.of("never a member") == [], "an id that nobody can have forgotten"


def test_a_trial_without_meaning_is_refused(two: Served) -> None:
    with pytest.raises(ConfigError, match="answers already"):
        two.state.builds.begin_trial("x", "0001", 0.5)
    with pytest.raises(ConfigError, match="no meaning: share"):
        two.state.builds.begin_trial("x", "0002", 1.5)
    with pytest.raises(NotBuiltError, match="no trial to end"):
        two.state.builds.end_trial()


def test_two_trials_divide_independently() -> None:
    from datetime import UTC, datetime

    def arms(name: str) -> list[bool]:
        trial = Trial(name=name, version="2", against="1", share=0.5, started_at=datetime.now(UTC))
        return [trial.arm(f"m{row}") == "treatment" for row in range(4_000)]

    first, second = arms("a"), arms("b")
    both = sum(a and b for a, b in zip(first, second, strict=True)) / 4_000
    assert 0.22 < both < 0.28
    assert 0.47 < sum(first) / 4_000 < 0.53


def test_no_difference_is_seen_where_there_is_none() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    verdicts = [
        compare("t", ("buy",), (500, int(rng.binomial(500, 0.2))), (500, int(rng.binomial(500, 0.2)))).verdict
        for _ in range(400)
    ]
    assert verdicts.count("no difference seen") / 400 == pytest.approx(0.95, abs=0.03)
    assert compare("t", ("buy",), (1, 0), (1, 1)).verdict == "too few members"
