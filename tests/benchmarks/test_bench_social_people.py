"""`bench social`: hidden ties and newcomers, on a small simulated community and on Last.fm where it is at hand."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant.benchmarks import social_friends, social_newcomers
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult
from penchant.benchmarks.social import run
from penchant.data.public import load
from penchant.errors import TooLittleDataError
from penchant.social.graph import Graph
from penchant.social.rehearsal import StandIns

sys.path.append(str(Path(__file__).parent.parent / "recommend"))

from word_encoder import WordEncoder

DATA = "simulated:12000"


@pytest.fixture(scope="module")
def friends() -> BenchResult:
    return run(DATA, protocol="friends", seeds=[0])


@pytest.fixture(scope="module")
def newcomers() -> BenchResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(social_newcomers, "_encoder", WordEncoder)
        return run(DATA, protocol="newcomers", seeds=[0])


def test_friends_stand_beside_every_plain_measure(friends: BenchResult) -> None:
    assert (friends.name, friends.protocol, friends.seeds) == ("social", "friends", [0])
    assert set(friends.metrics) == {"friends_hits@20", "friends_gain"}
    assert set(friends.baselines) == set(friends.differences) == {
        "common neighbours", "Adamic–Adar", "resource allocation", "personalised PageRank", "likes in common",
        "without likes", "without the ranker",
    }  # fmt: skip
    plain = friends.baselines["Adamic–Adar"]["friends_hits@20"].mean
    assert friends.metrics["friends_gain"].mean == pytest.approx(friends.metrics["friends_hits@20"].mean / plain)


def test_likes_find_ties_in_a_community_of_like_taste(friends: BenchResult) -> None:
    """Ties of the bazaar join members whose first interest is the same, so likes tell, and chance finds 20 in 239."""
    assert friends.baselines["likes in common"]["friends_hits@20"].mean > 1.5 * 20 / 239


def test_newcomers_have_every_key_and_their_curve(newcomers: BenchResult) -> None:
    assert set(newcomers.metrics) == {
        "newcomer_ratio@3",
        "newcomer_ratio@5",
        "newcomer_ratio@ties",
        "newcomer_ratio@words",
        "own_ratio@3",
        "own_ratio@5",
    }
    assert set(newcomers.baselines["adaptive, by information"]) == {"own_ratio@3", "own_ratio@5"}
    assert WITHOUT_LANGUAGE_MODEL in newcomers.baselines
    assert "newcomer_ratio@words" not in newcomers.baselines[WITHOUT_LANGUAGE_MODEL]
    curve = newcomers.tables["ratio to popularity after each answer"]
    assert [row["answers"] for row in curve] == list(range(9))
    assert curve[0]["adaptive"] == pytest.approx(curve[0]["random"])


def test_answers_and_ties_foresee_more_than_popularity(newcomers: BenchResult) -> None:
    assert newcomers.metrics["newcomer_ratio@5"].mean > 1.1
    assert newcomers.metrics["newcomer_ratio@ties"].mean > 1.1


def test_what_newcomers_wrote_leaves_no_trace_in_tags() -> None:
    community = load(DATA)
    written = pl.DataFrame(
        {
            "member": pl.Series([3, 5], dtype=pl.UInt32),
            "item": pl.Series([0, 0], dtype=pl.UInt32),
            "kind": ["review", "review"],
            "at": [community.now, community.now],
            "text": ["lo-fi", "shoegaze"],
        }
    )
    events = pl.concat(
        [community.events, written.cast({name: community.events.schema[name] for name in ("kind", "at")})],
        how="diagonal",
    )
    items = community.items.with_columns(
        tags=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(["lo-fi", "shoegaze"])).otherwise(pl.col("tags"))
    )
    known = type(community)(community.members, items, events.sort("at"), community.ties, community.labels)
    left = social_newcomers._without_words(known, np.array([3]))
    assert left.items["tags"][0].to_list() == ["shoegaze"]
    assert 3 not in left.events["member"].to_list()


def test_too_few_members_or_ties_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(social_newcomers, "_encoder", WordEncoder)
    with pytest.raises(TooLittleDataError, match="can be held out as newcomers"):
        run("simulated:500", protocol="newcomers", seeds=[0])
    with pytest.raises(TooLittleDataError, match="ties leave"):
        run("simulated:500", protocol="friends", seeds=[0])


@pytest.mark.data
def test_hidden_ties_of_lastfm_are_hidden_in_both_directions(public_data: Path) -> None:
    community = load("lastfm", data=public_data)
    graph = Graph.of(community)
    stand_ins = StandIns.drawn(graph.events, graph.ties, 0.1, np.random.default_rng(0))
    assert len(stand_ins) == 189
    assert social_friends.Friends(community, graph).features.directed is False
