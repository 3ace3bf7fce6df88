"""The console's pages and forms over HTTP."""

import ast
import re
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from fastapi.testclient import TestClient

from penchant.console.door import inside
from penchant.interests.audience import audience
from penchant.language import Phrase
from penchant.service.loaded import Loaded
from penchant.service.state import State

PAGES = (
    "",
    "members",
    "segments",
    "interests",
    "drift",
    "social",
    "search",
    "review",
    "builds",
    "quality",
    "audit",
    "settings",
)
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def token(ann: TestClient) -> str:
    """What a form of Ann's pages carries."""
    found = CSRF.search(ann.get("/console/").text)
    assert found is not None
    return found[1]


def busiest(state: State) -> str:
    community = state.builds.current.community
    return community.member_ids.id(community.events["member"].value_counts(sort=True)["member"][0])


@pytest.mark.parametrize("page", [*PAGES, "members/m000001", "interests/audience.csv?label=x"])
def test_nobody_sees_a_page_without_a_login(client: TestClient, page: str) -> None:
    client.cookies.clear()
    answer = client.get(f"/console/{page}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/login")


def test_a_login_leads_back_to_the_page_that_was_asked_for(client: TestClient) -> None:
    client.cookies.clear()
    gate = client.get("/console/search?q=tent").headers["location"]
    back = re.search(r'name="back" value="([^"]*)"', client.get(gate).text)
    assert back is not None
    form = {"user": "ann", "password": "correct horse battery", "back": back[1]}
    assert client.post("/console/login", data=form).headers["location"] == "/console/search?q=tent"
    client.cookies.clear()


@pytest.mark.parametrize("form", [{"user": "ann", "password": "wrong"}, {"user": "nobody", "password": "x"}])
def test_a_wrong_password_and_a_wrong_name_get_the_same_answer(client: TestClient, form: dict[str, str]) -> None:
    client.cookies.clear()
    answer = client.post("/console/login", data=form)
    assert answer.status_code == 401
    assert "The name or the password is wrong." in answer.text
    assert not client.cookies


def test_a_login_form_of_another_site_is_refused(client: TestClient) -> None:
    client.cookies.clear()
    form = {"user": "ann", "password": "correct horse battery"}
    answer = client.post("/console/login", data=form, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 303
    assert "penchant_session" not in client.cookies


@pytest.mark.parametrize("path", ["review", "builds/0001", "builds/trial", "builds/trial/end", "logout", "language"])
@pytest.mark.parametrize("csrf", [None, "guessed"])
def test_a_form_without_the_sessions_token_changes_nothing(ann: TestClient, path: str, csrf: str | None) -> None:
    form = {"to": "zh", "kind": "label", "subject": "p000001", "verdict": "approve"} | ({"csrf": csrf} if csrf else {})
    assert ann.post(f"/console/{path}", data=form).status_code == 403
    assert ann.get("/console/").status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_every_page_speaks_both_languages(ann: TestClient, page: str) -> None:
    ann.post("/console/language", data={"to": "zh", "csrf": token(ann)})
    chinese = ann.get(f"/console/{page}")
    ann.post("/console/language", data={"to": "en", "csrf": token(ann)})
    english = ann.get(f"/console/{page}")
    assert chinese.status_code == english.status_code == 200
    headings = [re.search(r"<h1>(.*?)</h1>", answer.text) for answer in (chinese, english)]
    assert headings[0] is not None
    assert headings[1] is not None
    assert re.search(r"[\u4e00-\u9fff]", headings[0][1])
    assert headings[1][1].isascii()
    assert 'lang="zh-CN"' in chinese.text.split("<head>")[0]


def test_what_if_changes_the_list_and_stores_nothing(ann: TestClient, state: State) -> None:
    member = busiest(state)
    before = state.store.history(member)
    plain = ann.get(f"/console/members/{member}").text
    item = state.builds.current.community.item_ids.id(int(state.builds.current.community.events["item"][0]))
    changed = ann.get(f"/console/members/{member}?item={item}&kind=buy").text
    after = changed.split('id="after"')[1]
    titles = re.findall(r'<div class="title">(.*?)<', plain)
    assert re.findall(r'<div class="title">(.*?)<', after) != titles
    assert state.store.history(member).equals(before)


def test_what_if_with_an_item_that_nobody_knows_says_so(ann: TestClient, state: State) -> None:
    text = ann.get(f"/console/members/{busiest(state)}?item=no-such-item").text
    assert "no item has the id" in text
    assert 'id="after"' not in text


@pytest.mark.parametrize("member", ["nobody", "a/b", "<script>alert(1)</script>", "../../etc/passwd"])
def test_a_member_who_is_not_there_is_said_so_and_nothing_is_run(ann: TestClient, member: str) -> None:
    answer = ann.get(f"/console/members/{quote(member, safe='')}")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(("page", "judged"), [("members/{}", "fresh_interests"), ("search?q=tent&member={}", "search")])
def test_what_a_member_did_is_not_judged_where_they_refused(
    ann: TestClient, state: State, monkeypatch: pytest.MonkeyPatch, page: str, judged: str
) -> None:
    member = busiest(state)
    asked: list[int] = []
    whole = getattr(Loaded, judged)

    def heard(self: Loaded, *args: Any, **named: Any) -> Any:
        asked.append(len(named["events"] if "events" in named else args[1]))
        return whole(self, *args, **named)

    monkeypatch.setattr(Loaded, judged, heard)
    assert ann.get(f"/console/{page.format(member)}").status_code == 200
    monkeypatch.setattr(state.live, "_refused", frozenset({member}))
    assert ann.get(f"/console/{page.format(member)}").status_code == 200
    assert asked[0] > 0
    assert asked[1] == 0


def test_members_are_found_by_the_start_of_their_id(ann: TestClient) -> None:
    text = ann.get("/console/members?q=m00001").text
    found = re.findall(r'<a class="id" href="[^"]*">(.*?)</a>', text)
    assert sorted(found) == [f"m00001{digit}" for digit in range(10)]


def test_an_audience_is_that_of_the_library_and_downloads_whole(ann: TestClient, state: State) -> None:
    interests = state.builds.current.interests
    assert interests is not None
    label = max(interests.strata.labels, key=lambda one: len(audience(interests.strata, one)))
    expected = audience(interests.strata, label)
    page = ann.get("/console/interests", params={"label": label, "tier": ["core", "regular", "emerging"]}).text
    assert f"{len(expected):,} members" in page
    answer = ann.get("/console/interests/audience.csv", params={"label": label, "tier": sorted(expected.tiers)})
    rows = pl.read_csv(answer.content)
    assert rows["member_id"].to_list() == [interests.strata.member_ids.id(row) for row in expected.members.tolist()]
    assert state.audit.entries(limit=1)[0].action == "download audience"


def test_a_cell_of_a_download_is_no_formula() -> None:
    from penchant.console.pages.interests import cell

    assert cell("=1+1") == "'=1+1"
    assert cell('a,"b"') == '"a,""b"""'


def test_a_corrected_label_joins_the_labels_table_and_leaves_the_queue(ann: TestClient, state: State) -> None:
    from penchant.console.desk import Desk
    from penchant.console.pages import questions

    item = state.builds.current.community.item_ids.id(0)
    labels = state.store.read().labels
    form = {
        "csrf": token(ann),
        "kind": "label",
        "subject": item,
        "said": "图书",
        "answer": "图书>小说",
        "verdict": "approve",
    }
    assert ann.post("/console/review", data=form).status_code == 303
    added = state.store.read().labels.tail(1)
    assert len(state.store.read().labels) == len(labels) + 1
    assert added["item_id"].to_list() == [item]
    assert added["labels"].to_list() == [["图书 > 小说"]]
    assert item not in {task.subject for task in questions.tasks(Desk(state), "label", "en")}


def test_a_skipped_label_is_not_taught(ann: TestClient, state: State) -> None:
    before = len(state.store.read().labels)
    form = {"csrf": token(ann), "kind": "label", "subject": "p000003", "said": "图书", "verdict": "dismiss"}
    ann.post("/console/review", data=form)
    assert len(state.store.read().labels) == before


def test_an_alert_waits_until_somebody_settles_it(ann: TestClient, state: State) -> None:
    alert = state.alerts.add("burst", Phrase("m000001 bought 90 times in an hour", "m000001 一小时内购买 90 次"))
    page = ann.get("/console/review?kind=alert").text
    assert "bought 90 times" in page
    form = {"csrf": token(ann), "kind": "alert", "subject": str(alert.number), "verdict": "dismiss"}
    ann.post("/console/review", data=form)
    assert "bought 90 times" not in ann.get("/console/review?kind=alert").text
    settled = next(one for one in state.alerts.list() if one.number == alert.number)
    assert (settled.state, settled.settled_by) == ("settled", "ann")


def test_an_answer_that_is_refused_settles_no_alert(ann: TestClient, state: State) -> None:
    from penchant.console.desk import Desk
    from penchant.console.pages import questions

    alert = state.alerts.add("burst", Phrase("m000002 bought 80 times in an hour", "m000002 一小时内购买 80 次"))
    given, written = questions.reviews(Desk(state)).last("alert"), len(state.audit.entries())
    form = {"csrf": token(ann), "kind": "alert", "subject": str(alert.number)}
    assert ann.post("/console/review", data=form | {"verdict": "perhaps"}).status_code == 409
    assert ann.post("/console/review", data=form | {"verdict": "dismiss", "subject": "99999"}).status_code == 404
    assert state.alerts.get(alert.number).state == "open"
    assert questions.reviews(Desk(state)).last("alert") == given
    assert len(state.audit.entries()) == written


def test_a_trial_of_a_name_used_before_is_refused_on_the_page(ann: TestClient, state: State) -> None:
    form = {"csrf": token(ann), "name": "again", "version": "0001", "percent": "50"}
    assert ann.post("/console/builds/trial", data=form).status_code == 303
    state.recommend("m000001", 1)
    ann.post("/console/builds/trial/end", data={"csrf": token(ann)})
    answer = ann.post("/console/builds/trial", data=form)
    assert answer.status_code == 409
    assert "has run before" in answer.text
    assert state.builds.trial is None


@pytest.mark.parametrize("form", [{"kind": "nonsense"}, {"kind": "alert", "subject": "x"}, {"subject": "no-such-item"}])
def test_an_answer_without_meaning_is_refused(ann: TestClient, form: dict[str, str]) -> None:
    whole = {"csrf": token(ann), "kind": "label", "subject": "p000001", "said": "a", "verdict": "approve"} | form
    assert ann.post("/console/review", data=whole).status_code in (404, 409)


def test_a_build_is_switched_and_back(ann: TestClient, state: State) -> None:
    assert state.builds.current.version == "0002"
    ann.post("/console/builds/0001", data={"csrf": token(ann)})
    assert state.builds.current.version == "0001"
    assert [entry.action for entry in state.audit.entries(limit=1)] == ["promote build"]
    told = ann.post("/console/builds/0002", data={"csrf": token(ann)}).headers["location"]
    assert state.builds.current.version == "0002"
    assert "Build 0002 answers now." in ann.get(told).text


def test_a_build_that_is_not_there_changes_nothing(ann: TestClient, state: State) -> None:
    before = state.audit.entries(limit=1)
    assert ann.post("/console/builds/0099", data={"csrf": token(ann)}).status_code == 409
    assert state.audit.entries(limit=1) == before, "nothing was done, and nothing is told"
    assert state.builds.current.version == "0002"


def test_a_log_that_was_changed_is_seen_and_one_that_was_checked_is_not_walked_again(
    ann: TestClient, state: State
) -> None:
    for turn in range(20):
        state.audit.add("ann", "try", str(turn))
    assert "The chain holds" in ann.get("/console/audit").text
    read: list[int] = []
    walk = state.audit._rows
    state.audit._rows = lambda place: read.append(place) or walk(place)  # type: ignore[method-assign, func-returns-value]
    before = state.audit.entries(limit=1)[0].place
    assert "The chain holds" in ann.get("/console/audit").text
    assert read == [before - 1], "only the last entry known, and what came since"
    state.audit.add("ann", "try", "once more")
    assert "The chain holds" in ann.get("/console/audit").text
    del state.audit._rows
    engine = state.store.database.engine
    with engine.connect() as connection:
        # Somebody with the file in their hands; the transaction is taken back afterwards.
        trigger = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name='service_audit_update'").scalar()
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER service_audit_update")
        connection.exec_driver_sql("UPDATE service_audit SET about = about || 'x' WHERE place = 2")
    try:
        assert "broken at entry 2" in ann.get("/console/audit?whole=true").text
        assert "broken at entry 2" in ann.get("/console/audit").text, "what is broken is looked at again"
    finally:
        with engine.begin() as connection:
            undo = "UPDATE service_audit SET about = substr(about, 1, length(about) - 1) WHERE place = 2"
            connection.exec_driver_sql(undo)
            connection.exec_driver_sql(str(trigger))
    assert "The chain holds" in ann.get("/console/audit?whole=true").text


def test_all_that_is_logged_is_told_in_both_languages(ann: TestClient) -> None:
    from penchant.console.pages.audit import ACTIONS

    written = set()
    for path in Path(str(files("penchant"))).rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func).lower().endswith(("audit.add", "tenant).add")):
                said = call.args[1] if len(call.args) > 1 else None
                written |= {said.value} if isinstance(said, ast.Constant) else set()
    assert {"promote build", "forget member", "revoke key"} <= written
    assert written <= {*ACTIONS}
    ann.cookies.set("penchant_language", "zh")
    page = ann.get("/console/audit").text
    assert "登录控制台" in page
    assert "log in to console" not in page


def test_a_section_that_takes_long_is_drawn_once_until_a_name_changes(ann: TestClient, state: State) -> None:
    from penchant.console.desk import Desk

    desk = Desk(state)
    drawn: list[str] = []

    def draw(name: str) -> str:
        return desk.drawn("segments en", (name,), lambda: drawn.append(name) or name)

    assert [draw(name) for name in ("a", "a", "b", "b", "a")] == ["a", "a", "b", "b", "a"]
    assert drawn == ["a", "b", "a"]
    page = ann.get("/console/segments")
    assert page.text == ann.get("/console/segments").text


def test_a_refused_row_shows_what_stood_in_it_whole_or_torn() -> None:
    from penchant.console.pages.quality import _row

    whole = {"table": "events", "file": "a/events.csv", "line": 7, "reason": "bad_time"}
    row = {"member_id": "m1", "duration": None, "at": "yesterday"}
    assert _row(whole | {"row": row}, "en")[-1] == "member_id: m1, at: yesterday"
    assert _row(whole | {"reason": "bad_json", "row": '{"member_id": '}, "zh")[-2:] == (
        "该行不是 JSON 对象",
        '{"member_id":',
    )


def test_secrets_of_the_settings_are_not_shown(ann: TestClient, state: State) -> None:
    path = state.workspace.config_path
    before = path.read_text()
    path.write_text(before + '\n[store]\nurl = "postgresql://shop:hunter2@localhost/shop"\n')
    try:
        text = ann.get("/console/settings").text
    finally:
        path.write_text(before)
    assert "hunter2" not in text
    assert "postgresql://shop:" in text


def test_a_search_shows_scores_and_reasons(ann: TestClient, state: State) -> None:
    title = state.builds.current.community.titles[0]
    text = ann.get("/console/search", params={"q": title}).text
    assert re.search(r'<span class="score">-?\d', text)
    assert title in text


def test_a_page_that_is_not_there_is_said_so(ann: TestClient) -> None:
    answer = ann.get("/console/nowhere")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        ("members/m1?item=2", "members/m1?item=2"),
        ("//evil.example", ""),
        ("https://evil.example", ""),
        ("\\\\evil", ""),
    ],
)
def test_a_login_leads_nowhere_else(asked: str, leads: str) -> None:
    assert inside(asked) == leads


def test_styles_and_scripts_come_from_the_console_alone(ann: TestClient) -> None:
    text = ann.get("/console/").text
    for address in re.findall(r'(?:src|href)="([^"#]+)"', text):
        assert address.startswith(("/console/", "data:,", "?")), address
    for name in re.findall(r"/console/static/([\w.]+)", text):
        assert ann.get(f"/console/static/{name}").status_code == 200
