"""What each task's head is punished for: cross-entropy, focal, asymmetric, squared error."""

import torch
from torch import Tensor
from torch.nn import functional

from penchant.text.tuning.examples import Task


def task_loss(task: Task, logits: Tensor, targets: Tensor) -> Tensor:
    """(examples,) loss of each example.

    Args:
        task: says which loss, with its focus, margin, smoothing and class weights.
        logits: (examples, outputs) what the head said.
        targets: (examples, outputs) probabilities, or standardised numbers.

    >>> from penchant.text.tuning.task import TaskConfig
    >>> task = Task(TaskConfig(), ("a", "b"))
    >>> round(float(task_loss(task, torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))[0]), 4)
    0.6931
    """
    kind = task.config.kind
    logits = logits.float()
    if kind in ("regression", "similarity"):
        return (logits - targets).square().mean(1)
    if kind == "multi-class":
        return _one_of_many(task, logits, targets)
    return _each_alone(task, logits, targets)


def _one_of_many(task: Task, logits: Tensor, targets: Tensor) -> Tensor:
    config = task.config
    if config.label_smoothing:
        targets = targets * (1 - config.label_smoothing) + config.label_smoothing / task.outputs
    log_probabilities = functional.log_softmax(logits / config.temperature, dim=1)
    if task.class_weights:
        targets = targets * targets.new_tensor(task.class_weights)
    if config.loss == "focal":
        targets = targets * (1 - log_probabilities.exp()).pow(config.focus)
    return -(targets * log_probabilities).sum(1)


def _each_alone(task: Task, logits: Tensor, targets: Tensor) -> Tensor:
    config = task.config
    if config.label_smoothing:
        targets = targets * (1 - config.label_smoothing) + config.label_smoothing / 2
    present = -functional.logsigmoid(logits)
    absent = -functional.logsigmoid(-logits)
    probability = torch.sigmoid(logits)
    if config.loss == "focal":
        present = present * (1 - probability).pow(config.focus)
        absent = absent * probability.pow(config.focus)
    elif config.loss == "asymmetric":
        shifted = (probability - config.margin).clamp(min=0)
        absent = -torch.log1p(-shifted.clamp(max=1 - 1e-6)) * shifted.pow(config.focus)
    weight_present, weight_absent = _weights(task, targets)
    return (targets * present * weight_present + (1 - targets) * absent * weight_absent).mean(1)


def _weights(task: Task, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Weights of a present and of an absent label: of the two labels of a binary task, or of each label and one."""
    one = targets.new_ones(1)
    if not task.class_weights:
        return one, one
    weights = targets.new_tensor(task.class_weights)
    return (weights[1:], weights[:1]) if task.config.kind == "binary" else (weights, one)


def symmetric_divergence(task: Task, first: Tensor, second: Tensor) -> Tensor:
    """(examples,) how far two answers of the same head lie apart: the mean of both Kullback-Leibler divergences.

    For numbers, the squared difference. R-Drop (Liang et al., 2021) adds it to the loss.
    """
    first, second = first.float(), second.float()
    kind = task.config.kind
    if kind in ("regression", "similarity"):
        return (first - second).square().mean(1)
    if kind == "multi-class":
        log_first, log_second = functional.log_softmax(first, 1), functional.log_softmax(second, 1)
    else:
        log_first = torch.stack([functional.logsigmoid(first), functional.logsigmoid(-first)])
        log_second = torch.stack([functional.logsigmoid(second), functional.logsigmoid(-second)])
    difference = (log_first.exp() - log_second.exp()) * (log_first - log_second)
    return difference.sum(1) / 2 if kind == "multi-class" else difference.sum(0).mean(1) / 2
