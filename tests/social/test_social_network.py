"""The graph network: it finds planted answers, each switch changes what it finds, and strangers get its vectors too."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from planted_circles import GROUPS, circles

from penchant.data.interactions import EventWeights
from penchant.data.splits import random_split
from penchant.social.blocks import ITEM, MEMBER, Adjacency, Blocks, Edges, own_normalised
from penchant.social.config import NetworkConfig
from penchant.social.fitting import fit_network
from penchant.social.graph import Graph, GraphConfig
from penchant.social.heldout import HeldOut
from penchant.social.hiding import Hiding
from penchant.social.inductive import extended
from penchant.social.losses import Candidates, ItemSampler, contrast_loss, softmax_loss
from penchant.social.network import GraphNetwork
from penchant.social.people import People
from penchant.social.propagated import Propagated
from penchant.social.texts import TextVectors
from penchant.training.options import Options

OPTIONS = Options(threads=1, progress=False)
QUICK = NetworkConfig(width=16, epochs=20, members_at_once=32)
GRAPH = GraphConfig(half_life_days=None)


def trained(graph: Graph, config: NetworkConfig = QUICK, **more: object) -> Propagated:
    return fit_network(graph, TextVectors.none(graph), config, OPTIONS, **more)  # type: ignore[arg-type]


def in_group(network: Propagated, graph: Graph, members: list[int]) -> float:
    """The share of members' best ten items that are of their group; a quarter by chance."""
    people = People.members(graph, np.array(members), TextVectors.none(graph).said)
    best = np.argsort(-network.score(people), axis=1)[:, :10]
    return float((best % GROUPS == (np.array(members) % GROUPS)[:, None]).mean())


def test_it_finds_the_planted_groups_whole_and_sampled():
    graph = Graph.of(circles(), GRAPH)
    everyone = list(range(80))
    popularity = np.bincount(graph.events.indices, minlength=graph.item_count)
    best = np.argsort(-popularity)[:10]
    assert np.mean([(best % GROUPS == member % GROUPS).mean() for member in everyone]) < 0.35
    assert in_group(trained(graph), graph, everyone) > 0.95
    sampled = QUICK.model_copy(update={"sampling": True, "fanouts": (4, 3), "candidates": 20})
    assert in_group(trained(graph, sampled), graph, everyone) > 0.9


def test_members_without_events_are_found_by_their_ties_and_only_by_those():
    silent = tuple(range(72, 104))
    graph = Graph.of(circles(104, silent=silent, tags=False), GRAPH)
    assert in_group(trained(graph), graph, list(silent)) > 0.9
    untied = QUICK.model_copy(update={"ties": False})
    assert in_group(trained(graph, untied), graph, list(silent)) < 0.5


def test_an_item_nobody_likes_is_found_by_its_tag_and_only_by_that():
    community = circles(likes=4)
    cold = community.with_events(community.events.filter(community.events["item"] >= 8))
    graph = Graph.of(cold, GRAPH)
    people = People.members(graph, np.arange(80), TextVectors.none(graph).said)

    def lead(network: Propagated) -> float:
        scores = network.score(people)[:, :8]
        own = np.arange(8)[None] % GROUPS == np.arange(80)[:, None] % GROUPS
        return float(scores[own].mean() - scores[~own].mean()) / float(scores.std())

    assert lead(trained(graph)) > 1
    assert lead(trained(graph, QUICK.model_copy(update={"text": False}))) < 0.5


def test_lightgcn_is_the_simplest_setting():
    graph = Graph.of(circles(), GRAPH)
    config = NetworkConfig.lightgcn().model_copy(update={"width": 16, "epochs": 3})
    strengths = trained(graph, config).told_strengths()
    assert strengths["likes"] == strengths["liked"] == (1, 1, 1)
    assert strengths["ties"] == strengths["about"] == (0, 0, 0)


def test_one_step_without_learning_is_the_normalised_sum_of_neighbours():
    graph = Graph.of(circles(ties=False, tags=False), GRAPH)
    config = NetworkConfig.lightgcn().model_copy(update={"width": 4, "layers": 1})
    adjacency = Adjacency.of(graph)
    network = GraphNetwork(adjacency.counts(), {}, config).eval()
    both = Edges.of(adjacency.edges["likes"], adjacency.edges["liked"])
    blocks = Blocks.whole({"likes": both, "liked": both.flipped}, adjacency.counts(), 1)
    mean, _ = network(blocks, {})
    ids = {kind: network.fusions[kind].ids.weight.detach().numpy() for kind in (MEMBER, ITEM)}
    degree = np.diff(graph.events.indptr)[0]
    liked = graph.events[0].indices
    popular = np.bincount(graph.events.indices, minlength=graph.item_count)
    passed = sum(ids[ITEM][item] / np.sqrt(degree * popular[item]) for item in liked)
    assert mean[MEMBER][0].detach().numpy() == pytest.approx((ids[MEMBER][0] + passed) / 2, abs=1e-6)


def test_the_gradient_through_a_relation_is_that_of_the_dense_product():
    from penchant.social.network import Passing

    matrix = sp.random(6, 5, density=0.5, format="csr", random_state=0, dtype=np.float32)
    edges = Edges.of(matrix)
    ours, dense = (torch.arange(10.0).reshape(5, 2).requires_grad_() for _ in range(2))
    (Passing()(ours, edges.forward, edges.backward) ** 2).sum().backward()
    ((torch.from_numpy(matrix.toarray()) @ dense) ** 2).sum().backward()
    assert torch.allclose(ours.grad, dense.grad, atol=1e-4)


def test_sampled_surroundings_of_everything_with_room_for_all_are_the_whole_graph():
    graph = Graph.of(circles(), GRAPH)
    adjacency = Adjacency.of(graph)
    network = GraphNetwork(adjacency.counts(), {}, QUICK).eval()
    whole = Blocks.whole({name: Edges.of(found) for name, found in adjacency.edges.items()}, adjacency.counts(), 2)
    members = np.array([7, 3])
    around = Blocks.around(adjacency.edges, {MEMBER: members}, (1000, 1000), np.random.default_rng(0))
    first, second = network(whole, {})[0][MEMBER][members], network(around, {})[0][MEMBER]
    assert torch.allclose(first, second, atol=1e-5)


def test_the_sampled_softmax_is_on_average_that_over_all_items():
    rng, drawing = np.random.default_rng(0), torch.Generator().manual_seed(0)
    members, items = torch.randn(3, 4, generator=drawing), torch.randn(200, 4, generator=drawing)
    wanted = sp.csr_matrix((np.ones(3), (np.arange(3), [5, 50, 150])), shape=(3, 200))
    shown = sp.csr_matrix((3, 200))
    everything = Candidates(np.arange(200), np.zeros(200, dtype=np.float32))
    exact = float(softmax_loss(members, items, everything, wanted, shown))
    popularity = rng.zipf(1.5, 200).clip(max=50).astype(np.float32)
    losses, uncorrected = [], []
    for _ in range(200):
        drawn = ItemSampler(popularity, 40, 0.75).draw(wanted.indices, rng)
        losses.append(float(softmax_loss(members, items[drawn.items], drawn, wanted, shown)))
        bare = replace(drawn, log_chance=np.zeros_like(drawn.log_chance))
        uncorrected.append(float(softmax_loss(members, items[drawn.items], bare, wanted, shown)))
    assert np.mean(losses) == pytest.approx(exact, rel=0.05)
    assert np.mean(uncorrected) < 0.85 * exact


def test_what_the_graph_shows_is_no_alternative_to_what_is_to_be_foreseen():
    members, items = torch.ones(1, 1), torch.tensor([[9.0], [0.0]])
    everything = Candidates(np.arange(2), np.zeros(2, dtype=np.float32))
    wanted = sp.csr_matrix(np.array([[0.0, 1.0]]))
    free, barred = sp.csr_matrix((1, 2)), sp.csr_matrix(np.array([[1.0, 0.0]]))
    assert float(softmax_loss(members, items, everything, wanted, free)) > 8
    assert float(softmax_loss(members, items, everything, wanted, barred)) == pytest.approx(0)


def test_contrast_pulls_the_two_views_of_a_node_together():
    first = torch.nn.functional.normalize(torch.randn(20, 8), dim=1)
    assert contrast_loss(first, first, 0.2) < contrast_loss(first, first.flip(0), 0.2)
    graph = Graph.of(circles(), GRAPH)
    plain, contrasted = trained(graph), trained(graph, QUICK.model_copy(update={"contrast": 0.5}))
    assert not np.allclose(plain.item_vectors, contrasted.item_vectors)


def test_training_stops_when_validation_gets_no_better_and_keeps_the_best():
    split = random_split(circles(likes=10), 0)
    graph = Graph.of(split.train, GRAPH)
    held = HeldOut.of(split.train, split.test, EventWeights())
    config = QUICK.model_copy(update={"epochs": 60, "patience": 2, "judge_every": 2, "learning_rate": 0.05})
    network = trained(graph, config, held_out=held)
    assert len(network.history) < 30
    assert network.epochs == 2 * (int(np.argmax(network.history)) + 1)
    people = People.members(graph, held.members, TextVectors.none(graph).said)
    assert held.ndcg(network.score(people), 10).mean() == pytest.approx(max(network.history), abs=1e-6)


def test_equal_seeds_give_equal_vectors_and_others_do_not():
    graph = Graph.of(circles(), GRAPH)
    first, again = trained(graph), trained(graph)
    assert np.array_equal(first.item_vectors, again.item_vectors)
    other = fit_network(graph, TextVectors.none(graph), QUICK, OPTIONS.model_copy(update={"seed": 1}))
    assert not np.array_equal(first.item_vectors, other.item_vectors)


def test_vectors_made_when_asked_are_the_networks_own_and_survive_saving(tmp_path):
    graph = Graph.of(circles(), GRAPH)
    network = trained(graph)
    network.save(tmp_path)
    again = Propagated.load(tmp_path)
    people = People.members(graph, np.arange(80), TextVectors.none(graph).said)
    assert np.array_equal(network.score(people), again.score(people))
    assert again.tag_names == graph.tag_names


def test_new_members_and_items_get_vectors_without_training():
    after = circles(members=88)
    known = after.events.filter((after.events["member"] < 80) & (after.events["item"] < 44))
    small = replace(after, members=after.members[:80], items=after.items[:44], ties=after.ties.filter(
        (after.ties["member"] < 80) & (after.ties["other"] < 80)
    ))  # fmt: skip
    before = Graph.of(small.with_events(known), GRAPH)
    network = trained(before)
    graph = Graph.of(after, GRAPH)
    wider = extended(network, graph, TextVectors.none(graph))
    assert wider.item_vectors[:44] == pytest.approx(network.item_vectors)
    assert in_group(wider, graph, list(range(80, 88))) > 0.9
    people = People.members(graph, np.arange(80), TextVectors.none(graph).said)
    new = wider.score(people)[:, 44:]
    own = np.arange(44, 48)[None] % GROUPS == np.arange(80)[:, None] % GROUPS
    assert new[own].mean() > new[~own].mean() + new.std()


@pytest.mark.parametrize(
    "change",
    [
        {"width": 8}, {"layers": 1}, {"learned_strengths": False}, {"start_spread": 0.2}, {"hidden_ids": 0.5},
        {"hidden_events": 0.2}, {"learning_rate": 0.02}, {"decay": 1.0}, {"members_at_once": 16}, {"candidates": 20},
        {"candidates": 20, "popularity_exponent": 0.0}, {"contrast": 0.2}, {"contrast": 0.2, "contrast_noise": 0.5},
        {"contrast": 0.2, "contrast_temperature": 1.0}, {"sampling": True}, {"sampling": True, "fanouts": (2, 2)},
        {"whole_up_to": 1}, {"epochs": 2},
    ],
    ids=str,
)  # fmt: skip
def test_every_option_of_the_network_changes_what_is_learned(change):
    graph = Graph.of(circles(40), GRAPH)
    base = NetworkConfig(width=16, epochs=3, members_at_once=20)
    reached = [{}, *({key: change[key]} for key in list(change)[:1] if len(change) > 1)]
    ours = trained(graph, base.model_copy(update=change)).item_vectors
    for less in reached:
        other = trained(graph, base.model_copy(update=less)).item_vectors
        assert ours.shape != other.shape or not np.allclose(ours, other)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_what_is_hidden_is_gone_both_ways_round_and_the_rest_is_normalised_without_it(share):
    events = sp.random(60, 20, 0.3, format="csr", random_state=2, dtype=np.float32)
    sums = np.asarray(events.sum(axis=0), dtype=np.float32).ravel()
    members = np.flatnonzero(np.diff(events.indptr))[::3]
    likes, liked, wanted, shown = Hiding.of(events, sums).hide(members, share, np.random.default_rng(0))
    left = events.tolil()
    if share:
        left[members] = shown
    else:
        assert not shown.nnz
    assert abs(likes - own_normalised(left.tocsr(), sums)).max() < 1e-6
    assert abs(likes.T - liked).max() == 0
    assert abs(wanted + shown - events[members]).max() == 0
    hidden = np.diff(wanted.indptr) / np.diff(events[members].indptr)
    assert hidden.mean() == pytest.approx(share or 1.0, abs=0.1)
