"""Training the graph network: over the whole graph, or over sampled neighbours where it is large."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from penchant.social.blocks import ITEM, MEMBER, NODES, TAG, Adjacency, Blocks, Edges
from penchant.social.config import NetworkConfig
from penchant.social.graph import Graph
from penchant.social.heldout import HeldOut
from penchant.social.hiding import Hiding
from penchant.social.losses import ItemSampler, contrast_loss, softmax_loss
from penchant.social.network import Fusion, GraphNetwork
from penchant.social.people import People
from penchant.social.propagated import Fused, Propagated
from penchant.social.texts import TextVectors
from penchant.training.options import Options
from penchant.training.precision import torch_threads
from penchant.vectors import Floats, Rows, chunks

log = logging.getLogger(__name__)

CUTOFF: Final = 10


def fit_network(
    graph: Graph,
    texts: TextVectors,
    config: NetworkConfig,
    options: Options,
    *,
    held_out: HeldOut | None = None,
    epochs: int | None = None,
) -> Propagated:
    """Learn a graph network.

    Args:
        graph: members, items and tags; its events are all learned from.
        texts: what items are called and members write.
        config: what to learn.
        options: seed, threads.
        held_out: judged every few epochs by NDCG; the best state is kept, and training stops when it gets no better.
        epochs: how many, where that is known; the configuration's if absent.
    """
    with torch_threads(options.threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        return NetworkFit(graph, texts, config, options).run(held_out, epochs or config.epochs)


@dataclass
class NetworkFit:
    """One training; the joint mode goes on from where it ends."""

    graph: Graph
    texts: TextVectors
    config: NetworkConfig
    options: Options
    adjacency: Adjacency = field(init=False)
    network: GraphNetwork = field(init=False)

    def __post_init__(self) -> None:
        config = self.config
        self.adjacency = Adjacency.of(self.graph, ties=config.ties, tags=config.text)
        widths = {ITEM: self.texts.items.shape[1], MEMBER: self.texts.width} if config.text else {}
        self.network = GraphNetwork(self.adjacency.counts(), widths, config)
        self.read = {
            kind: torch.from_numpy(vectors)
            for kind, vectors in ((ITEM, self.texts.items), (MEMBER, self.texts.said))
            if widths.get(kind)
        }
        edges = self.adjacency.edges
        self.hiding = Hiding.of(self.graph.events, self.adjacency.item_sums)
        count = sum(matrix.nnz for matrix in edges.values())
        self.sampling = config.sampling if config.sampling is not None else count > config.whole_up_to
        self.still = (
            {}
            if self.sampling
            else {
                name: Edges.of(edges[name], edges[other] if other else None)
                for name, other in (("ties", None), ("about", "tagged"), ("tagged", "about"))
                if name in edges
            }
        )
        popularity = np.bincount(self.graph.events.indices, minlength=self.graph.item_count).astype(np.float32)
        self.sampler = ItemSampler(popularity, config.candidates, config.popularity_exponent)

    def run(self, held_out: HeldOut | None, epochs: int) -> Propagated:
        """Train, and keep the best state where something is held out."""
        rng = self.options.rng()
        learned = [value for value in self.network.parameters() if value.requires_grad]
        # A step over sampled neighbours is small beside the vectors of all nodes: these are updated in one pass.
        optimiser = torch.optim.AdamW(
            learned, lr=self.config.learning_rate, weight_decay=self.config.decay, fused=self.sampling
        )
        active = np.flatnonzero(np.diff(self.graph.events.indptr))
        best, kept, waited = -1.0, None, 0
        history: list[float] = []
        done = 0
        for epoch in range(1, epochs + 1 if len(active) else 1):
            self.network.train()
            for loss in self._epoch(active, rng):
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            done = epoch
            if held_out is None or (epoch % self.config.judge_every and epoch < epochs):
                continue
            history.append(self._judge(held_out))
            log.debug("epoch %d: NDCG %.4f", epoch, history[-1])
            if history[-1] > best:
                best, waited = history[-1], 0
                kept = (epoch, {name: value.clone() for name, value in self.network.state_dict().items()})
            elif (waited := waited + 1) >= self.config.patience:
                break
        if kept is not None:
            done = kept[0]
            self.network.load_state_dict(kept[1])
        return self.propagated(done, tuple(history))

    def _epoch(self, active: Rows, rng: np.random.Generator) -> Iterator[Tensor]:
        order = rng.permutation(active)
        for part in chunks(len(order), self.config.members_at_once):
            yield self._loss(np.sort(order[part]), rng)

    def _loss(self, members: Rows, rng: np.random.Generator) -> Tensor:
        likes, liked, wanted, shown = self.hiding.hide(members, self.config.hidden_events, rng)
        candidates = self.sampler.draw(wanted.indices, rng)
        if self.sampling:
            edges = {**self.adjacency.edges, "likes": likes, "liked": liked}
            fanouts = (self.config.fanouts * self.config.layers)[: self.config.layers]
            blocks = Blocks.around(edges, {MEMBER: members, ITEM: candidates.items}, fanouts, rng)
            mean, layers = self.network(blocks, self.read)
            own, items = mean[MEMBER], mean[ITEM]
            shallow = layers[1][MEMBER][: len(members)]
        else:
            blocks = self._around(likes, liked)
            mean, layers = self.network(blocks, self.read)
            chosen = torch.from_numpy(members)
            own, items = mean[MEMBER][chosen], mean[ITEM][torch.from_numpy(candidates.items)]
            shallow = layers[1][MEMBER][chosen]
        loss = softmax_loss(own, items, candidates, wanted, shown)
        if self.config.contrast:
            loss = loss + self.config.contrast * contrast_loss(shallow, own, self.config.contrast_temperature)
        return loss

    def step(self, members: Rows, rng: np.random.Generator) -> tuple[Blocks, sp.csr_matrix, sp.csr_matrix]:
        """The whole graph without what is hidden of some members, what is to be foreseen, and what is shown."""
        likes, liked, wanted, shown = self.hiding.hide(members, self.config.hidden_events, rng)
        return self._around(likes, liked), wanted, shown

    def _around(self, likes: sp.csr_matrix, liked: sp.csr_matrix) -> Blocks:
        moving = Edges.of(likes, liked)
        return self._whole({"likes": moving, "liked": moving.flipped, **self.still})

    def _whole(self, edges: dict[str, Edges]) -> Blocks:
        return Blocks.whole(edges, self.adjacency.counts(), self.config.layers)

    def _judge(self, held_out: HeldOut) -> float:
        state = self.propagated(0)
        people = People.members(self.graph, held_out.members, self.texts.said)
        return float(held_out.ndcg(held_out.scores(people, state.score), CUTOFF).mean())

    @torch.no_grad()
    def propagated(self, epochs: int, history: tuple[float, ...] = ()) -> Propagated:
        """The network as it stands, passed over the whole graph."""
        self.network.eval()
        edges = self.adjacency.edges
        both = Edges.of(edges["likes"], edges["liked"])
        every = {"likes": both, "liked": both.flipped} | {
            name: self.still.get(name) or Edges.of(edges[name]) for name in edges if name not in ("likes", "liked")
        }
        mean, layers = self.network(self._whole(every), self.read)
        below = {kind: torch.stack([depth[kind] for depth in layers[:-1]]).numpy() for kind in NODES}
        tag_sums = self.graph.tags.sum(axis=0) if self.adjacency.counts()[TAG] else np.zeros(0)
        strengths = self.network.strengths.numpy().copy()
        return Propagated(
            members=below[MEMBER],
            items=below[ITEM],
            tags=below[TAG],
            item_vectors=mean[ITEM].numpy(),
            strengths=strengths * self._taking_part(),
            item_sums=self.adjacency.item_sums,
            member_sums=np.asarray(self.graph.events.sum(axis=1), dtype=np.float32).ravel(),
            tag_sums=np.asarray(tag_sums, dtype=np.float32).ravel(),
            member_fusion=_fused(self.network.fusions[MEMBER]),
            item_fusion=_fused(self.network.fusions[ITEM]),
            tag_names=self.graph.tag_names if self.adjacency.counts()[TAG] else (),
            epochs=epochs,
            history=history,
        )

    def _taking_part(self) -> Floats:
        """(relations,) one where a relation takes part: what was switched off stays off for strangers too."""
        from penchant.social.blocks import RELATIONS

        allowed = {"ties": self.config.ties, "about": self.config.text, "tagged": self.config.text}
        return np.array([float(allowed.get(name, True)) for name in RELATIONS], dtype=np.float32)


def _fused(fusion: torch.nn.Module) -> Fused:
    assert isinstance(fusion, Fusion)
    width = fusion.unknown.shape[0]
    read = fusion.text is not None
    empty = np.zeros((width, 0), dtype=np.float32)
    return Fused(
        ids=fusion.ids.weight.detach().numpy().copy(),
        unknown=fusion.unknown.detach().numpy().copy(),
        text=fusion.text.weight.detach().numpy().copy() if fusion.text is not None else empty,
        gate=np.hstack([fusion.gate.weight.detach().numpy(), fusion.gate.bias.detach().numpy()[:, None]])
        if read
        else empty,
    )
