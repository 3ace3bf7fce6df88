"""The report's section on members among one another."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from penchant.report.social_charts import cold_start_chart, neighbourhood_chart, telling_member
from penchant.report.social_section import told
from penchant.social import NetworkConfig, Social, SocialConfig, learn
from penchant.social.cold_start import ColdStart
from penchant.social.graph import Graph
from penchant.training.options import Options

sys.path.append(str(Path(__file__).parent.parent / "social"))

from planted_circles import circles

OPTIONS = Options(threads=1, progress=False)


@pytest.fixture(scope="module")
def social() -> Social:
    config = SocialConfig(network=NetworkConfig(epochs=2, width=8), use_network=False)
    return learn(circles(120, private=(3, 5, 7), likes=8), config, OPTIONS)


def test_the_section_shows_neighbourhood_homophily_and_curve(social: Social) -> None:
    for lang in ("en", "zh"):
        section = told(social, lang)
        assert [chart.name for chart in section.charts] == ["neighbourhood", "homophily", "cold-start"]
        assert section.tables[0].rows
    assert "times as much taste as chance" in told(social, "en").lead


def test_the_neighbourhood_shows_ties_and_suggestions_and_nobody_private(social: Social) -> None:
    member = telling_member(social)
    assert member is not None
    chart = neighbourhood_chart(social, member, "en")
    shown = {name for trace in chart.figure["data"][1:] for name in trace["text"]}
    tied = chart.figure["data"][2]["text"]
    ids = social.friends.community.member_ids
    assert set(tied) <= {ids.id(int(row)) for row in social.friends.graph.shown_ties[member].indices}
    assert {"m003", "m005", "m007"}.isdisjoint(shown)
    assert [row[0] for row in chart.rows] == chart.figure["data"][3]["text"]
    assert all(reason for _, reason in chart.rows)


def test_nobody_is_drawn_where_nobody_has_a_tie_that_may_be_shown(social: Social) -> None:
    alone = circles(20, ties=False)
    friends = social.friends.on(alone, Graph.of(alone))
    assert telling_member(replace(social, friends=friends)) is None


def test_the_curve_rises_with_the_answers(social: Social) -> None:
    found = ColdStart.of(social.newcomers.graph, options=OPTIONS, steps=4)
    assert found.members == 12
    assert found.answers[4] > 1.5 * found.popularity[4]
    assert found.ties is not None
    assert found.ties > 1.5 * found.popularity[0]
    chart = cold_start_chart(found, "zh")
    assert [row[0] for row in chart.rows] == ["0", "1", "2", "3", "4"]
