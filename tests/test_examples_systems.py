"""The examples of recommendation and search run, in small form, and say what they promise."""

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_a_chinese_shop_recommends_refines_and_searches(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "shop_zh.py"))["main"](events=2_000)
    told = capsys.readouterr().out
    assert "因为你" in told
    assert re.search(r"再便宜一点”，目前的要求：价格不超过 \d+", told)
    last = told[told.index("价格无所谓") :]
    assert "价格不超过" not in last.splitlines()[0]
    assert "搜索“" in told


def test_films_beat_the_most_popular_and_are_refined(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "films_en.py"))["main"](members=120)
    told = capsys.readouterr().out
    ours, popular = map(float, re.search(r"last film: (\d\.\d+), the most popular alone (\d\.\d+)", told).groups())
    assert ours > popular
    refined = told.splitlines()[-1]
    assert re.findall(r"\((\d{4})\)", refined)
    assert all(1980 <= int(year) <= 1989 for year in re.findall(r"\((\d{4})\)", refined))


def test_news_of_today_is_told_from_its_section(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "news_en.py"))["main"](readers=64)
    told = capsys.readouterr().out
    right, guess = map(int, re.findall(r"(\d+)%", told))
    assert right > 2 * guess
    assert "at place" in told.splitlines()[-2]


def test_the_next_episode_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "video_zh.py"))["main"](viewers=100)
    told = capsys.readouterr().out
    assert int(re.search(r"(\d+)% 的首位推荐正是下一集", told)[1]) > 40
    assert "因为你" in told


def test_courses_go_on_along_a_path_and_shorter_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "courses_en.py"))["main"](learners=120)
    told = capsys.readouterr().out
    assert int(told.split("%")[0]) > 50
    assert "price at most 40" in told


def test_ads_reach_an_audience_and_a_log_judges_another_policy(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "ads_audience_zh.py"))["main"](events=4_000)
    told = capsys.readouterr().out
    low, high = map(float, re.search(r"（(\d\.\d+) 至 (\d\.\d+)，真实为 0.40）", told).groups())
    assert low <= 0.45
    assert high >= 0.35


def test_customer_service_answers_new_wordings_and_searches_where_unsure(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "customer_service_zh.py"))["main"](encoder=None)
    told = capsys.readouterr().out
    accuracy, recall = map(float, re.search(r"意图准确率 (\d\.\d+)，最佳回复 recall@1 (\d\.\d+)", told).groups())
    assert accuracy > 0.5, "ten intents: a guess is right one time in ten"
    assert recall > 0.5
    assert "改为搜索物品" in told
