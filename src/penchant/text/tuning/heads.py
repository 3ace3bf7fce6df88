"""From token states to one vector, and from vectors to an answer."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from penchant.text.tuning.examples import TWO_VECTORS, Task


class Pooling(nn.Module):
    """One vector a text from its token states: their mean, the first token's, or a learned weighting.

    >>> states = torch.tensor([[[1.0], [3.0], [9.0]]])
    >>> Pooling("mean", 1)(states, torch.tensor([[1, 1, 0]])).tolist()
    [[2.0]]
    """

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.kind = kind
        self.score = nn.Linear(width, 1) if kind == "attention" else None
        if self.score is not None:
            nn.init.zeros_(self.score.weight)
            nn.init.zeros_(self.score.bias)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """(texts, width) from (texts, tokens, width) and the (texts, tokens) mask of real tokens."""
        states = states.float()
        if self.kind == "first":
            return states[:, 0]
        if self.score is None:
            weights = mask.to(states.dtype)
            weights = weights / weights.sum(1, keepdim=True).clamp(min=1)
        else:
            scores = self.score(states).squeeze(-1).float().masked_fill(mask == 0, torch.finfo(torch.float32).min)
            weights = scores.softmax(1)
        return torch.einsum("btw,bt->bw", states, weights)


class Head(nn.Module):
    """A task's linear layer over a text's vector, or over what two vectors have in common.

    For a pair it sees their product and their absolute difference, element by element; a similarity is their cosine.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, task: Task, width: int, dropout: float, *, unit: bool = False) -> None:
        super().__init__()
        self.kind = task.config.kind
        self.unit = unit
        inputs = {"pair": 2 * width, "similarity": 1}.get(self.kind, width)
        self.dropout = nn.Dropout(0.0 if self.kind == "similarity" else dropout)
        self.linear = nn.Identity() if self.kind == "similarity" else nn.Linear(inputs, task.outputs)
        self.register_buffer("centre", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))

    def standardise(self, features: Tensor) -> None:
        """Measure what the head sees, so that each input has mean 0 and deviation 1.

        Frozen vectors lie close together, and a linear layer learns from them slowly.
        """
        if self.kind != "similarity":
            self.centre.copy_(features.mean(0))
            self.scale.copy_(1 / features.std(0, correction=0).clamp(min=1e-6))

    def features(self, first: Tensor, second: Tensor | None) -> Tensor:
        """(texts, inputs) what the head sees of one vector, or of two."""
        if self.kind not in TWO_VECTORS:
            return functional.normalize(first, dim=1) if self.unit else first
        assert second is not None
        if self.kind == "similarity":
            return functional.cosine_similarity(first, second)[:, None]
        return torch.cat([first * second, (first - second).abs()], dim=1)

    def forward(self, features: Tensor) -> Tensor:
        """(texts, outputs) logits, standardised numbers or cosines."""
        return self.linear(self.dropout((features - self.centre) * self.scale))
