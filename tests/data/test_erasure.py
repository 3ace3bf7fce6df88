"""What the store takes out of itself, in SQLite and PostgreSQL alike."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from sqlalchemy import text

from penchant.data.community import Community
from penchant.data.store import Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    rows = [
        ("anna", "p", "review", NOW - timedelta(days=200), "old words"),
        ("anna", "p", "review", NOW - timedelta(days=50), "seen by 100% of ben_s"),
        ("ben", None, "search", NOW - timedelta(days=60), "kettle"),
        ("ben", "p", "buy", NOW - timedelta(days=5), None),
    ]
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at", "text"], orient="row")
    members = pl.DataFrame({"member_id": ["anna", "ben"], "note": ["friend of ben_s", None]})
    labels = pl.DataFrame({"text": ["old words", "new words"], "labels": [["x"], ["y"]]})
    with Store(store_url) as made:
        made.write(
            Community.from_tables(pl.DataFrame({"item_id": ["p"], "title": ["Pan"]}), events, members, labels=labels)
        )
        made.put_verdicts("1", "social", pl.DataFrame({"member_id": ["anna"], "verdict": ['{"with": "ben_s"}']}))
        yield made


def test_texts_are_changed_wherever_they_hold_a_string_and_nowhere_else(store: Store) -> None:
    assert store.replace_texts(["ben_s"], lambda held: held.replace("ben_s", "…")) == 3
    assert store.history("anna")["text"].to_list() == ["old words", "seen by 100% of …"]
    assert store.member("anna")["note"] == "friend of …"
    assert store.verdicts_of("anna")["verdict"].to_list() == ['{"with": "…"}']
    # Signs that mean any letter to a database are letters here.
    assert store.replace_texts(["0_", "%s"], lambda held: "") == 0
    assert store.replace_texts([], lambda held: "") == 0


def test_labelled_texts_are_taken_out_by_what_they_say(store: Store) -> None:
    assert store.delete_labels(["old words", "never said"]) == 1
    assert store.read().labels["text"].to_list() == ["new words"]


def test_events_and_texts_go_at_their_own_time(store: Store) -> None:
    assert store.expire(events=NOW - timedelta(days=100), texts=NOW - timedelta(days=30)) == (1, 2)
    left = store.read().events
    assert left.select("kind", "text").rows() == [("review", None), ("buy", None)]
    assert store.expire() == (0, 0)


def test_a_member_is_taken_out_of_tables_beside_within_the_tenant(store: Store) -> None:
    with store.database.writing() as connection:
        connection.execute(text("CREATE TABLE service_things (tenant TEXT, member_id TEXT)"))
        connection.execute(text("CREATE TABLE other_things (who TEXT)"))
        for tenant, member in (("default", "anna"), ("default", "ben"), ("elsewhere", "anna")):
            values = {"tenant": tenant, "member": member}
            connection.execute(text("INSERT INTO service_things VALUES (:tenant, :member)"), values)
    assert store.forget_beside("anna") == 1
    with store.database.reading() as connection:
        left = connection.execute(text("SELECT tenant, member_id FROM service_things ORDER BY 1, 2")).fetchall()
    assert [tuple(row) for row in left] == [("default", "ben"), ("elsewhere", "anna")]
