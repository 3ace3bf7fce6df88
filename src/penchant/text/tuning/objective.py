"""What a step of training makes smaller: the tasks' losses, and what R-Drop and adversarial training add."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from penchant.text.tuning.adalora import orthogonality
from penchant.text.tuning.adversarial import worst_change
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.examples import Task
from penchant.text.tuning.losses import symmetric_divergence, task_loss
from penchant.text.tuning.network import Batch, Network, embeddings_changed, parts


class Objective(Protocol):
    """Computes a batch's loss and its gradients."""

    def backward(self, network: Network, batch: Batch, scale: float) -> Tensor:
        """Add `scale` times the gradient to the parameters'; the loss itself, detached."""
        ...


def answers_loss(tasks: Sequence[Task], logits: Mapping[str, Tensor], batch: Batch) -> Tensor:
    """The mean loss of a batch over all of its tasks, by their weights and those of the examples."""
    total = torch.zeros((), device=batch["weights"].device)
    for task in tasks:
        name = task.config.name
        if name in logits:
            losses = task_loss(task, logits[name], batch["targets"][name])
            total = total + task.config.weight * (losses * batch["weights"][batch["rows"][name]]).sum()
    return total / len(batch["weights"])


@dataclass(frozen=True)
class TaskObjective:
    """The tasks' losses with the options of the configuration."""

    config: FinetuneConfig
    tasks: tuple[Task, ...]

    def loss(self, network: Network, batch: Batch) -> Tensor:
        """The loss of one batch, R-Drop included."""
        if not self.config.r_drop:
            return answers_loss(self.tasks, network(batch), batch)
        seen = network.features(batch)
        # Without dropout in the encoder two passes would give the same vectors: only the heads need run twice.
        again = network.features(batch) if self.config.dropout or self.config.adapter.dropout else seen
        first, second = network.answers(seen), network.answers(again)
        loss = (answers_loss(self.tasks, first, batch) + answers_loss(self.tasks, second, batch)) / 2
        for task in self.tasks:
            name = task.config.name
            if name in first:
                apart = symmetric_divergence(task, first[name], second[name])
                loss = loss + self.config.r_drop * task.config.weight * apart.sum() / len(batch["weights"])
        return loss

    def backward(self, network: Network, batch: Batch, scale: float) -> Tensor:
        """Gradients of the loss, and of the loss under the worst small change of the embeddings where asked for.

        Long batches go through the network in parts, which needs less memory and gives the same gradient.
        """
        if self.config.privacy:
            return self._backward(network, batch, scale)
        total = torch.zeros((), device=batch["weights"].device)
        for part, share in parts(batch, self.config.tokens_at_once):
            total = total + share * self._backward(network, part, scale * share)
        if self.config.mode == "adalora":
            apart = orthogonality(network.body)
            (apart * scale).backward()
            total = total + apart.detach()
        return total

    def _backward(self, network: Network, batch: Batch, scale: float) -> Tensor:
        if self.config.adversarial is None:
            loss = self.loss(network, batch)
            (loss * scale).backward()
            return loss.detach()
        change, loss = worst_change(self.config.adversarial, network, lambda: self.loss(network, batch), scale / 2)
        with embeddings_changed(network, change):
            worse = self.loss(network, batch)
            (worse * scale / 2).backward()
        return (loss + worse.detach()) / 2
