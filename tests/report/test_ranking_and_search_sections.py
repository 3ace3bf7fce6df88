"""What orders the lists, and what search knows, on the page."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

sys.path.append(str(Path(__file__).parent.parent / "recommend"))

from shops import START, shop

from penchant.data.community import Community
from penchant.quality import LoggedFigures, Measured, Quality
from penchant.recommend import Ranker, RankerConfig, RecommendConfig, train
from penchant.recommend.features import VERDICT_FEATURES, feature_names
from penchant.recommend.lesson import Lesson
from penchant.report.ranking_section import feature, ranking_section
from penchant.report.search_section import search_section
from penchant.search import Searcher
from penchant.training.options import Options


@pytest.fixture(scope="module")
def community() -> Community:
    return shop()


def test_weights_stand_in_order_and_the_log_is_told(community: Community) -> None:
    model = train(community, RecommendConfig(ranker=RankerConfig(enabled=False)), Options())
    measured = Measured(value=0.4, low=0.3, high=0.5)
    quality = Quality(logged=LoggedFigures(lines=1_200, reward=0.25, ips=measured, snips=measured))
    section = ranking_section(model, quality, "en")
    weights = [float(row[1]) for row in section.tables[0].rows]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) == pytest.approx(1, abs=0.05)
    assert not section.charts
    assert "tried 1,200 times and taken up 25.0%" in section.lead
    assert "40.0% (30.0% to 50.0%, by SNIPS)" in section.lead
    assert "SNIPS" in ranking_section(model, quality, "zh").lead


def test_a_ranker_shows_what_it_goes_by(community: Community) -> None:
    model = train(community, RecommendConfig(ranker=RankerConfig(enabled=False), tuning="none"), Options())
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(4_000, len(model.features))).astype(np.float32)
    place = model.features.index("days since anyone liked it")
    lesson = Lesson(
        rows=rows,
        blended=rows[:, model.features.index("blend")],
        chosen=(rows[:, place] > 1).astype(np.float32),
        lengths=np.full(200, 20),
        relevant=np.maximum((rows[:, place] > 1).reshape(200, 20).sum(axis=1), 1),
        members=np.arange(200),
    )
    ranker = Ranker(model.features, RankerConfig(fewest=50))
    ranker.fit([lesson], Options())
    chart = ranking_section(model.with_ranker(ranker), Quality(), "zh").charts[0]
    assert chart.rows[0][0] == "距最近一次被喜欢的天数"
    assert float(chart.rows[0][1].rstrip("%")) > 50


def test_search_answers_what_several_members_searched_for_and_nothing_of_one_alone(community: Community) -> None:
    searches = pl.DataFrame(
        {
            "member_id": ["m0", "m1", "m2", "m3"],
            "item_id": pl.Series([None] * 4, dtype=pl.String),
            "kind": "search",
            "at": START,
            "text": ["summer dress", "summer dress", "tent", "tent my own address"],
        }
    )
    events = pl.concat([community.with_ids("events").cast({"kind": pl.String}), searches], how="diagonal_relaxed")
    asked = Community.from_tables(community.items, events, community.members)
    section = search_section(Searcher().fit(asked), asked, "en")
    assert [card.title for card in section.lists] == ["“summer dress”"]
    assert section.lists[0].note == "searched for 2 times"
    assert all("dress" in pick.title for pick in section.lists[0].picks)
    assert "36 items are searched by their words." in section.lead
    assert "Too few searches" in section.lead


def test_every_feature_of_the_ranker_has_a_name_in_both_languages() -> None:
    for name in feature_names(("popularity", "ease"), text=True, told=VERDICT_FEATURES):
        assert feature(name, "en")
        assert any("\u4e00" <= letter <= "\u9fff" for letter in feature(name, "zh").replace("EASE", "矩阵")), name
