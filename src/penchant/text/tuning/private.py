"""Differential privacy: each example's gradient is clipped, noise is added, and what that guarantees is counted."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from penchant.errors import ConfigError, MissingExtraError
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.network import Network

if TYPE_CHECKING:
    from opacus.optimizers import DPOptimizer

_MODES: Final = ("lora", "frozen", "upper", "bottleneck")


class PoissonBatches:
    """Batches in which every row is drawn on its own with the same probability, as the accounting assumes.

    An empty batch holds row -1: nobody, of weight zero, so that the step adds noise alone.
    """

    def __init__(self, rows: int, rate: float, steps: int, seed: int) -> None:
        self.rows, self.rate, self.steps, self.seed = rows, rate, steps, seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer at the start of each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng((self.seed, self.epoch))
        for _ in range(self.steps):
            drawn = np.flatnonzero(rng.random(self.rows) < self.rate)
            yield drawn.tolist() or [-1]


@dataclass(frozen=True)
class Privacy:
    """What a private run needs beyond a plain one (Abadi et al., 2016), computed by Opacus."""

    noise: float
    clip: float
    delta: float
    rate: float
    """Chance of each row to be in a batch."""
    expected: float
    """Rows in a batch on average."""

    @classmethod
    def planned(cls, config: FinetuneConfig, rows: int) -> "Privacy":
        """The noise that keeps to the budget over the whole run.

        Raises:
            ConfigError: the mode or the options cannot be made private, or delta promises nothing.
            MissingExtraError: Opacus is not installed.
        """
        settings = config.privacy
        assert settings is not None
        _check(config, rows)
        try:
            from opacus.accountants.utils import get_noise_multiplier
        except ImportError:
            raise MissingExtraError("opacus", "train") from None
        rate = min(1.0, config.batch_size / rows)
        noise = settings.noise
        if noise is None:
            assert settings.epsilon is not None
            steps = steps_per_epoch(rows, config) * config.passes
            with _no_word_on_orders():
                noise = get_noise_multiplier(
                    target_epsilon=settings.epsilon, target_delta=settings.delta, sample_rate=rate, steps=steps
                )
        return cls(noise, settings.clip, settings.delta, rate, rate * rows)

    def optimizer(self, plain: torch.optim.Optimizer) -> "DPOptimizer":
        """The optimiser that clips each row's gradient and adds the noise."""
        from opacus.optimizers import DPOptimizer

        return DPOptimizer(
            plain,
            noise_multiplier=self.noise,
            max_grad_norm=self.clip,
            expected_batch_size=self.expected,
        )

    def watch(self, network: Network) -> Any:
        """Have the network keep the gradient of each row; what comes back has `remove_hooks`."""
        from opacus import GradSampleModule

        return GradSampleModule(network, strict=False)

    def spent(self, steps: int) -> float:
        """Epsilon after so many steps, at delta, by Rényi accounting (Mironov, 2017)."""
        from opacus.accountants import RDPAccountant

        accountant = RDPAccountant()
        accountant.history = [(self.noise, self.rate, steps)]
        with _no_word_on_orders():
            return float(accountant.get_epsilon(self.delta))


@contextmanager
def _no_word_on_orders() -> Iterator[None]:
    """Opacus says where a finer grid of Rényi orders could tighten the bound; it holds all the same."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Optimal order is the", UserWarning)
        yield


def steps_per_epoch(rows: int, config: FinetuneConfig) -> int:
    """Batches drawn in one pass: so many that each row is expected once."""
    return max(1, round(rows / config.batch_size))


def _check(config: FinetuneConfig, rows: int) -> None:
    settings = config.privacy
    assert settings is not None
    if config.mode not in _MODES:
        raise ConfigError(
            f"gradients of single examples are known for the modes {', '.join(_MODES)}; mode {config.mode!r} cannot be "
            "made private"
        )
    if len(config.tasks) > 1 or any(task.class_weights == "balanced" for task in config.tasks):
        raise ConfigError("a private run has one task, and no balanced class weights, which count the labels")
    if config.gradient_accumulation > 1:
        raise ConfigError(
            "a private run takes a step for each batch: set gradient_accumulation to 1, batch_size higher"
        )
    if settings.delta >= 1 / rows:
        raise ConfigError(
            f"delta is {settings.delta:g} with {rows} examples: it must be below {1 / rows:.2g}, or "
            "publishing one whole example would keep the guarantee"
        )
