"""The joint mode: both models learn under one loss, and each hears the other."""

import sys
from pathlib import Path

import numpy as np
import pytest
from planted_circles import GROUPS, circles

from penchant.data.interactions import EventWeights
from penchant.data.splits import random_split
from penchant.errors import TrainingError
from penchant.social.config import NetworkConfig
from penchant.social.graph import Graph, GraphConfig
from penchant.social.heldout import HeldOut
from penchant.social.joint import Joint
from penchant.social.joint_reader import JointConfig
from penchant.social.people import People
from penchant.text.transformer import TransformerEncoder
from penchant.training.options import Options

sys.path.insert(0, str(Path(__file__).parents[1] / "interests"))
from tiny_reader import tiny_encoder

OPTIONS = Options(threads=1, progress=False)
NETWORK = NetworkConfig(width=16, epochs=4, members_at_once=32, learning_rate=0.03)
CONFIG = JointConfig(
    epochs=10,
    members_at_once=20,
    alternatives=2,
    max_tokens=8,
    text_learning_rate=2e-3,
    head_weight=1.0,
    control=True,
)
KINDS = ("苹果 nice", "screen really", "小说 the", "电池 came")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TransformerEncoder:
    return tiny_encoder(tmp_path_factory.mktemp("reader"))


@pytest.fixture(scope="module")
def planted() -> tuple[Graph, HeldOut, list[str]]:
    split = random_split(circles(60, likes=10, tags=False), 0)
    graph = Graph.of(split.train, GraphConfig(half_life_days=None))
    held = HeldOut.of(split.train, split.test, EventWeights())
    return graph, held, [f"{KINDS[row % GROUPS]} {row}" for row in range(graph.item_count)]


@pytest.fixture(scope="module")
def joint(planted: tuple[Graph, HeldOut, list[str]], encoder: TransformerEncoder) -> Joint:
    graph, held, texts = planted
    return Joint.fit(graph, texts, encoder, NETWORK, CONFIG, OPTIONS, held)


def test_both_learn_under_one_loss(joint):
    assert len(joint.losses) == 10 * 3
    assert np.mean(joint.losses[-9:]) < np.mean(joint.losses[:9])
    assert joint.joint.seconds > joint.frozen.seconds
    assert joint.joint.ndcg > 0.3


def test_the_control_goes_on_with_the_network_alone_and_leaves_it_as_it_was(joint, planted, encoder):
    assert joint.longer is not None
    vectors = joint.longer.network.item_vectors
    assert not np.allclose(vectors, joint.frozen.network.item_vectors)
    assert not np.allclose(vectors, joint.network.item_vectors)
    # The steps without the language model cost less than those with it.
    assert joint.longer.seconds < joint.joint.seconds - joint.frozen.seconds
    graph, held, texts = planted
    short = CONFIG.model_copy(update={"control": False, "epochs": 1})
    assert Joint.fit(graph, texts, encoder, NETWORK, short, OPTIONS, held).longer is None


def test_the_language_model_has_moved_and_the_network_reads_it_as_it_is_now(joint, planted, encoder):
    graph, _, texts = planted
    frozen = encoder.encode(texts)
    frozen = frozen - frozen.mean(axis=0)
    frozen /= np.linalg.norm(frozen, axis=1, keepdims=True)
    assert joint.texts.items.shape == frozen.shape
    assert float((joint.texts.items * frozen).sum(axis=1).mean()) < 0.999
    assert not np.allclose(joint.network.item_vectors, joint.frozen.network.item_vectors)
    assert graph.item_count == len(joint.network.item_vectors)


def test_the_head_hears_the_graph_and_only_where_it_is_let_in(joint, planted, encoder):
    graph, held, texts = planted
    people = People.members(graph, np.arange(8), joint.texts.said)
    items = np.tile(np.arange(8), (8, 1))
    said = joint.head_scores(people, items)
    assert said.shape == (8, 8)
    assert np.ptp(said, axis=0).max() > 1e-3
    deaf = Joint.fit(
        graph, texts, encoder, NETWORK, CONFIG.model_copy(update={"head_weight": 0.0, "epochs": 1}), OPTIONS, held
    )
    fresh = deaf.reader.head.weight.detach().numpy()
    learned = joint.reader.head.weight.detach().numpy()
    assert not np.allclose(fresh, learned)


def test_without_texts_or_with_sampling_there_is_no_joint_mode(planted, encoder):
    graph, held, texts = planted
    for change in ({"text": False}, {"sampling": True}):
        with pytest.raises(TrainingError, match="the joint mode reads texts"):
            Joint.fit(graph, texts, encoder, NETWORK.model_copy(update=change), CONFIG, OPTIONS, held)
