"""The service end to end, in one process: what comes in changes what goes out."""

import gzip
import json
import time
from datetime import UTC, datetime, timedelta

import polars as pl
from service_served import Served
from service_shop import START, community


def event(member: str, item: str | None, kind: str = "like", **more: object) -> dict:
    return {"member_id": member, "item_id": item, "kind": kind, **more}


def at(days: float) -> str:
    return (START + timedelta(days=days)).isoformat()


def topic(item_id: str) -> int:
    return int(item_id[1:]) // 8


def test_an_acknowledged_event_is_in_the_store_and_changes_the_next_answer(served: Served) -> None:
    before = served.picks("m0", k=5)
    assert sum(topic(item) == 0 for item in before) >= 3
    events = [event("m0", f"p{row}", "buy", at=at(13 + row / 10)) for row in range(8, 14)]
    assert served.send(*events) == {"added": 6, "repeated": 0, "rejected": []}
    after = served.picks("m0", k=5)
    assert set(after).isdisjoint({f"p{row}" for row in range(8, 14)}), "what was bought is not shown again"
    assert {"p14", "p15"} <= set(after), "those like it come up"
    history = served.workspace.store().history("m0")
    assert history.equals(served.state.live.history("m0"))
    assert history["item_id"].to_list()[-6:] == [f"p{row}" for row in range(8, 14)]


def test_the_strata_follow_the_same_events(served: Served) -> None:
    def labels() -> set[str]:
        found = served.client.get("/v1/members/m0/interests").json()["interests"]
        return {one["label"] for one in found if one["tier"] != "latent"}

    assert any(label.startswith("Kitchen") for label in labels())
    assert not any(label.startswith("图书") for label in labels())
    served.send(*(event("m0", f"p{16 + row % 8}", "buy", at=at(13 + row)) for row in range(25)))
    assert any(label.startswith("图书") for label in labels())


def test_from_post_to_changed_answer_takes_less_than_a_tenth_of_a_second(served: Served) -> None:
    served.picks("m1")
    seconds = []
    for turn in range(20):
        before = served.picks("m1", k=3)
        started = time.perf_counter()
        served.send(event("m1", before[0], "buy"))
        after = served.picks("m1", k=3)
        seconds.append(time.perf_counter() - started)
        assert after != before, turn
    assert sorted(seconds)[10] < 0.1


def test_a_member_who_came_a_second_ago_is_answered_by_what_they_did(served: Served) -> None:
    stranger = served.client.get("/v1/members/new/recommendations").json()
    assert stranger["strategy"].startswith("popular: nothing is known")
    served.send(event("new", "p1"), event("new", "p2"))
    known = served.client.get("/v1/members/new/recommendations?k=4").json()
    assert "2 events" in known["strategy"]
    assert sum(topic(pick["item_id"]) == 0 for pick in known["picks"]) >= 3
    assert known["picks"][0]["reason"]
    assert served.workspace.store().member("new")["member_id"] == "new"


def test_a_new_item_is_found_at_once_and_shown_to_those_who_like_its_kind(served: Served) -> None:
    item = {"item_id": "p99", "title": "copper soup pot", "categories": ["Kitchen > Pots"], "price": 5}
    assert served.client.post("/v1/items", json={"items": [item]}).json() == {"changed": 1}
    found = served.client.get("/v1/search", params={"q": "copper soup pot"}).json()["picks"]
    assert found[0]["item_id"] == "p99"
    assert "p99" in served.picks("m0", k=12)
    served.send(event("newcomer", "p99"))
    shown = served.picks("newcomer", k=4)
    assert sum(topic(item_id) == 0 for item_id in shown if item_id != "p99") >= 3, "and it speaks for its kind"
    near = [pick["item_id"] for pick in served.client.get("/v1/items/p99/similar?k=3").json()["picks"]]
    assert {"p0", "p4"} <= set(near)


def test_a_changed_item_keeps_what_was_not_said_and_goes_off_the_shelf_at_once(served: Served) -> None:
    first = served.picks("m0", k=1)[0]
    assert served.client.post("/v1/items", json={"items": [{"item_id": first, "available": False}]}).status_code == 200
    assert first not in served.picks("m0", k=20)
    kept = served.workspace.store().item(first)
    assert kept["title"] == community().items.filter(pl.col("item_id") == first)["title"][0]
    served.client.post("/v1/items", json={"items": [{"item_id": first, "available": True}]})
    assert first in served.picks("m0", k=5)


def test_a_deleted_item_is_nowhere(served: Served) -> None:
    first = served.picks("m0", k=1)[0]
    title = served.workspace.store().item(first)["title"]
    assert served.client.delete(f"/v1/items/{first}").json() == {"changed": 1}
    assert first not in served.picks("m0", k=20)
    assert first not in [pick["item_id"] for pick in served.client.get(f"/v1/search?q={title}").json()["picks"]]
    assert served.client.get(f"/v1/items/{first}/similar").status_code == 404
    assert first not in served.state.live.history("m0")["item_id"].to_list()
    assert served.client.delete(f"/v1/items/{first}").status_code == 404


def test_a_batch_that_is_sent_again_counts_once(served: Served) -> None:
    batch = [event("m2", "p1", at=at(20)), event("m2", "p2", at=at(20.1))]
    assert served.send(*batch, once="b-1") == {"added": 2, "repeated": 0, "rejected": []}
    assert served.send(*batch, once="b-1") == {"added": 0, "repeated": 2, "rejected": []}
    assert served.send(event("m2", "p3", id="e-1"), event("m2", "p3", id="e-1")) == {
        "added": 1, "repeated": 1, "rejected": [],
    }  # fmt: skip
    assert len(served.state.live.history("m2")) == 15
    assert served.workspace.store().history("m2").equals(served.state.live.history("m2"))


def test_an_unknown_item_is_told_of_and_the_rest_is_written(served: Served) -> None:
    told = served.send(event("m2", "p1"), event("m2", "nothing"), event("m2", None, "search", text="pot"), once="b-2")
    assert told == {"added": 2, "repeated": 0, "rejected": [{"place": 1, "reason": "no item has the id 'nothing'"}]}


def test_what_a_stranger_likes_and_wrote_is_answered_and_not_kept(served: Served) -> None:
    counts = served.workspace.store().counts()
    answer = served.client.post("/v1/recommendations?k=4", json={"items": ["p8", "p9"]}).json()
    assert all(topic(pick["item_id"]) == 1 for pick in answer["picks"][:3])
    answer = served.client.post("/v1/recommendations?k=3", json={"text": "tent"}).json()
    assert all(topic(pick["item_id"]) == 1 for pick in answer["picks"])
    assert served.workspace.store().counts() == counts


def test_excluded_items_and_both_languages(shared: Served) -> None:
    first = shared.picks("m4", k=2)
    assert first[0] not in shared.picks("m4", k=5, exclude=[first[0], "never-there"])
    reasons = shared.client.get("/v1/members/m4/recommendations?lang=zh&k=2").json()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in reasons["picks"][0]["reason"])


def test_search_for_a_member_moves_towards_what_they_did_a_moment_ago(served: Served) -> None:
    plain = served.client.get("/v1/search", params={"q": "pot", "k": 8}).json()["picks"]
    last = plain[-1]["item_id"]
    served.state.builds.current.searcher.strength = 5.0  # type: ignore[union-attr]
    served.send(*(event("taster", last, "like") for _ in range(3)))
    mine = served.client.get("/v1/search", params={"q": "pot", "k": 8, "for": "taster"}).json()["picks"]
    assert mine[0]["item_id"] == last
    assert "close to what" in mine[0]["reason"] or mine[0]["reason"]


def test_filters_suggestions_and_labels(shared: Served) -> None:
    found = shared.client.get("/v1/search", params={"q": "pot", "max_price": 12}).json()["picks"]
    assert {pick["item_id"] for pick in found} <= {"p0", "p1", "p2"}
    assert shared.client.get("/v1/suggest", params={"q": "co"}).json()["suggestions"]
    refused = shared.client.post("/v1/classify", json={"texts": ["a pot"]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "not_built")
    assert "no labeller" in refused.json()["error"]["message"]


def test_the_same_answer_need_not_travel_twice(shared: Served) -> None:
    first = shared.client.get("/v1/members/m5/recommendations")
    again = shared.client.get("/v1/members/m5/recommendations", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    shared.send(event("m5", first.json()["picks"][0]["item_id"], "buy"))
    changed = shared.client.get("/v1/members/m5/recommendations", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200


def test_long_answers_are_compressed(shared: Served) -> None:
    with shared.client.stream(
        "GET", "/v1/members/m7/recommendations?k=20", headers={"Accept-Encoding": "gzip"}
    ) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(raw))["picks"]) == 20


def test_a_history_comes_in_pages_the_latest_first(served: Served) -> None:
    served.send(*(event("m8", f"p{row % 24}", "view", at=at(20 + row)) for row in range(20)))
    pages, after = [], 0
    while after is not None:
        page = served.client.get(f"/v1/members/m8/evidence?limit=7&after={after}").json()
        pages.append([(one["item_id"], one["at"]) for one in page["events"]])
        after = page["next"]
    assert [len(page) for page in pages] == [7, 7, 7, 7, 4]
    flat = [one for page in pages for one in page]
    assert flat == sorted(flat, key=lambda one: one[1], reverse=True)
    assert page["event_count"] == 32


def test_export_holds_everything_and_forgetting_leaves_nothing(served: Served) -> None:
    served.send(event("m0", "p1", "review", text="my secret words"))
    served.client.get("/v1/members/m0/recommendations")
    exported = served.client.get("/v1/members/m0/export").json()
    assert exported["events"][-1]["text"] == "my secret words"
    assert len(exported["events"]) == 13
    assert exported["ties"]
    assert exported["interests"]
    about = served.state.audit.entries(member_id="m0")
    assert [entry.action for entry in about] == ["export member"]
    assert served.client.delete("/v1/members/m0").json() == {"changed": 1}
    assert served.client.get("/v1/members/m0/evidence").status_code == 404
    assert "m0" not in served.state.live
    stranger = served.client.get("/v1/members/m0/recommendations").json()
    assert stranger["strategy"].startswith("popular: nothing is known")
    assert served.state.audit.entries(member_id="m0") == [], "nobody can tell whom the entries were about"
    assert served.state.audit.check() is None
    assert b"my secret words" not in (served.workspace.path / "store.db").read_bytes()
    assert served.client.delete("/v1/members/m0").status_code == 404
    others = served.state.live.history("m1")
    assert others.equals(served.workspace.store().history("m1"))


def test_ties_come_and_go(served: Served) -> None:
    tie = {"member_id": "m1", "other_id": "m2", "kind": "follow"}
    assert served.client.post("/v1/ties", json={"ties": [tie]}).json() == {"changed": 1}
    held = served.client.get("/v1/members/m1/evidence").json()["ties"]
    assert [(one["other_id"], one["kind"]) for one in held] == [("m2", "follow")]
    assert served.client.request("DELETE", "/v1/ties", json={"ties": [tie]}).json() == {"changed": 1}
    assert served.client.post("/v1/ties", json={"ties": [{**tie, "other_id": "?"}]}).status_code == 404


def test_figures_tell_routes_strategies_and_what_is_shown(served: Served) -> None:
    served.picks("m1", k=5)
    served.picks("nobody", k=5)
    served.state._told_at = -1e9
    served.state.follower.tell()
    text = served.client.get("/v1/metrics").text
    route = 'route="/v1/members/{member_id}/recommendations"'
    assert f'penchant_request_seconds_count{{{route},strategy="popular"}} 1.0' in text
    assert f'penchant_requests_total{{{route},status="200"}} 2.0' in text
    assert "penchant_ready 1.0" in text
    coverage = next(line for line in text.splitlines() if line.startswith("penchant_shown_coverage"))
    assert 0.2 < float(coverage.split()[1]) <= 10 / 24


def test_health_readiness_script_and_description_need_no_key(shared: Served) -> None:
    bare = {"Authorization": ""}
    assert shared.client.get("/health", headers=bare).json()["status"] == "alive"
    assert shared.client.get("/ready", headers=bare).json() == {"status": "ready", "build": "0001", "problems": []}
    script = shared.client.get("/penchant.js", headers=bare)
    assert "doNotTrack" in script.text
    assert script.headers["content-type"].startswith("text/javascript")
    page = shared.client.get("/docs", headers=bare).text
    assert "/v1/members/{member_id}/recommendations" in page
    assert "&quot;kind&quot;: &quot;buy&quot;" in page


def test_times_without_a_zone_are_utc_and_odd_ones_are_refused(served: Served) -> None:
    served.send(event("clock", "p1", at="2026-02-01T12:00:00"), event("clock", "p2", at="2026-02-01T12:00:00+08:00"))
    at_utc = served.state.live.history("clock")["at"].to_list()
    assert at_utc == [datetime(2026, 2, 1, 4, tzinfo=UTC), datetime(2026, 2, 1, 12, tzinfo=UTC)]
    for odd in ("9999-01-01T00:00:00Z", "1200-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"):
        refused = served.client.post("/v1/events", json={"events": [event("clock", "p1", at=odd)]})
        assert refused.status_code == 422, odd


def test_what_a_member_did_who_refuses_is_kept_and_used_for_nothing(served: Served) -> None:
    mine = served.picks("m0", k=5)
    served.state.store.upsert_members(pl.DataFrame({"member_id": ["m0"], "consent": [False]}))
    served.state.live.load(served.state.store.read())
    stranger = served.client.get("/v1/members/nobody-yet/recommendations?k=5").json()
    assert served.picks("m0", k=5) == [pick["item_id"] for pick in stranger["picks"]] != mine
    assert served.client.get("/v1/members/m0/interests").json()["interests"] == []
    assert served.client.get("/v1/members/m0/evidence").json()["event_count"] > 0, "what is held is theirs to see"


def test_a_plan_says_how_much_of_the_past_counts(served: Served) -> None:
    served.send(*(event("m0", f"p{8 + row % 8}", "view", at=at(13 + row / 10)) for row in range(10)))
    recent, whole = (served.picks("m0", k=6, plan=plan) for plan in ("recent", "off"))
    assert {topic(item) for item in recent} == {1}, "the last window alone"
    assert 0 in {topic(item) for item in whole}, "all that they did"
    assert served.picks("m0", k=6) == whole, "this build has learned no strategy"
    assert served.client.get("/v1/members/m0/recommendations?plan=odd").status_code == 422
