"""How a run of training goes: what is told of it, step by step, and when it stops early."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from transformers import TrainerCallback

from penchant.text.adapters import is_peft
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.metrics import SMALLER_IS_BETTER
from penchant.text.tuning.network import Network


@dataclass
class Course:
    """How one run went."""

    steps: int = 0
    seconds: float = 0.0
    texts_per_second: float = 0.0
    """Texts trained on a second, evaluation left out."""
    losses: list[float] = field(default_factory=list)
    """The loss of each step."""
    evaluations: list[dict[str, float]] = field(default_factory=list)
    """What each evaluation found."""
    metric: str = ""
    best: float | None = None
    """The best value of the metric; the network has the state that reached it."""
    resumed_at: int = 0
    """The step from which an interrupted run went on."""
    epsilon: float | None = None
    """Privacy spent, where the run was private."""
    fingerprint: str = ""
    """Tells this run from others."""


class Follow(TrainerCallback):
    """Progress, the loss of each step, early stopping, and AdaLoRA's budget."""

    def __init__(
        self, course: Course, config: FinetuneConfig, network: Network, epoch_steps: int, advance: Callable[[int], Any]
    ) -> None:
        self.course, self.config, self.network, self.advance = course, config, network, advance
        self.epoch_steps = epoch_steps
        self.adalora = is_peft(network.body) and hasattr(network.body.base_model, "update_and_allocate")

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.adalora:
            self.network.body.base_model.update_and_allocate(state.global_step + 1)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.advance(1)
        # A checkpoint at an epoch's last step has to wait for the evaluation that belongs to the epoch.
        if state.global_step % self.epoch_steps == 0:
            control.should_save = False

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        control.should_save = args.save_strategy != "no"

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        stopping = self.config.early_stopping
        if stopping is None:
            return
        sign = -1 if self.course.metric in SMALLER_IS_BETTER else 1
        values = [sign * found[self.course.metric] for found in self.course.evaluations]
        if len(values) - 1 - int(np.argmax(values)) >= stopping.patience:
            control.should_training_stop = True
