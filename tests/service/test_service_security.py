"""Nobody gets in who should not: keys, scopes, tenants, logins, limits, the audit log, what logs and headers say."""

import json
import logging
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import Depends, FastAPI, Request, Response
from fastapi.testclient import TestClient
from service_served import Served
from sqlalchemy import text

from penchant.data.store import Store
from penchant.errors import ConfigError, StorageError, UnknownIdError
from penchant.service import tables
from penchant.service.app import create_app
from penchant.service.errors import install
from penchant.service.migrations import upgrade
from penchant.service.running.logs import JsonLines, masked
from penchant.service.security.audit import Audit, Broken, Checked
from penchant.service.security.keys import Keyring, Scope
from penchant.service.security.limits import Buckets
from penchant.service.security.sessions import (
    COOKIE,
    LoginRefused,
    Session,
    Sessions,
    csrf_field,
    login_required,
    same_site_form,
)
from penchant.service.settings import ServiceSettings
from penchant.workspace import Workspace

OPEN_ROUTES = {"/health", "/ready", "/penchant.js"}
SCOPES = {
    ("post", "/v1/events"): Scope.SEND,
    ("post", "/v1/ties"): Scope.SEND,
    ("delete", "/v1/ties"): Scope.MANAGE,
    ("get", "/v1/members/{member_id}/export"): Scope.MANAGE,
    ("delete", "/v1/members/{member_id}"): Scope.MANAGE,
    ("post", "/v1/items"): Scope.MANAGE,
    ("delete", "/v1/items/{item_id}"): Scope.MANAGE,
    ("post", "/v1/builds/{version}/promote"): Scope.MANAGE,
    ("post", "/v1/builds/rollback"): Scope.MANAGE,
    ("put", "/v1/builds/trial"): Scope.MANAGE,
    ("delete", "/v1/builds/trial"): Scope.MANAGE,
    ("post", "/v1/alerts/{number}/settle"): Scope.MANAGE,
    ("get", "/v1/audit"): Scope.MANAGE,
}
"""What each route needs; those that are not named here need `read`."""


def routes(client: TestClient) -> list[tuple[str, str]]:
    """Method and path of every route that the API describes."""
    paths = client.get("/openapi.json").json()["paths"]
    return [(method, path) for path, methods in paths.items() for method in methods if path not in OPEN_ROUTES]


def ask(client: TestClient, method: str, path: str, key: str | None) -> Response:
    """Ask a route as well-formed as may be, with a key."""
    filled = path.format(member_id="m1", item_id="p1", version="0001", number="1")
    headers = {"Authorization": f"Bearer {key}" if key else ""}
    return client.request(method, filled, headers=headers, json={} if method in ("post", "put") else None)  # type: ignore[return-value]


def test_every_route_refuses_no_key_a_wrong_one_an_expired_one_and_a_revoked_one(shared: Served) -> None:
    expired = shared.key_of(*Scope, days=1e-9)
    key, revoked = shared.state.keys.make("gone", list(Scope))
    shared.state.keys.revoke(key.id)
    shared.state.keys.refresh()
    wrong = shared.key[:-4] + "zzzz"
    found = routes(shared.client)
    assert len(found) >= 25
    for method, path in found:
        for bad in (
            None,
            "nonsense",
            wrong,
            expired,
            revoked,
            "pnc__",
            "pnc_a_b_c",
        ):
            answer = ask(shared.client, method, path, bad)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "no_key"), (method, path, bad)
            assert answer.headers["www-authenticate"] == "Bearer"


def test_every_route_refuses_a_key_of_other_scopes_and_lets_its_own_through(shared: Served) -> None:
    keys = {scope: shared.key_of(scope) for scope in Scope}
    for method, path in routes(shared.client):
        needed = SCOPES.get((method, path), Scope.READ)
        for scope, key in keys.items():
            if scope == needed:
                continue
            answer = ask(shared.client, method, path, key)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed"), (method, path, scope)
            assert f"scope {needed}" in answer.json()["error"]["message"]
    assert shared.client.get("/v1/builds", headers={"Authorization": f"Bearer {keys[Scope.READ]}"}).status_code == 200
    assert shared.client.get("/v1/builds", headers={"Authorization": "", "X-API-Key": keys[Scope.READ]}).is_success


def test_tenants_of_one_database_are_kept_apart_by_their_keys(
    shop_folder: Path, postgres_url: str, tmp_path: Path
) -> None:
    clients: dict[str, Served] = {}
    stack = []
    try:
        for tenant in ("one", "two"):
            folder = tmp_path / f"{tenant}.ws"
            shutil.copytree(shop_folder, folder)
            (folder / "penchant.toml").write_text(f'[store]\nurl = "{postgres_url}"\ntenant = "{tenant}"\n')
            workspace = Workspace.open(folder)
            with workspace.store() as store, Store(shop_folder / "store.db") as source:
                store.write(source.read())
            patient = ServiceSettings(language_model=False, limits={"failures_per_minute": 1e6})
            client = TestClient(create_app(workspace, patient))
            stack.append(client)
            client.__enter__()
            clients[tenant] = Served(client, workspace)
        one, two = clients["one"], clients["two"]
        one.send({"member_id": "m1", "item_id": "p1", "kind": "buy"}, once="same")
        two.send({"member_id": "m1", "item_id": "p2", "kind": "buy"}, once="same")
        for method, path in routes(one.client):
            assert ask(one.client, method, path, two.key).status_code == 401, (method, path)
        assert one.client.get("/v1/members/m1/evidence").json()["events"][0]["item_id"] == "p1"
        assert two.client.get("/v1/members/m1/evidence").json()["events"][0]["item_id"] == "p2"
        one.state.audit.add("x", "only one's")
        assert [entry.action for entry in two.state.audit.entries()] == []
        one.client.delete("/v1/members/m1")
        assert two.client.get("/v1/members/m1/evidence").json()["event_count"] == 13
    finally:
        for client in stack:
            client.__exit__(None, None, None)


# -- keys --


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store(store_url) as store:
        upgrade(store.database)
        yield store


def test_a_key_is_kept_as_a_hash_and_shown_once(store: Store) -> None:
    keys = Keyring(store.database, "default")
    key, secret = keys.make("shop", [Scope.READ], days=2)
    with store.database.reading() as connection:
        rows = str(connection.execute(tables.keys.select()).fetchall())
    # The secret part may hold underscores of its own, so its last piece may be a single letter.
    assert secret.split("_", 2)[2] not in rows
    assert keys.check(secret) == key
    assert key.expires_at is not None
    assert timedelta(days=1.9) < key.expires_at - datetime.now(UTC) < timedelta(days=2)
    assert Keyring(store.database, "other").check(secret) is None


def test_a_revoked_key_opens_nothing_within_the_time_that_copies_are_good_for(store: Store) -> None:
    makes, serves = Keyring(store.database, "default"), Keyring(store.database, "default", fresh_seconds=0)
    key, secret = makes.make("shop", [Scope.SEND])
    assert serves.check(secret) is not None
    makes.revoke(key.id)
    assert serves.check(secret) is None
    with pytest.raises(UnknownIdError, match="no valid key has the id"):
        makes.revoke(key.id)


def test_known_keys_go_on_to_count_while_the_database_is_gone(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        upgrade(store.database)
        keys = Keyring(store.database, "default", fresh_seconds=0)
        _, secret = keys.make("shop", [Scope.READ])
        assert keys.check(secret) is not None
        store.close()
        (tmp_path / "store.db").rename(tmp_path / "away.db")
        (tmp_path / "store.db").mkdir()
        assert keys.check(secret) is not None
        assert keys.check(secret[:-1] + "?") is None


@pytest.mark.parametrize(
    ("scopes", "days", "message"), [([], 1, "at least one scope"), ([Scope.READ], -1, "expire in -1")]
)
def test_a_key_without_meaning_is_not_made(store: Store, scopes: list, days: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Keyring(store.database, "default").make("x", scopes, days=days)


# -- the audit log --


@pytest.mark.parametrize("gone", ["last checked", "newest"])
def test_an_entry_that_is_cut_off_is_seen_at_once_also_the_last_that_was_checked(store: Store, gone: str) -> None:
    upgrade(store.database)
    audit = Audit(store.database, "default")
    for number in range(5):
        audit.add("ann", "try", str(number))
    assert isinstance(audit.check_on(), Checked)
    place = 5
    if gone == "last checked":
        audit.add("ann", "try", "later")
    with store.database.writing() as connection:
        if store.database.is_sqlite:
            connection.execute(text("DROP TRIGGER service_audit_delete"))
        else:
            connection.execute(text("DROP TRIGGER service_audit_sealed ON service_audit"))
        connection.execute(text(f"DELETE FROM service_audit WHERE place = {place}"))
    found = audit.check_on()
    assert found == Broken(place, f"entry {place} is missing")


def test_the_chain_holds_and_refuses_changes(store: Store) -> None:
    audit = Audit(store.database, "default")
    for number in range(5):
        audit.add("ann", "try", str(number), details={"数": number})
    audit.add("ann", "export member", member_id="m1")
    assert audit.check() is None
    assert [entry.place for entry in audit.entries(limit=2)] == [6, 5]
    assert "m1" not in str(audit.entries())
    for deed in ("UPDATE service_audit SET who = 'bob' WHERE place = 3", "DELETE FROM service_audit"):
        with pytest.raises(StorageError, match="only ever added to"), store.database.writing() as connection:
            connection.execute(text(deed))
    assert audit.check() is None


def test_a_log_that_was_changed_past_the_triggers_is_found_out(store: Store) -> None:
    audit = Audit(store.database, "default")
    for number in range(4):
        audit.add("ann", "try", str(number))
    with store.database.writing() as connection:
        for trigger in ("service_audit_update", "service_audit_delete"):
            if store.database.is_sqlite:
                connection.execute(text(f"DROP TRIGGER {trigger}"))
        if not store.database.is_sqlite:
            connection.execute(text("DROP TRIGGER service_audit_sealed ON service_audit"))
        connection.execute(text("UPDATE service_audit SET who = 'bob' WHERE place = 2"))
    broken = audit.check()
    assert broken is not None
    assert broken.place == 2
    with store.database.writing() as connection:
        connection.execute(text("UPDATE service_audit SET who = 'ann' WHERE place = 2"))
        connection.execute(text("DELETE FROM service_audit WHERE place = 3"))
    broken = audit.check()
    assert broken is not None
    assert broken.why == "entry 3 is missing"


# -- logins --


@pytest.fixture
def door(store: Store) -> Iterator[TestClient]:
    """A little app with a login, a page and a form."""
    app = FastAPI()
    install(app)

    class Holder:
        sessions = Sessions(store.database, "default", attempts_per_minute=3)

    app.state.penchant = Holder()
    Holder.sessions.add_user("ann", "correct horse")

    @app.post("/login")
    def login(request: Request, response: Response, name: str, password: str) -> str:
        return Holder.sessions.login(request, response, name, password).csrf

    @app.get("/page")
    def page(session: Session = Depends(login_required)) -> str:
        return session.name

    @app.post("/change")
    def change(session: Session = Depends(same_site_form)) -> str:
        return "changed"

    @app.post("/logout")
    def logout(request: Request, response: Response) -> None:
        Holder.sessions.logout(request, response)

    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_login_opens_pages_and_a_form_needs_the_token_of_its_own_page(door: TestClient) -> None:
    assert door.get("/page").status_code == 401
    answer = door.post("/login", params={"name": "ann", "password": "correct horse"})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    csrf = answer.json()
    assert door.get("/page").json() == "ann"
    assert door.post("/change").status_code == 403
    assert door.post("/change", data={"csrf": "x" * 32}).status_code == 403
    assert door.post("/change", data={"csrf": csrf}).json() == "changed"
    assert door.post("/change", headers={"X-CSRF-Token": csrf}).json() == "changed"
    token = door.cookies[COOKIE]
    door.post("/logout")
    door.cookies.set(COOKIE, token)
    assert door.get("/page").status_code == 401, "the session is gone on our side too"


def test_guessing_is_slowed_down_and_tells_nothing(door: TestClient) -> None:
    answers = [door.post("/login", params={"name": name, "password": "wrong password"}) for name in ("ann", "nobody")]
    assert [one.status_code for one in answers] == [401, 401]
    assert answers[0].json()["error"]["message"] == answers[1].json()["error"]["message"]
    door.post("/login", params={"name": "ann", "password": "wrong password"})
    slowed = door.post("/login", params={"name": "ann", "password": "correct horse"})
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) >= 1


def test_passwords_are_kept_as_scrypt_and_a_new_one_ends_sessions(store: Store) -> None:
    sessions = Sessions(store.database, "default")
    sessions.add_user("ann", "correct horse")
    with store.database.reading() as connection:
        assert "correct horse" not in str(connection.execute(tables.users.select()).fetchall())
    with pytest.raises(ConfigError, match="10 or more"):
        sessions.add_user("ann", "short")
    with pytest.raises(ConfigError, match="no name for a user"):
        sessions.add_user("<script>", "long enough password")
    assert sessions.users() == ["ann"]
    sessions.remove_user("ann")
    with pytest.raises(UnknownIdError, match="no user of the console"):
        sessions.remove_user("ann")
    assert issubclass(LoginRefused, Exception)
    assert '"' not in csrf_field(Session("a", 'x"y', datetime.now(UTC))).removeprefix(
        '<input type="hidden" name="csrf" value="'
    ).removesuffix('">')


# -- limits, headers, logs, settings --


def test_keys_and_addresses_that_ask_too_much_are_told_when_to_come_back(shop: Workspace) -> None:
    limits = {"per_key": 2.0, "per_address": 1_000.0, "failures_per_minute": 5.0}
    with TestClient(create_app(shop, ServiceSettings(language_model=False, limits=limits))) as client:
        one = Served(client, shop)
        codes = [client.get("/v1/builds").status_code for _ in range(14)]
        assert codes[:10] == [200] * 10
        assert codes[-1] == 429
        assert int(client.get("/v1/builds").headers["retry-after"]) >= 1
        other = one.key_of(Scope.READ)
        assert client.get("/v1/builds", headers={"Authorization": f"Bearer {other}"}).status_code == 200
        wrong = [client.get("/v1/builds", headers={"Authorization": "Bearer no"}).status_code for _ in range(7)]
        assert wrong[0] == 401
        assert wrong[-1] == 429


def test_buckets_stay_few() -> None:
    buckets = Buckets(rate=1, burst=1)
    for number in range(50_100):
        buckets.wait(str(number))
    assert len(buckets._held) == 50_000


def test_every_answer_carries_the_headers_that_keep_browsers_in_bounds(shared: Served) -> None:
    for path in ("/health", "/v1/nothing", "/docs", "/v1/builds"):
        headers = shared.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "object-src 'none'" in headers["content-security-policy"]
        assert len(headers["x-request-id"]) == 12
        assert "server" not in headers


def test_logs_hold_routes_and_numbers_and_nobody(shared: Served) -> None:
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    logger = logging.getLogger("penchant.requests")
    handler, level = Kept(), logger.level
    logger.addHandler(handler)
    logger.setLevel("INFO")
    try:
        answer = shared.client.get("/v1/search", params={"q": "ann@example.org secret wish", "for": "m1"})
        shared.client.get("/v1/members/m1/recommendations", params={"text": "my illness"})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    told = [json.loads(line) for line in lines]
    assert told[0]["request"] == answer.headers["x-request-id"]
    assert told[0]["route"] == "/v1/search"
    assert told[0]["status"] == 200
    for line in lines:
        for private in ("m1", "ann@", "wish", "illness", shared.key):
            assert private not in line


def test_what_slips_into_a_log_is_masked() -> None:
    assert masked("call 13800138000 or ann.b@mail.example, card 6222 0212 3456 7890") == (
        "call [number] or [mail], card [number]"
    )
    assert masked("took 12.5 ms at 2026-01-05") == "took 12.5 ms at 2026-01-05"


@pytest.mark.parametrize(
    ("given", "has_keys", "message"),
    [
        ({"host": "0.0.0.0"}, False, "there is no key yet"),
        ({"host": "0.0.0.0"}, True, "nothing encrypts"),
        ({"host": "0.0.0.0", "open": True, "public_without_tls": True}, True, "on this machine alone"),
        ({"workers": 2}, True, "2 workers need PostgreSQL"),
    ],
)
def test_nobody_is_let_in_by_mistake(given: dict, has_keys: bool, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ServiceSettings(**given).check(has_keys=has_keys, on_sqlite=True)


@pytest.mark.parametrize(
    "given", [{}, {"host": "0.0.0.0", "public_without_tls": True}, {"host": "10.0.0.1", "behind_proxy": True}]
)
def test_what_is_protected_starts(given: dict) -> None:
    ServiceSettings(**given).check(has_keys=True, on_sqlite=True)


def test_settings_come_from_the_workspace_and_a_mistake_is_told(shop: Workspace) -> None:
    config = shop.config_path
    config.write_text(config.read_text() + "\n[service]\nport = 9000\nlimits = {k = 50}\n")
    settings = ServiceSettings.read(Workspace.open(shop.path), host="::1")
    assert (settings.port, settings.host, settings.limits.k) == (9000, "::1", 50)
    config.write_text(config.read_text() + "ports = 3\n")
    with pytest.raises(ConfigError, match="ports: Extra inputs"):
        ServiceSettings.read(shop)
