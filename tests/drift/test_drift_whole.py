"""Drift as a build keeps it: judged where there is enough, with a reason where there is not."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from planted_tastes import ITEMS, START, tastes

from penchant.drift.boosting import TreesConfig
from penchant.drift.injection import InjectionConfig
from penchant.drift.judge import JudgeConfig
from penchant.drift.learning import LearnConfig
from penchant.drift.whole import Drift, DriftConfig, learn
from penchant.errors import NotFittedError
from penchant.report.drift_section import timeline_chart
from penchant.training.options import Options

TREES = TreesConfig(trees=60)
JUDGING = JudgeConfig(
    learn=LearnConfig(
        streams=InjectionConfig(track="natural", window=10, length=6, draws=2),
        event_trees=TREES,
        window_trees=TREES,
        surprise=None,
    )
)
OPTIONS = Options(threads=1, progress=False)


@pytest.fixture(scope="module")
def held() -> Drift:
    return learn(tastes(), DriftConfig(fewest_members=30, judging=JUDGING), OPTIONS)


def test_everybody_is_judged_and_stable_members_raise_no_alarm(held: Drift) -> None:
    assert held.judge is not None
    assert len(held.table) == 60
    assert len(held.alarms) <= 2
    assert held.table["p_value"].is_sorted()


def test_events_of_this_moment_count(held: Drift) -> None:
    kinds = [0] * 40 + [3] * 20
    history = pl.DataFrame(
        {
            "member_id": "newcomer",
            "item_id": [f"p{kind * ITEMS + place % ITEMS}" for place, kind in enumerate(kinds)],
            "kind": "buy",
            "at": [START + timedelta(days=day) for day in range(60)],
        }
    )
    verdict = held.verdict("newcomer", history)
    assert verdict.alarm
    assert verdict.after[0] == "茶具"
    assert "茶具" in verdict.told("zh")
    # Whoever was in the build with nothing, or not at all, is drawn from the events that the verdict rests on.
    chart = timeline_chart(held, verdict, "en", history=history)
    assert chart.figure["data"][0]["x"][-1].startswith(f"{START + timedelta(days=59):%Y-%m-%d}")


def test_it_comes_back_as_it_was(held: Drift, tmp_path: Path) -> None:
    held.save(tmp_path)
    again = Drift.load(tmp_path, held.community)
    assert again.table.equals(held.table)
    assert again.verdict("m001") == held.verdict("m001")
    assert again.fleet is not None


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (DriftConfig(), "60 of them have 60 events or more, 100 are wanted"),
        (DriftConfig(judge="never"), "settings say not to judge"),
        (
            DriftConfig(judge="always", judging=JUDGING.model_copy(update={"learn": LearnConfig()})),
            "members have 100 events",
        ),
    ],
)
def test_where_nobody_is_judged_the_reason_is_told(config: DriftConfig, why: str, tmp_path: Path) -> None:
    found = learn(tastes(), config, OPTIONS)
    assert found.judge is None
    assert why in found.told_reason()
    assert found.told_reason("zh")
    with pytest.raises(NotFittedError, match=why):
        found.verdict("m001")
    found.save(tmp_path)
    assert why in Drift.load(tmp_path, found.community).told_reason()
