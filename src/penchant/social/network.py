"""The graph network: ids and texts fused by a gate, then passed along events, ties and tags, each with its strength."""

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch_geometric.nn.conv import MessagePassing

from penchant.social.blocks import ITEM, MEMBER, NODES, RELATIONS, TAG, Blocks
from penchant.social.config import NetworkConfig

STARTING: Final = {"likes": 1.0, "liked": 1.0, "ties": 0.3, "about": 0.3, "tagged": 1.0}
"""Strengths before anything is learned; those of events are as in LightGCN."""


class _Product(torch.autograd.Function):
    """A sparse matrix times a dense one, with the gradient by the transpose that is at hand."""

    @staticmethod
    def forward(ctx: Any, forward: Tensor, backward: Tensor, vectors: Tensor) -> Tensor:
        ctx.save_for_backward(backward)
        return forward @ vectors

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, None, Tensor]:
        (backward,) = ctx.saved_tensors
        return None, None, backward @ gradient


class Passing(MessagePassing):
    """Messages along the edges of one relation, added up as the edges weigh: LightGCN's step (He et al., 2020)."""

    def __init__(self) -> None:
        super().__init__(aggr="sum")

    def forward(self, vectors: Tensor, edges: Tensor, transpose: Tensor) -> Tensor:
        """(targets, width) the weighted sums of the sources' vectors."""
        return self.propagate(edges, x=vectors, transpose=transpose)

    def message_and_aggregate(self, edge_index: Tensor, x: Tensor, transpose: Tensor) -> Tensor:
        """Both at once, as a product of matrices."""
        return _Product.apply(edge_index, transpose, x)


class Fusion(nn.Module):
    """Vectors of nodes before any message: the id's own and the text's, mixed by a learned gate for each dimension.

    Where there is no text the id speaks alone. A node that training has not seen has one id in common with all such;
    in training, ids are hidden at random behind it, so that text and neighbours learn to do without.
    """

    def __init__(self, count: int, text_width: int, config: NetworkConfig) -> None:
        super().__init__()
        self.ids = nn.Embedding(count, config.width, sparse=False)
        self.unknown = nn.Parameter(torch.zeros(config.width))
        nn.init.normal_(self.ids.weight, std=config.start_spread)
        self.hidden_ids = config.hidden_ids
        self.text = nn.Linear(text_width, config.width, bias=False) if text_width else None
        if self.text is not None:
            self.gate = nn.Linear(2 * config.width, config.width)
            nn.init.normal_(self.text.weight, std=config.start_spread)
            # At first the id has the larger part.
            nn.init.zeros_(self.gate.weight)
            nn.init.ones_(self.gate.bias)

    def forward(self, rows: Tensor, texts: Tensor | None) -> Tensor:
        """(nodes, width)"""
        own = self.ids(rows)
        if self.training and self.hidden_ids:
            hidden = torch.rand(len(rows), 1) < self.hidden_ids
            own = torch.where(hidden, self.unknown, own)
        if self.text is None or texts is None:
            return own
        read = self.text(texts)
        gate = torch.sigmoid(self.gate(torch.cat([own, read], dim=1)))
        mixed = gate * own + (1 - gate) * read
        return torch.where(texts.any(dim=1, keepdim=True), mixed, own)


class GraphNetwork(nn.Module):
    """Members, items and tags as vectors whose products tell what each member likes.

    Each layer adds up what comes along each relation, times the relation's strength; a node's vector is the mean over
    all layers. With ties, texts and tags off and strengths of one it is LightGCN (He et al., SIGIR 2020).
    """

    def __init__(self, counts: dict[str, int], text_widths: dict[str, int], config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.fusions = nn.ModuleDict({kind: Fusion(counts[kind], text_widths.get(kind, 0), config) for kind in NODES})
        start = torch.tensor([[STARTING[name] for name in RELATIONS]] * config.layers)
        self.raw_strengths = nn.Parameter(_inverse_softplus(start), requires_grad=config.learned_strengths)
        self.passing = Passing()

    @property
    def strengths(self) -> Tensor:
        """(layers, relations) above zero, in the order of `RELATIONS`."""
        return nn.functional.softplus(self.raw_strengths)

    def base(self, blocks: Blocks, texts: dict[str, Tensor]) -> dict[str, Tensor]:
        """Vectors of the lowest depth's nodes before any message."""
        found = {}
        for kind in NODES:
            fusion = self.fusions[kind]
            assert isinstance(fusion, Fusion)
            chosen = blocks.nodes[kind]
            rows = torch.arange(fusion.ids.num_embeddings) if chosen is None else torch.from_numpy(chosen)
            read = texts.get(kind)
            found[kind] = fusion(rows, read if read is None or chosen is None else read[rows])
        return found

    def layers(self, blocks: Blocks, base: dict[str, Tensor]) -> list[dict[str, Tensor]]:
        """Vectors after no layer, after one, and so on; each list entry holds the nodes of its own depth."""
        found = [base]
        strengths = self.strengths
        for depth, (edges, sizes) in enumerate(zip(blocks.layers, blocks.sizes, strict=True)):
            below = found[-1]
            new = {kind: below[kind].new_zeros(sizes[kind], self.config.width) for kind in NODES}
            for place, (relation, (target, source)) in enumerate(RELATIONS.items()):
                if relation in edges:
                    pair = edges[relation]
                    passed = self.passing(below[source], pair.forward, pair.backward)
                    new[target] = new[target] + strengths[depth, place] * passed
            if self.training and self.config.contrast:
                new = {kind: _noisy(vectors, self.config.contrast_noise) for kind, vectors in new.items()}
            found.append(new)
        return found

    def forward(self, blocks: Blocks, texts: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[dict[str, Tensor]]]:
        """Vectors of the wanted nodes, and those of each depth."""
        layers = self.layers(blocks, self.base(blocks, texts))
        top = layers[-1]
        mean = {kind: torch.stack([depth[kind][: len(top[kind])] for depth in layers]).mean(dim=0) for kind in NODES}
        return mean, layers


def _noisy(vectors: Tensor, size: float) -> Tensor:
    """A little noise in the direction of each sign, as SimGCL adds (Yu et al., 2022)."""
    noise = nn.functional.normalize(torch.rand_like(vectors), dim=1)
    return vectors + size * torch.sign(vectors) * noise


def _inverse_softplus(values: Tensor) -> Tensor:
    return torch.log(torch.expm1(values))


__all__ = ["ITEM", "MEMBER", "TAG", "Fusion", "GraphNetwork", "Passing"]
