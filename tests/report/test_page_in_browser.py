"""The report in a real browser: it draws, it speaks, it asks the network for nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from penchant.language import Lang
from penchant.report import write_report
from penchant.workspace import Workspace


@dataclass
class Visit:
    """A page, what its console said, and what it asked the network for."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, path: Path, *, width: int = 1280, scheme: str = "light") -> None:
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-drawn]", state="attached", timeout=60_000)


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    page = browser.new_page()
    visit = Visit(page)
    page.on("console", lambda message: visit.said.append(message.text))
    page.on("pageerror", lambda error: visit.said.append(str(error)))
    page.on("request", lambda request: visit.asked.append(request.url))
    yield visit
    page.close()


@pytest.fixture(scope="module")
def reports(built_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Lang, Path]:
    """The report in both languages."""
    folder = tmp_path_factory.mktemp("reports")
    workspace = Workspace.open(built_workspace)
    languages: tuple[Lang, ...] = ("en", "zh")
    return {lang: write_report(workspace, folder / f"{lang}.html", lang) for lang in languages}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_chart_is_drawn_without_errors_or_network(reports: dict[Lang, Path], visit: Visit, lang: Lang) -> None:
    visit.open(reports[lang])
    assert visit.said == []
    assert [url for url in visit.asked if not url.startswith(("file:", "data:"))] == []
    charts = visit.page.evaluate(
        "[...document.querySelectorAll('[data-chart]')].map(plot => [plot.dataset.chart,"
        " plot.querySelectorAll('.barlayer path, .scatterlayer path, .sunburstlayer path').length])"
    )
    assert len(charts) >= 9
    assert {"interest-tree-data", "interest-tiers-data", "interests-of-0-data"} <= {name for name, _ in charts}
    assert all(marks > 0 for _, marks in charts), charts


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_reasons_stand_on_the_page_in_its_language(
    reports: dict[Lang, Path], visit: Visit, lang: Lang, built_workspace: Path
) -> None:
    visit.open(reports[lang])
    assert visit.page.evaluate("document.documentElement.lang") == {"en": "en", "zh": "zh-CN"}[lang]
    text = visit.page.inner_text("main")
    reasons = visit.page.locator(".member .reason").all_inner_texts()
    assert len(reasons) == 5 * 5
    recommender = Workspace.open(built_workspace).require_current().recommender()
    for member in visit.page.locator(".member h3 .id").all_inner_texts():
        for pick in recommender.recommend(member, 5, lang=lang):
            assert pick.title in text
            assert pick.reason in reasons
    ours, theirs = {"en": ("How good", "推荐效果"), "zh": ("推荐效果", "How good")}[lang]
    assert ours in text
    assert theirs not in text


def test_numbers_of_the_evaluation_and_the_reading_stand_on_the_page(
    reports: dict[Lang, Path], visit: Visit, built_workspace: Path
) -> None:
    visit.open(reports["en"])
    text = visit.page.inner_text("main")
    quality = Workspace.open(built_workspace).require_current().quality
    for figures in quality.systems.values():
        assert f"{figures['ndcg@10'].value:.3f}" in text
    assert "2 of " in text
    assert "the time cannot be understood" in text


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_reaches_over_the_edge_of_the_screen(reports: dict[Lang, Path], visit: Visit, width: int) -> None:
    visit.open(reports["zh"], width=width)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_theme_follows_the_system_and_the_button_turns_it(reports: dict[Lang, Path], visit: Visit) -> None:
    visit.open(reports["en"], scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = visit.page.evaluate(background)
    visit.page.click("#theme")
    assert visit.page.evaluate(background) != dark
    assert visit.page.inner_text("#theme") == "Dark"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(reports: dict[Lang, Path], visit: Visit, scheme: str) -> None:
    """Contrast of at least 4.5 to 1 (WCAG 2.1, level AA) for the colours that texts wear."""
    visit.open(reports["en"], scheme=scheme)
    pairs = [("--ink", "--card"), ("--quiet", "--card"), ("--quiet", "--page"), ("--accent", "--accent-soft")]
    for text, behind in [*pairs, *(("--on-series", f"--series-{place}") for place in range(1, 9))]:
        colours = [
            visit.page.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('{name}').trim()")
            for name in (text, behind)
        ]
        assert contrast(*colours) >= 4.5, (text, behind, colours)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marked_words_stay_readable(reports: dict[Lang, Path], visit: Visit, scheme: str) -> None:
    """Contrast of at least 4.5 to 1 between a word and its mark, at every strength."""
    visit.open(reports["en"], scheme=scheme)
    root = "getComputedStyle(document.documentElement).getPropertyValue"
    ink, card = (visit.page.evaluate(f"{root}('{name}').trim()") for name in ("--ink", "--card"))
    for name in [f"{side}-{strength}" for side in ("for", "against") for strength in range(1, 6)]:
        mark = visit.page.evaluate(
            "name => { const mark = document.createElement('mark'); mark.className = name; document.body.append(mark);"
            " return getComputedStyle(mark).backgroundColor; }",
            name,
        )
        red, green, blue, depth = (float(value) for value in re.findall(r"[\d.]+", mark.removeprefix("color(srgb")))
        assert depth > 0.05, mark
        behind = [int(card[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        mixed = [depth * own + (1 - depth) * under for own, under in zip((red, green, blue), behind, strict=True)]
        assert contrast(ink, "#" + "".join(f"{round(255 * channel):02x}" for channel in mixed)) >= 4.5, name


def test_interests_of_the_build_stand_on_the_page(
    reports: dict[Lang, Path], visit: Visit, built_workspace: Path
) -> None:
    visit.open(reports["zh"])
    text = visit.page.inner_text("#interests")
    interests = Workspace.open(built_workspace).require_current().interests()
    assert interests.source.why("zh") in text
    told = visit.page.locator("#interests .member h3 .id").all_inner_texts()
    assert told == visit.page.locator("#members .member h3 .id").all_inner_texts()
    cores = [interests.strata[member].core for member in told]
    assert any(cores)
    for core in cores:
        if core:
            assert core[0].evidence[0].title in text
    marked = visit.page.locator("#interests .marked p:not(.said)").all_inner_texts()
    assert marked
    assert visit.page.locator("#interests .marked mark").count() > 0


def test_charts_have_words_and_a_table_for_whoever_cannot_see_them(reports: dict[Lang, Path], visit: Visit) -> None:
    visit.open(reports["zh"])
    for figure in visit.page.locator("figure").all():
        assert figure.locator("[role=img]").get_attribute("aria-label")
        assert figure.locator("details table tbody tr").count() > 0


def contrast(first: str, second: str) -> float:
    """The ratio of two colours' luminance as WCAG defines it."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
