"""The training loop: transformers' Trainer with our batches, objectives, best state and a halt at the first NaN."""

import json
import math
import shutil
import time
import warnings
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler
from transformers import TrainingArguments

from penchant.artifacts import storage_errors, write_atomically
from penchant.errors import TrainingError
from penchant.language import Phrase
from penchant.text.progress import progress
from penchant.text.tuning.adalora import budget_state, restore_budget
from penchant.text.tuning.batches import Collator, LengthSampler, Rows
from penchant.text.tuning.checkpoints import STATE, last_checkpoint, opened
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.course import Course, Follow
from penchant.text.tuning.evaluating import evaluated
from penchant.text.tuning.metrics import SMALLER_IS_BETTER, metric_of
from penchant.text.tuning.network import Batch, Network
from penchant.text.tuning.objective import Objective
from penchant.text.tuning.place import Place
from penchant.text.tuning.private import PoissonBatches, Privacy, steps_per_epoch
from penchant.text.tuning.seeding import seeded
from penchant.text.tuning.trackers import trackers

_TUNING: Final = Phrase("Fine-tuning", "微调")
_BEST: Final = "best.safetensors"
_BUDGET: Final = "budget.safetensors"


@dataclass(frozen=True)
class Validation:
    """Answered rows by which the best state is picked."""

    rows: Rows
    collator: Collator


class TextTrainer(transformers.Trainer):
    """transformers' Trainer over our rows: what differs from it is overridden here, and nothing else."""

    def __init__(
        self,
        network: Network,
        objective: Objective,
        config: FinetuneConfig,
        arguments: TrainingArguments,
        rows: Rows,
        collator: Collator,
        sampler: Sampler[int],
        validation: "Validation | None",
        course: Course,
        privacy: Privacy | None,
    ) -> None:
        super().__init__(
            model=network,
            args=arguments,
            train_dataset=rows,
            eval_dataset=validation.rows if validation else None,
            data_collator=collator,
        )
        self.network, self.config, self.course = network, config, course
        self.objective: Objective = objective
        self.rows, self.sampler, self.validation = rows, sampler, validation
        self.privacy = privacy
        self.best: dict[str, Tensor] | None = None
        self.evaluation_seconds = 0.0

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return self.sampler

    def _get_collator_with_removed_columns(self, data_collator: Any, description: Any = None) -> Any:
        return data_collator

    def get_train_dataloader(self) -> DataLoader:
        """Batches by the sampler; in a private run every row is drawn on its own."""
        if self.privacy is None:
            return super().get_train_dataloader()
        steps = steps_per_epoch(len(self.rows), self.config)
        batches = PoissonBatches(len(self.rows), self.privacy.rate, steps, self.args.seed)
        return self.accelerator.prepare(DataLoader(self.rows, batch_sampler=batches, collate_fn=self.data_collator))

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW with a learning rate for the body and one for the heads; biases and norms do not decay."""
        if self.optimizer is None:
            plain = torch.optim.AdamW(parameter_groups(self.network, self.config), fused=True)
            self.optimizer = plain if self.privacy is None else self.privacy.optimizer(plain)
        return self.optimizer

    def training_step(self, model: nn.Module, inputs: Batch, num_items_in_batch: Any = None) -> Tensor:
        """One batch's gradients.

        Raises:
            TrainingError: the loss is no longer a number.
        """
        model.train()
        if self.privacy is not None:
            # The Trainer clears the model's gradients; those of the single rows are the optimiser's to clear.
            self.optimizer.zero_grad()  # type: ignore[union-attr]
        batch = self._prepare_inputs(inputs)
        scale = 1 / self.current_gradient_accumulation_steps
        with warnings.catch_warnings():
            # Opacus' hooks sit on layers whose input is frozen; what they need is the gradient of the output.
            warnings.filterwarnings("ignore", "Full backward hook is firing", UserWarning)
            loss = self.objective.backward(self.network, batch, scale)
        if not torch.isfinite(loss):
            raise TrainingError(self._halt(f"the loss became {float(loss)}", batch))
        self._last_numbers = batch["numbers"]
        self.course.losses.append(float(loss))
        return loss * scale

    def _clip_grad_norm(self, model: nn.Module) -> Any:
        norm = super()._clip_grad_norm(model)
        if not torch.isfinite(norm):
            raise TrainingError(self._halt("the gradient is not finite", {"numbers": self._last_numbers}))
        return norm

    def _halt(self, what: str, batch: Batch) -> str:
        text = self.rows.texts[int(batch["numbers"][0])]
        last = last_checkpoint(Path(str(self.args.output_dir)))
        kept = f"the last good checkpoint is {last}" if last else "no checkpoint had been made"
        epoch = f"epoch {self.state.epoch or 0:.2f}"
        return (
            f"{what} at step {self.state.global_step + 1} of {self.state.max_steps} ({epoch}), in the batch of the "
            f"text {text[:60]!r}; {kept}. Lower the learning rate (it is {self.config.rate:g} for the encoder and "
            f"{self.config.head_rate:g} for the heads), or use precision float32"
        )

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Metrics on the validation rows; the best state is kept aside."""
        assert self.validation is not None
        started = time.perf_counter()
        metrics = evaluated(self.network, self.validation.rows, self.validation.collator)
        self.course.evaluations.append({"step": self.state.global_step, **metrics})
        value = metrics[self.course.metric]
        sign = -1 if self.course.metric in SMALLER_IS_BETTER else 1
        if self.course.best is None or sign * value > sign * self.course.best:
            self.course.best = value
            self.best = {name: tensor.clone() for name, tensor in self.network.learned().items()}
        named = {f"{metric_key_prefix}_{name}": number for name, number in metrics.items()}
        self.log(dict(named))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, named)
        self.evaluation_seconds += time.perf_counter() - started
        return named

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """A checkpoint holds what learns; the rest of the model is where it came from."""
        folder = Path(str(output_dir or self.args.output_dir))
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            save_file({name: tensor.contiguous() for name, tensor in self.network.learned().items()}, folder / STATE)
            if self.best is not None:
                save_file({name: tensor.contiguous() for name, tensor in self.best.items()}, folder / _BEST)
            if (budget := budget_state(self.network.body)) is not None:
                save_file(budget[0], folder / _BUDGET)
                write_atomically(folder / "ranks.json", json.dumps(budget[1]).encode())
            course = {"best": self.course.best, "evaluations": self.course.evaluations, "losses": self.course.losses}
            write_atomically(folder / "course.json", json.dumps(course).encode())

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        self.network.learn(load_file(folder / STATE))
        if (folder / _BEST).exists():
            self.best = load_file(folder / _BEST)
        if (folder / _BUDGET).exists():
            restore_budget(
                self.network.body, load_file(folder / _BUDGET), json.loads((folder / "ranks.json").read_bytes())
            )
        course = json.loads((folder / "course.json").read_bytes())
        self.course.best = course["best"]
        self.course.evaluations, self.course.losses = course["evaluations"], course["losses"]


def train(
    network: Network,
    objective: Objective,
    rows: Rows,
    config: FinetuneConfig,
    *,
    collator: Collator,
    seed: int,
    device: torch.device,
    sampler: Sampler[int] | None = None,
    validation: Validation | None = None,
    place: Place | None = None,
    shown: bool = True,
    fingerprint: str = "",
) -> Course:
    """Train a network in place, and leave it in the state that was best on the validation rows (else in the last).

    Args:
        network: what learns has `requires_grad` set.
        objective: what becomes smaller.
        rows: tokenised training texts.
        config: epochs, rates, schedule and the rest.
        collator: makes batches of the rows.
        seed: of the order of batches and of dropout.
        device: where to train.
        sampler: the order of the rows; texts of like length together where absent.
        validation: tokenised validation texts.
        place: checkpoints and logs.
        shown: whether progress is shown.
        fingerprint: tells this run from others that used the same folder.

    Raises:
        TrainingError: the loss or a gradient is no longer a number; the last good checkpoint stays.
        ConfigError: the folder holds an interrupted run of something else.
    """
    place = place or Place()
    privacy = Privacy.planned(config, len(rows)) if config.privacy else None
    stopping = config.early_stopping.metric if config.early_stopping else "auto"
    course = Course(fingerprint=fingerprint, metric=metric_of(network.tasks, stopping))
    with ExitStack() as stack:
        folder = place.folder or Path(stack.enter_context(TemporaryDirectory(prefix="penchant-tuning-")))
        checkpoint = opened(folder, place, fingerprint)
        steps = step_count(len(rows), config)
        advance = stack.enter_context(progress(_TUNING, steps, shown=shown))
        stack.enter_context(seeded(seed))
        arguments = _arguments(folder, config, place, seed, device, validation is not None)
        order = sampler or LengthSampler(rows.lengths, config.batch_size, seed)
        trainer = TextTrainer(network, objective, config, arguments, rows, collator, order, validation, course, privacy)
        trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
        trainer.add_callback(Follow(course, config, network, steps // config.passes, advance))
        for callback in trackers(folder, place):
            trainer.add_callback(callback)
        if checkpoint is not None:
            course.resumed_at = json.loads((checkpoint / "trainer_state.json").read_bytes())["global_step"]
            advance(course.resumed_at)
        if privacy is not None:
            stack.callback(privacy.watch(network).remove_hooks)
        started = time.perf_counter()
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        course.seconds = time.perf_counter() - started
        course.steps = trainer.state.global_step
        course.epsilon = privacy.spent(course.steps) if privacy is not None else None
        trained = (course.steps - course.resumed_at) / steps * len(rows) * config.passes
        course.texts_per_second = trained / max(course.seconds - trainer.evaluation_seconds, 1e-9)
        if trainer.best is not None:
            network.learn(trainer.best)
        network.eval()
        for old in folder.glob("checkpoint-*"):
            shutil.rmtree(old, ignore_errors=True)
        (folder / "run.json").unlink(missing_ok=True)
    return course


def step_count(rows: int, config: FinetuneConfig) -> int:
    """Optimiser steps of a whole run."""
    if config.privacy:
        return steps_per_epoch(rows, config) * config.passes
    return math.ceil(math.ceil(rows / config.batch_size) / config.gradient_accumulation) * config.passes


def parameter_groups(network: Network, config: FinetuneConfig) -> list[dict[str, Any]]:
    """AdamW's groups: body and heads at their own rates, each with and without weight decay."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            # Biases and norms are vectors; decay would pull them from where they have to be.
            groups.setdefault((name.startswith("body."), parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": config.rate if body else config.head_rate,
            "weight_decay": config.weight_decay if decays else 0.0,
        }
        for (body, decays), parameters in groups.items()
    ]


def _arguments(
    folder: Path, config: FinetuneConfig, place: Place, seed: int, device: torch.device, evaluates: bool
) -> TrainingArguments:
    saving = "no" if place.folder is None else "steps" if place.checkpoint_steps else "epoch"
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=config.passes,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation,
        learning_rate=config.rate,
        lr_scheduler_type=config.schedule if config.schedule != "constant" else "constant_with_warmup",
        warmup_steps=config.warmup,
        max_grad_norm=0.0 if config.privacy else config.gradient_clip,
        eval_strategy="epoch" if evaluates else "no",
        save_strategy=saving,
        save_steps=place.checkpoint_steps or 500,
        save_total_limit=2,
        logging_strategy="steps",
        logging_steps=10,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        use_cpu=device.type == "cpu",
        seed=seed,
    )
