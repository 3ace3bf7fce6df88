"""The joint mode: one loss tunes the language model and the graph network together, each giving the other its view.

Text states of the language model, tuned by LoRA (Hu et al., 2022), go into the graph as the items' texts. A member's
graph vector goes into the language model as a soft token (Lester, Al-Rfou and Constant, 2021) in front of an item's
words, and a ranking head on its states tells how well the two go together.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from penchant.errors import TrainingError
from penchant.social.blocks import ITEM
from penchant.social.config import NetworkConfig
from penchant.social.fitting import CUTOFF, NetworkFit
from penchant.social.graph import Graph
from penchant.social.heldout import HeldOut
from penchant.social.joint_reader import TEXTS_AT_ONCE, JointConfig, Reader, read
from penchant.social.joint_steps import together
from penchant.social.people import People
from penchant.social.propagated import Propagated
from penchant.social.texts import TextVectors
from penchant.text.transformer import TransformerEncoder
from penchant.training.options import Options
from penchant.training.precision import torch_threads
from penchant.vectors import Floats, Rows, chunks, unit_rows


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
    longer: Mode | None
    """The network alone, gone on with for as many steps; None where no control was wanted."""
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
        alone = _longer(fit, tokens, torch.from_numpy(mean), config, options, held_out) if config.control else None
        start = time.perf_counter()
        losses = together(fit, reader, tokens, torch.from_numpy(mean), config, options)
        after = TextVectors(unit_rows(read(reader, tokens) - mean), nothing_said, means)
        fit.read[ITEM] = torch.from_numpy(after.items)
        found = fit.propagated(config.epochs)
        second = Mode(found, _judged(fit, found, held_out), first.seconds + time.perf_counter() - start)
        return cls(after, reader, tokens, first, second, alone, tuple(losses))

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


def _longer(
    fit: NetworkFit,
    tokens: Sequence[Sequence[int]],
    mean: Tensor,
    config: JointConfig,
    options: Options,
    held_out: HeldOut,
) -> Mode:
    """The network gone on with by itself; it is left as it was before."""
    start = time.perf_counter()
    before = {name: value.clone() for name, value in fit.network.state_dict().items()}
    together(fit, None, tokens, mean, config, options)
    found = fit.propagated(config.epochs)
    fit.network.load_state_dict(before)
    return Mode(found, _judged(fit, found, held_out), time.perf_counter() - start)


def _judged(fit: NetworkFit, network: Propagated, held_out: HeldOut) -> float:
    people = People.members(fit.graph, held_out.members, fit.texts.said)
    return float(held_out.ndcg(held_out.scores(people, network.score), CUTOFF).mean())
