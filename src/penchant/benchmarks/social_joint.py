"""`penchant bench social --protocol joint`: language model and network under one loss, against frozen texts."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from penchant.benchmarks.result import BenchResult, data_name, figures
from penchant.benchmarks.social_split import WEIGHTS, social_split
from penchant.data.community import Community
from penchant.data.public import load
from penchant.data.splits import Split
from penchant.evaluation.bootstrap import Difference, paired_difference
from penchant.evaluation.cost import measured
from penchant.social.config import NetworkConfig
from penchant.social.graph import Graph, GraphConfig
from penchant.social.heldout import HeldOut
from penchant.social.joint import Joint
from penchant.social.joint_reader import JointConfig
from penchant.social.people import People
from penchant.social.propagated import Propagated
from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.training.options import Options

FEWEST: Final = 5
"""Members an item must have: every text of the catalogue is read anew after tuning."""
DEPTH: Final = 10
"""Items of each list that the head orders anew."""
HEADED: Final = 200
"""Members whose lists the head orders anew; each item is a pass of the language model."""
HEAD_WEIGHTS: Final = (0.0, 0.1, 0.3, 1.0)
"""How much the head counts beside the network, in spreads: picked on validation data."""
ENCODER: Final = "minilm"
K: Final = 10
FROZEN: Final = "frozen texts"
LONGER: Final = "frozen texts, as many steps more"


def run_joint(data: str, seeds: Sequence[int]) -> BenchResult:
    """Learn with texts as they are, go on with both under one loss, and judge the two on the test part."""
    chosen = list(seeds)[:1]
    config = JointConfig(members_at_once=64, alternatives=1, max_tokens=12, control=True)
    return compared(load(data), data_name(data), chosen, load_encoder(ENCODER), NetworkConfig(), config)


def compared(
    community: Community,
    data: str,
    seeds: Sequence[int],
    encoder: TransformerEncoder,
    network: NetworkConfig,
    config: JointConfig,
    *,
    headed: int = HEADED,
) -> BenchResult:
    """Both modes on one community.

    Args:
        community: whose items of fewer than `FEWEST` members are left out.
        data: its name.
        seeds: a cut and a training for each.
        encoder: whose weights are tuned.
        network: of the graph network.
        config: of the joint part.
        headed: members whose lists the head orders anew.
    """
    found: list[dict[str, float]] = []
    systems: dict[str, list[dict[str, float]]] = {FROZEN: [], LONGER: []}
    differences: dict[str, dict[str, Difference]] = {}
    with measured() as cost:
        for seed in seeds:
            split = social_split(common(community), seed)
            options = Options(seed=seed)
            graph = Graph.of(split.train, GraphConfig(event_weights=WEIGHTS))
            held = HeldOut.of(split.train, split.validation, WEIGHTS)
            joint = Joint.fit(graph, split.train.item_texts, encoder, network, config, options, held)
            ours = _judged(graph, split, joint.network, joint)
            weight, with_head, without_head = _headed(graph, split, held, joint, headed, seed)
            found.append(
                {
                    "ndcg@10": float(ours.mean()),
                    "seconds": joint.joint.seconds,
                    "head_weight": weight,
                    "ndcg@10_with_head": with_head,
                    "ndcg@10_of_the_same_members": without_head,
                }
            )
            for name, mode in ((FROZEN, joint.frozen), (LONGER, joint.longer)):
                if mode is not None:
                    theirs = _judged(graph, split, mode.network, joint)
                    systems[name].append({"ndcg@10": float(theirs.mean()), "seconds": mode.seconds})
                    differences[name] = {"ndcg@10": paired_difference(ours, theirs)}
    return BenchResult(
        name="social",
        data=data,
        protocol="joint",
        metrics=figures(found),
        baselines={name: figures(values) for name, values in systems.items() if values},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences=differences,
    )


def common(community: Community) -> Community:
    """The community with only the items that enough members have something to do with."""
    counts = community.events.group_by("item").agg(pl.col("member").n_unique().alias("n")).drop_nulls()
    kept = counts.filter(pl.col("n") >= FEWEST)["item"].sort()
    events = community.with_ids("events")[community.events["item"].is_in(kept.implode()).fill_null(False).arg_true()]
    return Community.from_tables(
        community.items[kept], events, community.members, community.with_ids("ties"), community.labels
    )


def _judged(graph: Graph, split: Split, network: Propagated, joint: Joint) -> np.ndarray:
    test = HeldOut.of(split.train, split.test, WEIGHTS, also_met=split.validation)
    people = People.members(graph, test.members, joint.texts.said)
    return test.ndcg(test.scores(people, network.score), K)


def _headed(
    graph: Graph, split: Split, held: HeldOut, joint: Joint, count: int, seed: int
) -> tuple[float, float, float]:  # fmt: skip
    """The head's weight by validation data, and NDCG on the test part with and without it."""
    rng = np.random.default_rng(seed)
    test = HeldOut.of(split.train, split.test, WEIGHTS, also_met=split.validation)
    known, asked = (_sampled(one, count, rng) for one in (held, test))
    tried = _orders(graph, known, joint)
    weight = HEAD_WEIGHTS[int(np.argmax(tried))]
    found = _orders(graph, asked, joint)
    return weight, float(found[HEAD_WEIGHTS.index(weight)]), float(found[0])


def _sampled(held: HeldOut, count: int, rng: np.random.Generator) -> HeldOut:
    return held.part(np.sort(rng.choice(len(held.members), min(count, len(held.members)), replace=False)))


def _orders(graph: Graph, held: HeldOut, joint: Joint) -> list[float]:
    """NDCG of the best items of each list, ordered with each weight of the head."""
    people = People.members(graph, held.members, joint.texts.said)
    scores = held.scores(people, joint.network.score)
    items = held.ranked(scores, DEPTH)
    said = joint.head_scores(people, items)
    base = np.take_along_axis(scores, items, axis=1)
    base, said = ((part - part.mean(axis=1, keepdims=True)) / (part.std() or 1.0) for part in (base, said))
    found = []
    for weight in HEAD_WEIGHTS:
        anew = np.full_like(scores, -np.inf)
        np.put_along_axis(anew, items, base + np.float32(weight) * said, axis=1)
        found.append(float(held.ndcg(anew, K).mean()))
    return found
