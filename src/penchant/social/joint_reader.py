"""The language model of the joint mode: its text states, and how well a text goes with a member's vector."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from penchant.text.adapters import attach
from penchant.text.tokens import padded
from penchant.text.transformer import TransformerEncoder, load_model
from penchant.text.tuning.config import AdapterConfig, FinetuneConfig
from penchant.vectors import Floats, chunks

TEXTS_AT_ONCE: Final = 64


class JointConfig(BaseModel):
    """How the two are tuned together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: PositiveInt = 8
    """Of LoRA's update."""
    epochs: PositiveInt = 1
    """Passes over all members, after the network has been learned with texts as they were."""
    members_at_once: PositiveInt = 32
    """Members of a step."""
    alternatives: PositiveInt = 3
    """Items that the head tells a member's own from; each is one more pass of the language model."""
    max_tokens: int = Field(default=24, ge=4)
    """Where an item's text is cut."""
    text_learning_rate: PositiveFloat = 3e-4
    """Of LoRA, the soft token and the head."""
    network_learning_rate: PositiveFloat = 2e-3
    """Of the network."""
    control: bool = False
    """Whether the network also goes on by itself for as many steps, with texts as they were: so that what tuning the
    language model adds can be told from what more training adds."""
    head_weight: NonNegativeFloat = 0.5
    """Of the head's loss beside the network's; 0 leaves the graph out of the language model."""


class Reader(nn.Module):
    """A language model under LoRA, with the way in for a member's vector and the head that ranks."""

    def __init__(self, encoder: TransformerEncoder, width: int, config: JointConfig, seed: int) -> None:
        super().__init__()
        body = load_model(encoder.weights.folder, torch.float32)
        adapter = AdapterConfig(rank=config.rank, alpha=2.0 * config.rank)
        self.body: Any = attach(body, FinetuneConfig(mode="lora", adapter=adapter), steps=1, seed=seed)
        hidden = encoder.width
        self.soft = nn.Linear(width, hidden)
        self.head = nn.Linear(hidden, 1)
        nn.init.normal_(self.soft.weight, std=0.02)
        self.pad = encoder.pad

    def states(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        """(texts, hidden) mean states of texts, of unit length."""
        numbers, mask = (torch.from_numpy(part) for part in padded(tokens, self.pad))
        states = self.body(input_ids=numbers, attention_mask=mask).last_hidden_state
        return nn.functional.normalize(_mean(states, mask), dim=1)

    def fit_of(self, members: Tensor, tokens: Sequence[Sequence[int]]) -> Tensor:
        """(pairs,) how well each text goes with the member whose vector stands in front of it."""
        numbers, mask = (torch.from_numpy(part) for part in padded(tokens, self.pad))
        words = self.body.get_input_embeddings()(numbers)
        scale = words.detach().norm(dim=2).mean()
        token = nn.functional.normalize(self.soft(members), dim=1)[:, None] * scale
        mask = torch.cat([torch.ones(len(mask), 1, dtype=mask.dtype), mask], dim=1)
        states = self.body(inputs_embeds=torch.cat([token, words], dim=1), attention_mask=mask).last_hidden_state
        return self.head(_mean(states, mask)).squeeze(1)


@torch.no_grad()
def read(reader: Reader, tokens: Sequence[Sequence[int]]) -> Floats:
    """(texts, hidden) states of many texts, a few of like length at a time."""
    reader.eval()
    order = np.argsort([len(numbers) for numbers in tokens], kind="stable")
    found: Floats | None = None
    for part in chunks(len(order), TEXTS_AT_ONCE):
        rows = order[part]
        states = reader.states([tokens[row] for row in rows]).numpy()
        if found is None:
            found = np.empty((len(tokens), states.shape[1]), dtype=np.float32)
        found[rows] = states
    assert found is not None
    return found


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    shares = mask.float() / mask.sum(dim=1, keepdim=True)
    return torch.bmm(shares.unsqueeze(1), states.float()).squeeze(1)
