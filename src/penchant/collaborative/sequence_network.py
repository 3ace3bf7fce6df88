"""The network of the sequence scorer: a state after every event of a history, by a causal transformer or a GRU."""

import math
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from penchant.collaborative.sequence import SequenceConfig

GAPS: Final = 32
"""Time gaps are told apart by their power of two in seconds: the last is 68 years."""


class Body(nn.Module):
    """What both cells share: the state before any event is learned, and states leave with one norm."""

    def __init__(self, config: "SequenceConfig") -> None:
        super().__init__()
        self.width = config.width
        self.start = nn.Parameter(torch.randn(config.width) * 0.02)
        self.dropout = nn.Dropout(config.dropout)
        self.norm = nn.LayerNorm(config.width)

    def forward(self, vectors: Tensor, at: Tensor) -> Tensor:
        """(windows, events + 1, width) the state before any event, then the state after each.

        Args:
            vectors: (windows, events, width) of the items, by the weights of the events.
            at: (windows, events) seconds, in order.
        """
        start = self.start.expand(len(vectors), 1, -1)
        told = self.dropout(torch.cat([start, vectors * math.sqrt(self.width)], dim=1))
        return self.norm(self.read(told, at))

    def read(self, told: Tensor, at: Tensor) -> Tensor:
        """States of the same shape, each from what stands before it and itself."""
        raise NotImplementedError


class Recurrent(Body):
    """A gated recurrent unit (Cho et al., 2014), told how long each event came after the one before."""

    def __init__(self, config: "SequenceConfig") -> None:
        super().__init__(config)
        self.gap = nn.Embedding(GAPS + 1, config.width)
        nn.init.normal_(self.gap.weight, std=0.02)
        dropout = config.dropout if config.layers > 1 else 0.0
        self.cells = nn.GRU(config.width, config.width, config.layers, batch_first=True, dropout=dropout)

    def read(self, told: Tensor, at: Tensor) -> Tensor:
        gaps = gap_of(torch.diff(at, dim=1))
        # The start and the first event come after nothing.
        none = torch.full((len(at), min(2, told.shape[1])), GAPS, dtype=torch.int64, device=at.device)
        states, _ = self.cells(told + self.gap(torch.cat([none, gaps], dim=1)))
        return self.dropout(states)


class Transformer(Body):
    """Blocks of causal self-attention whose weights also depend on how far apart two events are, in time and in events.

    Distances stand in for positions, so a score does not depend on how much of a long history is read. Method: Kang and
    McAuley, Self-Attentive Sequential Recommendation (ICDM 2018); relative time after Li, Wang and McAuley, Time
    Interval Aware Self-Attention (WSDM 2020), here one learned number for each head and power of two.
    """

    def __init__(self, config: "SequenceConfig") -> None:
        super().__init__(config)
        self.heads, self.reach, self.by_time = config.heads, config.max_length, config.relative_time
        self.gap_bias = nn.Embedding(GAPS + 1, config.heads)
        self.place_bias = nn.Embedding(self.reach + 1, config.heads)
        nn.init.zeros_(self.gap_bias.weight)
        nn.init.zeros_(self.place_bias.weight)
        self.blocks = nn.ModuleList([_Block(config) for _ in range(config.layers)])

    def read(self, told: Tensor, at: Tensor) -> Tensor:
        bias = self._bias(at, told.shape[1]).to(told.dtype)
        for block in self.blocks:
            told = block(told, bias)
        return told

    def _bias(self, at: Tensor, count: int) -> Tensor:
        """(windows, heads, count, count) what distance adds to attention; minus infinity towards what comes later."""
        place = torch.arange(count, device=at.device)
        apart = (place[:, None] - place).clamp(0, self.reach)
        bias = self.place_bias(apart)[None]
        if self.by_time:
            gaps = torch.full((len(at), count, count), GAPS, dtype=torch.int64, device=at.device)
            gaps[:, 1:, 1:] = gap_of(at[:, :, None] - at[:, None, :])
            bias = bias + self.gap_bias(gaps)
        later = place[:, None] < place
        return bias.permute(0, 3, 1, 2).masked_fill(later, -torch.inf)


class _Block(nn.Module):
    def __init__(self, config: "SequenceConfig") -> None:
        super().__init__()
        width = config.width
        self.heads, self.dropout = config.heads, config.dropout
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked, self.given = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, told: Tensor, bias: Tensor) -> Tensor:
        windows, count, width = told.shape
        asked = self.asked(self.before(told)).view(windows, count, 3, self.heads, width // self.heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4)
        drop = self.dropout if self.training else 0.0
        heard = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=drop)
        heard = self.given(heard.transpose(1, 2).reshape(windows, count, width))
        told = told + functional.dropout(heard, drop)
        wide = functional.gelu(self.wide(self.between(told)))
        return told + functional.dropout(self.narrow(wide), drop)


def gap_of(seconds: Tensor) -> Tensor:
    """The power of two of a time gap, as a whole number from 0 to `GAPS - 1`; a clock that goes back counts as none."""
    return torch.log2(1 + seconds.clamp(min=0)).floor().clamp(max=GAPS - 1).long()


def body_of(config: "SequenceConfig") -> Body:
    """An untrained body of the cell that a configuration names."""
    return Transformer(config) if config.cell == "transformer" else Recurrent(config)
