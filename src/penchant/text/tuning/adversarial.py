"""The small change of a batch's token embeddings that raises the loss most: FGM and PGD."""

from collections.abc import Callable

import torch
from torch import Tensor

from penchant.text.tuning.config import AdversarialConfig
from penchant.text.tuning.network import Network, embeddings_changed

Change = Callable[[Tensor], Tensor]
"""From the embeddings of a batch to the changed ones; the two texts of pairs arrive one after the other."""


class _Shift:
    """Adds one tensor to the embeddings of each call: texts, then second texts."""

    def __init__(self, shifts: list[Tensor] | None = None) -> None:
        self.shifts: list[Tensor] = shifts or []
        self.sizes: list[Tensor] = []
        self.calls = 0

    def __call__(self, embeddings: Tensor) -> Tensor:
        if self.calls == len(self.shifts):
            self.shifts.append(torch.zeros_like(embeddings, requires_grad=True))
            # Lengths are of whole texts, so that epsilon means the same for every model.
            self.sizes.append(embeddings.detach().flatten(1).norm(dim=1)[:, None, None])
        shift = self.shifts[self.calls]
        self.calls += 1
        return embeddings + shift


def worst_change(
    config: AdversarialConfig, network: Network, loss: Callable[[], Tensor], scale: float
) -> tuple[Change, Tensor]:
    """Search the change; on the way, add `scale` times the plain loss's gradient to the parameters'.

    FGM (Miyato, Dai and Goodfellow, 2017) goes the whole way along the gradient once; PGD (Madry et al., 2018) takes
    several steps and returns to the ball of radius epsilon after each.

    Returns:
        The change, to be applied with `embeddings_changed`, and the plain loss.
    """
    shift = _Shift()
    with embeddings_changed(network, shift):
        plain = loss()
        (plain * scale).backward()
    gradients = [part.grad for part in shift.shifts]
    shifts = [torch.zeros_like(part) for part in shift.shifts]
    steps, length = (1, 1.0) if config.method == "fgm" else (config.steps, config.step_size)
    for step in range(steps):
        if step:
            trial = [part.clone().requires_grad_(True) for part in shifts]
            with embeddings_changed(network, _Shift(trial)):
                gradients = list(torch.autograd.grad(loss(), trial))
        for part, gradient, size in zip(shifts, gradients, shift.sizes, strict=True):
            if gradient is not None:
                part += length * config.epsilon * size * _unit(gradient)
                radius = config.epsilon * size
                part *= (radius / part.flatten(1).norm(dim=1)[:, None, None].clamp(min=1e-12)).clamp(max=1)
    return _Shift(shifts), plain.detach()


def _unit(gradient: Tensor) -> Tensor:
    """Each text's gradient, scaled to length one; zeros stay zeros."""
    return gradient / gradient.flatten(1).norm(dim=1)[:, None, None].clamp(min=1e-12)
