"""What members write: it reaches the network, answers strangers, and is a reason where it carries a score."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted_circles import GROUPS, START, circles, of_group

from penchant.data.community import Community
from penchant.errors import ArtifactError
from penchant.social.config import LinearConfig, NetworkConfig, RankerConfig, SocialConfig
from penchant.social.graph import Graph
from penchant.social.model import SocialModel
from penchant.social.recipe import train
from penchant.social.texts import TextVectors
from penchant.training.options import Options

sys.path.insert(0, str(Path(__file__).parents[1] / "recommend"))
from word_encoder import WordEncoder

OPTIONS = Options(threads=1, progress=False)
NAMES = ("jazz", "metal", "folk", "house")
CONFIG = SocialConfig(
    network=NetworkConfig(width=16, epochs=25, members_at_once=32, hidden_ids=0.5),
    linear=LinearConfig(regularization=(20.0,), als_regularization=(5.0,), factors=(8,), confidence=(1.0,)),
    ranker=RankerConfig(enabled=False),
)


@pytest.fixture(scope="module")
def community() -> Community:
    """The planted circles, whose titles and members' searches name the group, and no tags."""
    plain = circles(tags=False, ties=False, likes=6)
    searches = pl.DataFrame(
        {
            "member_id": plain.member_ids.ids,
            "kind": ["search"] * len(plain.members),
            "at": [START] * len(plain.members),
            "text": [f"{NAMES[row % GROUPS]} songs" for row in range(len(plain.members))],
        }
    )
    titles = pl.Series([f"{NAMES[row % GROUPS]} number {row}" for row in range(len(plain.items))])
    events = plain.with_ids("events").with_columns(pl.col("kind").cast(pl.String))
    return Community.from_tables(
        plain.items.with_columns(title=titles), pl.concat([events, searches], how="diagonal_relaxed"), plain.members
    )


@pytest.fixture(scope="module")
def model(community: Community) -> SocialModel:
    return train(community, CONFIG, OPTIONS, encoder=WordEncoder())


def test_a_line_about_oneself_is_enough_and_is_the_reason(community, model):
    for group, name in enumerate(NAMES):
        answer = model.recommend_for(text=f"I love {name} songs", k=6)
        assert of_group(community, [pick.item_id for pick in answer], group) > 0.8
        assert answer.strategy == "social: what was written"
        assert answer[0].reason == "It is close to what you write."
        assert [piece.source for piece in answer[0].evidence] == ["words"]


def test_words_of_one_group_and_likes_of_another_both_count(community, model):
    person = model.stranger(items=["i001", "i005"], text="folk songs")
    mute = replace(person, said=np.zeros_like(person.said))
    shut = model.shut(person)
    groups = np.arange(len(community.items)) % GROUPS
    with_words, without = model.scores(person, shut)[0], model.scores(mute, shut)[0]
    assert with_words[groups == 2].mean() > without[groups == 2].mean()


def test_lists_of_tags_are_read_one_by_one_and_long_texts_whole():
    graph = Graph.of(circles(8, ties=False))
    texts = pl.DataFrame(
        {
            "member_id": ["m000", "m001", "m001"],
            "item_id": ["i000", "i001", "i001"],
            "kind": ["review"] * 3,
            "at": [START] * 3,
            "text": ["jazz, folk", "jazz", "folk"],
        }
    )
    plain = circles(8, ties=False)
    events = plain.with_ids("events").with_columns(pl.col("kind").cast(pl.String))
    both = Community.from_tables(plain.items, pl.concat([events, texts], how="diagonal_relaxed"), plain.members)
    vectors = TextVectors.read(both, graph, WordEncoder())
    assert vectors.said[0] == pytest.approx(vectors.said[1], abs=1e-5)
    assert not vectors.said[2].any()
    assert vectors.of_words(WordEncoder(), ["jazz, folk"]) == pytest.approx(vectors.said[0], abs=1e-5)
    assert not vectors.of_words(WordEncoder(), []).any()


def test_another_encoder_is_refused(community, model, tmp_path):
    model.save(tmp_path)
    again = SocialModel.load(tmp_path, community, encoder=WordEncoder())
    assert again.recommend_for(text="metal songs", k=3) == model.recommend_for(text="metal songs", k=3)
    other = WordEncoder()
    other.name = "another"
    with pytest.raises(ArtifactError, match="holds vectors of the encoder"):
        SocialModel.load(tmp_path, community, encoder=other)
