"""The learning-rate finder: raise the rate until the loss explodes, and stay a good way below."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from penchant.errors import TrainingError
from penchant.text.adapters import attach
from penchant.text.transformer import TransformerEncoder
from penchant.text.tuning.base import Base
from penchant.text.tuning.batches import Collator, LengthSampler, tokenised
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.evaluating import moved
from penchant.text.tuning.examples import Example, Task
from penchant.text.tuning.network import new_network
from penchant.text.tuning.objective import TaskObjective
from penchant.text.tuning.seeding import seeded
from penchant.text.tuning.trainer import parameter_groups
from penchant.training.options import Options
from penchant.training.precision import choose_device, choose_dtype, torch_threads


@dataclass(frozen=True)
class RateCurve:
    """The loss at each learning rate tried."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    """Smoothed, one a rate."""
    suggestion: float
    """The rate at which the loss fell fastest."""


def find_learning_rate(
    encoder: TransformerEncoder,
    examples: Sequence[Example],
    config: FinetuneConfig | None = None,
    options: Options | None = None,
    *,
    lowest: float = 1e-6,
    highest: float = 1.0,
    steps: int = 60,
) -> RateCurve:
    """Try rising learning rates, one batch each, on a copy that is thrown away (Smith, 2017).

    Args:
        encoder: as for `finetune`.
        examples: as for `finetune`.
        config: mode and tasks; encoder and heads get the same rate here.
        options: device, precision, seed.
        lowest: the first rate.
        highest: the last rate, unless the loss explodes before.
        steps: rates tried, evenly spaced on a logarithmic scale.

    Raises:
        TrainingError: the loss is not finite at the lowest rate, or falls at none.
    """
    config, options = config or FinetuneConfig(), options or Options()
    with torch_threads(options.threads):
        return _found(encoder, examples, config, options, np.geomspace(lowest, highest, steps).tolist())


def _found(
    encoder: TransformerEncoder,
    examples: Sequence[Example],
    config: FinetuneConfig,
    options: Options,
    rates: Sequence[float],
) -> RateCurve:
    base, device = Base.of(encoder), choose_device(options)
    first = config.tasks[0].name
    tasks = tuple(
        Task.settled(task, [example for example in examples if (example.task or first) == task.name])
        for task in config.tasks
    )
    tokenizer = base.tokenizer(config, tasks)
    rows = tokenised(examples, tasks, tokenizer)
    losses: list[float] = []
    with seeded(options.seed):
        body = attach(base.body(), config, steps=len(rates), seed=options.seed)
        network = new_network(body, tasks, config, choose_dtype(options, device)).to(device)
        objective, collator = TaskObjective(config, tasks), Collator(tokenizer.pad)
        optimizer = torch.optim.AdamW(parameter_groups(network, config))
        order: list[int] = []
        network.train()
        mean = 0.0
        for step, rate in enumerate(rates):
            if len(order) < config.batch_size:
                sampler = LengthSampler(rows.lengths, config.batch_size, options.seed)
                sampler.set_epoch(step)
                order += list(sampler)
            batch = moved(collator([rows[number] for number in order[: config.batch_size]]), device)
            del order[: config.batch_size]
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad()
            loss = float(objective.backward(network, batch, 1.0))
            optimizer.step()
            # Batches differ; the mean over the last few tells the course (bias corrected, as in Adam).
            mean = 0.8 * mean + 0.2 * loss
            smooth = mean / (1 - 0.8 ** (step + 1))
            if not np.isfinite(smooth) or (losses and smooth > 4 * min(losses)):
                break
            losses.append(smooth)
    if len(losses) < 5:
        raise TrainingError(f"the loss is lost at once, at the rate {rates[0]:g}; check the examples, or start lower")
    falls = np.gradient(np.array(losses), np.log(rates[: len(losses)]))
    if falls.min() >= 0:
        raise TrainingError("the loss falls at no rate; check the examples")
    return RateCurve(tuple(rates[: len(losses)]), tuple(losses), rates[int(falls.argmin())])
