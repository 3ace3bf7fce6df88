"""Planted anomalies are found, with the right events, and hardly anything else is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant.benchmarks.members_anomalies import PlantedAnomalies, plant
from penchant.data.community import Community
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.members.alarms import Anomalies, Oddity
from penchant.members.anomalies import AnomalyConfig, find_anomalies
from penchant.members.peers import Peers


@pytest.fixture(scope="module")
def planted() -> PlantedAnomalies:
    return plant(simulate(SimulatedConfig(events=30_000, anomaly_share=0, seed=77)).community, 5)


@pytest.fixture(scope="module")
def found(planted: PlantedAnomalies) -> Anomalies:
    return find_anomalies(planted.community)


def test_what_was_planted_is_found_by_its_kind(planted: PlantedAnomalies, found: Anomalies) -> None:
    missed = {
        member for member, kind in planted.kinds.items() if kind not in {alarm.kind for alarm in found.of(member)}
    }
    assert len(missed) <= 0.1 * len(planted.kinds)
    assert set(planted.kinds.values()) == set(Oddity)


def test_nearly_nobody_else_is_named(planted: PlantedAnomalies, found: Anomalies) -> None:
    named = {alarm.member_id for alarm in found.alarms} - set(planted.kinds)
    assert len(named) <= 0.01 * len(planted.community.members)


def test_the_evidence_names_the_planted_events(planted: PlantedAnomalies, found: Anomalies) -> None:
    events = planted.community.with_ids("events")
    shares = []
    for alarm in found.alarms:
        if planted.kinds.get(alarm.member_id) is alarm.kind:
            rows = events[list(alarm.events)]
            assert set(rows["member_id"]) == {alarm.member_id}
            named = [
                (str(kind), at.timestamp(), item or "")
                for kind, at, item in rows.select("kind", "at", "item_id").iter_rows()
            ]
            shares.append(np.mean([one in planted.events[alarm.member_id] for one in named]))
            assert sum(piece.share for piece in alarm.evidence) == pytest.approx(1)
            assert [piece.at for piece in alarm.evidence] == rows["at"].to_list()
    assert np.mean(shares) >= 0.9


def test_a_quiet_community_is_quiet_and_a_budget_says_how_quiet() -> None:
    quiet = simulate(SimulatedConfig(events=30_000, anomaly_share=0, seed=78)).community
    alarms = [len(find_anomalies(quiet, AnomalyConfig(false_alarms_per_day=budget)).alarms) for budget in (0.01, 0.9)]
    assert alarms[0] <= 6
    assert alarms[1] > alarms[0]


def test_each_kind_can_be_left_out(planted: PlantedAnomalies) -> None:
    found = find_anomalies(planted.community, AnomalyConfig(kinds=(Oddity.COPIES,)))
    assert {alarm.kind for alarm in found.alarms} == {Oddity.COPIES}
    ring = {member for member, kind in planted.kinds.items() if kind is Oddity.COPIES}
    assert {alarm.member_id for alarm in found.alarms} == ring
    larger = AnomalyConfig(kinds=(Oddity.COPIES,), copiers=len(ring))
    assert not find_anomalies(planted.community, larger).alarms, "a ring is too small for that"


def test_after_an_alarm_a_kind_is_quiet(planted: PlantedAnomalies) -> None:
    def most(days: int) -> int:
        found = find_anomalies(planted.community, AnomalyConfig(kinds=(Oddity.HOURS,), quiet_days=days))
        return max(pl.Series([alarm.member_id for alarm in found.alarms]).value_counts()["count"])

    assert most(30) == 1
    assert most(1) > 1


def test_peers_are_not_blunted_by_the_odd_among_them() -> None:
    rng = np.random.default_rng(0)
    clean = rng.exponential(size=20_000)
    dirty = np.concatenate([clean, np.full(200, 30.0)])
    ranks = (dirty >= 30).mean()
    assert ranks > 0.009
    assert Peers.of(dirty).p_values([30.0])[0] < 1e-5
    # And what is usual is as likely as it should be.
    p_values = Peers.of(clean[:10_000]).p_values(clean[10_000:])
    for level in (0.2, 0.05, 0.01):
        assert np.mean(p_values <= level) == pytest.approx(level, rel=0.25)
    assert Peers.of([]).p_values([1.0, np.nan]).tolist() == [1.0, 1.0]


def test_what_was_found_is_saved_and_read_back(found: Anomalies, tmp_path: Path) -> None:
    found.save(tmp_path / "found")
    again = Anomalies.load(tmp_path / "found")
    assert again.alarms == found.alarms
    assert again.odds.equals(found.odds)
    assert (again.days, again.silent) == (found.days, found.silent)


# -- bad input --


def community(rows: list[tuple[object, ...]]) -> Community:
    items = pl.DataFrame(
        {"item_id": ["p", "q"], "title": ["Pan", "Pot"], "categories": [["a"], None], "price": [5.0, None]}
    )
    events = pl.DataFrame(
        rows,
        schema={
            "member_id": pl.String, "item_id": pl.String, "kind": pl.String, "at": pl.Datetime("us", "UTC"),
            "amount": pl.Float64, "text": pl.String,
        },
        orient="row",
    )  # fmt: skip
    return Community.from_tables(items, events, pl.DataFrame({"member_id": ["m", "n", "silent"]}))


START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_nobody_and_next_to_nothing_is_odd() -> None:
    assert find_anomalies(community([])).alarms == ()
    assert find_anomalies(community([("m", "p", "buy", START, 1.0, None)])).alarms == ()


def test_all_members_alike_are_not_odd() -> None:
    rows = [
        (who, "p", "buy", START + timedelta(days=day), 5.0, "the same words every day")
        for who in "mn"
        for day in range(60)
    ]
    found = find_anomalies(community(rows))
    assert found.alarms == ()
    assert found.days == 120


def test_absurd_amounts_and_returns_beyond_what_was_bought_are_taken() -> None:
    rows = [
        ("m", "p", "buy", START + timedelta(days=day), amount, None)
        for day, amount in enumerate([-5.0, 1e300, 0.0, None] * 10)
    ]
    rows += [("n", "q", "return", START + timedelta(days=day), 1e9, None) for day in range(9)]
    found = find_anomalies(community(rows))
    assert all(np.isfinite(alarm.p_value) for alarm in found.alarms)
    assert all(alarm.kind is Oddity.REFUNDS for alarm in found.of("n"))


def test_events_to_come_are_left_out() -> None:
    rows = [("m", "p", "view", START + timedelta(days=day), None, None) for day in range(30)]
    rows += [("n", "p", "view", START + timedelta(days=1000, seconds=turn), None, None) for turn in range(300)]
    found = find_anomalies(community(rows), until=START + timedelta(days=40))
    assert found.of("n") == ()
    assert found.days == 30


def test_what_cannot_be_judged_says_why() -> None:
    rows = [("m", "p", "view", START + timedelta(days=day), None, None) for day in range(5)]
    silent = find_anomalies(community(rows)).silent
    assert set(silent) == {"hours", "change", "refunds", "copies"}
    assert silent["refunds"]("zh") == "事件中没有退货"


def test_two_members_in_two_time_zones_are_each_their_own_past() -> None:
    """Whoever always comes at night, by our clock, is not odd: they live elsewhere."""
    quiet = simulate(SimulatedConfig(events=20_000, anomaly_share=0, seed=79)).community
    events = quiet.with_ids("events")
    there = events["member_id"].unique().sort()[:40].to_list()
    shifted = pl.when(pl.col("member_id").is_in(there)).then(pl.col("at") + timedelta(hours=11)).otherwise(pl.col("at"))
    moved = Community.from_tables(quiet.items, events.with_columns(shifted.alias("at")), quiet.members)
    found = find_anomalies(moved, AnomalyConfig(kinds=(Oddity.HOURS,)))
    assert len({alarm.member_id for alarm in found.alarms} & set(there)) <= 1


def test_no_alarm_goes_without_evidence() -> None:
    for seed in range(3):
        planted = plant(simulate(SimulatedConfig(events=20_000, anomaly_share=0, seed=seed)).community, seed)
        for alarm in find_anomalies(planted.community, AnomalyConfig(false_alarms_per_day=0.9)).alarms:
            assert alarm.evidence, alarm
            assert not alarm.said.en.startswith("0 ")
