"""Answered rows against what a network says of them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from penchant.text.tuning.batches import Collator, Rows
from penchant.text.tuning.metrics import task_metrics
from penchant.text.tuning.network import Batch, Network
from penchant.text.tuning.objective import answers_loss

_TEXTS: Final = 64
"""Of a batch."""


def evaluated(network: Network, rows: Rows, collator: Collator) -> dict[str, float]:
    """Loss and metrics of a network on answered rows; with several tasks, each metric's mean over them."""
    network.eval()
    answers: dict[str, list[Tensor]] = {}
    targets: dict[str, list[Tensor]] = {}
    total = 0.0
    for batch in in_order_of_length(rows, collator, next(network.parameters()).device):
        with torch.inference_mode():
            logits = network(batch)
            total += float(answers_loss(network.tasks, logits, batch)) * len(batch["weights"])
        for name, values in network.said(logits).items():
            answers.setdefault(name, []).append(values.cpu())
            targets.setdefault(name, []).append(batch["targets"][name].cpu())
    found: dict[str, list[float]] = {}
    for task in network.tasks:
        name = task.config.name
        if name in answers:
            said, true = torch.cat(answers[name]).numpy(), torch.cat(targets[name]).numpy()
            for metric, value in task_metrics(task, said, true).items():
                found.setdefault(metric, []).append(value)
    return {"loss": total / len(rows), **{metric: float(np.mean(values)) for metric, values in found.items()}}


def in_order_of_length(rows: Rows, collator: Collator, device: torch.device) -> Iterator[Batch]:
    """All rows in batches of like length."""
    order = np.argsort(rows.lengths, kind="stable")
    for start in range(0, len(order), _TEXTS):
        batch = collator([rows[number] for number in order[start : start + _TEXTS].tolist()])
        yield moved(batch, device)


def moved(batch: Any, device: torch.device) -> Any:
    """A batch on another device."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    return {name: moved(value, device) for name, value in batch.items()} if isinstance(batch, Mapping) else batch
