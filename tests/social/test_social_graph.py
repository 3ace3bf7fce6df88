"""The graph: what its edges weigh, what bad ties get, and that it grows as if it had been made anew."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from planted_circles import START, circles, one_like_each, tie_table

from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.errors import ArtifactError
from penchant.social.graph import Graph, GraphConfig, normalised
from penchant.social.sampling import sampled
from penchant.social.statistics import statistics


def dense(matrix: sp.csr_matrix) -> list[list[float]]:
    return np.asarray(matrix.todense(), dtype=np.float64).round(4).tolist()


def test_a_follow_goes_one_way_and_a_friendship_both():
    graph = Graph.of(one_like_each(3, tie_table(("m0", "m1", "follow"), ("m1", "m2", "friend"))))
    assert dense(graph.ties) == [[0, 1, 0], [0, 0, 1], [0, 1, 0]]
    assert graph.friends(0).tolist() == [1]


def test_ties_weigh_as_their_kind_says():
    config = GraphConfig(friend_weight=2.0, follow_weight=0.5)
    graph = Graph.of(one_like_each(3, tie_table(("m0", "m1", "follow"), ("m1", "m2", "friend"))), config)
    assert dense(graph.ties) == [[0, 0.5, 0], [0, 0, 2], [0, 2, 0]]


def test_self_ties_repeated_and_contradictory_ties_are_counted_and_change_nothing():
    bad = tie_table(
        ("m0", "m0", "friend"),
        ("m0", "m1", "friend"),
        ("m1", "m0", "friend"),
        ("m0", "m1", "friend"),
        ("m2", "m1", "block"),
        ("m1", "m2", "follow"),
        ("m2", "m1", "friend"),
    )
    graph = Graph.of(one_like_each(3, bad))
    assert dense(graph.ties) == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert dense(graph.blocked) == [[0, 0, 0], [0, 0, 1], [0, 1, 0]]
    counts = graph.counts
    assert (counts.rows, counts.to_oneself, counts.repeated, counts.blocked) == (7, 1, 2, 1)


def test_a_members_heaviest_event_with_an_item_counts_and_fades_with_age():
    community = Community.from_tables(
        pl.DataFrame({"item_id": ["a", "b", "c"], "title": ["A", "B", "C"]}),
        pl.DataFrame(
            {
                "member_id": ["m"] * 5,
                "item_id": ["a", "a", "b", "b", "c"],
                "kind": ["view", "buy", "like", "hide", "like"],
                "at": [START, START, START, START, START + timedelta(days=10)],
            }
        ),
    )
    assert dense(Graph.of(community, GraphConfig(half_life_days=10)).events) == [[0.5, 0, 1]]
    assert dense(Graph.of(community, GraphConfig(half_life_days=None)).events) == [[1, 0, 1]]
    weights = EventWeights(buy=0.7)
    assert dense(Graph.of(community, GraphConfig(half_life_days=None, event_weights=weights)).events) == [[0.7, 0, 1]]


def test_tags_say_more_the_more_members_wrote_them_and_rare_ones_are_left_out():
    community = Community.from_tables(
        pl.DataFrame(
            {
                "item_id": ["a", "b"],
                "title": ["A", "B"],
                "tags": [["Rock", "odd"], ["rock"]],
                "categories": [["Music > Loud"], ["Music > Quiet"]],
            }
        ),
        pl.DataFrame(
            {
                "member_id": ["m", "n", "m"],
                "item_id": ["a", "a", "a"],
                "kind": ["review", "review", "like"],
                "at": [START] * 3,
                "text": ["rock, new wave", "ROCK", None],
            }
        ),
    )
    graph = Graph.of(community)
    assert graph.tag_names == ("music", "rock")
    assert dense(graph.tags) == [[0.6931, 1.3863], [0.6931, 0.6931]]
    assert "odd" in Graph.of(community, GraphConfig(fewest_tagged=1)).tag_names


def test_a_graph_made_a_few_rows_at_a_time_is_the_same():
    community = circles()
    whole, parted = (Graph.of(community, GraphConfig(rows_at_once=rows)) for rows in (1_000_000, 7))
    for name in ("events", "ties", "tags"):
        assert (getattr(whole, name) != getattr(parted, name)).nnz == 0


def test_a_graph_grows_as_if_it_had_been_made_anew():
    after = circles(members=60, private=(59,))
    cut = len(after.events) // 2
    known = (pl.col("item") < 40) & (pl.col("member") < 50)
    of_known = after.events.with_row_index("place").filter(known & (pl.col("place") < cut))["place"]
    early = after.with_ids("events")[of_known.to_numpy()]
    before = Community.from_tables(after.items[:40], early, after.members[:50], after.with_ids("ties")[:0])
    first = Graph.of(before)
    new = after.events.with_row_index("place").filter(~pl.col("place").is_in(of_known.implode())).drop("place")
    grown, anew = first.extended(after, events=new, ties=after.ties), Graph.of(after)
    for name in ("likes", "ties", "blocked", "tags"):
        assert getattr(grown, name).shape == getattr(anew, name).shape
        assert abs(getattr(grown, name) - getattr(anew, name)).max() < 1e-6
    assert grown.tag_names == anew.tag_names
    assert grown.private.tolist() == anew.private.tolist()


def test_a_saved_graph_is_the_same(tmp_path):
    graph = Graph.of(circles(private=(3,)))
    graph.save(tmp_path)
    again = Graph.load(tmp_path)
    assert (again.events != graph.events).nnz == 0
    assert again.counts == graph.counts
    assert again.private[3]
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(ArtifactError, match="no finished model"):
        Graph.load(tmp_path)


def test_activity_of_private_members_is_not_along_the_ties_that_may_be_shown():
    graph = Graph.of(circles(private=(4,)))
    assert graph.ties[:, 4].nnz > 0
    assert graph.shown_ties[:, 4].nnz == 0
    assert graph.shown_ties[4].nnz == graph.ties[4].nnz


def test_a_hub_of_a_hundred_thousand_ties_is_bounded():
    count = 100_001
    rows = np.zeros(count - 1, dtype=np.int64)
    hub = sp.csr_matrix((np.ones(count - 1, np.float32), (rows, np.arange(1, count))), shape=(count, count))
    hub = (hub + hub.T).tocsr()
    assert normalised(hub)[0].max() < 0.01
    drawn = sampled(hub, np.array([0, 1]), 10, np.random.default_rng(0))
    assert np.diff(drawn.indptr).tolist() == [10, 1]
    assert float(drawn[0].sum()) == pytest.approx(count - 1)


def test_every_neighbour_is_drawn_as_often_and_sums_are_right_on_average():
    matrix = sp.csr_matrix(np.array([[1, 2, 0, 3, 4, 5, 6, 7]], dtype=np.float32))
    rng = np.random.default_rng(1)
    drawn = sp.vstack([sampled(matrix, np.array([0]), 3, rng) for _ in range(3000)])
    mean = np.asarray(drawn.mean(axis=0)).ravel()
    assert mean == pytest.approx([1, 2, 0, 3, 4, 5, 6, 7], rel=0.12)


def test_homophily_is_found_where_it_is_and_not_where_ties_are_random():
    community = circles()
    found = statistics(Graph.of(community), np.random.default_rng(0))
    assert found.homophily is not None
    assert found.homophily.ratio > 2
    assert "clear gain" in found.told()
    rng = np.random.default_rng(0)
    ids = community.member_ids.ids
    random = pl.DataFrame(
        {"member_id": ids.gather(rng.integers(80, size=200)), "other_id": ids.gather(rng.integers(80, size=200))}
    ).with_columns(kind=pl.lit("friend"))
    mixed = Community.from_tables(community.items, community.with_ids("events"), community.members, random)
    by_chance = statistics(Graph.of(mixed), rng)
    assert by_chance.homophily is not None
    assert by_chance.homophily.ratio < 1.5


def test_fifty_components_are_counted_and_members_without_ties_apart():
    ties = tie_table(*((f"m{2 * pair}", f"m{2 * pair + 1}", "friend") for pair in range(50)))
    found = statistics(Graph.of(one_like_each(103, ties)), np.random.default_rng(0))
    assert (found.components, found.largest_component, found.isolated) == (50, 2, 3)
    assert (found.ties, found.mean_degree, found.median_degree) == (100, pytest.approx(100 / 103), 1)


def test_no_ties_at_all_are_told():
    found = statistics(Graph.of(circles(ties=False)), np.random.default_rng(0))
    assert found.homophily is None
    assert found.told() == "There are no ties between members, so recommendations rest on texts and events alone."
    assert found.told("zh").startswith("会员之间没有关系数据")
