"""The joint mode: one loss tunes the language model and the graph network together, each giving the other its view.

Text states of the language model, tuned by LoRA (Hu et al., 2022), go into the graph as the items' texts. A member's
graph vector goes into the language model as a soft token (Lester, Al-Rfou and Constant, 2021) in front of an item's
words, and a ranking head on its states tells how well the two go together.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from penchant.errors import TrainingError
from penchant.social.blocks import ITEM, MEMBER
from penchant.social.config import NetworkConfig
from penchant.social.fitting import NetworkFit
from penchant.social.graph import Graph
from penchant.social.heldout import HeldOut
from penchant.social.losses import softmax_loss
from penchant.social.people import People
from penchant.social.propagated import Propagated
from penchant.social.texts import TextVectors
from penchant.text.adapters import attach
from penchant.text.tokens import padded
from penchant.text.transformer import TransformerEncoder, load_model
from penchant.text.tuning.config import AdapterConfig, FinetuneConfig
from penchant.training.options import Options
from penchant.training.precision import torch_threads
from penchant.vectors import Floats, Rows, chunks, unit_rows

log = logging.getLogger(__name__)

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


@dataclass(frozen=True, eq=False)
class Mode:
    """What one mode has learned, how good it is, and what it took."""

    network: Propagated
    ndcg: float
    """On validation data, the network alone."""
    seconds: float


@dataclass(frozen=True, eq=False)
class Joint:
    """What joint tuning has found, beside the frozen mode that it started from."""

    texts: TextVectors
    """As the tuned language model reads them."""
    reader: Reader
    tokens: list[list[int]]
    """Of the items' texts."""
    frozen: Mode
    joint: Mode
    losses: tuple[float, ...]
    """Of each step."""

    @property
    def network(self) -> Propagated:
        """The graph network, tuned together with the language model."""
        return self.joint.network

    @classmethod
    def fit(
        cls,
        graph: Graph,
        texts: Sequence[str],
        encoder: TransformerEncoder,
        network: NetworkConfig,
        config: JointConfig,
        options: Options,
        held_out: HeldOut,
    ) -> Self:
        """Learn the network over texts as they are, then go on with both under one loss.

        Args:
            graph: whose events are learned from; it must be small enough for whole passes.
            texts: of the items, in row order.
            encoder: whose weights the language model starts from.
            network: of the graph network; its texts are read.
            config: of the joint part.
            options: seed and threads.
            held_out: judges both modes, and decides when the frozen one stops.

        Raises:
            TrainingError: the configuration leaves texts out, or asks for sampled neighbours.
        """
        if not network.text or network.sampling:
            raise TrainingError("the joint mode reads texts and passes over the whole graph; set text, leave sampling")
        with torch_threads(options.threads), torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            return cls._fit(graph, texts, encoder, network, config, options, held_out)

    @classmethod
    def _fit(
        cls,
        graph: Graph,
        texts: Sequence[str],
        encoder: TransformerEncoder,
        network: NetworkConfig,
        config: JointConfig,
        options: Options,
        held_out: HeldOut,
    ) -> Self:
        tokens = [numbers[: config.max_tokens] for numbers in encoder.tokenizer(texts)]
        reader = Reader(encoder, network.width, config, options.seed)
        start = time.perf_counter()
        raw = read(reader, tokens)
        mean = raw.mean(axis=0)
        nothing_said = np.zeros((graph.member_count, raw.shape[1]), dtype=np.float32)
        means = np.stack([mean, np.zeros_like(mean), np.zeros_like(mean)])
        before = TextVectors(unit_rows(raw - mean), nothing_said, means)
        fit = NetworkFit(graph, before, network, options)
        frozen = fit.run(held_out, network.epochs)
        first = Mode(frozen, max(frozen.history, default=0.0), time.perf_counter() - start)
        losses = _together(fit, reader, tokens, torch.from_numpy(mean), config, options)
        after = TextVectors(unit_rows(read(reader, tokens) - mean), nothing_said, means)
        fit.read[ITEM] = torch.from_numpy(after.items)
        found = fit.propagated(config.epochs)
        people = People.members(graph, held_out.members, nothing_said)
        ndcg = float(held_out.ndcg(held_out.scores(people, found.score), 10).mean())
        second = Mode(found, ndcg, time.perf_counter() - start)
        return cls(after, reader, tokens, first, second, tuple(losses))

    @torch.no_grad()
    def head_scores(self, people: People, items: Rows) -> Floats:
        """(people, k) how well the head finds (people, k) items to go with each person."""
        vectors = torch.from_numpy(self.network.vectors(people))
        self.reader.eval()
        pairs = [(row, int(item)) for row, own in enumerate(items) for item in own]
        found = [
            self.reader.fit_of(
                vectors[[row for row, _ in pairs[part]]], [self.tokens[item] for _, item in pairs[part]]
            ).numpy()
            for part in chunks(len(pairs), TEXTS_AT_ONCE)
        ]
        return np.concatenate(found).reshape(items.shape)


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


def _together(
    fit: NetworkFit,
    reader: Reader,
    tokens: Sequence[Sequence[int]],
    mean: Tensor,
    config: JointConfig,
    options: Options,
) -> list[float]:
    """Steps in which both learn; the losses."""
    rng = np.random.default_rng(options.seed + 1)
    learned = [value for value in reader.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(
        [
            {"params": learned, "lr": config.text_learning_rate},
            {"params": [value for value in fit.network.parameters() if value.requires_grad],
             "lr": config.network_learning_rate},
        ],
        weight_decay=fit.config.decay,
    )  # fmt: skip
    active = np.flatnonzero(np.diff(fit.graph.events.indptr))
    losses = []
    for _ in range(config.epochs):
        order = rng.permutation(active)
        for part in chunks(len(order), config.members_at_once):
            fit.network.train()
            reader.train()
            loss = _loss(fit, reader, tokens, mean, np.sort(order[part]), config, rng)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
    return losses


def _loss(
    fit: NetworkFit,
    reader: Reader,
    tokens: Sequence[Sequence[int]],
    mean: Tensor,
    members: Rows,
    config: JointConfig,
    rng: np.random.Generator,
) -> Tensor:
    blocks, wanted, shown = fit.step(members, rng)
    candidates = fit.sampler.draw(wanted.indices, rng)
    has = np.flatnonzero(np.diff(wanted.indptr))
    own = np.array([rng.choice(wanted.indices[wanted.indptr[row] : wanted.indptr[row + 1]]) for row in has])
    others = rng.choice(candidates.items, (len(has), config.alternatives))
    asked = np.concatenate([own[:, None], others], axis=1)
    rows, place = np.unique(asked, return_inverse=True)
    states = reader.states([tokens[row] for row in rows])
    fresh = nn.functional.normalize(states - mean, dim=1)
    texts = {**fit.read, ITEM: fit.read[ITEM].index_copy(0, torch.from_numpy(rows), fresh)}
    vectors, _ = fit.network(blocks, texts)
    chosen = vectors[MEMBER][torch.from_numpy(members)]
    loss = softmax_loss(chosen, vectors[ITEM][torch.from_numpy(candidates.items)], candidates, wanted, shown)
    # What was read just now is what later steps see of these items, until they are read again.
    fit.read[ITEM] = texts[ITEM].detach()
    if not config.head_weight:
        return loss
    asking = chosen[torch.from_numpy(has)].repeat_interleave(asked.shape[1], dim=0)
    words = [tokens[rows[number]] for number in place.reshape(-1)]
    said = reader.fit_of(asking, words).reshape(asked.shape)
    return loss + config.head_weight * nn.functional.cross_entropy(said, torch.zeros(len(has), dtype=torch.long))


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    shares = mask.float() / mask.sum(dim=1, keepdim=True)
    return torch.bmm(shares.unsqueeze(1), states.float()).squeeze(1)
