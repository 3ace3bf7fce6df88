"""Consent, retention, masking at the door, counts with noise."""

import json
import logging
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant.cli.read import read_into
from penchant.data.community import Community
from penchant.data.consent import consenting, usable_history
from penchant.data.store import Store
from penchant.errors import ConfigError
from penchant.members.noise import private_counts
from penchant.members.privacy import MaskingFilter, PrivacyConfig, privacy_config
from penchant.members.retention import expire
from penchant.pipeline import build
from penchant.stages import STAGES
from penchant.workspace import Workspace, WorkspaceConfig


def test_nothing_is_learned_from_whoever_refused(small_community: Community) -> None:
    learned = consenting(small_community)
    refused = small_community.members.with_row_index().filter(pl.col("consent").eq_missing(False))["index"].to_list()
    assert refused
    assert not learned.events["member"].is_in(refused).any()
    assert not learned.ties["other"].is_in(refused).any()
    assert learned.members["city"].gather(refused).null_count() == len(refused)
    assert learned.member_ids.ids.equals(small_community.member_ids.ids), "rows keep their numbers"
    kept = small_community.events.filter(~pl.col("member").is_in(refused))
    assert learned.events.equals(kept)


def test_where_consent_must_be_given_those_not_asked_stay_out(small_community: Community) -> None:
    asked = consenting(small_community, "when_given")
    gave = small_community.members.with_row_index().filter(pl.col("consent").eq_missing(True))["index"]
    assert set(asked.events["member"].unique()) <= set(gave)
    assert len(asked.events) < len(consenting(small_community).events)


def test_answers_know_nothing_of_whoever_refused(tmp_path: Path, small_community: Community) -> None:
    with Store(tmp_path / "store.db") as store:
        store.write(small_community)
        assert len(usable_history(store, "m2")) == 0
        assert len(usable_history(store, "m1")) == len(store.history("m1"))
        assert len(usable_history(store, "m1", "when_given")) == 0


def test_a_build_honours_consent(tmp_path: Path, small_community: Community) -> None:
    settings = '[members.privacy]\nconsent = "when_given"\n'
    workspace = Workspace.create(tmp_path / "shop.ws", settings=settings)
    with workspace.store() as store:
        store.write(small_community)
    built = build(workspace, stages=STAGES[:1])
    assert built.community.events.equals(consenting(small_community, "when_given").events)


def test_settings_without_meaning_are_refused() -> None:
    given = WorkspaceConfig(systems={"members": {"privacy": {"consent": "maybe"}}})
    with pytest.raises(ConfigError, match=r"members\.privacy.*consent"):
        privacy_config(given)


@pytest.fixture
def dated(tmp_path: Path) -> Workspace:
    workspace = Workspace.create(tmp_path / "shop.ws")
    now = datetime(2026, 6, 1, tzinfo=UTC)
    rows = [("m", "p", "buy", now - timedelta(days=age), "fine words indeed") for age in (5, 50, 500)]
    rows.append(("m", None, "search", now - timedelta(days=60), "a kettle that whistles"))
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at", "text"], orient="row")
    with workspace.store() as store:
        store.write(Community.from_tables(pl.DataFrame({"item_id": ["p"], "title": ["Pan"]}), events))
    build(workspace, stages=STAGES[:1])
    lines = [json.dumps({"time": (now - timedelta(days=age)).isoformat()}) for age in (1, 40)]
    (workspace.logs / "shown.jsonl").write_text("\n".join(lines) + "\n")
    return workspace


def test_what_is_past_its_time_goes_and_the_build_stays_whole(dated: Workspace) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    gone = expire(dated, PrivacyConfig(keep_events_days=100, keep_texts_days=30, keep_logs_days=7), now=now)
    assert (gone.events, gone.texts) == (1, 2)
    assert len((dated.logs / "shown.jsonl").read_text().splitlines()) == 1
    with dated.store() as store:
        left = store.read().events
    assert left["text"].to_list() == [None, "fine words indeed"]
    build_ = dated.require_current()
    build_.check()
    assert build_.community.events["text"].to_list() == [None, "fine words indeed"]
    assert b"whistles" not in (dated.path / "store.db").read_bytes()


def test_each_period_is_its_own(dated: Workspace) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert expire(dated, PrivacyConfig(), now=now) == (0, 0, 0)
    assert expire(dated, PrivacyConfig(keep_texts_days=30), now=now).events == 0
    assert expire(dated, PrivacyConfig(keep_events_days=100), now=now) == (1, 0, 0)


def test_texts_are_masked_before_they_are_stored_and_so_are_rejected_rows(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "items.csv").write_text("item_id,title\np1,Pan\n")
    (folder / "events.csv").write_text(
        "member_id,item_id,kind,at,text\n"
        "m1,p1,review,2026-01-01,打我手机13912345678\n"
        "m1,no-such,review,2026-01-02,mail li.wei@qq.com\n"
    )
    workspace = Workspace.create(tmp_path / "shop.ws", settings="[members.privacy]\nmask_texts = true\n")
    read_into(workspace, folder)
    with workspace.store() as store:
        assert store.read().events["text"].to_list() == ["打我手机[手机号]"]
    rejected = json.loads(workspace.rejected.read_text().splitlines()[0])
    assert rejected["row"]["text"] == "mail [e-mail]"
    for path in workspace.path.rglob("*"):
        if path.is_file():
            assert b"13912345678" not in path.read_bytes()
            assert b"li.wei" not in path.read_bytes()
    plain = Workspace.create(tmp_path / "plain.ws")
    read_into(plain, folder)
    with plain.store() as store:
        assert store.read().events["text"].to_list() == ["打我手机13912345678"]


def test_a_log_names_nobody(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("masked")
    logger.addFilter(MaskingFilter())
    with caplog.at_level(logging.INFO, "masked"):
        logger.info("asked %s for %d", "li.wei@qq.com", 3)
    assert caplog.messages == ["asked [e-mail] for 3"]


def test_noise_hides_one_member_and_little_more() -> None:
    source = random.Random(0)
    with_one = [private_counts({"a": 101}, 1.0, source=source)["a"] for _ in range(20_000)]
    without = [private_counts({"a": 100}, 1.0, source=source)["a"] for _ in range(20_000)]
    assert np.mean(with_one) == pytest.approx(101, abs=0.1)
    # No outcome that happens at all becomes more than e times as likely, but for chance.
    for outcome in range(97, 105):
        ratio = with_one.count(outcome) / without.count(outcome)
        assert np.exp(-1) * 0.75 < ratio < np.e * 1.33
    tighter = [private_counts({"a": 100}, 0.1, source=source)["a"] for _ in range(5_000)]
    assert np.std(tighter) > 5 * np.std(without), "less epsilon, more noise"
    assert min(private_counts({"a": 0}, 0.1, source=source)["a"] for _ in range(200)) == 0
    with pytest.raises(ConfigError, match="above 0"):
        private_counts({"a": 1}, 0)
