"""The report's parts on oddities and segments: what was found, under which budget, and what is kept back."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from penchant.data.verdicts import Evidence
from penchant.language import Lang, Phrase
from penchant.members.actions import Action
from penchant.members.alarms import Alarm, Anomalies, Oddity
from penchant.members.profiles import Profiles
from penchant.members.recipe import Members, MembersConfig
from penchant.members.rfm import Rfm
from penchant.members.segments import SegmentConfig, Segmenter
from penchant.members.worth import Worth
from penchant.report.anomalies_section import anomalies_section, anomalies_tile
from penchant.report.page import Section
from penchant.report.segments_section import segments_section

START = datetime(2026, 3, 1, tzinfo=UTC)


def alarm(member: str, kind: Oddity, days: int, text: str = "great") -> Alarm:
    at = START + timedelta(days=days)
    piece = Evidence(share=0.5, item_id="p", title="Kettle", kind="review", at=at, text=text, source="anomalies")
    return Alarm(member, kind, at, 1e-6, 0.7, Phrase("did a lot", "做了很多"), (piece,) * 4, (0, 1, 2, 3))


def anomalies(alarms: tuple[Alarm, ...], silent: dict[str, Phrase] | None = None) -> Anomalies:
    odds = pl.DataFrame({"member": []}, schema={"member": pl.Int64})
    return Anomalies(alarms, odds, 1_234, silent or {}, 0.02)


@pytest.mark.parametrize(("lang", "budget"), [("en", "at most 2%"), ("zh", "不超过 2%")])
def test_alarms_are_drawn_by_day_and_named_with_their_evidence(lang: Lang, budget: str) -> None:
    found = anomalies(
        (alarm("m1", Oddity.BURST, 0), alarm("m1", Oddity.COPIES, 3), alarm("m2", Oddity.BURST, 3)),
        {"refunds": Phrase("no returns in the events", "事件中没有退货")},
    )
    section = anomalies_section(found, lang)
    assert budget in section.lead
    assert "1,234" in section.lead
    assert {"en": "no returns", "zh": "没有退货"}[lang] in section.lead
    (chart,), (table,) = section.charts, section.tables
    assert [trace["y"] for trace in chart.figure["data"]] == [[1, 0, 0, 1], [0, 0, 0, 1]]
    assert [row[1] for row in table.rows] == ["m1", "m2", "m1"], "the latest first"
    assert "great" in table.rows[0][4]
    assert {"en": "and 2 more", "zh": "另有 2 条"}[lang] in table.rows[0][4]
    tile = anomalies_tile(found, lang)
    assert tile is not None
    assert tile.value == "2"


def test_a_long_time_is_drawn_by_weeks_and_loses_no_alarm() -> None:
    found = anomalies(tuple(alarm(f"m{day}", Oddity.HOURS, day) for day in range(0, 90, 3)))
    (chart,), (table,) = anomalies_section(found, "en").charts, anomalies_section(found, "en").tables
    assert len(chart.figure["data"][0]["y"]) == 13
    assert sum(chart.figure["data"][0]["y"]) == 30
    assert len(table.rows) + int(table.note.split()[0]) == 30


def test_where_nobody_is_odd_the_budget_is_said_all_the_same() -> None:
    section = anomalies_section(anomalies(()), "en")
    assert section.lead.startswith("Nobody behaves oddly on any of 1,234 active days, with a chance of at most 2%")
    assert not section.charts
    assert anomalies_tile(anomalies(()), "en") is None


@pytest.fixture(scope="module")
def held() -> Members:
    rng = np.random.default_rng(0)
    shares = np.vstack([rng.dirichlet([90, 10], 40), rng.dirichlet([10, 90], 60)])
    values = np.hstack([np.full((100, 1), 50), np.full((100, 1), 20), shares]).astype("float32")
    ids = tuple(f"m{row}" for row in range(100))
    made = Profiles(ids, ("events", "spend", "share:A", "share:B"), values, None, None)
    segmenter = Segmenter(SegmentConfig(least=2, most=2, habits=0)).fit(made)
    return Members(MembersConfig(), made, segmenter, None, None)


def texts(section: Section) -> str:
    return f"{section.lead} {section.charts} {section.tables}"


def test_private_segments_show_drawn_counts_and_nobody(held: Members) -> None:
    plain = segments_section(held, "en")
    assert {row[3] for row in plain.tables[0].rows} == {"40", "60"}
    assert any(member in texts(plain) for member in held.segments.segments[0].typical)
    numbers = [one.number for one in held.segments]
    private = segments_section(held, "en", private=dict(zip(numbers, (30, 90), strict=True)))
    assert [row[2] for row in private.tables[0].rows] == ["90", "30"]
    assert "75%" in texts(private)
    assert "60" not in {cell for row in private.tables[0].rows for cell in row}
    assert not any(f"'m{row}'" in texts(private) or f"m{row}," in texts(private) for row in range(100))
    assert [chart.name for chart in private.charts] == ["segments-sizes"]


def test_what_profiles_cannot_tell_is_said(held: Members) -> None:
    assert "Nothing tells how members feel" in segments_section(held, "en").lead
    assert "无从判断评论情感" in segments_section(held, "zh").lead


def test_what_to_do_next_is_counted_over_those_who_bought(held: Members) -> None:
    returns = np.where(np.arange(100) < 70, 0.8, np.nan).astype(np.float32)
    fifths = np.where(np.isnan(returns), 0, 3).astype(np.int8)
    worth = Worth(held.profiles.members, START, 30, returns, returns, Rfm(fifths, fifths, fifths), ((),) * 100)
    valued = Members(held.config, held.profiles, held.segmenter, worth, None)
    rules = (Action(Phrase("call", "致电"), (("share:A", ">", "0.5"),)), Action(Phrase("wait", "等待"), ()))
    charts = {chart.name: chart for chart in segments_section(valued, "zh", actions=rules).charts}
    assert charts["segments-actions"].rows == (("致电", "40"), ("等待", "30"))
