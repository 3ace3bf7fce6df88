"""Masked language modelling on a domain's own texts, before any task is learned."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from penchant.errors import ConfigError
from penchant.text.adapters import Body
from penchant.text.tuning.base import Base
from penchant.text.tuning.batches import Collator, Row, Rows
from penchant.text.tuning.checkpoints import sequence_fingerprint
from penchant.text.tuning.config import FinetuneConfig, PretrainingConfig
from penchant.text.tuning.network import Batch, Network
from penchant.text.tuning.place import Place
from penchant.text.tuning.seeding import seeded
from penchant.text.tuning.trainer import train
from penchant.training.options import Options
from penchant.training.precision import choose_device, choose_dtype


def pretrained(base: Base, texts: Sequence[str], config: FinetuneConfig, options: Options, place: Place) -> Base:
    """The base model after guessing masked tokens of the texts (Gururangan et al., 2020).

    Guesses are scored against the tokens that occur in the texts, not against the whole vocabulary: of a multilingual
    vocabulary a domain uses a small part, and the rest would cost most of the time.
    """
    settings = config.pretraining
    assert settings is not None
    if base.causal:
        raise ConfigError("pretraining guesses hidden tokens, which a causal model cannot; switch it off")
    device = choose_device(options)
    tokenizer = base.tokenizer(config, ())
    tokens = tokenizer(list(dict.fromkeys(texts)))
    rows = Rows([Row(number, ids, None, None, "", None, 1.0) for number, ids in enumerate(tokens)], list(texts))
    used = np.unique(np.concatenate([np.asarray(ids) for ids in tokens]))
    with seeded(options.seed):
        body = base.body()
        body.requires_grad_(True)
        body.get_input_embeddings().weight.requires_grad_(settings.train_vocabulary)
        network = MaskedNetwork(body, choose_dtype(options, device), torch.from_numpy(used)).to(device)
    plan = config.changed(
        mode="full",
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        head_learning_rate=10 * settings.learning_rate,
        early_stopping=None,
        privacy=None,
    )
    course = train(
        network,
        MaskedObjective(settings, tokenizer.mask, tokenizer.pad),
        rows,
        plan,
        collator=Collator(tokenizer.pad),
        seed=options.seed,
        device=device,
        place=place,
        shown=options.progress,
        fingerprint=sequence_fingerprint([base.weights.fingerprint, settings.model_dump_json(), *texts]),
    )
    changes = {name: parameter.detach().cpu() for name, parameter in body.named_parameters() if parameter.requires_grad}
    return replace(base, changes={**base.changes, **changes}, pretraining_losses=tuple(course.losses))


class MaskedNetwork(Network):
    """A model that guesses tokens: BERT's transform, then the word embeddings themselves as the last layer."""

    used: Tensor

    def __init__(self, body: Body, dtype: torch.dtype, used: Tensor) -> None:
        width = body.config.hidden_size
        super().__init__(body, width, (), pooling="mean", dropout=0.0, dtype=dtype)
        self.transform = nn.Linear(width, width)
        # The identity to start with: the states already resemble the embeddings of what stands there.
        nn.init.eye_(self.transform.weight)
        nn.init.zeros_(self.transform.bias)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(len(used)))
        self.register_buffer("used", used)

    def guesses(self, inputs: dict[str, Tensor], hidden: Tensor) -> Tensor:
        """(hidden tokens, used tokens) logits for the places where `hidden` is true."""
        with torch.autocast(hidden.device.type, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            states = self.body(**inputs).last_hidden_state[hidden]
            states = self.norm(functional.gelu(self.transform(states)))
            embeddings = self.body.get_input_embeddings().weight[self.used]
            return (states @ embeddings.T).float() + self.bias


@dataclass(frozen=True)
class MaskedObjective:
    """Cross-entropy of the tokens that were hidden (Devlin et al., 2019)."""

    config: PretrainingConfig
    mask: int
    pad: int

    def loss(self, network: Network, batch: Batch) -> Tensor:
        """Hide a share of the tokens, drawn anew each time, and have them guessed."""
        assert isinstance(network, MaskedNetwork)
        tokens, real = batch["inputs"]["input_ids"], batch["inputs"]["attention_mask"].bool()
        ends = torch.zeros_like(real)
        ends[:, 0] = True
        ends[torch.arange(len(real)), real.sum(1) - 1] = True
        hidden = (torch.rand(tokens.shape, device=tokens.device) < self.config.mask_share) & real & ~ends
        if not bool(hidden.any()):
            hidden[:, min(1, tokens.shape[1] - 1)] = True
        shown = tokens.clone()
        dice = torch.rand(tokens.shape, device=tokens.device)
        # Of ten hidden tokens eight become the mask, one another token, and one stays: so no token can be trusted.
        shown[hidden & (dice < 0.8)] = self.mask
        strangers = hidden & (dice > 0.9)
        shown[strangers] = network.used[torch.randint(len(network.used), (int(strangers.sum()),), device=tokens.device)]
        targets = torch.searchsorted(network.used, tokens[hidden])
        return functional.cross_entropy(network.guesses({**batch["inputs"], "input_ids": shown}, hidden), targets)

    def backward(self, network: Network, batch: Batch, scale: float) -> Tensor:
        """Add the gradient; the loss."""
        loss = self.loss(network, batch)
        (loss * scale).backward()
        return loss.detach()
