"""A forgotten member leaves no byte in a workspace, and the others lose nothing."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from penchant.artifacts import load_artifact, save_artifact
from penchant.builds import Build
from penchant.data.community import Community
from penchant.errors import UnknownIdError, WorkspaceBusyError
from penchant.language import Phrase
from penchant.members.audit import AuditLog
from penchant.members.export import export_member
from penchant.members.forgetting import forget_member, remaining
from penchant.members.needles import Needles
from penchant.pipeline import Context, Stage, build
from penchant.stages import STAGES
from penchant.text.cache import VectorFile, text_keys
from penchant.workspace import Workspace

WHO = "anna-of-elm-street"
SECRET = "这个水壶的盖子总是漏水，我的猫都嫌吵"
OTHERS = "Boils quickly and looks nice on the shelf"


def shop() -> Community:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    people = [WHO, f"{WHO}-2", "ben", "cleo"]
    rows = [
        (person, f"p{(turn + place) % 6}", "buy", start + timedelta(days=turn, hours=place), None)
        for place, person in enumerate(people)
        for turn in range(6)
    ]
    rows += [(WHO, "p1", "review", start + timedelta(days=8), SECRET), ("ben", "p1", "review", start, OTHERS)]
    rows += [(WHO, "p2", "review", start + timedelta(days=9), OTHERS), (WHO, None, "search", start, " kettle")]
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at", "text"], orient="row")
    members = pl.DataFrame(
        {"member_id": people, "city": ["York", "Leeds", "上海", None], "invited_by": [None, WHO, "cleo", None]}
    )
    items = pl.DataFrame({"item_id": [f"p{row}" for row in range(6)], "title": [f"Kettle {row}" for row in range(6)]})
    ties = pl.DataFrame({"member_id": [WHO, "cleo"], "other_id": ["ben", WHO], "kind": ["friend", "follow"]})
    labels = pl.DataFrame({"text": [SECRET, "a fine kettle"], "labels": [["kitchen"], ["kitchen"]]})
    return Community.from_tables(items, events, members, ties, labels)


def _vectors(context: Context, folder: Path) -> None:
    """A stage that keeps what systems keep: a row a member, ids, texts, and verdicts on others that name a member."""
    count = len(context.community.members)
    save_artifact(
        folder / "inner",
        "vectors",
        arrays={"member_vectors": np.arange(1, 3 * count + 1, dtype=np.float32).reshape(count, 3)},
        matrices={"ties": sp.csr_matrix(np.ones((count, count), dtype=np.float32))},
        meta={
            "members": context.community.member_ids.ids.to_list(),
            "typical": {WHO: [SECRET, "tea"]},
            "fitted_on": context.community.fingerprint("members"),
        },
    )
    rows = {"member": [0, 1, 1], "evidence": [[{"text": "x"}], [{"text": f"like {WHO}"}], [{"text": "y"}]]}
    pl.DataFrame(rows, schema_overrides={"member": pl.UInt32}).write_parquet(folder / "told.parquet")
    save_artifact(folder, "outer", files=["told.parquet", "inner/manifest.json"])


MADE = (STAGES[0], Stage("members", Phrase("Vectors", "向量"), lambda context: {}, _vectors, after=("community",)))


@pytest.fixture
def held(tmp_path: Path) -> Workspace:
    """A workspace that holds something of Anna everywhere: two builds, caches, logs, rejected rows, a report."""
    workspace = Workspace.create(tmp_path / "shop.ws")
    with workspace.store() as store:
        store.write(shop())
    first = build(workspace, stages=MADE)
    with workspace.store() as store:
        store.append_labels(pl.DataFrame({"text": ["new"], "labels": [["kitchen"]]}))
        verdicts = pl.DataFrame(
            {"member_id": [WHO, "ben"], "verdict": ['{"a": 1}', json.dumps({"friend": WHO, "n": 1})]}
        )
        store.put_verdicts(first.version, "social", verdicts)
    second = build(workspace, stages=MADE)
    assert first.version != second.version
    cache = VectorFile(workspace.vectors, "tiny", 3)
    texts = [SECRET, OTHERS, " kettle"]
    cache.append(text_keys(texts), np.eye(3, dtype=np.float32))
    workspace.rejected.write_text(
        json.dumps({"table": "events", "row": {"CustomerID": WHO, "n": 1}}) + "\n"
        + json.dumps({"table": "events", "row": f'{WHO},"torn'}) + "\n"
        + json.dumps({"table": "events", "row": {"CustomerID": "ben", "n": 2}}) + "\n"
    )  # fmt: skip
    (workspace.path / "propensities.jsonl").write_text(
        "".join(json.dumps({"member": who, "item": "p1"}) + "\n" for who in (WHO, "ben"))
    )
    with (workspace.logs / "build.log").open("a") as stream:
        stream.write(f"2026-01-01 asked by {WHO}\n2026-01-01 asked by ben\n")
    workspace.report.write_text(f"<p>{WHO}</p>")
    (workspace.logs / ".half.12.partial").write_text(SECRET)
    return workspace


def everything(workspace: Workspace) -> bytes:
    """The bytes of all files, with Parquet's compression taken off."""
    held = b""
    for path in sorted(workspace.path.rglob("*")):
        if path.is_file():
            held += path.name.encode() + path.read_bytes()
            if path.suffix == ".parquet":
                held += str(pl.read_parquet(path).to_dicts()).encode()
    return held


def test_no_byte_stays_and_the_rest_does(held: Workspace) -> None:
    assert len(remaining(held, WHO, [SECRET])) > 10
    report = forget_member(held, WHO)
    left = everything(held)
    assert SECRET.encode() not in left
    assert json.dumps(SECRET)[1:-1].encode() not in left
    assert left.replace(f"{WHO}-2".encode(), b"").count(WHO.encode()) == 0
    assert remaining(held, WHO, [SECRET]) == []
    assert report.builds == ("0001", "0002")
    assert report.vectors == 2
    assert report.deleted == ("report.html",)
    # What others have and said is as it was.
    assert f"{WHO}-2".encode() in left
    assert OTHERS.encode() in left
    with held.store() as store:
        assert store.read().member_ids.ids.to_list() == [f"{WHO}-2", "ben", "cleo"]
        assert len(store.history("ben")) == 7
        assert store.member(f"{WHO}-2")["invited_by"] == "[forgotten]"
        assert json.loads(store.verdicts_of("ben")["verdict"][0]) == {"friend": "[forgotten]", "n": 1}
        assert "a fine kettle" in store.read().labels["text"].to_list()
    assert len(held.rejected.read_text().splitlines()) == 1
    assert (held.logs / "build.log").read_text().endswith("asked by ben\n")


def test_past_builds_stay_whole_and_keep_their_row_numbers(held: Workspace) -> None:
    before = Build.open(held.path / "builds" / "0001").community
    forget_member(held, WHO)
    for build_ in held.builds():
        build_.check()
        after = build_.community
        assert after.member_ids.ids[1:].to_list() == before.member_ids.ids[1:].to_list()
        assert after.member_ids.id(0).startswith("forgotten-")
        assert after.members.row(0, named=True)["city"] is None
        others = before.events.filter(pl.col("member") != 0)
        assert after.events.equals(others)
        vectors = load_artifact(build_.folder("members") / "inner", "vectors")
        assert vectors.arrays["member_vectors"][0].tolist() == [0, 0, 0]
        assert vectors.arrays["member_vectors"][1].tolist() == [4, 5, 6]
        ties = vectors.matrices["ties"].toarray()
        assert not ties[0].any()
        assert not ties[:, 0].any()
        assert ties[1:, 1:].all()
        assert vectors.meta["fitted_on"] == after.fingerprint("members"), "it knows its community again"
        assert pl.read_parquet(build_.folder("members") / "told.parquet")["member"].to_list() == [1, 1]


def test_the_vectors_of_what_others_wrote_too_stay(held: Workspace) -> None:
    forget_member(held, WHO)
    _, known = VectorFile(held.vectors, "tiny", 3).read(text_keys([SECRET, OTHERS, " kettle"]))
    assert known.tolist() == [False, True, False], "a short search is theirs as well"


def test_the_write_ahead_log_holds_nothing_either(held: Workspace) -> None:
    store = held.store()
    store.upsert_members(pl.DataFrame({"member_id": [WHO], "city": ["Whitby on the hill"]}))
    assert WHO.encode() in (held.path / "store.db-wal").read_bytes()
    store.close()
    forget_member(held, WHO)
    left = everything(held)
    assert b"Whitby" not in left


def test_tables_that_the_service_keeps_beside_are_emptied_of_the_member(held: Workspace) -> None:
    with sqlite3.connect(held.path / "store.db") as connection:
        connection.execute("CREATE TABLE service_subjects (tenant TEXT, member_id TEXT, secret TEXT)")
        rows = [("default", WHO, "a"), ("default", "ben", "b"), ("other", WHO, "c")]
        connection.executemany("INSERT INTO service_subjects VALUES (?, ?, ?)", rows)
    with held.store() as store:
        assert store.forget_beside(WHO) == 1
    with sqlite3.connect(held.path / "store.db") as connection:
        left = connection.execute("SELECT tenant, member_id FROM service_subjects ORDER BY 1, 2").fetchall()
    assert left == [("default", "ben"), ("other", WHO)]


def test_the_audit_log_says_that_somebody_was_forgotten_and_not_who(held: Workspace) -> None:
    export_member(held, WHO)
    log = AuditLog(held.path)
    assert [line["action"] for line in log.of(WHO)] == ["export"]
    receipt = forget_member(held, WHO).receipt
    assert [line["action"] for line in log.lines()] == ["export", "forget"]
    assert log.lines()[-1]["member"] == receipt
    assert log.of(WHO) == []
    log.add("export", WHO)
    assert log.lines()[-1]["member"] != receipt, "whoever comes again is somebody new"


def test_whoever_is_not_in_the_store_any_more_is_forgotten_elsewhere(held: Workspace) -> None:
    with held.store() as store:
        store.forget(WHO)
    forget_member(held, WHO)
    assert remaining(held, WHO, [SECRET]) == []


def test_forgetting_nobody_changes_no_file(held: Workspace) -> None:
    before = {path: path.read_bytes() for path in (held.path / "builds").rglob("*") if path.is_file()}
    report = forget_member(held, "nobody-at-all")
    assert (report.rows, report.vectors, report.rewritten, report.builds) == (0, 0, {}, ())
    assert {path: path.read_bytes() for path in before} == before


def test_nobody_is_forgotten_while_a_build_runs(held: Workspace) -> None:
    with held.lock(), pytest.raises(WorkspaceBusyError):
        forget_member(held, WHO)


def test_settings_that_people_wrote_are_named_and_not_changed(held: Workspace) -> None:
    rules = held.path / "rules.yaml"
    rules.write_text(f"- pin: p1  # asked for by {WHO}\n")
    assert forget_member(held, WHO).left == ("rules.yaml",)
    assert WHO in rules.read_text()


def test_an_export_holds_everything_and_of_nobody_else(held: Workspace) -> None:
    held_of = export_member(held, WHO)
    told = json.dumps(held_of, ensure_ascii=False)
    assert held_of["member"]["city"] == "York"
    assert len(held_of["events"]) == 9
    assert len(held_of["ties"]) == 2
    assert held_of["labels"][0]["text"] == SECRET
    assert set(held_of["builds"]) == {"0001", "0002"}
    inside = held_of["builds"]["0001"]
    assert inside["members/inner/arrays.safetensors"] == {"member_vectors": [1.0, 2.0, 3.0]}
    assert len(inside["community/events.parquet"]) == 9
    assert {one["file"] for one in held_of["elsewhere"]} >= {"rejected.jsonl", "propensities.jsonl", "logs/build.log"}
    assert "Leeds" not in told
    assert "cleo" in told, "who follows her is a tie of hers"
    with pytest.raises(UnknownIdError):
        export_member(held, "nobody-at-all")


def test_short_ids_and_common_words_are_looked_for_as_whole_values_of_members_alone() -> None:
    needles = Needles.of("42", ["好", "kettle", SECRET], common=["kettle"])
    assert needles.texts == (SECRET,)
    found = {"members": ["42", "1423"], "item_id": "42", "n": "42", "said": f"{SECRET}!"}
    assert needles.walk(found, "x") == {"members": ["x", "1423"], "item_id": "42", "n": "42", "said": "!"}
    assert not needles.is_in("row 42 of 1423")


def test_an_item_of_the_same_id_stays_as_it_is(tmp_path: Path) -> None:
    """MovieLens numbers members and films alike."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [(member, item, "rate", at, None) for member in ("7", "8") for item in ("7", "8", "9")]
    events = pl.DataFrame(
        rows, schema=["member_id", "item_id", "kind", "at", "text"], orient="row", schema_overrides={"text": pl.String}
    )
    items = pl.DataFrame({"item_id": ["7", "8", "9"], "title": ["Seven", "Eight", "Nine"]})
    workspace = Workspace.create(tmp_path / "films.ws")
    with workspace.store() as store:
        store.write(Community.from_tables(items, events))
        store.put_verdicts(
            "0001", "social", pl.DataFrame({"member_id": ["8"], "verdict": ['{"friend": "7", "item_id": "7"}']})
        )

    def told(context: Context, folder: Path) -> None:
        meta = {"members": ["7", "8"], "items": ["7", "8", "9"], "typical": ["7"]}
        save_artifact(folder, "told", meta=meta)

    build(workspace, stages=(STAGES[0], Stage("told", Phrase("Told", "告知"), lambda context: {}, told)))
    report = forget_member(workspace, "7")
    built = workspace.require_current()
    built.check()
    assert report.builds == ("0001",)
    assert built.community.item_ids.ids.to_list() == ["7", "8", "9"]
    assert len(built.community.events) == 3
    meta = load_artifact(built.folder("told"), "told").meta
    assert meta["items"] == ["7", "8", "9"]
    assert meta["members"][0].startswith("forgotten-")
    assert meta["typical"][0].startswith("forgotten-")
    with workspace.store() as store:
        assert store.read().item_ids.ids.to_list() == ["7", "8", "9"]
        assert store.read().member_ids.ids.to_list() == ["8"]
        assert json.loads(store.verdicts_of("8")["verdict"][0]) == {"friend": "[forgotten]", "item_id": "7"}
