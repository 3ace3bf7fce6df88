"""What keeps it running: histories in memory, a store that is gone or full, backups, upgrades, alerts, a client."""

import json
import shutil
import tarfile
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import polars as pl
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service_served import Served
from service_shop import MEMBERS, Words, _recommend, build_everything, community
from sqlalchemy import inspect, text

from penchant.cli.app import main
from penchant.data.appending import Batch
from penchant.data.columns import EVENTS
from penchant.data.store import Store
from penchant.errors import ArtifactError, ConfigError, InputError, MissingExtraError, StorageError, UnknownIdError
from penchant.pipeline import Context, Stage, build
from penchant.service.alerts import Alerts
from penchant.service.app import create_app
from penchant.service.changes import Changes
from penchant.service.client import Client, ServiceError
from penchant.service.live import Live
from penchant.service.migrations import revision, upgrade
from penchant.service.running.backup import back_up, read_manifest, restore
from penchant.service.running.metrics import Metrics, strategy_name
from penchant.service.running.rules import AlertRules, Watch
from penchant.service.security.audit import Audit
from penchant.service.security.keys import Keyring, Scope
from penchant.service.settings import ServiceSettings
from penchant.social.config import NetworkConfig, SocialConfig
from penchant.social.whole import learn_into
from penchant.stages import STAGES
from penchant.training.options import Options
from penchant.vectors import Floats
from penchant.workspace import Workspace

EVENT = {"member_id": "m1", "item_id": "p1", "kind": "buy"}


# -- histories in memory --


def rows(*events: tuple[str, str, int]) -> pl.DataFrame:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    table = [
        {"member_id": member, "item_id": item, "kind": "like", "at": start + timedelta(minutes=minute)}
        for member, item, minute in events
    ]
    return pl.DataFrame(table, schema=EVENTS)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    batches=st.lists(
        st.lists(
            st.tuples(st.sampled_from(["m0", "m1", "x", "y"]), st.sampled_from(["p0", "p1"]), st.integers(0, 50)),
            min_size=1,
            max_size=30,
        ),
        max_size=5,
    ),
    asked=st.booleans(),
    forgotten=st.none() | st.sampled_from(["m0", "x"]),
)
def test_histories_in_memory_are_those_of_the_store(
    shop_folder: Path, batches: list, asked: bool, forgotten: str | None
) -> None:
    with Store("sqlite://") as store:
        store.write(community())
        live = Live(store)
        live.load(store.read())
        for batch in batches:
            table = rows(*batch)
            store.append_batches([Batch(table)])
            live.append(table)
            if asked:
                live.history(batch[0][0])
        if forgotten is not None:
            store.forget(forgotten)
            live.forget(forgotten)
        for member in ("m0", "m1", "m29", "x", "y"):
            try:
                wanted = store.history(member)
            except UnknownIdError:
                assert member not in live
                with pytest.raises(UnknownIdError):
                    live.history(member)
                continue
            found = live.history(member)
            assert found.sort("at", "item_id").equals(wanted.sort("at", "item_id"))
            assert found["at"].is_sorted()
        assert len(live) == store.counts()["members"]


def test_what_is_acknowledged_while_all_histories_are_read_again_is_kept(served: Served) -> None:
    state = served.state
    before = len(state.live.history("m1"))

    def read():
        whole = state.whole()
        served.send(EVENT, {**EVENT, "member_id": "newcomer"})
        return whole

    state.live.load_again(read)
    assert len(state.live.history("m1")) == before + 1
    assert len(state.live.history("newcomer")) == 1


def test_a_batch_that_no_database_can_keep_does_not_hold_up_the_others(served: Served) -> None:
    answers: list[int] = []

    def send(event: dict) -> None:
        answers.append(served.client.post("/v1/events", json={"events": [event]}).status_code)

    long_id = EVENT | {"member_id": "字" * 200, "text": "fine"}
    threads = [threading.Thread(target=send, args=(event,)) for event in [EVENT, long_id] * 6]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(200) == 12
    assert len(served.state.live.history("m1")) == 12 + 6


def test_an_event_that_was_left_out_takes_its_name_from_no_good_one_sent_with_it(served: Served) -> None:
    named = {**EVENT, "id": "e-1"}
    told = served.send({**named, "item_id": "nothing"}, named, {**EVENT, "id": "e-2"}, named)
    assert (told["added"], told["repeated"], [one["place"] for one in told["rejected"]]) == (2, 1, [0])
    assert served.send(named)["repeated"] == 1
    stored, live = served.state.store.history("m1"), served.state.live.history("m1")
    assert stored.height == live.height == 12 + 2


# -- the store is gone, or full --


def test_without_its_store_it_answers_from_memory_and_recovers_by_itself(served: Served) -> None:
    before = served.picks("m1", k=3)
    place, away = served.workspace.path / "store.db", served.workspace.path / "away.db"
    served.state.store.close()
    place.rename(away)
    for name in ("store.db-wal", "store.db-shm"):
        (served.workspace.path / name).unlink(missing_ok=True)
    place.mkdir()
    refused = served.client.post("/v1/events", json={"events": [EVENT]}, headers={"Idempotency-Key": "again"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "storage")
    assert int(refused.headers["retry-after"]) >= 1
    assert served.picks("m1", k=3) == before
    assert served.client.get("/v1/members/m1/interests").status_code == 200
    served.state.follower.look_at_store()
    ready = served.client.get("/ready")
    assert ready.status_code == 503
    assert "cannot be used" in ready.json()["problems"][0]
    place.rmdir()
    away.rename(place)
    served.state.follower.look_at_store()
    assert served.client.get("/ready").status_code == 200
    again = served.client.post("/v1/events", json={"events": [EVENT]}, headers={"Idempotency-Key": "again"})
    assert again.json()["added"] == 1


def test_on_a_full_disk_writes_are_refused_and_answers_go_on(
    shop_folder: Path, tiny_disk: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "shop.ws"
    shutil.copytree(shop_folder, folder)
    shutil.move(folder / "store.db", tiny_disk / "store.db")
    config = folder / "penchant.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{tiny_disk / "store.db"}"\n')
    with TestClient(create_app(folder, ServiceSettings(language_model=False)), raise_server_exceptions=False) as client:
        one = Served(client, Workspace.open(folder))
        (tiny_disk / "filler").write_bytes(b"x" * (shutil.disk_usage(tiny_disk).free - 4_096))
        codes = set()
        for _ in range(60):
            answer = client.post("/v1/events", json={"events": [{**EVENT, "text": "x" * 5_000}] * 20})
            codes.add(answer.status_code)
            if answer.status_code == 503:
                break
        assert answer.status_code == 503
        assert "disk is full" in answer.json()["error"]["message"]
        assert one.picks("m2", k=3)
        (tiny_disk / "filler").unlink()
        assert client.post("/v1/events", json={"events": [EVENT]}).status_code == 200


def test_what_one_worker_changes_the_other_hears_of(shop: Workspace) -> None:
    quiet = ServiceSettings(language_model=False, workers=2, poll_seconds=60)
    with TestClient(create_app(shop, quiet)) as first, TestClient(create_app(shop, quiet)) as second:
        one, other = Served(first, shop), Served(second, shop)
        for served in (one, other):
            served.state.builds.give(Words())
        one.send({**EVENT, "member_id": "m2", "item_id": other.picks("m2", k=1)[0]})
        assert other.state.live.history("m2").height == 13
        bought = one.state.live.history("m2")["item_id"][-1]
        assert bought not in other.picks("m2", k=20)
        item = {"item_id": "p99", "title": "copper soup pot", "categories": ["Kitchen > Pots"]}
        one.client.post("/v1/items", json={"items": [item]})
        one.client.delete("/v1/items/p0")
        other.state.follower.look_at_store()
        shown = other.picks("m0", k=20)
        assert "p99" in shown
        assert "p0" not in shown
        assert other.client.get("/v1/search", params={"q": "copper soup"}).json()["picks"][0]["item_id"] == "p99"
        one.client.delete("/v1/members/m3")
        strange = other.client.get("/v1/members/m3/recommendations").json()["strategy"]
        assert strange.startswith("popular: nothing is known")


def test_what_one_worker_takes_of_ties_and_forgets_the_other_knows(shop: Workspace) -> None:
    quiet = ServiceSettings(language_model=False, workers=2, poll_seconds=60)
    workspace = build_everything(shop)
    with TestClient(create_app(workspace, quiet)) as first, TestClient(create_app(workspace, quiet)) as second:
        one, other = Served(first, workspace), Served(second, workspace)

        def friends(served: Served, member: str) -> list[str]:
            answer = served.client.get(f"/v1/members/{member}/friends?k=20")
            assert answer.status_code == 200, answer.text
            return [pick["member_id"] for pick in answer.json()["picks"]]

        near = friends(other, "m1")[:2]
        ties = [{"member_id": "m1", "other_id": name, "kind": "follow"} for name in near]
        assert one.client.post("/v1/ties", json={"ties": ties}).status_code == 200
        assert not {*near} & {*friends(other, "m1")}, "whom they are tied to is suggested no more, at once"
        one.client.request("DELETE", "/v1/ties", json={"ties": ties})
        assert {*near} <= {*friends(other, "m1")}
        one.send(*({"member_id": "newcomer", "item_id": f"p{row}", "kind": "like"} for row in range(8)))
        assert friends(other, "newcomer"), "a member whom only the other worker has met"
        gone = near[0]
        assert other.client.get(f"/v1/members/{gone}/evidence").status_code == 200
        one.client.delete(f"/v1/members/{gone}")
        assert gone not in friends(other, "m1")
        before = other.state.builds.current
        other.state.follower.look_at_store()
        assert gone not in other.state.live
        assert gone not in other.state.builds.current.community.member_ids
        assert other.state.builds.current is not before
        again = other.state.builds.current
        for served in (one, other):
            served.state.follower.look_at_store()
        assert other.state.builds.current is again, "what was heard once is not read again"


def test_a_change_is_heard_of_when_it_is_done_and_of_others_alone(shop: Workspace) -> None:
    with shop.store() as store:
        upgrade(store.database)
        one, other = (Changes(store.database, store.tenant, shared=True) for _ in range(2))
        alone = Changes(store.database, store.tenant, shared=False)
        for changes in (one, one, other):
            changes.tell("ties")
        alone.tell("items")
        assert (one.of_all("ties"), one.of_others("ties"), other.of_others("ties")) == (3, 1, 2)
        assert (one.of_others("items"), alone.of_all("items"), alone.of_others("items")) == (0, 1, 0)
        assert Changes(store.database, "somebody else", shared=True).of_all("ties") == 0


# -- upgrades --


def test_a_store_of_the_first_release_is_upgraded_with_all_it_holds(store_url: str) -> None:
    with Store(store_url) as store:
        store.write(community())
        before = store.read().fingerprint()
        names = set(inspect(store.database.engine).get_table_names())
        assert not any(name.startswith("service_") for name in names), "as the first release left it"
        upgrade(store.database)
        with store.database.reading() as connection:
            assert revision(connection) == "0004"
        upgrade(store.database)
        assert store.read().fingerprint() == before
        audit = Audit(store.database, "default")
        audit.add("test", "works")
        with pytest.raises(StorageError, match="only ever added to"), store.database.writing() as connection:
            connection.execute(text("DELETE FROM service_audit"))


def test_the_tables_of_the_upgrade_are_those_that_the_code_means(store_url: str) -> None:
    from penchant.service import tables

    with Store(store_url) as store:
        upgrade(store.database)
        with store.database.reading() as connection:
            found = inspect(connection)
            for table in tables.metadata.sorted_tables:
                columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
                meant = {column.name: column.nullable for column in table.columns}
                assert columns == meant, table.name
                assert set(found.get_pk_constraint(table.name)["constrained_columns"]) == {
                    column.name for column in table.primary_key
                }
                indexes = {index["name"] for index in found.get_indexes(table.name)}
                assert {str(index.name) for index in table.indexes} <= indexes


def test_a_database_without_a_store_is_not_upgraded(tmp_path: Path) -> None:
    from penchant.data.database import Database

    with pytest.raises(StorageError, match="holds no store yet"):
        upgrade(Database(tmp_path / "empty.db"))


# -- backups --


def fill(workspace: Workspace) -> None:
    with workspace.store() as store:
        upgrade(store.database)
        Keyring(store.database, store.tenant).make("shop", [Scope.READ])
        Audit(store.database, store.tenant).add("ann", "try", member_id="m1")
        store.put_verdicts("0001", "drift", pl.DataFrame({"member_id": ["m3"], "verdict": ['{"changed": true}']}))
        store.append_events(rows(("m1", "p1", 1)), key="once")


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_comes_back_whole_also_into_another_database(
    shop: Workspace, tmp_path: Path, target: str, request: pytest.FixtureRequest
) -> None:
    fill(shop)
    url = None if target == "sqlite" else request.getfixturevalue("postgres_url")
    if url is not None:
        with Store(url, tenant="somebody else") as other:
            other.write(community())
    manifest = back_up(shop, tmp_path / "b.tar.gz")
    assert manifest.rows["members"] == MEMBERS
    restore(tmp_path / "b.tar.gz", tmp_path / "new.ws", store_url=url)
    made = Workspace.open(tmp_path / "new.ws")
    with shop.store() as old, made.store() as new:
        assert new.read().fingerprint() == old.read().fingerprint()
        assert new.verdicts_of("m3").equals(old.verdicts_of("m3"))
        assert Audit(new.database, new.tenant).check() is None
        assert len(Audit(new.database, new.tenant).entries(member_id="m1")) == 1
        assert [key.name for key in Keyring(new.database, new.tenant).all()] == ["shop"]
        assert new.append_events(rows(("m1", "p1", 1)), key="once") == (0, 1), "what was written once stays so"
        assert new.append_events(rows(("new", "p1", 1)), unknown_members="add") == (1, 0), "and new rows get new keys"
    asked = made.require_current().recommender().recommend("m1", 5)
    assert [pick.item_id for pick in asked] == [
        pick.item_id for pick in shop.require_current().recommender().recommend("m1", 5)
    ]
    if url is not None:
        with Store(url, tenant="somebody else") as other:
            assert other.read().fingerprint() == community().fingerprint()


def test_a_backup_is_taken_while_events_come_in(served: Served, tmp_path: Path) -> None:
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            served.send(EVENT)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        manifest = back_up(served.workspace, tmp_path / "b.tar.gz")
    finally:
        stop.set()
        thread.join()
    restore(tmp_path / "b.tar.gz", tmp_path / "new.ws")
    with Workspace.open(tmp_path / "new.ws").store() as store:
        assert store.counts()["events"] == manifest.rows["events"]


def test_a_damaged_or_expired_archive_is_refused_and_an_expired_one_goes(shop: Workspace, tmp_path: Path) -> None:
    back_up(shop, tmp_path / "old.tar.gz", keep_days=1e-9)
    with pytest.raises(ArtifactError, match="was to be kept until"):
        restore(tmp_path / "old.tar.gz", tmp_path / "a.ws")
    back_up(shop, tmp_path / "new.tar.gz", keep_days=None)
    assert not (tmp_path / "old.tar.gz").exists()
    assert read_manifest(tmp_path / "new.tar.gz").expires_at is None
    with pytest.raises(InputError, match="is there already"):
        back_up(shop, tmp_path / "new.tar.gz")
    whole = (tmp_path / "new.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArtifactError):
        restore(tmp_path / "cut.tar.gz", tmp_path / "b.ws")
    with tarfile.open(tmp_path / "new.tar.gz") as tar:
        tar.extractall(tmp_path / "out", filter="data")
    (tmp_path / "out" / "penchant.toml").write_text("# changed")
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "out" / "manifest.json", "manifest.json")
        for path in sorted((tmp_path / "out").rglob("*")):
            if path.is_file() and path != tmp_path / "out" / "manifest.json":
                tar.add(path, str(path.relative_to(tmp_path / "out")))
    with pytest.raises(ArtifactError, match="not what was backed up"):
        restore(tmp_path / "evil.tar.gz", tmp_path / "c.ws")
    assert not (tmp_path / "c.ws").exists()
    with pytest.raises(InputError, match="not empty"):
        restore(tmp_path / "new.tar.gz", tmp_path)
    with pytest.raises(ArtifactError, match="cannot be read as a backup"):
        read_manifest(tmp_path / "out" / "penchant.toml")


# -- the command line --


def test_keys_users_backup_and_restore_from_the_command_line(
    shop: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(shop.path)
    assert main(["keys", "make", place, "shop", "--scope", "read", "--scope", "send", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    with shop.store() as store:
        found = Keyring(store.database, "default").check(made["key"])
        assert found is not None
        assert found.scopes == {Scope.READ, Scope.SEND}
        assert [entry.action for entry in Audit(store.database, "default").entries()] == ["make key"]
    assert main(["keys", "list", place, "--json"]) == 0
    told = capsys.readouterr().out
    assert made["key"].rpartition("_")[2] not in told
    assert main(["keys", "revoke", place, made["id"], "--lang", "zh"]) == 0
    assert "已吊销" in capsys.readouterr().out
    assert main(["keys", "revoke", place, made["id"]]) == 2
    assert main(["keys", "make", place, "shop", "--scope", "everything"]) == 2
    assert "there is no scope 'everything'" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", __import__("io").StringIO("a long password\n"))
    assert main(["console", "user", place, "ann"]) == 0
    assert main(["console", "users", place]) == 0
    assert "ann" in capsys.readouterr().out
    archive = str(tmp_path / "b.tar.gz")
    assert main(["backup", place, archive]) == 0
    assert main(["restore", archive, "--into", str(tmp_path / "new.ws")]) == 0
    assert Workspace.open(tmp_path / "new.ws").current is not None
    assert main(["serve", place, "--host", "0.0.0.0"]) == 2
    assert "there is no key yet" in capsys.readouterr().err


# -- figures and alert rules --


def test_a_threshold_is_told_of_once_when_it_lasts_and_again_after_it_was_well(served: Served) -> None:
    rules = AlertRules.parse(
        "rules: [{kind: threshold, name: queue, metric: penchant_waiting, above: 10, times: 2, severity: critical}]"
    )
    watch = Watch(rules, served.state.metrics, served.state.alerts)
    gauge = served.state.metrics.waiting.labels("answers")
    for value, told in ((50, 0), (50, 1), (50, 0), (3, 0), (50, 0), (50, 1)):
        gauge.set(value)
        assert len(watch.look(0)) == told
    listed = served.client.get("/v1/alerts?lang=zh").json()["alerts"]
    assert [one["rule"] for one in listed] == ["queue"], "open alerts of one rule are not doubled"
    assert "高于" in listed[0]["message"]
    settled = served.client.post(f"/v1/alerts/{listed[0]['number']}/settle", json={"note": "more workers"}).json()
    assert (settled["state"], settled["note"]) == ("settled", "more workers")
    assert served.client.get("/v1/alerts?state=open").json()["alerts"] == []
    assert served.client.post("/v1/alerts/999/settle", json={}).status_code == 404


def test_an_anomaly_is_what_leaves_its_own_course(served: Served) -> None:
    rules = AlertRules.parse(
        "rules: [{kind: anomaly, name: traffic, metric: penchant_events_total, rate: true, times: 1, spreads: 6}]"
    )
    metrics = Metrics()
    watch = Watch(rules, metrics, served.state.alerts)
    told = []
    for second in range(120):
        metrics.events.labels("added").inc(100 + second % 7 if second != 110 else 900)
        told += [(second, message) for message in watch.look(float(second))]
    assert [second for second, _ in told] == [110]
    assert "spreads from its usual" in told[0][1].en


def test_a_webhook_hears_of_it_and_its_silence_stops_nothing(served: Served) -> None:
    heard: list[dict] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as hook:
        threading.Thread(target=hook.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{hook.server_port}"
        rule = "{kind: threshold, name: old, metric: penchant_build_age_seconds, below: 1.0e+9, times: 1}"
        rules = AlertRules.parse(f"webhook: {{url: '{url}'}}\nrules: [{rule}]")
        served.state.follower.tell()
        assert Watch(rules, served.state.metrics, served.state.alerts).look(0)
        assert heard[0]["rule"] == "old"
    assert Watch(rules, served.state.metrics, served.state.alerts).look(0), "nobody listens, and it goes on"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("rules: [{kind: threshold, name: a, metric: penchant_x}]", "needs `above` or `below`"),
        ("rules: [{kind: guess, name: a, metric: penchant_x}]", "kind"),
        ("rules: [{kind: threshold, name: a, metric: other, above: 1}]", "metric"),
        ("rules: [", "cannot be understood"),
    ],
)
def test_a_mistake_in_the_rules_is_told(written: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AlertRules.parse(written)


def test_a_rule_file_in_the_workspace_is_watched(shop: Workspace) -> None:
    (shop.path / "alerts.yaml").write_text(
        "rules: [{kind: threshold, name: members, metric: penchant_members, above: 3, times: 1}]"
    )
    with TestClient(create_app(shop, ServiceSettings(language_model=False))) as client:
        state = client.app.state.penchant  # type: ignore[attr-defined]
        state._told_at = -1e9
        state.follower.tell()
        assert [alert.rule for alert in Alerts(state.store.database, "default").list()] == ["members"]


def test_strategies_have_few_names() -> None:
    from penchant.recommend import strategies

    told = [strategies.BLEND("en", events=3, day="x"), strategies.BEHAVIOUR("zh", events=3, day="x"),
            strategies.NOTHING_LEFT("en", items=3), strategies.SAYS_NOTHING("zh", events=1)]  # fmt: skip
    assert [strategy_name(one) for one in told] == ["blend", "behaviour", "nothing", "popular"]


def test_tracing_without_its_package_says_so(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def without(name: str, *more: object, **named: object) -> object:
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError(name)
        return real(name, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    from penchant.service.running.tracing import Traced

    with pytest.raises(MissingExtraError, match="opentelemetry"):
        Traced(lambda *_: None)  # type: ignore[arg-type,return-value]


def test_requests_pass_through_spans(shop: Workspace) -> None:
    with TestClient(create_app(shop, ServiceSettings(language_model=False, tracing=True))) as client:
        assert client.get("/health").status_code == 200


# -- the client --


class Flaky(httpx.BaseTransport):
    """A way to the service that fails now and then, before or after the service has done its work."""

    def __init__(self, client: TestClient, fails: list[str]) -> None:
        self.client, self.fails = client, fails

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        how = self.fails.pop(0) if self.fails else ""
        if how == "before":
            raise httpx.ConnectError("no way")
        if how == "busy":
            return httpx.Response(429, headers={"Retry-After": "3"}, json={"error": {"code": "x", "message": "y"}})
        answer = self.client.request(
            request.method, str(request.url.raw_path, "ascii"), content=request.read(), headers=dict(request.headers)
        )
        if how == "after":
            raise httpx.ReadError("the answer got lost")
        return httpx.Response(answer.status_code, content=answer.content, headers={"content-type": "application/json"})


def test_a_client_tries_again_and_writes_nothing_twice(served: Served) -> None:
    waits: list[float] = []
    with Client(
        "http://x", served.key, transport=Flaky(served.client, ["before", "after", "busy", ""]), sleep=waits.append
    ) as client:
        told = client.send([{"member_id": "m1", "item_id": "p1", "kind": "buy", "at": datetime(2026, 3, 1)}])
        assert told == {"added": 0, "repeated": 1, "rejected": []}
        assert len(waits) == 3
        assert waits[2] >= 3 * 0.75
        assert len(served.state.live.history("m1")) == 13
        assert client.recommend("m1", 3)["picks"]
        assert client.search("pot")["picks"][0]["item_id"]
        assert client.interests("m1")["interests"]
        assert client.put_items([{"item_id": "n/1", "title": "odd id"}]) == 1
        assert client.similar("p1")["picks"]
        assert client.export("m1")["member_id"] == "m1"


def test_a_client_gives_up_on_what_will_not_change(served: Served) -> None:
    with Client("http://x", "wrong", transport=Flaky(served.client, []), sleep=lambda _: None) as client:
        with pytest.raises(ServiceError, match="wrong, expired or revoked") as refused:
            client.recommend("m1")
        assert (refused.value.status, refused.value.code) == (401, "no_key")
    with (
        Client(
            "http://x", "k", tries=3, transport=Flaky(served.client, ["before"] * 9), sleep=lambda _: None
        ) as client,
        pytest.raises(ServiceError, match="cannot be reached"),
    ):
        client.recommend("m1")


# -- other systems --


def test_a_system_that_the_build_lacks_is_told_of_with_the_reason(served: Served) -> None:
    for path in ("segment", "drift", "friends"):
        refused = served.client.get(f"/v1/members/m1/{path}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "not_built"), path
        assert "has no stage" in refused.json()["error"]["message"]
    refused = served.client.post("/v1/members/m1/answers", json={"answers": []})
    assert refused.status_code == 404


def test_friends_and_questions_come_from_the_ties_and_answers_of_this_moment(shop: Workspace) -> None:
    workspace = build_everything(shop)
    with TestClient(
        create_app(workspace, ServiceSettings(language_model=False)), raise_server_exceptions=False
    ) as client:
        one = Served(client, workspace)
        first = client.get("/v1/members/m1/friends?k=5").json()
        assert "m4" not in [pick["member_id"] for pick in first["picks"]] or first["picks"]
        ties = [{"member_id": "m1", "other_id": f"m{row}", "kind": "follow"} for row in (4, 7)]
        client.post("/v1/ties", json={"ties": ties})
        after = [pick["member_id"] for pick in client.get("/v1/members/m1/friends?k=10").json()["picks"]]
        assert {"m4", "m7"}.isdisjoint(after)
        told = client.get("/v1/members/m1/segment").json()
        assert told["name"] or told["reason"]
        groups = {client.get(f"/v1/members/m{row}/segment").json()["segment"] for row in range(0, 30, 3)}
        assert len(groups) == 1, "those of one taste are in one segment"
        refused = client.get("/v1/members/m1/drift")
        assert refused.status_code == 404
        assert "too little to tell of single members" in refused.json()["error"]["message"]
        step = client.post("/v1/members/new/answers", json={"answers": []}).json()
        assert step["question"]["text"]
        number = step["question"]["number"]
        answered = client.post(
            "/v1/members/new/answers", json={"answers": [{"question": number, "answer": "like"}]}
        ).json()
        assert answered["ranking"]["strategy"].startswith("newcomer: goes by one answer")
        assert answered["question"] is None or answered["question"]["number"] != number
        odd = client.post("/v1/members/new/answers", json={"answers": [{"question": 99_999, "answer": "like"}]})
        assert odd.status_code == 422
        assert one.client.get("/v1/members/nobody/friends").status_code == 404


def test_the_list_is_the_same_with_and_without_its_reasons(served: Served) -> None:
    with_reasons = served.client.get("/v1/members/m1/recommendations?k=5").json()
    without = served.client.get("/v1/members/m1/recommendations?k=5&reasons=false").json()
    assert [pick["item_id"] for pick in without["picks"]] == [pick["item_id"] for pick in with_reasons["picks"]]
    assert {pick["reason"] for pick in without["picks"]} == {""}
    assert all(pick["reason"] for pick in with_reasons["picks"])


def test_friends_are_suggested_also_after_a_member_was_forgotten(shop: Workspace) -> None:
    workspace = build_everything(shop)
    with TestClient(create_app(workspace, ServiceSettings(language_model=False))) as client:
        one = Served(client, workspace)
        client.post("/v1/ties", json={"ties": [{"member_id": "m1", "other_id": "m4", "kind": "follow"}]})
        assert client.delete("/v1/members/m7").status_code == 200
        one.send({**EVENT, "member_id": "newcomer"})
        found = client.get("/v1/members/m1/friends?k=30").json()["picks"]
        known = {f"m{row}" for row in range(MEMBERS)} | {"newcomer"}
        assert found
        assert {pick["member_id"] for pick in found} <= known - {"m1", "m4", "m7"}
        assert client.post("/v1/members/newcomer/answers", json={"answers": []}).status_code == 200
        assert client.get("/v1/members/m7/friends").status_code == 404


def test_what_a_member_did_who_refused_tells_friends_nothing(shop: Workspace) -> None:
    workspace = build_everything(shop)
    with TestClient(create_app(workspace, ServiceSettings(language_model=False))) as client:
        state = Served(client, workspace).state
        state.store.upsert_members(pl.DataFrame({"member_id": ["m7"], "consent": [False]}))
        # A tie makes the model of this moment anew.
        client.post("/v1/ties", json={"ties": [{"member_id": "m1", "other_id": "m4", "kind": "follow"}]})
        community = state.systems.social_of(state.builds.current).model.community
        assert len(community.events_of(community.member_ids.row("m4")))
        assert not len(community.events_of(community.member_ids.row("m7")))


def test_what_the_language_model_has_read_is_not_read_again_at_every_tie(shop: Workspace) -> None:
    class Reading(Words):
        """Knows how many texts it was given."""

        read = 0

        def encode(self, texts: Sequence[str]) -> Floats:
            self.read += len(texts)
            return super().encode(texts)

    def learned(context: Context, folder: Path) -> None:
        config = SocialConfig(network=NetworkConfig(epochs=1))
        learn_into(folder, context.community, config, context.options, encoder=Words())

    workspace = build_everything(shop)
    kept = {stage.name: stage for stage in STAGES}
    stages = [kept["community"], Stage("social", kept["social"].title, lambda _: {"network": True}, learned)]
    stages.append(Stage("recommend", kept["recommend"].title, lambda context: {"seed": 0}, _recommend))
    build(workspace, options=Options(threads=1, progress=False), stages=stages)
    with TestClient(create_app(workspace, ServiceSettings(language_model=False))) as client:
        one, reading = Served(client, workspace), Reading()
        path = "/v1/members/m1/friends?k=5"
        assert client.get(path).status_code == 200, "before there is a language model"
        one.state.builds.give(reading)
        learned_of = one.state.systems.social_of(one.state.builds.current)
        assert learned_of.model.encoder is not None, "who came first does not leave it out for good"
        assert reading.read > 0
        before = reading.read
        for row in (4, 7):
            ties = [{"member_id": "m1", "other_id": f"m{row}", "kind": "follow"}]
            client.post("/v1/ties", json={"ties": ties})
            assert client.get(path).status_code == 200
        assert reading.read == before
        one.send({**EVENT, "text": "never said before"})
        client.post("/v1/ties", json={"ties": ties})
        client.get(path)
        assert reading.read <= before + 3, "what is new is read, and nothing else"


def test_histories_are_put_together_for_the_members_asked_about_last_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penchant.service.live._READY", 4)
    with Store("sqlite://") as store:
        store.write(community())
        live = Live(store)
        live.load(store.read())
        for member in range(20):
            table = rows((f"m{member}", "p1", member))
            store.append_batches([Batch(table)])
            live.append(table)
            assert live.history(f"m{member}").equals(store.history(f"m{member}"))
        assert len(live._ready) <= 4, "what is held for each member is what came since, not their history once more"
        assert not live._tables
        live.drop_item("p1")
        store.delete_items(["p1"])
        for member in range(20):
            assert live.history(f"m{member}").equals(store.history(f"m{member}"))
