"""A surge of blame is told on its day, and a day like the others is not."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from penchant.errors import InputError
from penchant.members.opinions import OpinionConfig, OpinionMonitor, Surge

FIRST = date(2026, 3, 1)
USUAL = {"物流": 0.1, "质量": 0.2, "客服": 0.05}


def watched(
    days: int, *, seed: int = 0, surge: dict[int, dict[str, float]] | None = None, more: dict[int, str] | None = None,
    config: OpinionConfig | None = None,
) -> tuple[OpinionMonitor, list[Surge]]:  # fmt: skip
    """So many days of 60 texts; `surge` gives the negative shares of some days, `more` a topic all talk of."""
    rng = np.random.default_rng(seed)
    monitor, found = OpinionMonitor(config or OpinionConfig()), list[Surge]()
    for day in range(days):
        shares = USUAL | (surge or {}).get(day, {})
        chances = [0.9, 0.05, 0.05] if (more or {}).get(day) == "物流" else [0.4, 0.35, 0.25]
        topics = rng.choice(list(USUAL), 60, p=chances).tolist()
        feelings = [-0.9 if rng.random() < shares[topic] else 0.7 for topic in topics]
        texts = [
            f"{topic} {'差' if felt < 0 else '好'} {turn}"
            for turn, (topic, felt) in enumerate(zip(topics, feelings, strict=True))
        ]
        found += monitor.update(FIRST + timedelta(days=day), texts, topics, feelings)
    return monitor, found


def test_a_surge_is_told_on_its_day_with_the_worst_texts() -> None:
    _, found = watched(30, surge={25: {"物流": 0.7}})
    (surge,) = found
    assert (surge.day, surge.topic, surge.negative) == (FIRST + timedelta(days=25), "物流", True)
    assert surge.share > 0.5
    assert 0.05 < surge.usual < 0.15
    assert all("物流 差" in text for text in surge.examples)
    assert "物流：2026-03-26 的" in surge.said("zh")


def test_a_year_of_days_alike_has_hardly_an_alarm() -> None:
    assert len(watched(365, seed=1)[1]) <= 2


def test_a_topic_that_all_talk_of_is_told_too() -> None:
    _, found = watched(30, more={20: "物流"})
    assert [(surge.topic, surge.negative) for surge in found] == [("物流", False)]


def test_options_change_what_is_told() -> None:
    surge = {25: {"物流": 0.4}}
    assert watched(30, surge=surge)[1]
    assert not watched(30, surge=surge, config=OpinionConfig(least_rise=0.5))[1]
    assert not watched(30, surge=surge, config=OpinionConfig(fewest_texts=50))[1]
    assert not watched(30, surge=surge, config=OpinionConfig(negative_below=-0.95))[1]
    assert not watched(30, surge=surge, config=OpinionConfig(fewest_days=28))[1]
    lasting = {day: {"物流": 0.5} for day in range(10, 40)}
    assert len(watched(40, surge=lasting, config=OpinionConfig(past_days=7))[1]) < len(watched(40, surge=lasting)[1])


def test_shares_are_kept_by_day_and_topic() -> None:
    monitor, _ = watched(3)
    table = monitor.days
    assert len(table) == 9
    assert table.group_by("day").agg(pl.col("share").sum())["share"].to_list() == pytest.approx([1.0] * 3)
    assert table["negative_share"].is_between(0, 1).all()


def test_texts_without_topic_or_feeling_and_days_without_texts_are_taken() -> None:
    monitor = OpinionMonitor()
    assert monitor.update(FIRST, [], [], []) == []
    assert monitor.update(FIRST + timedelta(days=1), ["a", "b"], [None, "x"], [float("nan"), float("nan")]) == []
    assert monitor.days["negative_share"].to_list() == [0.0]


def test_days_come_in_order_and_whole() -> None:
    monitor = OpinionMonitor()
    monitor.update(FIRST, ["a"], ["x"], [0.0])
    with pytest.raises(InputError, match="comes after"):
        monitor.update(FIRST, ["a"], ["x"], [0.0])
    with pytest.raises(InputError, match="one of each"):
        monitor.update(FIRST + timedelta(days=1), ["a"], [], [0.0])
