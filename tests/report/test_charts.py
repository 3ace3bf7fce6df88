import json
from html import unescape
from typing import Any

import pytest

from penchant.data.community import Community
from penchant.language import Lang
from penchant.report.charts import Bar, Chart, horizontal_bars
from penchant.report.community_charts import community_charts
from penchant.report.glance import glance


def in_colour(value: Any) -> Any:
    """The figure with a real colour for every name of one, as the page's script makes it."""
    if isinstance(value, str):
        return "#123456" if value.startswith("--") else value
    if isinstance(value, list):
        return [in_colour(inner) for inner in value]
    if isinstance(value, dict):
        return {key: in_colour(inner) for key, inner in value.items()}
    return value


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_plotly_knows_every_property_of_every_chart(small_community: Community, lang: Lang) -> None:
    from plotly.graph_objects import Figure

    charts = community_charts(glance(small_community), lang)
    assert {chart.name for chart in charts} == {"over-time", "tail", "activity", "kinds", "ratings", "categories"}
    for chart in charts:
        Figure(in_colour(chart.figure))
        assert chart.title
        assert chart.takeaway
        assert all(len(row) == len(chart.headings) for row in chart.rows), chart.name


def test_charts_hold_what_json_can_hold(small_community: Community) -> None:
    for chart in community_charts(glance(small_community), "en"):
        json.dumps(chart.figure, allow_nan=False)


def test_numbers_drawn_are_the_numbers_told(small_community: Community) -> None:
    seen = glance(small_community)
    charts: dict[str, Chart] = {chart.name: chart for chart in community_charts(seen, "en")}
    drawn = sum(sum(trace["y"]) for trace in charts["over-time"].figure["data"])
    assert drawn == seen.events
    kinds = charts["kinds"].figure["data"][0]
    assert dict(zip(kinds["customdata"], kinds["x"], strict=True))["purchase"] == seen.kinds["buy"]


def test_labels_that_look_alike_or_like_markup_stay_bars_of_their_own() -> None:
    labels = ["Garden > Tools > For the little ones > Red", "Garden > Tools > For the little ones > Blue", "<b>&"]
    figure = horizontal_bars([Bar(label, 1.0, shown="1") for label in labels])
    assert len(set(figure["data"][0]["y"])) == 3
    ticks = figure["layout"]["yaxis"]["ticktext"]
    assert ticks[0].strip() == "&lt;b&gt;&amp;"
    assert all(len(unescape(tick)) <= 33 for tick in ticks)


def test_interval_is_drawn_from_its_low_to_its_high_end() -> None:
    figure = horizontal_bars([Bar("ours", 0.3, (0.25, 0.4), "0.300")])
    whiskers = figure["data"][0]["error_x"]
    assert whiskers["array"] == pytest.approx([0.1])
    assert whiskers["arrayminus"] == pytest.approx([0.05])
    assert figure["layout"]["xaxis"]["range"][1] > 0.4


def test_community_without_events_has_no_empty_charts(small_community: Community) -> None:
    assert community_charts(glance(small_community.with_events(small_community.events.head(0))), "en") == []
