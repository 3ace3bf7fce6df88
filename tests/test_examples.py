"""The examples run, in small form, and say what they promise."""

import re
import runpy
from pathlib import Path

import pytest

from penchant.settings import Settings

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_every_example_is_run_here_and_short() -> None:
    scripts = {path.name: path.read_text(encoding="utf-8").splitlines() for path in EXAMPLES.glob("*.py")}
    assert set(scripts) == {
        "ads_audience_zh.py",
        "courses_en.py",
        "customer_service_zh.py",
        "drift_zh.py",
        "films_en.py",
        "friends_lastfm_en.py",
        "interests_en.py",
        "members_zh.py",
        "newcomers_zh.py",
        "news_en.py",
        "opinion_monitor_zh.py",
        "shop_page.py",
        "shop_reviews_zh.py",
        "shop_zh.py",
        "video_zh.py",
    }
    assert all(len(lines) < 80 for lines in scripts.values())


def test_shop_reviews_are_learned_labelled_and_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PENCHANT_DATA", raising=False)
    # Settings are read once a process, and another test may have read them.
    monkeypatch.setattr("penchant.data.public.catalogue.settings", Settings)
    runpy.run_path(str(EXAMPLES / "shop_reviews_zh.py"))["main"](texts=480, encoder=None)
    told = capsys.readouterr().out
    assert "改用模拟评论" in told
    accuracy = re.search(r"准确率 (\d\.\d+)", told)
    assert accuracy
    assert float(accuracy[1]) > 0.5, "forty-eight labels: a guess is right one time in forty-eight"
    weather = next(line for line in told.splitlines() if line.endswith("今天天气不错"))
    assert weather.startswith("没有把握")
    label, words = re.search(r"为何是“(.+)”：(.+)", told).groups()
    assert label.split(" > ")[0] in told
    assert words.startswith(f"{label.split(' > ')[1]} +"), "the label's own word speaks for it most"


@pytest.mark.data
def test_real_reviews_are_taken_where_they_are(
    public_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (public_data / "reviews-zh").is_dir():
        pytest.skip("PENCHANT_DATA has no reviews-zh")
    runpy.run_path(str(EXAMPLES / "shop_reviews_zh.py"))["main"](texts=300, encoder=None)
    told = capsys.readouterr().out
    assert "改用模拟评论" not in told
    assert "正面" in told


def test_films_have_tiers_audience_and_latent_interests(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "interests_en.py"))["main"](members=80)
    told = capsys.readouterr().out.splitlines()
    assert re.match(r"Member \d+, on evidence worth \d+ independent looks:", told[0])
    cores = [line for line in told if line.startswith("  core")]
    assert any("Drama" in line and "%" in line for line in cores)
    (horror,) = (line for line in told if line.startswith("Horror:"))
    members, reached = (int(number) for number in re.match(r"Horror: (\d+) members, (\d+) \(", horror).groups())
    assert 0 < reached <= members <= 80
    assert re.match(r"Latent: [\w-]+ \(\d+\)", told[-1])


def test_a_surge_of_blame_is_told_on_its_day(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PENCHANT_DATA", raising=False)
    monkeypatch.setattr("penchant.data.public.catalogue.settings", Settings)
    runpy.run_path(str(EXAMPLES / "opinion_monitor_zh.py"))["main"](days=20, learned=60)
    told = capsys.readouterr().out
    alarms = [line for line in told.splitlines() if line.startswith("警报")]
    topic = re.search(r"第 16 天“(.+)”出了问题", told)[1]
    assert alarms
    assert all(alarm.startswith(f"警报 {topic}：2026-03-16 ") for alarm in alarms)
    assert "为负面" in alarms[0]


def test_members_are_grouped_by_what_they_like_and_each_gets_one_action(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "members_zh.py"))["main"](events=9_000, members=90)
    told = capsys.readouterr().out
    count = re.search(r"^(\d+) 个分群", told)
    assert count
    sizes = [int(size) for size in re.findall(r"：(\d+) 人，人均消费", told)]
    assert len(sizes) == int(count[1]) >= 4
    assert sum(sizes) <= 90
    assert "偏好" in told
    assert re.search(r"流失风险最高的是 m\d+：.+提高流失风险", told)
    assert sum(int(one) for one in re.findall(r"^  \S+：(\d+) 人$", told, flags=re.MULTILINE)) == 90
